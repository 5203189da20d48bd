using MailFlow.Data;
using MailFlow.Engine.Facts;

namespace MailFlow.Audience;

/// <summary>That a contact agreed to something or withdrew, told to whoever asked for it.</summary>
internal static class ConsentFacts
{
    public const string Changed = "contact.consent.changed";

    public static IReadOnlyList<FactType> Types { get; } =
    [
        new(Changed, "A contact agreed to a purpose, or withdrew.", new Dictionary<string, object?> { ["purpose"] = "newsletter", ["granted"] = false, ["source"] = "preference_centre" }),
    ];

    /// <summary>Tells of what was recorded.</summary>
    public static async Task WriteAsync(Session session, IReadOnlyList<Consent> recorded, CancellationToken ct)
    {
        if (recorded.Count == 0) return;
        var interest = await FactInterest.OfAsync(session, recorded.Select(consent => consent.AccountId), ct);
        var wanted = recorded.Where(consent => interest.Wants(consent.AccountId, Changed)).ToList();
        if (wanted.Count == 0) return;
        var users = (await session.QueryAsync("SELECT c.id, c.user_id FROM {rows} JOIN contact c ON c.id = r.id",
            new Rows<long>([.. wanted.Select(consent => consent.ContactId).Distinct().Order()]).Long("id", id => id), row => (Id: row.Long(0), UserId: row.Text(1)), ct)).ToDictionary(user => user.Id, user => user.UserId);
        await Outbox.WriteAsync(session, interest, wanted.Select(consent => new Fact(
            consent.AccountId, Changed, consent.At.ToUnixTimeMilliseconds(), consent.ContactId, users[consent.ContactId], new Dictionary<string, object?>
            {
                ["purpose"] = consent.Purpose,
                ["granted"] = consent.Granted,
                ["source"] = consent.Source,
                ["basis"] = consent.Proof?.Basis,
                ["expires_at"] = consent.Proof?.ExpiresAt,
            })), ct);
    }
}
