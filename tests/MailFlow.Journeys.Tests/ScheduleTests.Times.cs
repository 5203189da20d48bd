using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Journeys.Scheduling;
using MailFlow.Testing;
using Microsoft.Extensions.Logging;
using Quartz;

namespace MailFlow.Journeys.Tests;

/// <summary>Which times count, and what is made up for.</summary>
public sealed partial class ScheduleTests
{
    // Seen red: what was missed in between was found only when some journey was changed; and once, the instant of the publish was struck too.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_is_missed_while_it_runs_is_made_up_for_within_a_minute(DatabaseKind kind)
    {
        await using var host = await HostAsync(kind, french: 1);
        await host.PublishAsync("daily", Daily);
        var clock = await WithoutStrikesAsync(host);

        await host.AdvanceToAsync("2026-01-06T09:00:30Z");
        await clock.RoundAsync(default);
        await host.RunAsync();

        Assert.StartsWith("entered 1,", await host.StatsAsync("daily"), StringComparison.Ordinal);
        await clock.Scheduler!.Shutdown(waitForJobsToComplete: false, default);
    }

    // Seen red: it was not found before the clock had come to where it had been.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_is_missed_is_made_up_for_though_the_clock_was_set_back(DatabaseKind kind)
    {
        await using var host = await HostAsync(kind, french: 1);
        await host.PublishAsync("daily", Daily);
        var clock = await WithoutStrikesAsync(host);
        await host.AdvanceToAsync("2026-01-06T08:50:00Z");
        var ahead = TimeSpan.FromSeconds(590);
        host.Time.Step(ahead);
        await clock.RoundAsync(default);

        host.Time.Step(-ahead);
        await host.AdvanceToAsync("2026-01-06T09:00:30Z");
        await clock.RoundAsync(default);
        await host.RunAsync();

        Assert.StartsWith("entered 1,", await host.StatsAsync("daily"), StringComparison.Ordinal);
        await clock.Scheduler!.Shutdown(waitForJobsToComplete: false, default);
    }

    // Seen red: the strike threw, and its time was lost.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_strike_that_cannot_be_written_down_is_made_up_for_at_once(DatabaseKind kind)
    {
        await using var host = await HostAsync(kind, french: 1);
        await host.PublishAsync("daily", Daily);
        await host.AdvanceToAsync("2026-01-06T08:59:30Z");
        var clock = await WithoutStrikesAsync(host);
        await host.AdvanceToAsync("2026-01-06T09:00:00Z");

        await RenameAsync("schedule_fire", "away");
        await clock.StrikeAsync("1/trigger", At("2026-01-06T09:00:00Z"), default);
        await RenameAsync("away", "schedule_fire");
        await clock.RoundAsync(default);
        await host.RunAsync();

        Assert.StartsWith("entered 1,", await host.StatsAsync("daily"), StringComparison.Ordinal);
        await clock.Scheduler!.Shutdown(waitForJobsToComplete: false, default);

        Task RenameAsync(string from, string to) => host.Database.WriteAsync(session => session.ExecuteAsync($"ALTER TABLE {from} RENAME TO {to}", default), default);
    }

    // Seen red: it was kept as it was, created and never running.
    [Fact]
    public async Task A_scheduler_whose_start_failed_is_made_anew()
    {
        await using var host = await HostAsync(DatabaseKind.Sqlite, french: 0);
        using var clock = new ScheduleClock(
            host.Database, host.Get<PublishedSchedules>(), host.Get<ScheduleFires>(), new ScheduleOptions(), [], new FailsOnce("schedules.before-start"), host.Get<ILoggerFactory>());

        await clock.RoundAsync(default);
        await Assert.ThrowsAsync<InvalidOperationException>(() => clock.TellRoundAsync(default));
        await clock.TellRoundAsync(default);

        Assert.Equal(SchedulerStatus.Running, clock.Scheduler!.Status);
        await clock.Scheduler.Shutdown(waitForJobsToComplete: false, default);
    }

    // Seen red: in the last second before a time, the one before it was none.
    [Theory]
    [InlineData("2026-01-06T08:59:59.500Z", "2026-01-05T09:00:00Z")]
    [InlineData("2026-01-06T09:00:00.000Z", "2026-01-06T09:00:00Z")]
    [InlineData("2026-01-06T09:00:00.500Z", "2026-01-06T09:00:00Z")]
    public void The_last_time_is_found_in_every_second(string now, string last) =>
        Assert.Equal(At(last), Times.LastUpTo(new TriggerSchedule("0 9 * * *", null, null, null), At("2026-01-01T00:00:00Z"), At(now)));

    // Seen red: 1:30 came a second time for whoever asked from within the hour that clocks repeat.
    [Theory]
    [InlineData("America/New_York", "2026-11-01", "30 1 * * *", "05:30")]
    [InlineData("America/New_York", "2026-11-01", "15,45 1 * * *", "05:15 05:45")]
    [InlineData("America/New_York", "2026-11-01", "*/30 1 * * *", "05:00 05:30 06:00 06:30")]
    [InlineData("America/New_York", "2026-11-01", "0 2 * * *", "07:00")]
    [InlineData("Europe/Berlin", "2026-10-25", "30 2 * * *", "00:30")]
    [InlineData("Europe/Berlin", "2026-10-25", "30 * * * *", "00:30 01:30 02:30")]
    [InlineData("Australia/Lord_Howe", "2026-04-04", "45 1 * * *", "14:45")] // half an hour comes twice there
    [InlineData("Europe/Berlin", "2026-03-29", "30 2 * * *", "01:00")] // 2:30 does not come: made up for when the clock has been put on
    public void A_fixed_time_comes_once_on_the_day_that_clocks_are_changed(string zone, string day, string cron, string times)
    {
        var schedule = new TriggerSchedule(cron, null, zone, null);
        var expected = times.Split(' ').Select(time => At($"{day}T{time}:00Z")).ToList();
        var end = expected[^1].AddHours(cron.Contains(" * * * *", StringComparison.Ordinal) ? 0.9 : 4);

        var found = new SortedSet<DateTimeOffset>();
        for (var now = expected[0]; now < end; now = now.AddMinutes(1)) found.Add(Times.LastUpTo(schedule, At("2026-01-01T00:00:00Z"), now)!.Value);

        Assert.Equal(expected, found);
    }

    // Seen red: Quartz, told within the hour that clocks repeat, struck the fixed time of it again.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_fixed_time_is_struck_once_in_the_hour_that_clocks_repeat(DatabaseKind kind)
    {
        await using var host = await HostAsync(kind, french: 1);
        await host.PublishAsync("daily", Flow.Of(null, ("trigger", "MailFlow.Schedule", [("cron", "Literal", "30 1 * * *"), ("timeZone", "Literal", "America/New_York"), ("segment", "Literal", "french")]), Flow.Line("hello")));
        await host.AdvanceToAsync("2026-11-01T05:30:00Z");
        await StrikeAsync(host, TimeSpan.Zero);
        await host.AdvanceToAsync("2026-11-01T06:30:00Z");

        await host.Get<ScheduleClock>().StrikeAsync("1/trigger", At("2026-11-01T06:30:00Z"), default);
        await LetInAsync(host);

        Assert.StartsWith("entered 1,", await host.StatsAsync("daily"), StringComparison.Ordinal);
    }

    // Seen red: the audience entered at the time that had been published, and again at the one that was.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_strike_at_a_time_of_what_was_published_before_is_none(DatabaseKind kind)
    {
        await using var host = await HostAsync(kind, french: 1);
        await host.PublishAsync("daily", Daily);
        await host.AdvanceToAsync("2026-01-06T08:59:59Z");
        var clock = await WithoutStrikesAsync(host);
        var before = (await host.Database.ReadAsync(session => host.Get<PublishedSchedules>().ReadAsync(session, default), default)).Single();
        await host.PublishAsync("daily", Flow.Of(new { audience = "french" }, ("trigger", "Elsa.Cron", [("cronExpression", "Literal", "0 10 * * *")]), Flow.Line("hello")));
        await host.AdvanceToAsync("2026-01-06T09:00:00Z");

        // By a node that stood still, or has not looked yet; and by one that knows, of Quartz, which does not.
        Assert.False(await host.Get<ScheduleFires>().FireAsync(before, At("2026-01-06T09:00:00Z"), default));
        await clock.StrikeAsync("1/trigger", At("2026-01-06T09:00:00Z"), default);
        await clock.RoundAsync(default);
        await clock.StrikeAsync("1/trigger", At("2026-01-06T09:00:00Z"), default);
        await LetInAsync(host);

        Assert.StartsWith("entered 0,", await host.StatsAsync("daily"), StringComparison.Ordinal);
        await clock.Scheduler!.Shutdown(waitForJobsToComplete: false, default);
    }

    // Seen red: who held Quartz's lock held up everybody's audiences.
    [Fact]
    public async Task Who_keeps_Quartz_waiting_keeps_nobody_from_being_let_in()
    {
        await using var host = await HostAsync(DatabaseKind.PostgreSql, french: 1);
        await host.PublishAsync("daily", Daily);
        using var clock = new ScheduleClock(
            host.Database, host.Get<PublishedSchedules>(), host.Get<ScheduleFires>(), new ScheduleOptions(host.ConnectionString), [], FaultPoints.None, host.Get<ILoggerFactory>());
        await clock.RoundAsync(default);
        await clock.TellRoundAsync(default);
        await clock.Scheduler!.PauseAll();
        var (held, letGo) = (new TaskCompletionSource(), new TaskCompletionSource());
        var frozen = host.Database.WriteAsync(async session =>
        {
            await session.ExecuteAsync("LOCK TABLE qrtz_locks, qrtz_triggers", default);
            held.SetResult();
            await letGo.Task;
        }, default);
        await held.Task;
        await host.AdvanceToAsync("2026-01-06T09:00:30Z");

        var entering = clock.RoundAsync(default);
        var telling = clock.TellRoundAsync(default);
        await entering.WaitAsync(TimeSpan.FromMinutes(1));
        await host.RunAsync();

        Assert.StartsWith("entered 1,", await host.StatsAsync("daily"), StringComparison.Ordinal);
        letGo.SetResult();
        await frozen;
        await telling;
        await clock.Scheduler!.Shutdown(waitForJobsToComplete: false, default);
    }

    // Seen red: the publish was the beginning, and what was due before it was never done.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_was_missed_before_a_journey_was_published_anew_is_made_up_for(DatabaseKind kind)
    {
        await using var host = await HostAsync(kind, french: 1);
        await host.PublishAsync("daily", Daily);
        await host.AdvanceToAsync("2026-01-06T09:00:05Z"); // nobody ran at 9:00

        await host.PublishAsync("daily", Flow.Of(new { audience = "french" }, ("trigger", "Elsa.Cron", [("cronExpression", "Literal", "0 9 * * *")]), Flow.Line("hello again")));
        await StrikeAsync(host, TimeSpan.FromSeconds(1));

        Assert.StartsWith("entered 1,", await host.StatsAsync("daily"), StringComparison.Ordinal);
    }

    // Seen red: published again, it was as if it had never been taken back, and the last time in between was made up for.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_passed_while_a_journey_was_not_published_is_not_made_up_for(DatabaseKind kind)
    {
        await using var host = await HostAsync(kind, french: 1);
        await host.PublishAsync("daily", Daily);
        await host.Journeys.UnpublishAsync(JourneyHost.Account, "daily", default);
        await host.AdvanceToAsync("2026-01-06T10:00:00Z");

        Assert.True((await host.Journeys.PublishAsync(JourneyHost.Account, "daily", default)).IsPublished);
        await StrikeAsync(host, TimeSpan.FromMinutes(1));
        Assert.StartsWith("entered 0,", await host.StatsAsync("daily"), StringComparison.Ordinal);

        await host.AdvanceToAsync("2026-01-07T09:00:00Z");
        await StrikeAsync(host, TimeSpan.Zero);
        Assert.StartsWith("entered 1,", await host.StatsAsync("daily"), StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_clock_and_what_makes_up_for_it_mean_the_same_instants(DatabaseKind kind)
    {
        await using var host = await HostAsync(kind, french: 0);
        await host.AdvanceAsync(TimeSpan.FromMilliseconds(123));
        await host.PublishAsync("hourly", Flow.Of(new { audience = "french" }, ("trigger", "Elsa.Timer", [("interval", "Literal", "PT1H")]), Flow.Line("hello")));
        using var clock = new ScheduleClock(
            host.Database, host.Get<PublishedSchedules>(), host.Get<ScheduleFires>(), new ScheduleOptions(host.ConnectionString), [], FaultPoints.None, host.Get<ILoggerFactory>());
        var scheduler = await clock.CreateAsync(default);
        await clock.MakeUpAsync(default);
        await clock.TellAsync(scheduler, default);

        var next = (await scheduler.GetTrigger(new TriggerKey("1/trigger", "journeys")))!.NextFireTimeUtc;
        await scheduler.Shutdown(waitForJobsToComplete: false, default);

        Assert.Equal(At("2026-01-05T10:00:00.123Z"), next);
        Assert.Equal(next, Times.LastUpTo(new TriggerSchedule(null, TimeSpan.FromHours(1), null, null), At("2026-01-05T09:00:00.123Z"), At("2026-01-05T10:30:00Z")));
    }
}
