using System.Text;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Reports;

/// <summary>The door: what is let in, and what becomes of a call that was.</summary>
public sealed class WebhookTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_call_is_durable_when_it_is_answered_and_read_after(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var id = await fixture.SentAsync();

        Assert.Equal(WebhookAnswer.Taken, await fixture.TakeAsync(fixture.Report(FeedbackKind.Delivered, id)));
        Assert.Equal(1, await fixture.CountAsync("SELECT count(*) FROM webhook_call"));
        Assert.Null(await fixture.FeedbackAsync(id));

        fixture.Start(); // the process dies, and another reads it
        await fixture.WorkAsync();
        Assert.Equal(fixture.Now, (await fixture.FeedbackAsync(id))!.DeliveredAt);
        Assert.Equal(0, await fixture.CountAsync("SELECT count(*) FROM webhook_call"));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Forged_and_tampered_calls_are_refused_and_leave_no_trace(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var id = await fixture.SentAsync();
        var body = ReportingProvider.Write(fixture.Report(FeedbackKind.Bounced, id, bounce: BounceKind.Hard));
        var signature = ReportingProvider.Sign(body, FeedbackFixture.Key);
        var tampered = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(body).Replace("report-1", "report-2", StringComparison.Ordinal));
        var webhooks = fixture.Delivery.Get<Webhooks>();

        Assert.Equal(WebhookAnswer.Refused, await webhooks.TakeAsync("reporting", fixture.Connection.Id, fixture.Call(tampered, signature), default));
        Assert.Equal(WebhookAnswer.Refused, await webhooks.TakeAsync("reporting", fixture.Connection.Id, fixture.Call(body, ReportingProvider.Sign(body, "another key")), default));
        Assert.Equal(WebhookAnswer.Refused, await webhooks.TakeAsync("reporting", fixture.Connection.Id, new WebhookCall(new Dictionary<string, string>(), new Dictionary<string, string>(), body, fixture.Now), default));
        Assert.Equal(WebhookAnswer.Unknown, await webhooks.TakeAsync("reporting", Guid.CreateVersion7(fixture.Now), fixture.Call(body), default));
        Assert.Equal(WebhookAnswer.Unknown, await webhooks.TakeAsync("tracking", fixture.Connection.Id, fixture.Call(body), default));

        Assert.Equal(0, await fixture.CountAsync("SELECT count(*) FROM webhook_call"));
    }

    // Seen red: all look-ups counted as guesses, and of more than a hundred connections some were turned away.
    [Fact]
    public async Task Any_number_of_connections_may_call_at_once_and_guesses_are_limited()
    {
        await using var fixture = await FeedbackFixture.CreateAsync(DatabaseKind.Sqlite);
        await fixture.Delivery.Database.WriteAsync(session => session.ExecuteAsync("""
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
            INSERT INTO provider_connection (account_id, key, id, type, name, settings, enabled, marketing_weight, transactional_weight, revision, created_at, updated_at)
            SELECT account_id, 'other-' || i, randomblob(16), type, name, settings, enabled, marketing_weight, transactional_weight, revision, created_at, updated_at FROM provider_connection, n
            """, default), default);
        var ids = await fixture.Delivery.Database.ReadAsync(session => session.QueryAsync("SELECT id FROM provider_connection", row => row.Uuid(0), default), default);
        Assert.Equal(301, ids.Count);
        var webhooks = fixture.Delivery.Get<Webhooks>();

        foreach (var id in ids) Assert.Null(await webhooks.WhyNotAsync("reporting", id, default));
        var guesses = new List<WebhookAnswer?>();
        for (var i = 0; i < 101; i++) guesses.Add(await webhooks.WhyNotAsync("reporting", Guid.CreateVersion7(fixture.Now), default));

        Assert.All(guesses[..100], answer => Assert.Equal(WebhookAnswer.Unknown, answer));
        Assert.Equal(WebhookAnswer.Unavailable, guesses[100]);
        Assert.Null(await webhooks.WhyNotAsync("reporting", ids[0], default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_replayed_call_changes_nothing_and_is_counted_as_repeated(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var id = await fixture.SentAsync();
        var body = ReportingProvider.Write(fixture.Report(FeedbackKind.Delivered, id), fixture.Report(FeedbackKind.Opened, id, fixture.Now.AddMinutes(0)));

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(WebhookAnswer.Taken, await fixture.TakeAsync(body));
            if (i > 0) await fixture.WorkAsync(); // the first two in one batch
        }
        await fixture.SettleAsync();

        Assert.Equal(2, await fixture.CountAsync("SELECT count(*) FROM message_event"));
        Assert.Equal(1, await fixture.CountAsync("SELECT delivered FROM sending_day WHERE subject = 'domain:shop.example'"));
        Assert.Equal(1, await fixture.CountAsync("SELECT opens FROM message_feedback"));
        Assert.Equal(4, await fixture.CountAsync("SELECT repeated FROM webhook_day"));
        Assert.Equal(["email_delivered", "email_opened"], (await fixture.EventsAsync()).Select(each => each.Type));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Another_accounts_connection_reaches_no_message_of_ours(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var id = await fixture.SentAsync();
        var theirs = await fixture.ConnectAsync(2);
        var byName = new StubReport("x", FeedbackKind.Bounced, fixture.Now, ProviderId: $"stub-{id:n}", Bounce: BounceKind.Hard);

        await fixture.TakeAsync(ReportingProvider.Write(fixture.Report(FeedbackKind.Bounced, id, bounce: BounceKind.Hard), byName), theirs);
        await fixture.WorkAsync();
        fixture.Delivery.Time.Advance(TimeSpan.FromMinutes(2));
        await fixture.WorkAsync();

        Assert.Null(await fixture.FeedbackAsync(id));
        Assert.Empty(await fixture.SuppressionsAsync("ada@example.org"));
        Assert.Equal(2, await fixture.CountAsync("SELECT unmatched FROM webhook_day WHERE account_id = 2"));
        Assert.Equal(0, await fixture.CountAsync("SELECT count(*) FROM webhook_call"));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_call_that_cannot_be_read_is_laid_aside_and_stops_nothing_until_it_is_put_back(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var id = await fixture.SentAsync();
        await fixture.TakeAsync("nonsense"u8.ToArray());
        await fixture.TakeAsync(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("[", 100_000)))); // nested too deep
        await fixture.TakeAsync("null"u8.ToArray());
        await fixture.ReportAsync(fixture.Report(FeedbackKind.Delivered, id));

        Assert.NotNull((await fixture.FeedbackAsync(id))!.DeliveredAt);
        var calls = fixture.Delivery.Get<LaidAsideCalls>();
        var aside = (await calls.ListAsync(1, null, 10, default)).Items;
        Assert.Equal(3, aside.Count);
        Assert.Equal(("main", "reporting", 8L, "the call is not a list of reports"), (aside[0].Connection, aside[0].Type, aside[0].Bytes, aside[0].Error));
        Assert.Empty((await calls.ListAsync(2, null, 10, default)).Items);
        await Assert.ThrowsAsync<Data.NotFoundException>(() => calls.ReplayAsync(2, aside[0].Id, default));

        // Mended: the reader understands it now.
        var mended = ReportingProvider.Write(fixture.Report(FeedbackKind.Complained, id));
        await fixture.Delivery.Database.WriteAsync(session => session.ExecuteAsync("UPDATE webhook_call SET body = @body WHERE id = @id", default, ("body", mended), ("id", aside[0].Id)), default);
        await calls.ReplayAsync(1, aside[0].Id, default);
        await fixture.WorkAsync();
        Assert.NotNull((await fixture.FeedbackAsync(id))!.ComplainedAt);
        Assert.Equal(2, (await calls.ListAsync(1, null, 10, default)).Items.Count);
    }

    [Theory]
    [InlineData(DatabaseKind.Sqlite, "feedback.before-commit")]
    [InlineData(DatabaseKind.PostgreSql, "feedback.before-commit")]
    [InlineData(DatabaseKind.Sqlite, "feedback.after-commit")]
    [InlineData(DatabaseKind.PostgreSql, "feedback.after-commit")]
    [InlineData(DatabaseKind.Sqlite, "feedback.settle.before-commit")]
    [InlineData(DatabaseKind.PostgreSql, "feedback.settle.before-commit")]
    public async Task A_process_that_dies_anywhere_leaves_each_report_done_once(DatabaseKind kind, string point)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var id = await fixture.SentAsync();
        await fixture.TakeAsync(fixture.Report(FeedbackKind.Delivered, id, fixture.Now.AddMinutes(-5)), fixture.Report(FeedbackKind.Opened, id));
        var crash = new CrashAt(point);
        fixture.Start(crash);
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await fixture.WorkAsync();
            await fixture.SettleAsync();
        });
        Assert.True(crash.Reached);

        fixture.Start();
        await fixture.WorkAsync();
        await fixture.SettleAsync();

        var feedback = (await fixture.FeedbackAsync(id))!;
        Assert.Equal((1, 0), (feedback.Opens, feedback.MachineOpens));
        Assert.Equal(["email_delivered", "email_opened"], (await fixture.EventsAsync()).Select(each => each.Type));
        Assert.Equal(1, await fixture.CountAsync("SELECT delivered FROM sending_day WHERE subject = 'domain:shop.example'"));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Many_readers_at_once_do_each_report_once(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var ids = await fixture.Delivery.QueueManyAsync(200);
        await fixture.Delivery.SendAllAsync();
        foreach (var chunk in ids.Chunk(5))
            for (var twice = 0; twice < 2; twice++) // the provider calls again for want of an answer
                await fixture.TakeAsync(ReportingProvider.Write(chunk.Select(id => new StubReport($"d-{id}", FeedbackKind.Delivered, fixture.Now, id))));
        var processors = Enumerable.Range(0, 4).Select(_ =>
        {
            fixture.Start();
            return fixture.Delivery.Get<FeedbackProcessor>();
        }).ToList();

        await Task.WhenAll(processors.Select(processor => Task.Run(async () =>
        {
            while (await fixture.CountAsync("SELECT count(*) FROM webhook_call") > 0) await processor.RunOnceAsync(default);
        })));

        Assert.Equal(200, await fixture.CountAsync("SELECT delivered FROM sending_day WHERE subject = 'domain:shop.example'"));
        Assert.Equal(200, (await fixture.EventsAsync()).Count);
        Assert.Equal(200, await fixture.CountAsync("SELECT repeated FROM webhook_day"));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Text_that_no_database_takes_is_cleaned_and_a_script_stays_text(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var id = await fixture.SentAsync();

        await fixture.ReportAsync(fixture.Report(FeedbackKind.Bounced, id, bounce: BounceKind.MessageSoft, reason: "550\0 <script>alert(1)</script>\r\n\ud83d" + new string('x', 600)));

        var report = Assert.Single(await fixture.Delivery.Messages.ReportsAsync(1, id, default));
        Assert.StartsWith("550  <script>alert(1)</script>  \ufffdxxx", report.Reason);
        Assert.Equal(500, report.Reason!.Length);
    }
}
