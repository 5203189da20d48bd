using MailFlow.Data;
using MailFlow.Engine.Execution;
using MailFlow.Engine.Storage;
using MailFlow.Testing;

namespace MailFlow.Engine.Tests.Execution;

/// <summary>Waits of any length, woken exactly once and never early.</summary>
public sealed class TimerTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_wait_of_400_days_is_over_on_the_day_and_not_before(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind);
        await host.PublishAsync(Flows.Of("on:s:go wait:w:P400D say:end", "s --> w", "w --> end"));

        await host.EventAsync("go");
        await host.AdvanceAsync(TimeSpan.FromDays(400) - TimeSpan.FromMilliseconds(1));
        Assert.Empty(await host.LinesAsync());

        await host.AdvanceAsync(TimeSpan.FromMilliseconds(1));
        Assert.Equal(["end"], await host.LinesAsync());
    }

    /// <summary>A batch reads the clock before it takes what it works: its node may stand still between the two. Seen red.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_wait_of_an_event_accepted_after_the_batch_read_the_clock_is_not_shorter_for_that(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind);
        await host.PublishAsync(Flows.Of("on:s:go wait:w:PT2S say:end", "s --> w", "w --> end"));
        var begun = host.Time.GetUtcNow().ToUnixTimeMilliseconds();
        await host.EventAsync("go");
        await host.Write(session => session.ExecuteAsync("UPDATE inbox SET accepted_at = accepted_at + 120", default));

        host.Time.StepOnRead = TimeSpan.FromMilliseconds(150);
        await host.Worker.RunOnceAsync(StableHash.Shard(1, "ada"), default);

        Assert.Equal(begun + 150 + 2_000, await host.Read(session => session.ScalarAsync<long>("SELECT due_at FROM instance", default)));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_workers_look_again_when_the_next_wait_is_over_a_quarter_of_a_second_later_at_most(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind);
        Assert.Equal((0, null), await LookAsync());
        Assert.Equal(250, await PauseAsync());

        await host.PublishAsync(Flows.Of("on:s:go wait:w:PT1M say:end", "s --> w", "w --> end"));
        var users = Enumerable.Range(0, 1_000).Select(i => $"u{i}").DistinctBy(user => StableHash.Shard(1, user)).Take(2).ToList();
        await host.EventAsync("go", users[0]);
        Assert.Equal((1, null), await LookAsync());
        await host.RunAsync();
        host.Time.Advance(TimeSpan.FromSeconds(10));
        await host.EventAsync("go", users[1]);
        await host.RunAsync();

        Assert.Equal((0, 50_000), await LookAsync());
        Assert.Equal(250, await PauseAsync());
        host.Time.Advance(TimeSpan.FromMilliseconds(49_900));
        Assert.Equal(100, await PauseAsync());
        host.Time.Advance(TimeSpan.FromMilliseconds(99));
        Assert.Equal(50, await PauseAsync()); // what is over within it is worked together
        host.Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal((1, 10_000), await LookAsync());
        Assert.Equal(50, await PauseAsync()); // what follows in the shard that is due is not known
        Assert.Equal(80, await PauseAsync(took: 8)); // a tenth of the time at most goes into looking
        Assert.Equal(250, await PauseAsync(took: 60));
        Assert.Equal(1_800, await PauseAsync(took: 600)); // a quarter, where so many accounts are looked through
        await host.RunAsync();
        Assert.Equal((0, 10_000), await LookAsync());

        async Task<(int Shards, long? NextIn)> LookAsync() => await host.Worker.LookAheadAsync(default) is var ahead ? (ahead.Shards.Count, ahead.NextIn) : default;
        async Task<double> PauseAsync(int took = 1) => WorkerLoop.PauseAfter(await host.Worker.LookAheadAsync(default), TimeSpan.FromMilliseconds(took)).TotalMilliseconds;
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task While_a_journey_is_paused_nothing_runs_and_on_resume_what_came_due_does(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind);
        await host.PublishAsync(Flows.Of("on:s:go wait:w:P1D say:after", "s --> w", "w --> after"));
        await host.EventAsync("go", "ada");
        await host.RunAsync();

        await host.PauseAsync(true);
        await host.EventAsync("go", "bob");
        await host.AdvanceAsync(TimeSpan.FromDays(3));
        Assert.Empty(await host.LinesAsync());
        Assert.Equal(2, (await host.InstancesAsync()).Count);
        Assert.Equal(0, await host.Read(s => s.ScalarAsync<long>("SELECT count(*) FROM instance WHERE due_at IS NOT NULL", default)));

        await host.PauseAsync(false);
        await host.RunAsync();
        Assert.Equal(["ada: after"], await host.LinesAsync(withUser: true)); // bob begins only now
        await host.AdvanceAsync(TimeSpan.FromDays(1));
        Assert.Equal(["ada: after", "bob: after"], await host.LinesAsync(withUser: true));
    }

    [Fact]
    public async Task While_paused_an_event_still_satisfies_a_wait()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite);
        await host.PublishAsync(Flows.Of("on:s:go on:w:bought say:after", "s --> w", "w --> after"));
        await host.EventAsync("go");
        await host.RunAsync();

        await host.PauseAsync(true);
        await host.EventAsync("bought");
        await host.RunAsync();
        Assert.Empty(await host.LinesAsync());

        await host.PauseAsync(false);
        await host.RunAsync();
        Assert.Equal(["after"], await host.LinesAsync());
    }

    [Theory]
    [InlineData(1), InlineData(7), InlineData(1000)]
    public async Task After_an_outage_a_timer_that_fell_due_before_an_event_goes_first(int batchSize)
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite, batchSize: batchSize);
        await host.PublishAsync(Flows.Of("on:s:go wait:w:PT1H on:e:bought say:got", "s --> w", "w --> e", "e --> got"));
        foreach (var user in new[] { "a", "b", "c", "d" }) await host.EventAsync("go", user);
        await host.RunAsync();

        // Nobody works; the wait falls due, then the event comes. In this order, the event finds the wait for it.
        host.Time.Advance(TimeSpan.FromHours(2));
        foreach (var user in new[] { "a", "b", "c", "d" }) await host.EventAsync("bought", user);
        await host.RunAsync();

        Assert.Equal(4, (await host.LinesAsync()).Count);
    }

    [Fact]
    public async Task An_event_that_came_before_a_timer_fell_due_goes_first()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite, batchSize: 1);
        await host.PublishAsync(Flows.Of("on:s:go wait:w:PT1H on:e:bought say:got", "s --> w", "w --> e", "e --> got"));
        await host.EventAsync("go");
        await host.RunAsync();

        await host.EventAsync("bought"); // nobody waits for it yet
        host.Time.Advance(TimeSpan.FromHours(2));
        await host.RunAsync();

        Assert.Empty(await host.LinesAsync());
        Assert.Equal([InstanceStatus.Running], await host.StatusesAsync());
    }

    [Theory]
    [InlineData(1), InlineData(2), InlineData(1000)]
    public async Task After_an_outage_no_timer_overtakes_an_event_that_another_batch_will_take(int batchSize)
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite, batchSize: batchSize);
        await host.PublishAsync(Flows.Of("on:s:go wait:short:PT1H on:e:bought say:got wait:long:PT3H End:over",
            "s --> short", "short --> e", "e --> got", "s --> long", "long --> over"));
        await host.EventAsync("go");
        await host.RunAsync();

        // Nobody works. One wait falls due, events come, the other wait falls due: they belong to one instance.
        host.Time.Advance(TimeSpan.FromHours(2));
        await host.EventAsync("noise");
        await host.EventAsync("noise");
        await host.EventAsync("bought");
        host.Time.Advance(TimeSpan.FromHours(2));
        await host.RunAsync();

        Assert.Equal(["got"], await host.LinesAsync());
    }

    /// <summary>Each seen red: without the rule, and with a lateness counted from the wait's end alone.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task After_an_outage_a_journey_lets_go_of_waits_that_are_later_than_it_allows(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind);
        await host.PublishAsync(Flows.With("""{"expire_late":"P2D"}""", "on:s:go wait:w:P1D say:after", "s --> w", "w --> after"));
        await host.EventAsync("go", "ada");
        await host.RunAsync();
        host.Time.Advance(TimeSpan.FromHours(2));
        await host.EventAsync("go", "bob");
        await host.RunAsync();

        host.Time.Advance(TimeSpan.FromDays(3)); // nobody works: ada's wait is over by 2 days and 2 hours, bob's by 2 days
        await host.RunAsync();

        Assert.Equal(["bob: after"], await host.LinesAsync(withUser: true));
        Assert.Equal([InstanceStatus.Completed, InstanceStatus.Exited], (await host.StatusesAsync()).Order());
        Assert.Contains("-1 X  its wait ended on 6 January 2026, 09:00 UTC while the server was not running; the journey lets go of what is later than 2 days", await host.HistoryAsync());
        var counts = await host.CountsAsync();
        Assert.Equal((1, 1, 0), (counts[CountKind.Completed], counts[CountKind.Exited], counts[CountKind.Waiting]));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_a_pause_held_back_is_not_late(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind);
        await host.PublishAsync(Flows.With("""{"expire_late":"PT1H"}""", "on:s:go wait:w:P1D say:after", "s --> w", "w --> after"));
        await host.EventAsync("go");
        await host.RunAsync();
        await host.PauseAsync(true);
        await host.AdvanceAsync(TimeSpan.FromDays(5));

        await host.PauseAsync(false);
        await host.RunAsync();

        Assert.Equal(["after"], await host.LinesAsync());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_an_incident_held_back_is_not_late(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind);
        await host.PublishAsync(Flows.With("""{"expire_late":"PT1H"}""", "on:s:go wait:a:P2D say:after wait:b:P1D Fault:f", "s --> a", "a --> after", "s --> b", "b --> f"));
        await host.EventAsync("go");
        await host.AdvanceAsync(TimeSpan.FromDays(8));
        Assert.Equal([InstanceStatus.Faulted], await host.StatusesAsync());

        await host.CommandAsync(InboxKind.Skip, "ada", Assert.Single(await host.InstancesAsync()));
        await host.RunAsync();

        Assert.Equal(["after"], (await host.LinesAsync()).Where(line => line == "after"));
        Assert.Equal([InstanceStatus.Completed], await host.StatusesAsync());
    }

    // Seen red: the later event's instant stood for the horizon of a place that was full.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task No_timer_overtakes_an_event_that_was_accepted_before_it_and_not_taken_because_another_shards_event_came_later(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind, batchSize: 4);
        await host.PublishAsync(Flows.Of("on:s:go on:e:bought say:got wait:long:PT1H End:over", "s --> e", "e --> got", "s --> long", "long --> over"));
        var (ada, bob) = (EngineHost.UserOf(7), EngineHost.UserOf(8));
        await host.EventAsync("go", ada);
        await host.RunAsync();
        host.Time.Advance(TimeSpan.FromHours(1) - TimeSpan.FromMilliseconds(80));
        var read = host.Time.GetUtcNow().ToUnixTimeMilliseconds(); // when the batch reads the clock; the time-out falls due 80 ms later

        await AcceptAsync(ada, "noise", 10);
        await AcceptAsync(ada, "noise", 20); // the slice of two is full
        await AcceptAsync(ada, "bought", 70); // before the time-out
        await AcceptAsync(bob, "noise", 120);
        await host.Worker.RunTogetherAsync([7, 8], default);
        host.Time.Advance(TimeSpan.FromSeconds(1));
        await host.RunAsync();

        Assert.Equal(["got"], await host.LinesAsync());

        async Task AcceptAsync(string user, string type, int after)
        {
            await host.EventAsync(type, user);
            await host.Write(s => s.ExecuteAsync("UPDATE inbox SET accepted_at = @at WHERE id = (SELECT max(id) FROM inbox)", default, ("at", read + after)));
        }
    }

    /// <summary>The database's clock was set back, at a fail-over. Seen red.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_row_accepted_in_the_future_ends_nobody_elses_wait_early(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind);
        await host.PublishAsync(Flows.Of("on:s:go wait:w:PT30M say:end", "s --> w", "w --> end"));
        var (ada, bob) = (EngineHost.UserOf(7), EngineHost.UserOf(8));
        await host.EventAsync("go", bob);
        await host.RunAsync();

        await host.EventAsync("noise", ada);
        await host.Write(s => s.ExecuteAsync("UPDATE inbox SET accepted_at = accepted_at + 3600000", default));
        await host.EventAsync("noise", bob);
        await host.Worker.RunTogetherAsync([7, 8], default);

        Assert.Empty(await host.LinesAsync());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_row_accepted_in_the_future_makes_nobody_elses_wait_longer(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind);
        await host.PublishAsync(Flows.Of("on:s:go wait:w:PT30M say:end", "s --> w", "w --> end"));
        var (ada, bob) = (EngineHost.UserOf(7), EngineHost.UserOf(8));
        var now = host.Time.GetUtcNow().ToUnixTimeMilliseconds();
        await host.EventAsync("noise", ada);
        await host.Write(s => s.ExecuteAsync("UPDATE inbox SET accepted_at = accepted_at + 3600000", default));
        await host.EventAsync("go", bob);
        await host.Worker.RunTogetherAsync([7, 8], default);
        Assert.Equal(now + 1_800_000, await host.Read(s => s.ScalarAsync<long>("SELECT due_at FROM instance", default)));
    }

    // Seen red: they filled the batch at every look, and nobody else's waits ended.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Contacts_on_a_version_that_this_node_cannot_read_hold_up_no_others(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind, batchSize: 8);
        await host.PublishAsync(Flows.Of("on:s:go wait:w:PT1H say:end", "s --> w", "w --> end"));
        var users = EngineHost.UsersOfOneShard(21);
        await host.EventsAsync([.. users.Select(user => host.NewEvent("go", user))]);
        await host.RunAsync();
        await host.Write(async session =>
        {
            await session.ExecuteAsync("INSERT INTO definition_version (account_id, journey_id, version, definition, created_at) SELECT 1, id, 99, 'of a later MailFlow', 0 FROM journey", default);
            await session.ExecuteAsync("""
                UPDATE instance SET due_at = due_at - 1, version_id = (SELECT id FROM definition_version WHERE version = 99)
                WHERE contact_id <> (SELECT id FROM contact WHERE user_id = @last)
                """, default, ("last", users[^1]));
        });

        await host.AdvanceAsync(TimeSpan.FromMinutes(59)); // the clock of a test that waits for what is due would not end
        host.Time.Advance(TimeSpan.FromMinutes(1));
        await host.RunAsync(); // learns what it cannot read
        await host.RunAsync();

        Assert.Equal([$"{users[^1]}: end"], await host.LinesAsync(withUser: true));
        Assert.Equal(20, await host.Read(session => session.ScalarAsync<long>("SELECT count(*) FROM instance WHERE due_at IS NOT NULL AND status = 0", default)));
    }
}
