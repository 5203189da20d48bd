using MailFlow.Data;
using MailFlow.Engine.Facts;
using MailFlow.Engine.Storage;

namespace MailFlow.Audience.Privacy;

/// <summary>That a contact was erased, told to whoever asked for it, so that what others hold of it can go too: by the application's own id, without an address.</summary>
internal static class ErasureFacts
{
    public const string Erased = "contact.erased";

    public static IReadOnlyList<FactType> Types { get; } =
    [
        new(Erased, "A contact was erased: erase what you hold of it.", new Dictionary<string, object?> { ["request_id"] = "0199c1a4-9a2b-7d10-8c33-2e5b7f9d0a61", ["requested_at"] = "2026-01-05T09:30:00+00:00" }),
    ];

    /// <summary>Tells of it: after all else that was told of the contact is gone.</summary>
    public static async Task WriteAsync(Session session, Person person, Guid requestId, long now, CancellationToken ct)
    {
        var interest = await FactInterest.OfAsync(session, [person.AccountId], ct);
        if (!interest.Wants(person.AccountId, Erased)) return;
        var requestedAt = await session.FirstAsync("SELECT received_at FROM privacy_request WHERE id = @id", row => row.Instant(0), ct, ("id", requestId));
        await Outbox.WriteAsync(session, interest,
            [new Fact(person.AccountId, Erased, now, person.ContactId, person.UserId, new Dictionary<string, object?> { ["request_id"] = requestId.ToString(), ["requested_at"] = requestedAt })], ct);
    }
}
