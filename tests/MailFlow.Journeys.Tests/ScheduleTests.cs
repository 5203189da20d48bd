using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Storage;
using MailFlow.Journeys.Scheduling;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Quartz;

namespace MailFlow.Journeys.Tests;

/// <summary>Journeys that start by the clock.</summary>
public sealed partial class ScheduleTests
{
    private static readonly (string, string, (string, string, object)[]) Mondays =
        ("trigger", "MailFlow.Schedule", [("cron", "Literal", "0 9 * * MON"), ("timeZone", "Literal", "Europe/Paris"), ("segment", "Literal", "french")]);

    private static string Daily { get; } = Flow.Of(new { audience = "french" }, ("trigger", "Elsa.Cron", [("cronExpression", "Literal", "0 9 * * *")]), Flow.Line("hello"));

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task At_its_time_a_schedule_lets_those_in_who_are_in_its_segment_then_once(DatabaseKind kind)
    {
        await using var host = await HostAsync(kind, french: 2);
        await host.PublishAsync("weekly", Flow.Of(null, Mondays, Flow.Line("hello")));
        var scheduler = await host.Get<ScheduleClock>().CreateAsync(default);
        Assert.Equal(0, await host.Get<ScheduleClock>().MakeUpAsync(default));
        await host.Get<ScheduleClock>().TellAsync(scheduler, default);
        Assert.Equal(At("2026-01-12T08:00:00Z"), (await scheduler.GetTrigger(new TriggerKey("1/trigger", "journeys")))!.NextFireTimeUtc);

        await host.AdvanceToAsync("2026-01-12T08:00:00Z");
        await ContactAsync(host, "late", "FR"); // in the segment by the time it is let in
        Assert.Equal(1, await host.Get<ScheduleClock>().MakeUpAsync(default));
        Assert.Equal(0, await host.Get<ScheduleClock>().MakeUpAsync(default));
        await LetInAsync(host);

        Assert.Equal("entered 3, waiting 0, completed 3, exited 0, faulted 0", await host.StatsAsync("weekly"));
        Assert.Contains("by schedule", string.Join('\n', (await host.Trace.ReadAsync(JourneyHost.Account, "late", null, 100, default))!.Items.Select(line => line.ToString())));
        await host.AdvanceToAsync("2026-01-19T08:00:00Z");
        await host.Get<ScheduleClock>().MakeUpAsync(default);
        await LetInAsync(host);
        Assert.Equal("entered 6, waiting 0, completed 6, exited 0, faulted 0", await host.StatsAsync("weekly"));
    }

    // Seen red: they entered before it.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_node_whose_clock_is_ahead_lets_nobody_in_before_the_time_has_come_by_the_databases(DatabaseKind kind)
    {
        await using var host = await HostAsync(kind, french: 2);
        await host.PublishAsync("weekly", Flow.Of(null, Mondays, Flow.Line("hello")));
        var clock = await WithoutStrikesAsync(host);
        await host.AdvanceToAsync("2026-01-12T07:59:30Z");
        await clock.RoundAsync(default);

        await clock.StrikeAsync("1/trigger", At("2026-01-12T08:00:00Z"), default);
        await clock.RoundAsync(default);
        await LetInAsync(host);
        Assert.StartsWith("entered 0,", await host.StatsAsync("weekly"), StringComparison.Ordinal);

        await host.AdvanceToAsync("2026-01-12T08:00:00Z"); // less than a minute after it was last looked at what was missed
        await clock.RoundAsync(default);
        await LetInAsync(host);
        Assert.StartsWith("entered 2,", await host.StatsAsync("weekly"), StringComparison.Ordinal);
        await clock.Scheduler!.Shutdown(waitForJobsToComplete: false, default);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_large_audience_is_let_in_by_chunks_and_what_is_done_again_after_a_crash_lets_nobody_in_twice(DatabaseKind kind)
    {
        await using var host = await HostAsync(kind, french: 2_300);
        await host.PublishAsync("weekly", Flow.Of(null, Mondays, Flow.Line("hello")));
        await host.AdvanceToAsync("2026-01-12T08:00:01Z");
        await host.Get<ScheduleClock>().MakeUpAsync(default);

        Assert.True(await host.Get<ScheduleFires>().LetInAsync(default));
        await host.RunAsync();
        Assert.StartsWith("entered 1000,", await host.StatsAsync("weekly"), StringComparison.Ordinal);
        await LetInAsync(host);
        Assert.StartsWith("entered 2300,", await host.StatsAsync("weekly"), StringComparison.Ordinal);

        await host.Database.WriteAsync(session => session.ExecuteAsync("UPDATE schedule_fire SET after_contact = 0, done_at = NULL", default), default);
        await LetInAsync(host);
        Assert.StartsWith("entered 2300,", await host.StatsAsync("weekly"), StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Entry_rules_pauses_and_unpublishing_hold_for_schedules_too(DatabaseKind kind)
    {
        await using var host = await HostAsync(kind, french: 2);
        await host.PublishAsync("once", Flow.Of(new { entry = "once", audience = "french" }, ("trigger", "Elsa.Timer", [("interval", "Literal", "P1D")]), Flow.Line("hello")));
        await StrikeAsync(host, TimeSpan.FromDays(1));
        await StrikeAsync(host, TimeSpan.FromDays(1));
        Assert.StartsWith("entered 2,", await host.StatsAsync("once"), StringComparison.Ordinal);

        await host.PublishAsync("often", Flow.Of(new { audience = "french" }, ("trigger", "Elsa.Timer", [("interval", "Literal", "P1D")]), Flow.Line("hello")));
        await host.Journeys.PauseAsync(JourneyHost.Account, "often", default);
        await StrikeAsync(host, TimeSpan.FromDays(1));
        Assert.DoesNotContain("completed 2", await host.StatsAsync("often"), StringComparison.Ordinal);
        await host.Journeys.ResumeAsync(JourneyHost.Account, "often", default);
        await host.RunAsync();
        Assert.Contains("completed 2", await host.StatsAsync("often"), StringComparison.Ordinal);
        await host.Journeys.UnpublishAsync(JourneyHost.Account, "often", default);
        await StrikeAsync(host, TimeSpan.FromDays(1));
        Assert.Contains("completed 2", await host.StatsAsync("often"), StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_was_missed_is_made_up_for_once_unless_it_is_too_late_by_the_journeys_rules(DatabaseKind kind)
    {
        await using var host = await HostAsync(kind, french: 1);
        await host.PublishAsync("any", Flow.Of(new { audience = "french" }, ("trigger", "Elsa.Cron", [("cronExpression", "Literal", "0 0 9 * * *")]), Flow.Line("hello")));
        await host.PublishAsync("fresh", Flow.Of(new { audience = "french", expire_late = "PT1H" }, ("trigger", "Elsa.Cron", [("cronExpression", "Literal", "0 9 * * *")]), Flow.Line("hello")));

        await StrikeAsync(host, TimeSpan.FromDays(3) + TimeSpan.FromHours(5)); // nobody ran on three mornings
        Assert.StartsWith("entered 1,", await host.StatsAsync("any"), StringComparison.Ordinal);
        Assert.StartsWith("entered 0,", await host.StatsAsync("fresh"), StringComparison.Ordinal);
        await StrikeAsync(host, TimeSpan.FromHours(19)); // 9:00 again
        Assert.StartsWith("entered 2,", await host.StatsAsync("any"), StringComparison.Ordinal);
        Assert.StartsWith("entered 1,", await host.StatsAsync("fresh"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Elsa.Timer", "interval", "PT1H", null, "schedule_without_audience")]
    [InlineData("Elsa.Cron", "cronExpression", "0 9 * * MON", null, "schedule_without_audience")]
    [InlineData("Elsa.Cron", "cronExpression", "0 9 * * MON", "nobody", "unknown_segment")]
    [InlineData("Elsa.Cron", "cronExpression", "61 9 * * MON", "french", "invalid_input")]
    [InlineData("Elsa.Cron", "cronExpression", "soon", "french", "invalid_input")]
    [InlineData("Elsa.Timer", "interval", "PT0S", "french", "invalid_input")]
    [InlineData("Elsa.Cron", "cronExpression", "*/15 9-17 * * 1-5", "french", null)]
    public async Task What_goes_by_the_clock_is_published_only_with_times_and_an_audience(string type, string input, string value, string? audience, string? code)
    {
        await using var host = await HostAsync(DatabaseKind.Sqlite, french: 0);
        var findings = await host.Journeys.CheckAsync(JourneyHost.Account, Flow.Of(new { audience }, ("trigger", type, [(input, "Literal", value)]), Flow.Line("hello")), default);
        Assert.Equal(code, findings is [var first, ..] ? first.Code : null);
    }

    [Theory]
    [InlineData("0 9 * * MON", "Europe/Paris", null)]
    [InlineData("0 9 * * MON", "Paris", "'Paris' is not a time zone")]
    [InlineData("0 25 * * *", null, "'0 25 * * *' is not a cron expression")]
    [InlineData("", null, "'' is not a cron expression")]
    public void What_is_wrong_with_a_time_is_said(string cron, string? zone, string? starts)
    {
        var problem = Times.Problem(cron, zone);
        Assert.True(starts is null ? problem is null : problem?.StartsWith(starts, StringComparison.Ordinal), problem);
    }

    [Fact]
    public async Task Further_down_a_journey_timer_and_cron_are_waits()
    {
        await using var host = await HostAsync(DatabaseKind.Sqlite, french: 0);
        await host.PublishAsync("waits", Flow.Of(null, Flow.Trigger("go"), ("t", "Elsa.Timer", [("interval", "Literal", "PT2H")]), ("c", "Elsa.Cron", [("cronExpression", "Literal", "0 18 * * *")]), Flow.Line("done")));
        await host.EventAsync("go", "ada", new { });
        await host.AdvanceToAsync("2026-01-05T17:59:59Z");
        Assert.Equal("entered 1, waiting 1, completed 0, exited 0, faulted 0", await host.StatsAsync("waits"));
        await host.AdvanceToAsync("2026-01-05T18:00:00Z");
        Assert.Equal("entered 1, waiting 0, completed 1, exited 0, faulted 0", await host.StatsAsync("waits"));
    }

    // Seen red: nothing was found wrong with them.
    [Theory]
    [InlineData("MailFlow.Schedule", "cron", "0 0 9 1 1 ? 2020")]
    [InlineData("Elsa.Cron", "cronExpression", "0 9 30 2 *")]
    public async Task A_time_that_never_comes_is_refused_at_its_field(string type, string input, string cron)
    {
        await using var host = await HostAsync(DatabaseKind.Sqlite, french: 0);
        var findings = await host.Journeys.CheckAsync(
            JourneyHost.Account, Flow.Of(new { audience = "french" }, ("trigger", type, [(input, "Literal", cron), ("segment", "Literal", "french")]), Flow.Line("hello")), default);
        var finding = Assert.Single(findings, finding => finding.Severity == Severity.Error);
        Assert.Equal(("trigger", input, "no_next_time"), (finding.ActivityId, finding.Input, finding.Code));
        Assert.Contains($"{input}: there is no time of '{cron}' any more", finding.Message, StringComparison.Ordinal);
    }

    // Seen red: "will never fire", of a journey whose year is over, and nobody's schedules were followed any more.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_schedule_whose_last_time_has_passed_strikes_that_time_and_stops_nobody_elses(DatabaseKind kind)
    {
        await using var host = await HostAsync(kind, french: 1);
        await host.PublishAsync("ends", Flow.Of(new { audience = "french" }, ("trigger", "Elsa.Cron", [("cronExpression", "Literal", "0 0 9 5 2 ? 2026")]), Flow.Line("hello")));
        await host.PublishAsync("goes-on", Daily);

        await host.AdvanceToAsync("2026-02-06T10:00:00Z");
        await StrikeAsync(host, TimeSpan.Zero);
        await StrikeAsync(host, TimeSpan.FromDays(1));
        Assert.StartsWith("entered 1,", await host.StatsAsync("ends"), StringComparison.Ordinal);
        Assert.StartsWith("entered 2,", await host.StatsAsync("goes-on"), StringComparison.Ordinal);

        // What was written down is forgotten in the end, and is not done again then.
        await host.Database.WriteAsync(session => session.ExecuteAsync("DELETE FROM schedule_fire", default), default);
        await StrikeAsync(host, TimeSpan.FromDays(401));
        Assert.StartsWith("entered 1,", await host.StatsAsync("ends"), StringComparison.Ordinal);
        Assert.StartsWith("entered 3,", await host.StatsAsync("goes-on"), StringComparison.Ordinal);
    }

    // Seen red: one trigger of an older rule, and nobody's schedules were followed any more, and no shard worked.
    [Fact]
    public async Task A_trigger_that_cannot_be_read_any_more_stops_nobody_elses()
    {
        await using var host = await HostAsync(DatabaseKind.Sqlite, french: 1);
        await host.PublishAsync("old", Flow.Of(new { audience = "french" }, ("trigger", "Elsa.Timer", [("interval", "Literal", "P1D")]), Flow.Line("hello")));
        await host.PublishAsync("goes-on", Daily);
        await host.Database.WriteAsync(session => session.ExecuteAsync("UPDATE definition_version SET definition = replace(definition, 'P1D', 'now and then')", default), default);
        host.Start(services => services.AddSingleton(new ScheduleOptions()).AddSingleton<ScheduleClock>());

        await StrikeAsync(host, TimeSpan.FromDays(1));
        Assert.StartsWith("entered 1,", await host.StatsAsync("goes-on"), StringComparison.Ordinal);
    }

    // Seen red: whoever's time came first was let in to the end before anybody else's.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_small_audience_does_not_wait_for_the_end_of_a_large_one(DatabaseKind kind)
    {
        await using var host = await HostAsync(kind, french: 1_100);
        await host.Get<Segments>().PutAsync(JourneyHost.Account, "british", "British", "contact.country == \"UK\"", default);
        await host.PublishAsync("large", Daily);
        await host.PublishAsync("small", Flow.Of(new { audience = "british" }, ("trigger", "Elsa.Cron", [("cronExpression", "Literal", "1 9 * * *")]), Flow.Line("hello")));
        await host.AdvanceToAsync("2026-01-06T09:01:00Z");
        await host.Get<ScheduleClock>().MakeUpAsync(default);

        await host.Get<ScheduleFires>().LetInAsync(default);
        await host.RunAsync();

        Assert.StartsWith("entered 1000,", await host.StatsAsync("large"), StringComparison.Ordinal);
        Assert.StartsWith("entered 1,", await host.StatsAsync("small"), StringComparison.Ordinal);
    }

    // Seen red: the inbox was one for all, and who filled it held up everybody.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_account_whose_inbox_is_full_holds_up_its_own_audiences_alone(DatabaseKind kind)
    {
        await using var host = await HostAsync(kind, french: 1);
        await host.PublishAsync("daily", Daily);
        await host.AdvanceToAsync("2026-01-06T09:00:00Z");
        await host.Get<ScheduleClock>().MakeUpAsync(default);

        await FillAsync(account: 2);
        await host.Get<ScheduleFires>().LetInAsync(default);
        Assert.Equal(1, await WaitingAsync());
        await host.Database.WriteAsync(session => session.ExecuteAsync("DELETE FROM inbox", default), default);
        await host.AdvanceToAsync("2026-01-07T09:00:00Z");
        await host.Get<ScheduleClock>().MakeUpAsync(default);
        await FillAsync(JourneyHost.Account);
        await host.Get<ScheduleFires>().LetInAsync(default);
        Assert.Equal(20_000, await WaitingAsync());

        Task FillAsync(int account) => host.Database.WriteAsync(session => session.ExecuteAsync("INSERT INTO inbox (account_id, shard, kind, key, user_id, accepted_at, body) SELECT @account, r.shard, 1, r.key, 'ada', 1, '{}' FROM {rows}",
            new Rows<int>([.. Enumerable.Range(0, 20_000)]).Int("shard", i => i % StableHash.Shards).Uuid("key", i => Guid.CreateVersion7(host.Time.GetUtcNow())), default, ("account", account)), default);

        Task<long> WaitingAsync() => host.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM inbox WHERE account_id = @account", default, ("account", JourneyHost.Account)), default);
    }

    // Seen red: it was tried again and again, and nobody behind it was let in.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_audience_that_cannot_be_found_out_holds_up_nobody_elses(DatabaseKind kind)
    {
        await using var host = await HostAsync(kind, french: 1);
        await host.Get<Segments>().PutAsync(JourneyHost.Account, "broken", "Broken", "contact.country == \"UK\"", default);
        await host.PublishAsync("fails", Flow.Of(new { audience = "broken" }, ("trigger", "Elsa.Cron", [("cronExpression", "Literal", "59 8 * * *")]), Flow.Line("hello")));
        await host.PublishAsync("daily", Daily);
        await host.Database.WriteAsync(session => session.ExecuteAsync("UPDATE segment SET rule = 'contact.' WHERE key = 'broken'", default), default);

        await StrikeAsync(host, TimeSpan.FromDays(1));
        Assert.StartsWith("entered 1,", await host.StatsAsync("daily"), StringComparison.Ordinal);

        await host.Database.WriteAsync(session => session.ExecuteAsync("UPDATE segment SET rule = 'contact.country == \"UK\"' WHERE key = 'broken'", default), default);
        host.Time.Advance(TimeSpan.FromSeconds(2));
        await LetInAsync(host);
        Assert.StartsWith("entered 1,", await host.StatsAsync("fails"), StringComparison.Ordinal);
    }

    // Seen red: a thousand times that could not be let in, and nobody else's were found.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task However_many_times_of_one_schedule_fail_the_others_are_let_in_first(DatabaseKind kind)
    {
        await using var host = await HostAsync(kind, french: 1);
        await host.Get<Segments>().PutAsync(JourneyHost.Account, "broken", "Broken", "contact.country == \"UK\"", default);
        await host.PublishAsync("fails", Flow.Of(new { audience = "broken" }, ("trigger", "Elsa.Cron", [("cronExpression", "Literal", "* * * * *")]), Flow.Line("hello")));
        await host.PublishAsync("daily", Daily);
        await host.Database.WriteAsync(session => session.ExecuteAsync("UPDATE segment SET rule = 'contact.' WHERE key = 'broken'", default), default);
        await host.AdvanceToAsync("2026-01-06T09:00:00Z");
        await host.Database.WriteAsync(session => session.ExecuteAsync("INSERT INTO schedule_fire (account_id, journey_id, activity_id, fire_at, audience) SELECT @account, 1, 'trigger', r.at, 'broken' FROM {rows}",
            new Rows<int>([.. Enumerable.Range(0, 1_500)]).Long("at", i => 1_000 + i), default, ("account", JourneyHost.Account)), default);

        await host.Get<ScheduleClock>().MakeUpAsync(default);
        await host.Get<ScheduleFires>().LetInAsync(default);
        await host.RunAsync();

        Assert.StartsWith("entered 1,", await host.StatsAsync("daily"), StringComparison.Ordinal);
    }

    // Seen red: its fires stayed, open for ever.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_journey_that_is_deleted_leaves_no_times_behind(DatabaseKind kind)
    {
        await using var host = await HostAsync(kind, french: 1);
        await host.PublishAsync("daily", Daily);
        await host.AdvanceAsync(TimeSpan.FromDays(1));
        await host.Get<ScheduleClock>().MakeUpAsync(default);

        await host.Journeys.DeleteAsync(JourneyHost.Account, "daily", default);

        Assert.Equal(0, await host.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM schedule_fire", default), default));
    }

    // Seen red: it stayed put off.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Upkeep_that_a_clock_far_ahead_put_off_is_done_soon_and_what_is_as_it_should_be_is_left(DatabaseKind kind)
    {
        await using var host = await HostAsync(kind, french: 0);
        using var clock = new ScheduleClock(
            host.Database, host.Get<PublishedSchedules>(), host.Get<ScheduleFires>(), new ScheduleOptions(host.ConnectionString),
            [new Upkeep("hourly", TimeSpan.FromHours(1), _ => Task.CompletedTask)], FaultPoints.None, host.Get<ILoggerFactory>());
        var scheduler = await clock.CreateAsync(default);
        host.Time.Step(TimeSpan.FromDays(90));
        await clock.MakeUpAsync(default);
        await clock.TellAsync(scheduler, default);
        Assert.Equal(At("2026-04-05T09:01:00Z"), await NextAsync());

        host.Time.Step(-TimeSpan.FromDays(90));
        await clock.MakeUpAsync(default);
        await clock.TellAsync(scheduler, default);
        Assert.Equal(At("2026-01-05T09:01:00Z"), await NextAsync());
        host.Time.Advance(TimeSpan.FromSeconds(30));
        await clock.MakeUpAsync(default);
        await clock.TellAsync(scheduler, default);
        Assert.Equal(At("2026-01-05T09:01:00Z"), await NextAsync());
        await scheduler.Shutdown(waitForJobsToComplete: false, default);

        async Task<DateTimeOffset?> NextAsync() => (await scheduler.GetTrigger(new TriggerKey("hourly", "upkeep")))!.NextFireTimeUtc;
    }

    // Seen red: it was waited for, and the process ended in the middle of it.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_stop_tells_upkeep_to_end_and_waits_until_it_has(DatabaseKind kind)
    {
        await using var host = await HostAsync(kind, french: 0);
        var (began, ended) = (new TaskCompletionSource(), false);
        using var clock = new ScheduleClock(
            host.Database, host.Get<PublishedSchedules>(), host.Get<ScheduleFires>(), new ScheduleOptions(kind == DatabaseKind.PostgreSql ? host.ConnectionString : null),
            [new Upkeep("endless", TimeSpan.FromHours(1), async ct =>
            {
                began.SetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct).ContinueWith(_ => ended = true, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            })], FaultPoints.None, host.Get<ILoggerFactory>());
        await clock.StartAsync(default);
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!began.Task.IsCompleted)
        {
            host.Time.Advance(TimeSpan.FromSeconds(1)); // Quartz' threads look at this clock
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, deadline.Token);
        }

        await clock.StopAsync(deadline.Token);

        Assert.True(ended);
    }

    // Seen red: it was known only where mail is sent, and the clock is where journeys are worked.
    [Fact]
    public async Task Where_the_clock_is_sending_domains_are_checked_though_no_mail_is_sent_there()
    {
        await using var host = await JourneyHost.CreateAsync(DatabaseKind.Sqlite, services => services.AddJourneyWorkers());
        Assert.Contains("domain-checks", host.Get<IEnumerable<Upkeep>>().Select(upkeep => upkeep.Name));
    }

    // Quartz itself, on its threads: it is waited for, up to a deadline.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Two_nodes_clocks_strike_and_each_time_is_written_down_once(DatabaseKind kind)
    {
        await using var host = await HostAsync(kind, french: 2);
        await host.PublishAsync("minutely", Flow.Of(new { audience = "french" }, ("trigger", "Elsa.Cron", [("cronExpression", "Literal", "* * * * *")]), Flow.Line("hello")));
        var options = new ScheduleOptions(kind == DatabaseKind.PostgreSql ? host.ConnectionString : null);
        var clocks = Enumerable.Range(0, 2).Select(_ => new ScheduleClock(
            host.Database, host.Get<PublishedSchedules>(), host.Get<ScheduleFires>(), options, [], FaultPoints.None, host.Get<ILoggerFactory>())).ToList();
        foreach (var clock in clocks) await clock.StartAsync(default);
        for (var minute = 1; minute <= 3; minute++)
        {
            host.Time.Advance(TimeSpan.FromSeconds(60));
            await UntilAsync(host, minute);
        }
        foreach (var clock in clocks) await clock.StopAsync(default);
        await host.RunAsync();

        Assert.Equal("entered 6, waiting 0, completed 6, exited 0, faulted 0", await host.StatsAsync("minutely"));
    }

    private static async Task UntilAsync(JourneyHost host, int fires)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await host.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM schedule_fire WHERE done_at IS NOT NULL", default), default) < fires)
        {
            host.Time.Advance(TimeSpan.FromMilliseconds(20)); // its threads look at this clock
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, deadline.Token);
        }
    }

    /// <summary>Its schedules are paused after the first round: what is found then, the comparing found.</summary>
    private static async Task<ScheduleClock> WithoutStrikesAsync(JourneyHost host)
    {
        var clock = host.Get<ScheduleClock>();
        await clock.RoundAsync(default);
        await clock.TellRoundAsync(default);
        await clock.Scheduler!.PauseAll();
        return clock;
    }

    private sealed class FailsOnce(string at) : IFaultPoints
    {
        private string? _at = at;

        public void Reach(string name)
        {
            if (name != _at) return;
            _at = null;
            throw new InvalidOperationException("The database was away.");
        }
    }

    private static async Task StrikeAsync(JourneyHost host, TimeSpan after)
    {
        await host.AdvanceAsync(after);
        await host.Get<ScheduleClock>().MakeUpAsync(default);
        await LetInAsync(host);
    }

    private static async Task LetInAsync(JourneyHost host)
    {
        while (await host.Get<ScheduleFires>().LetInAsync(default)) { }
        await host.RunAsync();
    }

    private static async Task<JourneyHost> HostAsync(DatabaseKind kind, int french)
    {
        var host = await JourneyHost.CreateAsync(kind, services => services.AddSingleton(new ScheduleOptions()).AddSingleton<ScheduleClock>());
        await host.Get<Segments>().PutAsync(JourneyHost.Account, "french", "French", "contact.country == \"FR\"", default);
        await ContactsAsync(host, Enumerable.Range(0, french).Select(i => $"fr-{i}"), "FR");
        await ContactAsync(host, "ada", "UK");
        return host;
    }

    private static Task ContactAsync(JourneyHost host, string user, string country) => ContactsAsync(host, [user], country);

    private static Task ContactsAsync(JourneyHost host, IEnumerable<string> users, string country) => host.Database.WriteAsync(async session =>
    {
        var now = await session.NowAsync(default);
        foreach (var shard in users.Select(user => StableHash.Shard(JourneyHost.Account, user)).Distinct().Order()) await session.LockShardAsync(shard, wait: true, default);
        var contacts = await host.Get<IContactStore>().FindOrCreateAsync(session, [.. users.Select(user => (JourneyHost.Account, user))], now, default);
        await host.Get<IContactStore>().ApplyAsync(session, [.. contacts.Select(contact => new ContactChange(contact, new Dictionary<string, object?> { ["country"] = country }))], "test", now, default);
    }, default);

    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
}
