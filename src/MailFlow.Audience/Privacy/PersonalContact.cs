using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Audience.Privacy;

/// <summary>The contact itself: profile, consents, suppressions, and what the audit record says of it.</summary>
internal sealed class PersonalContact(Suppressions suppressions) : IPersonalData
{
    /// <summary>
    /// Whether a detail of the audit record names the person, where the subject does not: whom a test mail went to, whose event was put back, who was let into a journey. A user id
    /// counts in its own member alone: it may be any text, such as the number of a version.
    /// </summary>
    private static string NamedInDetail(Session session) =>
        $"EXISTS (SELECT 1 FROM {(session.Dialect.IsPostgreSql ? "jsonb_each_text" : "json_each")}(audit.detail) m WHERE (m.key = 'user_id' AND m.value = r.named) OR {session.Dialect.LowerAscii("m.value")} = r.mailbox)";

    /// <summary>
    /// Whether it is the subject of an entry of the audit record: an address, but for a user's and the sender's, which are the account's own; a user id of these actions alone, as a
    /// segment may be called the same.
    /// </summary>
    private const string NamedAsSubject = """
        (audit.subject = r.subject AND CASE WHEN r.named IS NULL THEN audit.action NOT LIKE 'user.%' AND audit.action NOT LIKE 'sender.%' ELSE audit.action LIKE 'contact.%' OR audit.action LIKE 'consent.%' END)
        """;

    public async Task<IReadOnlyList<PersonalSection>> ExportAsync(Session session, Person person, CancellationToken ct)
    {
        var profile = await session.QueryAsync($"SELECT {ContactRecord.Columns}, c.updated_at FROM contact c WHERE c.id = @contact AND c.account_id = @account",
            row => Members(("user_id", row.Text(2)), ("email", row.TextOrNull(3)), ("first_name", row.TextOrNull(4)), ("last_name", row.TextOrNull(5)), ("time_zone", row.TextOrNull(6)),
                ("created_at", row.Instant(7)), ("updated_at", row.Instant(12)), ("tags", row.Json(8)), ("attributes", row.Json(9)),
                ("last_opened_at", row.InstantOrNull(10)), ("last_clicked_at", row.InstantOrNull(11))),
            ct, ("contact", person.ContactId), ("account", person.AccountId));
        var consents = await session.QueryAsync($"SELECT {Consents.EntryColumns} FROM consent WHERE contact_id = @contact AND account_id = @account ORDER BY id",
            row => Consents.ReadEntry(row, 0) is var e
                ? Members(("purpose", e.Purpose), ("granted", e.Granted), ("source", e.Source), ("at", e.At), ("evidence", e.Evidence), ("basis", e.Basis), ("wording", e.Wording),
                    ("wording_version", e.WordingVersion), ("ip", e.Ip), ("user_agent", e.UserAgent), ("jurisdiction", e.Jurisdiction), ("message_id", e.MessageId), ("expires_at", e.ExpiresAt))
                : [],
            ct, ("contact", person.ContactId), ("account", person.AccountId));
        var blocked = new List<IReadOnlyDictionary<string, object?>>();
        foreach (var address in person.Addresses)
            blocked.AddRange((await suppressions.OfAsync(session, person.AccountId, address, ct)).Select(s => Members(("address", address), ("scope", s.Scope), ("reason", s.Reason),
                ("source", s.Source), ("at", s.At), ("detail", s.Detail), ("expires_at", s.ExpiresAt), ("kind", s.Kind))));
        return [new("profile", profile), new("consents", consents), new("suppressions", blocked), new("audit", await AuditAsync(session, person, ct))];
    }

    /// <summary>What was changed of the person; who did it is the account's to know.</summary>
    private static async Task<IReadOnlyList<IReadOnlyDictionary<string, object?>>> AuditAsync(Session session, Person person, CancellationToken ct) =>
    [
        .. (await session.QueryAsync($$"""
            SELECT seq, at, action, audit.subject, detail FROM {rows} JOIN audit ON audit.account_id = @account AND ({{NamedAsSubject}} OR {{NamedInDetail(session)}})
            """,
            Names(person), row => (Seq: row.Long(0), Entry: Members(("at", row.Instant(1)), ("action", row.Text(2)), ("subject", row.Text(3)), ("detail", row.Json(4)))), ct, ("account", person.AccountId)))
            .DistinctBy(found => found.Seq).OrderBy(found => found.Seq).Select(found => found.Entry),
    ];

    /// <summary>The person's names, as the audit record may have them.</summary>
    private static Rows<(string Subject, string? UserId, string? Mailbox)> Names(Person person) =>
        new Rows<(string Subject, string? UserId, string? Mailbox)>(
        [
            (person.UserId, person.UserId, null),
            .. person.Addresses.SelectMany(IEnumerable<(string, string?, string?)> (address) => [(address, null, EmailAddress.MailboxKey(address)), (EmailAddress.MailboxKey(address), null, null)]),
        ]).Text("subject", each => each.Subject).Text("named", each => each.UserId).Text("mailbox", each => each.Mailbox);

    public async Task<IReadOnlyList<string>> AddressesAsync(Session session, Person person, CancellationToken ct) => await session.QueryAsync(
        "SELECT email FROM contact WHERE id = @contact AND email IS NOT NULL", row => row.Text(0), ct, ("contact", person.ContactId));

    public async Task EraseAsync(Session session, Person person, CancellationToken ct)
    {
        await session.ExecuteAsync("""
            UPDATE contact SET user_id = @erased, email = NULL, first_name = NULL, last_name = NULL, time_zone = NULL, attributes = @no_attributes, tags = @no_tags, last_opened_at = NULL, last_clicked_at = NULL, erased_at = @now, updated_at = @now
            WHERE id = @contact AND account_id = @account
            """, ct, ("erased", person.ErasedUserId), ("no_attributes", new JsonText("{}")), ("no_tags", new JsonText("[]")), ("now", await session.NowAsync(ct)),
            ("contact", person.ContactId), ("account", person.AccountId));
        // That there was a consent, on which basis and to which wording, must stay demonstrable; whose it was does not.
        await session.ExecuteAsync("UPDATE consent SET evidence = NULL, ip = NULL, user_agent = NULL WHERE contact_id = @contact AND account_id = @account", ct,
            ("contact", person.ContactId), ("account", person.AccountId));
        await session.ExecuteAsync("DELETE FROM suppression WHERE account_id = @account AND email IN (SELECT r.email FROM {rows})",
            new Rows<string>([.. person.Addresses.Select(EmailAddress.MailboxKey).Distinct()]).Text("email", email => email), ct, ("account", person.AccountId));
        var names = Names(person);
        await session.ExecuteAsync($"UPDATE audit SET subject = 'erased', detail = @none FROM {{rows}} WHERE audit.account_id = @account AND {NamedAsSubject}", names, ct,
            ("account", person.AccountId), ("none", new JsonText("{}")));
        await session.ExecuteAsync($"UPDATE audit SET detail = @none FROM {{rows}} WHERE audit.account_id = @account AND {NamedInDetail(session)}", names, ct,
            ("account", person.AccountId), ("none", new JsonText("{}")));
    }

    private static Dictionary<string, object?> Members(params (string Name, object? Value)[] members) => members.ToDictionary(member => member.Name, member => member.Value);
}
