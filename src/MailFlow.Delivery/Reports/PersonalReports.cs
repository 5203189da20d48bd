using System.Text;
using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Delivery.Reports;

/// <summary>What providers and our own tracking reported about a contact's mail.</summary>
internal sealed class PersonalReports : IPersonalData
{
    public async Task<IReadOnlyList<PersonalSection>> ExportAsync(Session session, Person person, CancellationToken ct)
    {
        var reports = await session.QueryAsync("""
            SELECT e.message_id, e.at, e.kind, e.bounce, e.human, e.verdict, e.reason, e.url, e.user_agent, e.network
            FROM message m JOIN message_event e ON e.message_id = m.id WHERE m.contact_id = @contact AND m.account_id = @account ORDER BY e.at, e.key
            """,
            row => Members(("message_id", row.Uuid(0)), ("at", row.Instant(1)), ("kind", ((FeedbackKind)row.Int(2)).ToString().ToLowerInvariant()),
                ("bounce", row.IntOrNull(3) is { } bounce ? ((BounceKind)bounce).ToString().ToLowerInvariant() : null), ("human", row.IntOrNull(4) is { } human ? human == 1 : null),
                ("verdict", row.TextOrNull(5)), ("reason", row.TextOrNull(6)), ("url", row.TextOrNull(7)), ("user_agent", row.TextOrNull(8)), ("network", row.TextOrNull(9))),
            ct, ("contact", person.ContactId), ("account", person.AccountId));
        return [new("reports", reports)];
    }

    /// <summary>That something was reported, and when, stays: it is counted. What it says of the person does not; nor does a call that could not be read and names an address.</summary>
    public async Task EraseAsync(Session session, Person person, CancellationToken ct)
    {
        await session.ExecuteAsync("""
            UPDATE message_event SET reason = NULL, url = NULL, user_agent = NULL, network = NULL
            WHERE message_id IN (SELECT id FROM message WHERE contact_id = @contact AND account_id = @account)
            """, ct, ("contact", person.ContactId), ("account", person.AccountId));
        var addresses = new Rows<string>(person.Addresses).Text("address", Audience.EmailAddress.MailboxKey).Bytes("octets", Encoding.UTF8.GetBytes);
        await session.ExecuteAsync("DELETE FROM sender_fault WHERE contact_id = @contact AND account_id = @account", ct, ("contact", person.ContactId), ("account", person.AccountId));
        await session.ExecuteAsync("DELETE FROM soft_bounce WHERE account_id = @account AND email IN (SELECT r.address FROM {rows})", addresses, ct, ("account", person.AccountId));
        await session.ExecuteAsync($$"""
            DELETE FROM webhook_call WHERE account_id = @account AND due_at IS NULL
              AND EXISTS (SELECT 1 FROM {rows} WHERE {{(session.Dialect.IsPostgreSql ? "position(r.octets IN webhook_call.body)" : "instr(webhook_call.body, r.octets)")}} > 0)
            """, addresses, ct, ("account", person.AccountId));
    }

    private static Dictionary<string, object?> Members(params (string Name, object? Value)[] members) => members.ToDictionary(member => member.Name, member => member.Value);
}
