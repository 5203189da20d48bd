using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Storage;

namespace MailFlow.Delivery;

/// <summary>A contact's mail: the ledger, what providers answered, what the sandbox captured.</summary>
internal sealed class PersonalMail : IPersonalData
{
    public async Task<IReadOnlyList<PersonalSection>> ExportAsync(Session session, Person person, CancellationToken ct)
    {
        var messages = await session.QueryAsync("""
            SELECT id, template, template_version, subject, stream, purpose, to_address, state, reason, provider, provider_id, queued_at, handed_over_at, updated_at, snapshot, cancel_reason
            FROM message WHERE contact_id = @contact AND account_id = @account ORDER BY queued_at, id
            """,
            row => Members(("id", row.Uuid(0)), ("template", row.Text(1)), ("template_version", row.Long(2)), ("subject", row.TextOrNull(3)),
                ("stream", ((MessageStream)row.Int(4)).ToString().ToLowerInvariant()), ("purpose", row.TextOrNull(5)), ("to", row.TextOrNull(6)), ("state", MessageStates.Word((MessageState)row.Int(7))),
                ("reason", row.TextOrNull(8)), ("provider", row.TextOrNull(9)), ("provider_id", row.TextOrNull(10)), ("queued_at", row.Instant(11)), ("handed_over_at", row.InstantOrNull(12)),
                ("updated_at", row.Instant(13)), ("made_from", JsonData.ParseMap(row.Text(14))), ("called_off_because", row.TextOrNull(15))),
            ct, Of(person));
        var answers = await session.QueryAsync("""
            SELECT a.message_id, a.at, a.state, a.answer FROM message m JOIN message_attempt a ON a.message_id = m.id WHERE m.contact_id = @contact AND m.account_id = @account ORDER BY a.at
            """,
            row => Members(("message_id", row.Uuid(0)), ("at", row.Instant(1)), ("state", MessageStates.Word((MessageState)row.Int(2))), ("answer", row.Text(3))), ct, Of(person));
        var captured = await session.QueryAsync("SELECT s.id, s.at, s.to_address, s.subject, s.html, s.text FROM message m JOIN sandbox_email s ON s.id = m.id WHERE m.contact_id = @contact AND m.account_id = @account ORDER BY s.seq",
            row => Members(("id", row.Uuid(0)), ("at", row.Instant(1)), ("to", row.Text(2)), ("subject", row.Text(3)), ("html", row.Text(4)), ("text", row.Text(5))), ct, Of(person));
        return [new("messages", messages), new("provider_answers", answers), new("captured_mail", captured), new("test_mail", await TrialsAsync(session, person, ct))];
    }

    /// <summary>Trials of templates: what one says is told to whom it was rendered for, and where one went only to whose address that is.</summary>
    private static async Task<IReadOnlyList<IReadOnlyDictionary<string, object?>>> TrialsAsync(Session session, Person person, CancellationToken ct)
    {
        const string outsideTheLedger = "s.account_id = @account AND NOT EXISTS (SELECT 1 FROM message m WHERE m.id = s.id)";
        (string, object?)[] parameters = [("account", person.AccountId), ("user", person.UserId)];
        var rendered = await session.QueryAsync($"SELECT s.at, s.template, s.to_address, s.subject, s.html, s.text FROM sandbox_email s WHERE {outsideTheLedger} AND s.user_id = @user ORDER BY s.seq",
            row => (To: row.Text(2), Told: Members(("at", row.Instant(0)), ("template", row.Text(1)), ("subject", row.Text(3)), ("html", row.Text(4)), ("text", row.Text(5)))), ct, parameters);
        var mailboxes = MailboxesOf(person);
        foreach (var (to, told) in rendered)
            if (mailboxes.Contains(Audience.EmailAddress.MailboxKey(to))) told["to"] = to;
        var received = await session.QueryAsync($"SELECT s.at, s.template, s.to_address FROM {{rows}} JOIN sandbox_email s ON s.to_address = r.address WHERE {outsideTheLedger} AND s.user_id <> @user ORDER BY s.seq",
            await WrittenAsync(session, person, ct), row => Members(("at", row.Instant(0)), ("template", row.Text(1)), ("to", row.Text(2))), ct, parameters);
        return [.. rendered.Select(trial => trial.Told), .. received];
    }

    private static HashSet<string> MailboxesOf(Person person) => [.. person.Addresses.Select(Audience.EmailAddress.MailboxKey)];

    /// <summary>The person's addresses as captured mail has them: whoever tries a template writes one as he likes.</summary>
    private static async Task<Rows<string>> WrittenAsync(Session session, Person person, CancellationToken ct)
    {
        var mailboxes = MailboxesOf(person);
        var written = await session.QueryAsync("SELECT DISTINCT to_address FROM sandbox_email WHERE account_id = @account", row => row.Text(0), ct, ("account", person.AccountId));
        return new Rows<string>([.. written.Where(address => mailboxes.Contains(Audience.EmailAddress.MailboxKey(address)))]).Text("address", address => address);
    }

    public async Task<IReadOnlyList<string>> AddressesAsync(Session session, Person person, CancellationToken ct) => await session.QueryAsync(
        "SELECT DISTINCT to_address FROM message WHERE contact_id = @contact AND account_id = @account AND to_address IS NOT NULL", row => row.Text(0), ct, Of(person));

    public async Task StopAsync(Session session, Person person, CancellationToken ct) =>
        await Ledger.CancelOfContactAsync(session, person.ContactId, "the contact's data is erased", await session.NowAsync(ct), ct);

    /// <summary>
    /// What is under way may yet be captured, and its answer written down. What is in doubt may be at rest for days; no sender takes it up while it is erased.
    /// </summary>
    public async Task<bool> IsAtRestAsync(Session session, Person person, CancellationToken ct) => (await session.QueryAsync($"""
        SELECT state FROM message WHERE contact_id = @contact AND account_id = @account
          AND state IN ({(int)MessageState.Queued}, {(int)MessageState.Inflight}, {(int)MessageState.Deferred}, {(int)MessageState.Unknown}) ORDER BY id {(session.Dialect.IsPostgreSql ? "FOR UPDATE" : "")}
        """, row => (MessageState)row.Int(0), ct, Of(person))).TrueForAll(state => state == MessageState.Unknown);

    /// <summary>That a mail was planned, and what became of it, stays: it is counted. To whom it went and what it said does not.</summary>
    public async Task EraseAsync(Session session, Person person, CancellationToken ct)
    {
        (string, object?)[] parameters = [.. Of(person), ("erased", person.ErasedUserId)];
        await session.ExecuteAsync("DELETE FROM sandbox_email WHERE id IN (SELECT id FROM message WHERE contact_id = @contact AND account_id = @account)", ct, Of(person));
        // Trials of templates are in no ledger.
        await session.ExecuteAsync("DELETE FROM sandbox_email WHERE account_id = @account AND to_address IN (SELECT r.address FROM {rows})", await WrittenAsync(session, person, ct), ct, ("account", person.AccountId));
        await session.ExecuteAsync("DELETE FROM sandbox_email WHERE account_id = @account AND user_id = @user", ct, ("account", person.AccountId), ("user", person.UserId));
        await session.ExecuteAsync("UPDATE message_attempt SET answer = 'erased' WHERE message_id IN (SELECT id FROM message WHERE contact_id = @contact AND account_id = @account)", ct, Of(person));
        await session.ExecuteAsync("""
            UPDATE message SET user_id = @erased, to_address = NULL, subject = NULL, provider_id = NULL, snapshot = '{}', reason = CASE WHEN reason IS NULL THEN NULL ELSE 'erased' END,
                   cancel_reason = CASE WHEN cancel_reason IS NULL THEN NULL ELSE 'erased' END
            WHERE contact_id = @contact AND account_id = @account
            """, ct, parameters);
    }

    private static (string, object?)[] Of(Person person) => [("contact", person.ContactId), ("account", person.AccountId)];

    private static Dictionary<string, object?> Members(params (string Name, object? Value)[] members) => members.ToDictionary(member => member.Name, member => member.Value);
}
