using System.Text;
using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Delivery.Reports;

/// <summary>What providers and our own tracking reported about a contact's mail.</summary>
internal sealed class PersonalReports : IPersonalData
{
    /// <summary>So many calls are looked through for an erasure; where more wait, it waits too.</summary>
    private const int MostDue = 1000;

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

    /// <summary>A call that is not read yet and names the person may be laid aside, should nobody be able to read it. Behind a long queue this is not even asked.</summary>
    public async Task<bool> IsAtRestAsync(Session session, Person person, CancellationToken ct) =>
        await session.ScalarAsync<long>("SELECT count(*) FROM webhook_call WHERE account_id = @account AND due_at IS NOT NULL", ct, ("account", person.AccountId)) <= MostDue
        && (await NamingAsync(session, person, "due_at IS NOT NULL", ct)).Count == 0;

    /// <summary>That something was reported, and when, stays: it is counted. What it says of the person does not; nor does a call that could not be read and names an address.</summary>
    public async Task EraseAsync(Session session, Person person, CancellationToken ct)
    {
        await session.ExecuteAsync("""
            UPDATE message_event SET reason = NULL, url = NULL, user_agent = NULL, network = NULL
            WHERE message_id IN (SELECT id FROM message WHERE contact_id = @contact AND account_id = @account)
            """, ct, ("contact", person.ContactId), ("account", person.AccountId));
        await session.ExecuteAsync("DELETE FROM sender_fault WHERE contact_id = @contact AND account_id = @account", ct, ("contact", person.ContactId), ("account", person.AccountId));
        await session.ExecuteAsync("DELETE FROM soft_bounce WHERE account_id = @account AND email IN (SELECT r.address FROM {rows})",
            new Rows<string>(person.Addresses).Text("address", Audience.EmailAddress.MailboxKey), ct, ("account", person.AccountId));
        await session.ExecuteAsync("DELETE FROM webhook_call WHERE due_at IS NULL AND id IN (SELECT r.id FROM {rows})",
            new Rows<long>(await NamingAsync(session, person, "due_at IS NULL", ct)).Long("id", id => id), ct);
    }

    /// <summary>
    /// Which of the account's calls name an address of the person, in whatever case, plain or as a form writes it. They are read here: the databases do not agree on what lower
    /// case is, and what could not be read may be any octets.
    /// </summary>
    private static async Task<IReadOnlyList<long>> NamingAsync(Session session, Person person, string which, CancellationToken ct)
    {
        const int page = 20;
        string[] forms = [.. person.Addresses.Concat(person.Addresses.Select(Audience.EmailAddress.MailboxKey)).SelectMany(IEnumerable<string> (address) => [address, Uri.EscapeDataString(address)]).Distinct()];
        var naming = new List<long>();
        for (var after = 0L; ;)
        {
            var calls = await session.QueryAsync($"SELECT id, body FROM webhook_call WHERE account_id = @account AND {which} AND id > @after ORDER BY id LIMIT {page}",
                row => (Id: row.Long(0), Text: Encoding.UTF8.GetString(row.Bytes(1))), ct, ("account", person.AccountId), ("after", after));
            naming.AddRange(calls.Where(call => forms.Any(form => call.Text.Contains(form, StringComparison.OrdinalIgnoreCase))).Select(call => call.Id));
            if (calls.Count < page) return naming;
            after = calls[^1].Id;
        }
    }

    private static Dictionary<string, object?> Members(params (string Name, object? Value)[] members) => members.ToDictionary(member => member.Name, member => member.Value);
}
