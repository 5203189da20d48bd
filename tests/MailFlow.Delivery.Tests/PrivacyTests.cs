using System.Text;
using System.Text.Json;
using MailFlow.Audience;
using MailFlow.Audience.Importing;
using MailFlow.Audience.Privacy;
using MailFlow.Data;
using MailFlow.Delivery.Tests.Reports;
using MailFlow.Engine.Storage;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests;

/// <summary>What is held about a person, forgotten and told; what justified a mail; how long mail is kept.</summary>
public sealed class PrivacyTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task After_an_erasure_nothing_tells_who_it_was_and_the_address_is_never_mailed_again(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var contact = await FilledAsync(fixture);
        var queued = await fixture.QueueAsync(contact);

        var request = await fixture.Get<Erasure>().BeginAsync(1, "ada-7", default);
        var again = await fixture.Get<Erasure>().BeginAsync(1, "ada-7", default);

        Assert.NotNull(request.DoneAt);
        Assert.Equal((request.Id, request.DoneAt), (again.Id, again.DoneAt));
        Assert.Equal(request.ReceivedAt.AddMonths(1), request.DueAt);
        Assert.Equal((MessageState.Cancelled, "erased"), await fixture.StateAsync(queued));
        Assert.Empty(await TracesAsync(fixture.Database, "ada-7", "ada@", "lovelace", "analytical"));
        var calls = await fixture.Database.ReadAsync(session => session.QueryAsync("SELECT body FROM webhook_call", row => Encoding.UTF8.GetString(row.Bytes(0)), default), default);
        Assert.Contains("bob@example.org", Assert.Single(calls));

        // Whoever imports an old list does not write down again what was erased.
        using var list = new MemoryStream(Encoding.UTF8.GetBytes("email,reason\nADA@Example.org,unsubscribed\nbob@example.org,unsubscribed\n"));
        Assert.Equal((1L, 1L), await fixture.Get<SuppressionFile>().ImportAsync(1, list, false, default) is var report ? (report.Added, report.Unchanged) : default);
        Assert.Empty(await TracesAsync(fixture.Database, "ada@"));

        // Back by an import, in another case: known by its hash.
        using var csv = new MemoryStream(Encoding.UTF8.GetBytes("user_id,email\nada-7,ADA@Example.org\n"));
        Assert.Equal(1, (await fixture.Get<ContactImport>().ImportAsync(1, csv, false, default)).Added);
        var back = await fixture.ContactAsync("ada-7", "ADA@Example.org");
        var message = await fixture.QueueAsync(back, m => m with { Stream = Engine.Definitions.MessageStream.Transactional });
        await fixture.SendAllAsync();
        Assert.Equal((MessageState.Suppressed, "not sent: suppressed after the person's data was erased on 5 January 2026"), await fixture.StateAsync(message));
        var other = await fixture.QueueAsync(await fixture.ContactAsync("ada-7", "ada@example.org", account: 2), m => m with { Template = "welcome" });
        Assert.Empty(await fixture.Database.ReadAsync(s => fixture.Get<Suppressions>().OfAsync(s, 2, "ada@example.org", default), default));
        Assert.NotEqual(Guid.Empty, other);
    }

    // Seen red.
    [Theory]
    [InlineData(DatabaseKind.Sqlite, "Zoe@Example.org")]
    [InlineData(DatabaseKind.PostgreSql, "Zoe@Example.org")]
    [InlineData(DatabaseKind.Sqlite, "zoe@münchen.example")]
    [InlineData(DatabaseKind.PostgreSql, "zoe@münchen.example")]
    public async Task After_an_erasure_the_audit_record_names_the_person_in_no_detail(DatabaseKind kind, string email)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        Audit.Actor = "tester";
        await fixture.ContactAsync("zoe-7", email);
        await fixture.ContactAsync("zoe-77", "other@example.org");
        var nothing = new Dictionary<string, object?>();
        foreach (var to in new[] { email, email.ToLowerInvariant(), "other@example.org" })
            await fixture.Get<TrialMail>().SendAsync(1, "welcome", to, new(null, null, nothing, nothing), "tester", default);
        // What was laid aside and put back, and a trip whose history retention has dropped.
        foreach (var user in new[] { "zoe-7", "zoe-77" })
        {
            var id = Guid.CreateVersion7(fixture.Time.GetUtcNow());
            await fixture.Database.WriteAsync(session => session.ExecuteAsync(
                "INSERT INTO dead_letter (id, account_id, shard, kind, key, user_id, body, error, at) VALUES (@id, 1, @shard, 1, @id, @user, '{}', 'x', 1)", default,
                ("id", id), ("shard", StableHash.Shard(1, user)), ("user", user)), default);
            await fixture.Get<DeadLetters>().ReplayAsync(1, id, default);
            await fixture.Database.WriteAsync(session => Audit.RecordAsync(session, 1, "instance.start", id.ToString(), default, ("journey", "j"), ("user_id", user)), default);
        }
        await fixture.Database.WriteAsync(session => session.ExecuteAsync("DELETE FROM inbox", default), default); // worked
        await fixture.Database.WriteAsync(session => session.ExecuteAsync("DELETE FROM sandbox_email", default), default);

        Assert.NotNull((await fixture.Get<Erasure>().BeginAsync(1, "zoe-7", default)).DoneAt);

        Assert.DoesNotContain(await TracesAsync(fixture.Database, "zoe@", "zoe-7"), trace => !trace.Contains("zoe-77"));
        var others = await fixture.Database.ReadAsync(session => session.QueryAsync("SELECT CAST(detail AS TEXT) FROM audit ORDER BY seq", row => row.Text(0), default), default);
        Assert.Equal((1, 2), (others.Count(detail => detail.Contains("other@example.org")), others.Count(detail => detail.Contains("zoe-77"))));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_erasure_that_a_crash_left_half_way_is_finished_by_the_next_run(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        await FilledAsync(fixture);
        foreach (var point in new[] { "erasure.begun", "erasure.finish.before-commit" })
        {
            fixture.Start(new CrashAt(point));
            await Assert.ThrowsAsync<CrashException>(() => fixture.Get<Erasure>().BeginAsync(1, "ada-7", default));
            var open = Assert.Single((await fixture.Get<PrivacyRequests>().ListAsync(1, openOnly: true, null, 10, default)).Items);
            Assert.Equal("ada-7", open.UserId);
        }

        fixture.Start();
        Assert.Equal(1, await fixture.Get<Erasure>().RunOnceAsync(default));

        Assert.Empty((await fixture.Get<PrivacyRequests>().ListAsync(1, openOnly: true, null, 10, default)).Items);
        Assert.Empty(await TracesAsync(fixture.Database, "ada-7", "ada@", "lovelace", "analytical"));
        Assert.Equal(0, await fixture.Get<Erasure>().RunOnceAsync(default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_erasure_waits_for_the_mail_that_is_being_handed_over_and_leaves_no_copy_of_it(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        PrivacyRequest? request = null;
        var sender = fixture.Start(new Meanwhile("sender.hand-over.after-commit", async () => request = await fixture.Get<Erasure>().BeginAsync(1, "ada", default)));

        await fixture.SendAllAsync(sender);
        Assert.Null(request!.DoneAt);
        Assert.Single((await fixture.Get<SandboxMailbox>().ListAsync(1, null, null, 10, default)).Items);
        Assert.Equal(1, await fixture.Get<Erasure>().RunOnceAsync(default));

        Assert.Empty((await fixture.Get<SandboxMailbox>().ListAsync(1, null, null, 10, default)).Items);
        Assert.Empty(await TracesAsync(fixture.Database, "ada@"));
        Assert.Equal(MessageState.Accepted, (await fixture.StateAsync(id)).State);
    }

    // Seen red: addresses were compared as they were written.
    [Theory]
    [InlineData(DatabaseKind.Sqlite, "Zoe@Example.org", "zoe@example.org")]
    [InlineData(DatabaseKind.Sqlite, "zoe@example.org", "ZOE@example.org")]
    [InlineData(DatabaseKind.PostgreSql, "Zoe@Example.org", "zoe@example.org")]
    [InlineData(DatabaseKind.PostgreSql, "zoe@example.org", "ZOE@example.org")]
    public async Task A_trial_mail_to_the_address_is_erased_however_the_address_is_written(DatabaseKind kind, string address, string tried)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        await fixture.ContactAsync("zoe-7", address);
        foreach (var to in (string[])[tried, address, "bob@example.org"])
            await fixture.Get<TrialMail>().SendAsync(1, "welcome", to, new(null, null, JsonData.Empty, JsonData.Empty), "eve", default);

        await fixture.Get<Erasure>().BeginAsync(1, "zoe-7", default);

        Assert.Equal("bob@example.org", Assert.Single((await fixture.Get<SandboxMailbox>().ListAsync(1, null, null, 10, default)).Items).To);
    }

    // Seen red: the octets were looked for as they were written.
    [Theory]
    [InlineData(DatabaseKind.Sqlite, "Zoe@Example.org")]
    [InlineData(DatabaseKind.Sqlite, "zoe@example.org")]
    [InlineData(DatabaseKind.PostgreSql, "Zoe@Example.org")]
    [InlineData(DatabaseKind.PostgreSql, "zoe@example.org")]
    [InlineData(DatabaseKind.Sqlite, "zoë+news@example.org")] // seen red: what JSON had escaped stayed
    [InlineData(DatabaseKind.PostgreSql, "zoë+news@example.org")]
    public async Task A_call_that_was_laid_aside_is_erased_however_it_writes_the_address(DatabaseKind kind, string address)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        await fixture.ContactAsync("zoe-7", address);
        foreach (var body in (string[])[$"{{\"to\":\"{Upper(address)}\",\"is\":\"torn", $"\0\u00ff {Upper(address)}", $"recipient={Uri.EscapeDataString(Upper(address))}&torn",
            JsonSerializer.Serialize(new { to = address }), JsonSerializer.Serialize(new { to = address }).Replace(@"\u002B", "+", StringComparison.Ordinal), "{\"to\":\"bob@example.org\",\"is\":\"torn"])
            await fixture.Database.WriteAsync(session => session.ExecuteAsync("INSERT INTO webhook_call (at, account_id, connection, type, body, error) VALUES (1, 1, 'main', 'sendgrid', @body, 'cannot be read')", default,
                ("body", Encoding.UTF8.GetBytes(body))), default);

        await fixture.Get<Erasure>().BeginAsync(1, "zoe-7", default);

        var calls = await fixture.Database.ReadAsync(session => session.QueryAsync("SELECT body FROM webhook_call", row => Encoding.UTF8.GetString(row.Bytes(0)), default), default);
        Assert.Contains("bob@example.org", Assert.Single(calls));

        static string Upper(string address) => address.Replace("zo", "Zo", StringComparison.OrdinalIgnoreCase).Replace("example", "EXAMPLE", StringComparison.OrdinalIgnoreCase);
    }

    // Seen red: the call was laid aside after the erasure, and stayed.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_erasure_waits_for_the_calls_that_name_the_person_and_are_not_read_yet(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var delivery = fixture.Delivery;
        await delivery.ContactAsync("zoe-7", "zoe@example.org");
        await delivery.ContactAsync("eve", "eve@example.org");
        Assert.Equal(WebhookAnswer.Taken, await fixture.TakeAsync(Encoding.UTF8.GetBytes("""{"to":"Zoe@example.org","is":"torn""")));

        Assert.NotNull((await delivery.Get<Erasure>().BeginAsync(1, "eve", default)).DoneAt);
        Assert.Null((await delivery.Get<Erasure>().BeginAsync(1, "zoe-7", default)).DoneAt);
        await fixture.WorkAsync();
        Assert.Equal(1, await delivery.Get<Erasure>().RunOnceAsync(default));

        Assert.Empty(await TracesAsync(delivery.Database, "zoe@", "zoe-7"));
        Assert.Equal(0, await fixture.CountAsync("SELECT count(*) FROM webhook_call"));
    }

    // Seen red: it threw, and whoever asked after it waited for ever.
    [Fact]
    public async Task An_erasure_that_fails_holds_up_no_other()
    {
        await using var fixture = await FeedbackFixture.CreateAsync(DatabaseKind.Sqlite);
        var delivery = fixture.Delivery;
        await delivery.ContactAsync("eve", "eve@example.org");
        await delivery.ContactAsync("zoe-7", "zoe@example.org");
        await fixture.TakeAsync(Encoding.UTF8.GetBytes("""{"to":"eve@example.org, zoe@example.org","is":"torn"""));
        foreach (var user in (string[])["eve", "zoe-7"]) Assert.Null((await delivery.Get<Erasure>().BeginAsync(1, user, default)).DoneAt);
        await fixture.WorkAsync();
        await delivery.Database.WriteAsync(session => session.ExecuteAsync(
            "CREATE TRIGGER stuck BEFORE UPDATE OF done_at ON privacy_request WHEN OLD.user_id = 'eve' BEGIN SELECT RAISE(ABORT, 'stuck'); END", default), default);

        var failure = await Assert.ThrowsAsync<AggregateException>(() => delivery.Get<Erasure>().RunOnceAsync(default));

        Assert.Contains("stuck", Assert.Single(failure.InnerExceptions).Message);
        Assert.Equal(1, await fixture.CountAsync("SELECT count(*) FROM privacy_request WHERE done_at IS NULL"));
    }

    /// <summary>Does something else at a labelled point, once.</summary>
    private sealed class Meanwhile(string point, Func<Task> other) : IFaultPoints
    {
        private int _visits;

        public void Reach(string name)
        {
            if (name != point || Interlocked.Increment(ref _visits) > 1) return;
            Task running;
            using (ExecutionContext.SuppressFlow()) running = Task.Run(other);
            running.GetAwaiter().GetResult();
        }
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_export_holds_everything_of_the_contact_and_nothing_of_others(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        await FilledAsync(fixture);
        await fixture.QueueAsync(await fixture.ContactAsync("bob"));
        await fixture.QueueAsync(await fixture.ContactAsync("ada-7", "other@example.org", account: 2), m => m with { AccountId = 2 });

        var sections = await fixture.Get<PrivacyRequests>().ExportAsync(1, "ada-7", default);

        var text = JsonData.Write(sections.ToDictionary(section => section.Name, section => (object?)section.Items));
        foreach (var held in new[] { "ada@example.org", "Lovelace", "analytical engine", "newsletter", "Welcome ada-7", "hard_bounce", "1970-01-02" }) Assert.Contains(held, text);
        foreach (var foreign in new[] { "bob", "other@example.org" }) Assert.DoesNotContain(foreign, text);
        Assert.Equal([
            "audit", "captured_mail", "consents", "dead_letters", "entries", "events", "events_not_yet_processed", "jobs", "journeys", "messages", "privacy_requests", "profile", "provider_answers", "report_summaries", "reports",
            "sender_faults", "soft_bounces", "suppressions", "test_mail", "unread_webhook_calls",
        ], sections.Select(section => section.Name).Order());
        Assert.NotNull(Assert.Single((await fixture.Get<PrivacyRequests>().ListAsync(1, openOnly: false, null, 10, default)).Items).DoneAt);
        await Assert.ThrowsAsync<NotFoundException>(() => fixture.Get<PrivacyRequests>().ExportAsync(2, "bob", default));
        await Assert.ThrowsAsync<NotFoundException>(() => fixture.Get<Erasure>().BeginAsync(2, "bob", default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_basis_of_a_mail_is_what_held_at_its_hand_over(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var contact = await fixture.ContactAsync("ada");
        await fixture.Get<Contacts>().RecordConsentAsync(1, "ada", new("newsletter", true, Wording: "Yes, send me news", WordingVersion: "3", Source: "sign-up form", Ip: "203.0.113.7"), default);
        var id = await fixture.QueueAsync(contact, message => message with { Purpose = "newsletter" });
        await fixture.SendAllAsync();
        fixture.Time.Advance(TimeSpan.FromDays(1));
        await fixture.Get<Contacts>().RecordConsentAsync(1, "ada", new("newsletter", false), default);
        var late = await fixture.QueueAsync(contact, message => message with { Purpose = "newsletter" });
        await fixture.SendAllAsync();

        var basis = (await fixture.Get<MessageBases>().FindAsync(1, id, default))!;
        Assert.Equal((true, "express", "Yes, send me news"), (basis.Consent!.Granted, basis.Consent.Basis, basis.Consent.Wording));
        Assert.Equal(
            [
                "Handed over on 5 January 2026 00:00 UTC for ada@example.org.",
                "Marketing mail for the purpose “newsletter”: express consent, recorded on 5 January 2026 00:00 UTC (sign-up form).",
                "The person read: “Yes, send me news” (version 3).",
                "It came from 203.0.113.7 with an unnamed program.",
                "No suppression blocked marketing mail to the address at that moment: this is checked in the transaction of the hand-over.",
            ], basis.Explanation.Select(line => line.Replace(fixture.Time.GetUtcNow().AddDays(-1).ToString("HH:mm"), "00:00")));
        var refused = (await fixture.Get<MessageBases>().FindAsync(1, late, default))!;
        Assert.Equal((null, false), (refused.HandedOverAt, refused.Consent!.Granted));
        Assert.StartsWith("Not handed over: it stands as suppressed", refused.Explanation[0]);
        Assert.Null(await fixture.Get<MessageBases>().FindAsync(2, id, default));
    }

    // Seen red: asking was told as the hand-over, of a mail to which nobody agreed any more by then.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_basis_of_a_mail_in_doubt_that_was_only_asked_about_is_what_held_when_it_left(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind, new StubProvider(ReplayPolicy.Searchable) { Answer = _ => StubAnswer.AcceptThenDrop });
        var contact = await fixture.ContactAsync("ada");
        await fixture.Get<Contacts>().RecordConsentAsync(1, "ada", new("newsletter", true), default);
        var id = await fixture.QueueAsync(contact, message => message with { Purpose = "newsletter" });
        var left = fixture.Time.GetUtcNow();
        await fixture.Get<MessageSender>().RunOnceAsync(default);
        fixture.Time.Advance(TimeSpan.FromMinutes(5));
        await fixture.Get<Contacts>().RecordConsentAsync(1, "ada", new("newsletter", false), default);
        fixture.Time.Advance(TimeSpan.FromMinutes(5));
        await fixture.SendAllAsync();

        var basis = (await fixture.Get<MessageBases>().FindAsync(1, id, default))!;
        Assert.Equal((MessageState.Accepted, left, true), (basis.State, basis.HandedOverAt!.Value, basis.Consent!.Granted));
    }

    // Seen red: a mail that nobody got was handed over, and no suppression had blocked it.
    [Theory]
    [InlineData(DatabaseKind.Sqlite, StubAnswer.Defer)]
    [InlineData(DatabaseKind.PostgreSql, StubAnswer.Defer)]
    [InlineData(DatabaseKind.Sqlite, StubAnswer.Drop)]
    [InlineData(DatabaseKind.PostgreSql, StubAnswer.Drop)]
    public async Task A_mail_that_no_provider_has_taken_is_not_told_as_handed_over(DatabaseKind kind, StubAnswer answer)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind, new StubProvider(ReplayPolicy.Searchable) { Answer = _ => answer });
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        await fixture.Get<MessageSender>().RunOnceAsync(default);
        await fixture.Get<Suppressions>().AddAsync(1, "ada@example.org", "complaint", null, "webhook", default);
        fixture.Time.Advance(TimeSpan.FromHours(1));
        await fixture.SendAllAsync();

        var basis = (await fixture.Get<MessageBases>().FindAsync(1, id, default))!;
        Assert.Equal((MessageState.Suppressed, null), (basis.State, basis.HandedOverAt));
        Assert.StartsWith("Not handed over: it stands as suppressed", basis.Explanation[0]);
        Assert.DoesNotContain(basis.Explanation, line => line.StartsWith("No suppression", StringComparison.Ordinal));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_suppression_that_comes_while_a_thousand_mails_wait_stops_those_not_handed_over(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        fixture.Options = fixture.Options with { BatchSize = 100 };
        fixture.Start();
        await fixture.QueueManyAsync(1000);
        await fixture.Get<MessageSender>().RunOnceAsync(default);
        var waiting = (await fixture.Messages.ListAsync(1, null, null, "queued", null, 1, default)).Items[0];
        await fixture.Get<Suppressions>().AddAsync(1, $"{waiting.UserId}@example.org", "hard_bounce", null, "webhook", default);
        for (var round = 0; round < 4; round++) await fixture.Get<MessageSender>().RunOnceAsync(default);
        await fixture.Get<Suppressions>().AddAsync(1, "@example.org", "manual", null, "api", default);
        await fixture.SendAllAsync();

        var counts = await fixture.Messages.CountAsync(1, default);
        Assert.Equal((MessageState.Suppressed, true), ((await fixture.FindAsync(waiting.Id)).State, (await fixture.FindAsync(waiting.Id)).Reason!.StartsWith("not sent: suppressed after hard bounce", StringComparison.Ordinal)));
        Assert.InRange(counts[MessageState.Accepted], 499, 500);
        Assert.Equal(1000, counts[MessageState.Accepted] + counts[MessageState.Suppressed]);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Mail_at_an_end_goes_when_its_time_is_over_and_what_waits_stays(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        await fixture.QueueManyAsync(3);
        await fixture.SendAllAsync();
        var waiting = await fixture.QueueAsync(await fixture.ContactAsync("later"));
        fixture.Time.Advance(TimeSpan.FromDays(31));
        await RunAsync();
        Assert.Empty((await fixture.Get<SandboxMailbox>().ListAsync(1, null, null, 10, default)).Items);
        Assert.Equal(4, (await fixture.Messages.ListAsync(1, null, null, null, null, 10, default)).Items.Count);

        fixture.Time.Advance(TimeSpan.FromDays(700));
        await RunAsync();

        Assert.Equal([waiting], (await fixture.Messages.ListAsync(1, null, null, null, null, 10, default)).Items.Select(message => message.Id));

        Task<int> RunAsync() => new Retention(fixture.Database, fixture.Get<IEnumerable<RetentionRule>>()).RunOnceAsync(default);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_audit_record_is_only_added_to_but_for_erasure_and_retention(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        Audit.Actor = "tester";
        await fixture.Get<Suppressions>().AddAsync(1, "ada@example.org", "manual", "all", "api", default);
        string[] changes =
        [
            "UPDATE audit SET actor = 'somebody else'", "UPDATE audit SET at = 1", "UPDATE audit SET action = 'nothing'", "UPDATE audit SET account_id = 2", "UPDATE audit SET subject = 'bob@example.org'",
            """UPDATE audit SET detail = '{"scope":"marketing"}'""", "UPDATE audit SET subject = 'erased'", "DELETE FROM audit",
            .. kind == DatabaseKind.PostgreSql ? ["TRUNCATE audit"] : Array.Empty<string>(),
        ];
        foreach (var change in changes)
        {
            var error = await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() => fixture.Database.WriteAsync(session => session.ExecuteAsync(change, default), default));
            Assert.Contains("the audit record is append-only", error.Message);
        }
        Assert.Equal("tester suppression.add ada@example.org", await EntryAsync());

        await fixture.ContactAsync("ada");
        await fixture.Get<Erasure>().BeginAsync(1, "ada", default);
        Assert.Equal("tester suppression.add erased", await EntryAsync());

        var retention = new Retention(fixture.Database, fixture.Get<IEnumerable<RetentionRule>>());
        fixture.Time.Advance(TimeSpan.FromDays(1094));
        await retention.RunOnceAsync(default);
        Assert.NotNull(await EntryAsync());
        fixture.Time.Advance(TimeSpan.FromDays(2));
        await retention.RunOnceAsync(default);
        Assert.Null(await EntryAsync());

        Task<string?> EntryAsync() => fixture.Database.ReadAsync(session => session.FirstAsync(
            "SELECT actor, action, subject FROM audit ORDER BY seq LIMIT 1", row => $"{row.Text(0)} {row.Text(1)} {row.Text(2)}", default), default);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task One_click_is_recorded_with_time_source_message_and_visitor(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var contact = await fixture.ContactAsync("ada");
        await fixture.Get<Contacts>().RecordConsentAsync(1, "ada", new("newsletter", true), default);
        var id = await fixture.QueueAsync(contact, message => message with { Purpose = "newsletter" });
        await fixture.SendAllAsync();
        var link = (string)(await fixture.Get<SandboxMailbox>().ListAsync(1, null, null, 10, default)).Items[^1].Headers["List-Unsubscribe"]!;

        await fixture.Get<Unsubscribe>().ActAsync(link.Trim('<', '>').Split('/')[^1], default, new Visitor("203.0.113.7", "Mail/1.0"), oneClick: true);

        var suppression = Assert.Single((await fixture.Get<Suppressions>().ListAsync(1, null, 10, default)).Items);
        Assert.Equal(("one_click", fixture.Time.GetUtcNow(), $"link of message {id}, followed from 203.0.113.7 with Mail/1.0"), (suppression.Source, suppression.At, suppression.Detail));
        var withdrawn = (await fixture.Database.ReadAsync(s => fixture.Get<Consents>().HistoryAsync(s, 1, contact.Id, default), default))[^1];
        Assert.Equal((false, "one_click", "203.0.113.7", "Mail/1.0", (Guid?)id), (withdrawn.Granted, withdrawn.Source, withdrawn.Proof!.Ip, withdrawn.Proof!.UserAgent, withdrawn.Proof!.MessageId));
    }

    // Seen red: the network address and the browser were written beside the erased contact.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Whoever_unsubscribes_after_the_erasure_leaves_no_trace(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        await fixture.QueueAsync(await fixture.ContactAsync("ada-7", "ada@example.org"));
        await fixture.SendAllAsync();
        var token = ((string)(await fixture.Get<SandboxMailbox>().ListAsync(1, null, null, 10, default)).Items[^1].Headers["List-Unsubscribe"]!).Trim('<', '>').Split('/')[^1];
        Assert.NotNull((await fixture.Get<Erasure>().BeginAsync(1, "ada-7", default)).DoneAt);

        Assert.True(await fixture.Get<Unsubscribe>().ActAsync(token, default, new Visitor("203.0.113.7", "Lovelace/1.0"), oneClick: true));

        Assert.Empty(await TracesAsync(fixture.Database, "ada@", "203.0.113.7", "lovelace"));
        Assert.True((await fixture.Get<Unsubscribe>().ReadAsync(token, default))!.Unsubscribed);
    }

    // A sender that stood still in a call: its mail was found, in doubt, and the person erased, before the answer came. Seen red: the provider's name for the mail, or its words with the address, were kept.
    [Theory]
    [InlineData(StubAnswer.Accept)]
    [InlineData(StubAnswer.Reject)]
    [InlineData(StubAnswer.Defer)]
    public async Task An_answer_that_comes_after_the_erasure_tells_nothing(StubAnswer answer)
    {
        var stub = new StubProvider(ReplayPolicy.Neither) { Answer = _ => answer, Refusal = new("550 ada@example.org is unknown", BounceKind.Hard) };
        await using var fixture = await DeliveryFixture.CreateAsync(DatabaseKind.Sqlite, stub);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada-7", "ada@example.org"));
        PrivacyRequest? erased = null;
        stub.OnSend = _ =>
        {
            if (erased is not null) return;
            using (ExecutionContext.SuppressFlow())
                erased = Task.Run(async () =>
                {
                    fixture.Time.Advance(TimeSpan.FromHours(1));
                    await fixture.Start().RunOnceAsync(default); // another finds it
                    return await fixture.Get<Erasure>().BeginAsync(1, "ada-7", default);
                }).GetAwaiter().GetResult();
        };

        await fixture.Get<MessageSender>().RunOnceAsync(default);

        Assert.NotNull(erased!.DoneAt);
        Assert.Empty(await TracesAsync(fixture.Database, "ada@", "ada-7", $"stub-{id:n}"));
        Assert.DoesNotContain(await fixture.Database.ReadAsync(session => session.QueryAsync("SELECT body FROM webhook_call", row => Encoding.UTF8.GetString(row.Bytes(0)), default), default), call => call.Contains("ada@", StringComparison.Ordinal));
    }

    private static async Task<Engine.Activities.Contact> FilledAsync(DeliveryFixture fixture)
    {
        var contact = await fixture.ContactAsync("ada-7", "ada@example.org");
        Audit.Actor = "tester";
        await fixture.Get<Contacts>().PutAsync(1, "ada-7", JsonData.ParseMap("""{"last_name":"Lovelace","attributes":{"likes":"analytical engine"},"tags":["lovelace"]}"""), default);
        await fixture.Get<Contacts>().RecordConsentAsync(1, "ada-7", new("newsletter", true, Ip: "203.0.113.7", Evidence: "Lovelace signed"), default);
        var id = await fixture.QueueAsync(contact, message => message with { Purpose = "newsletter", Snapshot = """{"trigger":{"note":"analytical engine"},"journey":{"id":"w"}}""" });
        await fixture.SendAllAsync();
        await fixture.Get<Suppressions>().AddAsync(1, "ada@example.org", "hard_bounce", "marketing", "webhook", default, "550 lovelace is unknown");
        await fixture.Database.WriteAsync(async session =>
        {
            await session.ExecuteAsync("INSERT INTO event (account_id, contact_id, event_type, event_id, occurred_at, accepted_at, payload) VALUES (1, @contact, 't', 'e-lovelace', 1, 1, @payload)", default,
                ("contact", contact.Id), ("payload", """{"note":"analytical engine"}"""));
            await session.ExecuteAsync("INSERT INTO history (at, contact_id, version_id, instance_id, account_id, steps) VALUES (1, @contact, 1, NULL, 1, @steps)", default,
                ("contact", contact.Id), ("steps", """[[0,"C",null,"queued to ada@example.org"]]"""));
            await session.ExecuteAsync("INSERT INTO inbox (account_id, shard, kind, key, user_id, accepted_at, body) VALUES (1, @shard, 1, @key, 'ada-7', 1, '{\"payload\":{\"contact\":{\"last_name\":\"Lovelace\"}}}')", default,
                ("shard", StableHash.Shard(1, "ada-7")), ("key", id));
            await session.ExecuteAsync("INSERT INTO message_event (key, message_id, at, received_at, account_id, kind, reason, url, user_agent) VALUES (@key, @key, 1, 1, 1, 8, 'lovelace clicked', 'https://shop.example/?for=lovelace', 'Lovelace/1.0')", default, ("key", id));
            await session.ExecuteAsync("INSERT INTO soft_bounce (account_id, email, day) VALUES (1, 'ada@example.org', 1)", default);
            await session.ExecuteAsync("INSERT INTO webhook_call (at, account_id, connection, type, body, error) VALUES (1, 1, 'main', 'sendgrid', @body, 'cannot be read'), (1, 1, 'main', 'sendgrid', @other, 'cannot be read')", default,
                ("body", Encoding.UTF8.GetBytes("""{"to":"ada@example.org","is":"torn""")), ("other", Encoding.UTF8.GetBytes("""{"to":"bob@example.org","is":"torn""")));
        }, default);
        return contact;
    }

    /// <summary>Every row of every table in which one of the words stands, in any case. A word of the letters a to f alone would be found in ids, now and then.</summary>
    private static Task<List<string>> TracesAsync(Database database, params string[] words) => database.ReadAsync(async session =>
    {
        var postgres = session.Dialect.IsPostgreSql;
        var tables = await session.QueryAsync(postgres
            ? "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()"
            : "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'", row => row.Text(0), default);
        var traces = new List<string>();
        foreach (var table in tables)
        {
            var columns = postgres ? ["row_to_json(t)::text"] : await session.QueryAsync($"SELECT name FROM pragma_table_info('{table}')", row => row.Text(0), default);
            foreach (var column in columns)
                foreach (var word in words)
                    traces.AddRange(await session.QueryAsync($"SELECT CAST({column} AS TEXT) FROM {table} AS t WHERE lower(CAST({column} AS TEXT)) LIKE '%{word}%'", row => $"{table}.{column}: {row.Text(0)}", default));
        }
        return traces;
    }, default);
}
