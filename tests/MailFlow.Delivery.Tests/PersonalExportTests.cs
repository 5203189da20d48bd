using System.Text;
using MailFlow.Audience.Privacy;
using MailFlow.Data;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests;

/// <summary>What a person is given of each kind of record, and what not; and what an erasure takes of the same.</summary>
public sealed class PersonalExportTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_failed_or_waits_is_told_though_it_is_broken_and_a_jobs_input_is_not(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var (ada, bob) = (await fixture.ContactAsync("ada"), await fixture.ContactAsync("bob"));
        var twin = await fixture.ContactAsync("ada", account: 2);
        var journey = await fixture.JourneyAsync();
        foreach (var (contact, word) in new[] { (ada, "mine"), (bob, "bobs"), (twin, "twins") })
            await fixture.Database.WriteAsync(async session =>
            {
                (string, object?)[] whose = [("account", contact.AccountId), ("shard", StableHash.Shard(contact.AccountId, contact.UserId)), ("user", contact.UserId), ("contact", contact.Id), ("word", word)];
                await session.ExecuteAsync("INSERT INTO dead_letter (id, account_id, shard, kind, key, user_id, body, error, at) VALUES (@id, @account, @shard, 1, @id, @user, @body, @word, 1)", default,
                    [.. whose, ("id", Id(fixture)), ("body", "{\"torn\":\"" + word)]);
                await session.ExecuteAsync("INSERT INTO inbox (account_id, shard, kind, key, user_id, accepted_at, body) VALUES (@account, @shard, 1, @id, @user, 1, @body)", default,
                    [.. whose, ("id", Id(fixture)), ("body", "{\"torn\":\"" + word)]);
                await session.ExecuteAsync("""
                    INSERT INTO job (key, account_id, shard, contact_id, user_id, instance_id, node, visit, activity_type, input, attempt, due_at, last_error)
                    VALUES (@id, @account, @shard, @contact, @user, @id, 0, 1, 'MailFlow.CallWebhook', '{"headers":{"Authorization":"Bearer hidden"}}', 2, 1, @word)
                    """, default, [.. whose, ("id", Id(fixture))]);
                await session.ExecuteAsync("INSERT INTO entry (journey_id, contact_id, account_id, entries, entered_at) VALUES (@journey, @contact, @account, 3, 1)", default, [.. whose, ("journey", journey)]);
                await session.ExecuteAsync("INSERT INTO sender_fault (account_id, subject, stream, contact_id, receiver, at) VALUES (@account, 'domain:shop.example', 1, @contact, @word, 1)", default, whose);
            }, default);

        var sections = await ExportAsync(fixture, "ada");

        Assert.Equal(("Event", "mine", "{\"torn\":\"mine"), Assert.Single(sections["dead_letters"]) is var letter ? (letter["kind"], letter["error"], letter["body"]) : default);
        Assert.Equal("{\"torn\":\"mine", Assert.Single(sections["events_not_yet_processed"])["body"]);
        Assert.Equal(("MailFlow.CallWebhook", 2L, "mine"), Assert.Single(sections["jobs"]) is var job ? (job["activity"], job["attempts"], job["last_error"]) : default);
        Assert.Equal(("welcome-series", 3L), Assert.Single(sections["entries"]) is var entry ? (entry["journey"], entry["entries"]) : default);
        Assert.Equal(("domain:shop.example", "transactional", "mine"), Assert.Single(sections["sender_faults"]) is var fault ? (fault["refused"], fault["stream"], fault["receiver"]) : default);
        foreach (var foreign in new[] { "bobs", "twins", "hidden" }) Assert.DoesNotContain(foreign, Text(sections));
    }

    // A user id may be what other members of a detail hold, or what a segment is called. Seen red on PostgreSQL: another's move to version 3 was told, and would have been erased.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_audit_record_is_told_where_it_names_the_person_without_who_it_was_that_acted(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        await fixture.ContactAsync("3", "Ada@example.org");
        await fixture.ContactAsync("bob");
        await fixture.Database.WriteAsync(async session =>
        {
            Audit.Actor = "ann@shop.example";
            await Audit.RecordAsync(session, 1, "contact.put", "3", default, ("fields", "first_name"));
            await Audit.RecordAsync(session, 1, "suppression.add", "ada@example.org", default);
            await Audit.RecordAsync(session, 1, "instance.start", "trip-1", default, ("user_id", "3"));
            await Audit.RecordAsync(session, 1, "template.test", "welcome", default, ("to", "ADA@example.org"));
            await Audit.RecordAsync(session, 1, "instance.move", "trip-2", default, ("version", 3), ("user_id", "bob"));
            await Audit.RecordAsync(session, 1, "segment.put", "3", default, ("rule", "email == \"bob@example.org\""));
            await Audit.RecordAsync(session, 1, "user.create", "ada@example.org", default, ("role", "admin"));
            await Audit.RecordAsync(session, 2, "contact.put", "3", default, ("fields", "birthday"));
        }, default);

        var sections = await ExportAsync(fixture, "3");
        Assert.NotNull((await fixture.Get<Erasure>().BeginAsync(1, "3", default)).DoneAt);

        Assert.Equal(["contact.put 3", "suppression.add ada@example.org", "instance.start trip-1", "template.test welcome"], sections["audit"].Select(entry => $"{entry["action"]} {entry["subject"]}"));
        foreach (var foreign in new[] { "ann@", "bob", "birthday" }) Assert.DoesNotContain(foreign, Text(sections));
        Assert.Equal(["segment.put 3", "user.create ada@example.org"], (await fixture.Database.ReadAsync(session => session.QueryAsync(
            "SELECT action, subject FROM audit WHERE account_id = 1 AND action IN ('segment.put', 'user.create')", row => $"{row.Text(0)} {row.Text(1)}", default), default)).Order());
        var kept = await fixture.Database.ReadAsync(session => session.QueryAsync("SELECT CAST(detail AS TEXT) FROM audit ORDER BY seq", row => row.Text(0), default), default);
        Assert.Contains(kept, detail => detail.Contains("bob\"", StringComparison.Ordinal) && detail.Contains("version", StringComparison.Ordinal));
        Assert.DoesNotContain(kept, detail => detail.Contains("ada@", StringComparison.OrdinalIgnoreCase));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Of_a_call_that_nobody_has_read_it_is_told_that_it_is_there_and_not_what_it_says(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        await fixture.ContactAsync("ada");
        foreach (var (account, body, due) in new[] { (1, "to=ADA%40example.org&to=bob@example.org&torn", false), (1, "to=ada@example.org", true), (1, "to=bob@example.org", false), (2, "to=ada@example.org", false) })
            await fixture.Database.WriteAsync(session => session.ExecuteAsync("INSERT INTO webhook_call (at, due_at, account_id, connection, type, body, error) VALUES (1, @due, @account, 'main', 'sendgrid', @body, @error)", default,
                ("account", account), ("body", Encoding.UTF8.GetBytes(body)), ("due", due ? 1L : null), ("error", due ? null : "cannot read bob@example.org")), default);

        var sections = await ExportAsync(fixture, "ada");

        Assert.Equal(["sendgrid laid_aside", "sendgrid waiting"], sections["unread_webhook_calls"].Select(call => $"{call["provider"]} {call["state"]}").Order());
        Assert.DoesNotContain("bob", Text(sections));
    }

    // Seen red: a trial rendered for the person stayed, with the name in it.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Of_a_test_mail_what_it_says_is_told_to_whom_it_was_rendered_for_and_goes_with_the_person(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        await fixture.ContactAsync("ada", "ada@example.org");
        await TryAsync("ann@shop.example", "ada");
        await TryAsync("ADA@example.org", "bob");
        await TryAsync("ann@shop.example", "bob");

        var sections = await ExportAsync(fixture, "ada");
        await fixture.Get<Erasure>().BeginAsync(1, "ada", default);

        Assert.Equal(["[Test] Welcome ada to ", " to ADA@example.org"], sections["test_mail"].Select(mail => $"{mail.GetValueOrDefault("subject")} to {mail.GetValueOrDefault("to")}"));
        foreach (var foreign in new[] { "ann@", "bob" }) Assert.DoesNotContain(foreign, Text(sections));
        Assert.Equal(("ann@shop.example", "[Test] Welcome bob"), Assert.Single((await fixture.Get<SandboxMailbox>().ListAsync(1, null, null, 10, default)).Items) is var left ? (left.To, left.Subject) : default);

        Task TryAsync(string to, string user) => fixture.Get<TrialMail>().SendAsync(1, "welcome", to, new(null, null, new Dictionary<string, object?> { ["first_name"] = user }, JsonData.Empty), user, default);
    }

    // Seen red: the provider's second name for a mail, and why an operator had ended the trip, stayed.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_mails_second_name_and_why_it_was_called_off_are_told_and_erased_and_that_it_was_taken_twice_is_still_counted(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        foreach (var user in new[] { "ada", "bob" })
        {
            var id = await fixture.QueueAsync(await fixture.ContactAsync(user));
            await fixture.SendAllAsync();
            await fixture.Database.WriteAsync(async session =>
            {
                await session.ExecuteAsync("INSERT INTO message_feedback (message_id, account_id, opens, second_provider_id) VALUES (@id, 1, 2, @name)", default, ("id", id), ("name", $"second-of-{user}"));
                await session.ExecuteAsync("UPDATE message SET cancel_reason = @reason WHERE id = @id", default, ("id", id), ("reason", $"{user} rang up"));
            }, default);
        }

        var sections = await ExportAsync(fixture, "ada");
        await fixture.Get<Erasure>().BeginAsync(1, "ada", default);

        Assert.Equal((2L, "second-of-ada"), Assert.Single(sections["report_summaries"]) is var summary ? (summary["opens"], summary["second_provider_id"]) : default);
        Assert.Equal("ada rang up", Assert.Single(sections["messages"])["called_off_because"]);
        Assert.DoesNotContain("bob", Text(sections));
        Assert.Equal(["erased erased", "second-of-bob bob rang up"], await fixture.Database.ReadAsync(session => session.QueryAsync(
            "SELECT f.second_provider_id, m.cancel_reason FROM message m JOIN message_feedback f ON f.message_id = m.id ORDER BY 1", row => $"{row.Text(0)} {row.Text(1)}", default), default));
    }

    // Seen red: the request stayed open with the person's id, and nothing could be given any more.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Requests_are_told_and_an_export_that_was_not_given_is_done_with_the_erasure(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var requests = fixture.Get<PrivacyRequests>();
        foreach (var user in new[] { "ada", "bob" }) await fixture.ContactAsync(user);
        await requests.ExportAsync(1, "ada", default);
        foreach (var user in new[] { "ada", "bob" }) await requests.NoteAsync(1, "export", user, null, default);

        var earlier = (await ExportAsync(fixture, "ada"))["privacy_requests"];
        await requests.NoteAsync(1, "export", "ada", null, default);
        await fixture.Get<Erasure>().BeginAsync(1, "ada", default);

        Assert.Equal(["export False", "export True"], earlier.Select(request => $"{request["kind"]} {request["done_at"] is not null}").Order());
        Assert.Equal("bob", Assert.Single((await requests.ListAsync(1, openOnly: true, null, 10, default)).Items).UserId);
        Assert.Equal(0, await fixture.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM privacy_request WHERE user_id = 'ada'", default), default));
    }

    private static Guid Id(DeliveryFixture fixture) => Guid.CreateVersion7(fixture.Time.GetUtcNow());

    private static async Task<Dictionary<string, IReadOnlyList<IReadOnlyDictionary<string, object?>>>> ExportAsync(DeliveryFixture fixture, string user) =>
        (await fixture.Get<PrivacyRequests>().ExportAsync(1, user, default)).ToDictionary(section => section.Name, section => section.Items);

    private static string Text(Dictionary<string, IReadOnlyList<IReadOnlyDictionary<string, object?>>> sections) => JsonData.Write(sections.ToDictionary(section => section.Key, section => (object?)section.Value));
}
