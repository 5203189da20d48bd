using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Journeys.Facts;

/// <summary>What was told to others about a contact, and to whom. Erased, it is told to nobody any more but that it was, and no log of it stays.</summary>
internal sealed class PersonalFacts : IPersonalData
{
    public async Task<IReadOnlyList<PersonalSection>> ExportAsync(Session session, Person person, CancellationToken ct)
    {
        var told = await session.QueryAsync("""
            SELECT f.type, f.at, f.data, e.name, e.url, d.state FROM fact f LEFT JOIN webhook_delivery d ON d.fact_id = f.id LEFT JOIN webhook_endpoint e ON e.id = d.endpoint_id
            WHERE f.contact_id = @contact AND f.account_id = @account ORDER BY f.seq, d.endpoint_id
            """,
            row => Members(("type", row.Text(0)), ("at", row.Instant(1)), ("data", JsonData.ParseMap(row.Text(2))), ("endpoint", row.TextOrNull(3)), ("host", HostOf(row.TextOrNull(4))),
                ("state", row.IntOrNull(5) is { } state ? ((DeliveryState)state).ToString().ToLowerInvariant() : null)), ct, Of(person));
        var attempts = await session.QueryAsync("""
            SELECT f.type, e.name, e.url, a.at, a.status, a.answer FROM fact f JOIN webhook_attempt a ON a.fact_id = f.id LEFT JOIN webhook_endpoint e ON e.id = a.endpoint_id
            WHERE f.contact_id = @contact AND f.account_id = @account ORDER BY a.at, f.seq, a.endpoint_id, a.attempt
            """,
            row => Members(("type", row.Text(0)), ("endpoint", row.TextOrNull(1)), ("host", HostOf(row.TextOrNull(2))), ("at", row.Instant(3)), ("status", row.LongOrNull(4)), ("answer", row.Text(5))),
            ct, Of(person));
        return [new("facts_told", told), new("attempts_to_tell", attempts)];
    }

    public Task EraseAsync(Session session, Person person, CancellationToken ct) =>
        session.ExecuteAsync("DELETE FROM fact WHERE contact_id = @contact AND account_id = @account", ct, Of(person)); // deliveries and their log go with it

    /// <summary>To whom, and no more of the address: the rest of it may be what lets one in there.</summary>
    private static string? HostOf(string? url) => Uri.TryCreate(url, UriKind.Absolute, out var address) ? address.Host : null;

    private static (string, object?)[] Of(Person person) => [("contact", person.ContactId), ("account", person.AccountId)];

    private static Dictionary<string, object?> Members(params (string Name, object? Value)[] members) => members.ToDictionary(member => member.Name, member => member.Value);
}
