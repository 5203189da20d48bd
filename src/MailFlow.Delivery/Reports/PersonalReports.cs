using System.Globalization;
using System.Text;
using System.Text.Json;
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
        var summaries = await session.QueryAsync($"""
            SELECT {Summary.Columns} FROM message m JOIN message_feedback f ON f.message_id = m.id WHERE m.contact_id = @contact AND m.account_id = @account ORDER BY m.queued_at, m.id
            """, row => Told(Summary.Read(row)), ct, ("contact", person.ContactId), ("account", person.AccountId));
        var faults = await session.QueryAsync("SELECT subject, stream, receiver, at FROM sender_fault WHERE contact_id = @contact AND account_id = @account ORDER BY at, subject, stream",
            row => Members(("refused", row.Text(0)), ("stream", ((Engine.Definitions.MessageStream)row.Int(1)).ToString().ToLowerInvariant()), ("receiver", row.Text(2)), ("at", row.Instant(3))),
            ct, ("contact", person.ContactId), ("account", person.AccountId));
        var bounces = await session.QueryAsync("SELECT s.email, s.day FROM {rows} JOIN soft_bounce s ON s.account_id = @account AND s.email = r.address ORDER BY s.day",
            Mailboxes(person), row => Members(("address", row.Text(0)), ("day", DateTimeOffset.UnixEpoch.AddDays(row.Int(1)).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture))),
            ct, ("account", person.AccountId));
        // What a call says is not told, nor why it could not be read: it may be about many people, and nobody could tell which part is about whom.
        var unread = await session.QueryAsync("SELECT w.at, w.connection, w.type, w.due_at FROM {rows} JOIN webhook_call w ON w.id = r.id AND w.account_id = @account",
            new Rows<long>(await NamingAsync(session, person, "true", ct)).Long("id", id => id),
            row => Members(("at", row.Instant(0)), ("connection", row.Text(1)), ("provider", row.Text(2)), ("state", row.IsNull(3) ? "laid_aside" : "waiting")), ct, ("account", person.AccountId));
        return [new("reports", reports), new("report_summaries", summaries), new("sender_faults", faults), new("soft_bounces", bounces), new("unread_webhook_calls", unread)];
    }

    private static Dictionary<string, object?> Told(Summary summary) => Members(
        ("message_id", summary.MessageId), ("delivered_at", Instant(summary.DeliveredAt)), ("bounced_at", Instant(summary.BouncedAt)), ("bounce", summary.Bounce?.ToString().ToLowerInvariant()),
        ("dropped_at", Instant(summary.DroppedAt)), ("complained_at", Instant(summary.ComplainedAt)), ("unsubscribed_at", Instant(summary.UnsubscribedAt)),
        ("opened_at", Instant(summary.OpenedAt)), ("clicked_at", Instant(summary.ClickedAt)), ("human_opened_at", Instant(summary.HumanOpenedAt)), ("human_clicked_at", Instant(summary.HumanClickedAt)),
        ("opens", (long)summary.Opens), ("clicks", (long)summary.Clicks), ("human_opens", (long)summary.HumanOpens), ("human_clicks", (long)summary.HumanClicks),
        ("second_provider_id", summary.SecondProviderId));

    private static DateTimeOffset? Instant(long? at) => at is { } instant ? DateTimeOffset.FromUnixTimeMilliseconds(instant) : null;

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
        // That a mail was taken twice is counted; what the provider called it is not kept.
        await session.ExecuteAsync("""
            UPDATE message_feedback SET second_provider_id = 'erased'
            WHERE second_provider_id IS NOT NULL AND message_id IN (SELECT id FROM message WHERE contact_id = @contact AND account_id = @account)
            """, ct, ("contact", person.ContactId), ("account", person.AccountId));
        await session.ExecuteAsync("DELETE FROM sender_fault WHERE contact_id = @contact AND account_id = @account", ct, ("contact", person.ContactId), ("account", person.AccountId));
        await session.ExecuteAsync("DELETE FROM soft_bounce WHERE account_id = @account AND email IN (SELECT r.address FROM {rows})",
            Mailboxes(person), ct, ("account", person.AccountId));
        await session.ExecuteAsync("DELETE FROM webhook_call WHERE due_at IS NULL AND id IN (SELECT r.id FROM {rows})",
            new Rows<long>(await NamingAsync(session, person, "due_at IS NULL", ct)).Long("id", id => id), ct);
    }

    /// <summary>
    /// Which of the account's calls name an address of the person, in whatever case, plain, or as a form or JSON writes it. They are read here: the databases do not agree on what lower
    /// case is, and what could not be read may be any octets.
    /// </summary>
    private static async Task<IReadOnlyList<long>> NamingAsync(Session session, Person person, string which, CancellationToken ct)
    {
        const int page = 20;
        string[] forms = [.. person.Addresses.Concat(person.Addresses.Select(Audience.EmailAddress.MailboxKey)).SelectMany(IEnumerable<string> (address) =>
            [address, Uri.EscapeDataString(address), InJson(address), InJson(address).Replace("\\u002B", "+", StringComparison.Ordinal).Replace("\\u0027", "'", StringComparison.Ordinal)]).Distinct()];
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

    /// <summary>As .NET writes it; others escape only what is not ASCII.</summary>
    private static string InJson(string address) => JsonEncodedText.Encode(address).Value;

    private static Rows<string> Mailboxes(Person person) => new Rows<string>([.. person.Addresses.Select(Audience.EmailAddress.MailboxKey).Distinct()]).Text("address", address => address);

    private static Dictionary<string, object?> Members(params (string Name, object? Value)[] members) => members.ToDictionary(member => member.Name, member => member.Value);
}
