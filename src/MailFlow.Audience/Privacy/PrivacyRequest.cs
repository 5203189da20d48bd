using MailFlow.Data;

namespace MailFlow.Audience.Privacy;

/// <summary>What a person asked for (GDPR, Art. 15, 17 and 20), and by when it must be done (Art. 12(3): one month).</summary>
/// <param name="Id">Its id.</param>
/// <param name="Kind"><c>export</c> or <c>erasure</c>.</param>
/// <param name="UserId">The contact, while it is under way; null when it is done: who it was is then nobody's to know.</param>
/// <param name="ReceivedAt">When it was asked for.</param>
/// <param name="DueAt">By when it must be done.</param>
/// <param name="DoneAt">When it was; null while it is under way.</param>
public sealed record PrivacyRequest(Guid Id, string Kind, string? UserId, DateTimeOffset ReceivedAt, DateTimeOffset DueAt, DateTimeOffset? DoneAt)
{
    /// <summary>Asked for what is held.</summary>
    public const string Export = "export";

    /// <summary>Asked to be forgotten.</summary>
    public const string Erasure = "erasure";

    internal const string Columns = "id, kind, user_id, received_at, due_at, done_at";

    internal static PrivacyRequest Read(Row row) => new(row.Uuid(0), row.Text(1), row.TextOrNull(2), row.Instant(3), row.Instant(4), row.InstantOrNull(5));
}
