using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Journeys.Facts;

/// <summary>What was told to others about a contact, and to whom. Erased, it is told to nobody any more but that it was, and no log of it stays.</summary>
internal sealed class PersonalFacts : IPersonalData
{
    public async Task<IReadOnlyList<PersonalSection>> ExportAsync(Session session, Person person, CancellationToken ct) =>
    [
        new("facts_told", await session.QueryAsync("""
            SELECT f.type, f.at, f.data, e.name, e.url, d.state FROM fact f LEFT JOIN webhook_delivery d ON d.fact_id = f.id LEFT JOIN webhook_endpoint e ON e.id = d.endpoint_id
            WHERE f.contact_id = @contact AND f.account_id = @account ORDER BY f.seq, d.endpoint_id
            """,
            IReadOnlyDictionary<string, object?> (row) => new Dictionary<string, object?>
            {
                ["type"] = row.Text(0), ["at"] = row.Instant(1), ["data"] = JsonData.ParseMap(row.Text(2)), ["endpoint"] = row.TextOrNull(3), ["url"] = row.TextOrNull(4),
                ["state"] = row.IntOrNull(5) is { } state ? ((DeliveryState)state).ToString().ToLowerInvariant() : null,
            }, ct, Of(person))),
    ];

    public Task EraseAsync(Session session, Person person, CancellationToken ct) =>
        session.ExecuteAsync("DELETE FROM fact WHERE contact_id = @contact AND account_id = @account", ct, Of(person)); // deliveries and their log go with it

    private static (string, object?)[] Of(Person person) => [("contact", person.ContactId), ("account", person.AccountId)];
}
