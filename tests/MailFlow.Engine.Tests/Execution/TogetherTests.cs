using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Storage;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Engine.Tests.Execution;

/// <summary>Shards with little to do are worked together, as they would be one by one.</summary>
public sealed class TogetherTests
{
    /// <summary>One contact of each of the first shards, by shard.</summary>
    private static readonly List<string> Users =
        [.. Enumerable.Range(0, int.MaxValue).Select(i => $"u{i}").Where(user => StableHash.Shard(1, user) < 4).DistinctBy(user => StableHash.Shard(1, user)).Take(4).OrderBy(user => StableHash.Shard(1, user))];

    private static readonly int[] Shards = [0, 1, 2, 3];

    [Activity("Tests.FailsForOne")]
    private sealed class FailsForOne : Activity<FailsForOne.Input>
    {
        public sealed record Input;

        protected override StepResult Run(Input input, Step step) => step.Contact.UserId == Users[2] ? throw new InvalidOperationException("no") : StepResult.Complete(text: "fine");
    }

    [Activity("Tests.FailsForABatch")]
    private sealed class FailsForABatch : BatchActivity<FailsForABatch.Input>
    {
        public sealed record Input;

        protected override async ValueTask RunAsync(StepBatch<Input> steps, CancellationToken ct)
        {
            if (steps.Any(step => step.Context.Contact.UserId == Users[2])) await steps.Session.ExecuteAsync("INSERT INTO nowhere VALUES (1)", ct);
            foreach (var step in steps) step.Complete(text: "fine");
        }
    }

    [Activity("Tests.TakesItsTime")]
    private sealed class TakesItsTime(FakeTimeOf time) : Activity<TakesItsTime.Input>
    {
        public sealed record Input;

        protected override StepResult Run(Input input, Step step)
        {
            if (step.Contact.UserId == Users[2]) time.Clock!.Advance(TimeSpan.FromSeconds(3));
            return StepResult.Complete();
        }
    }

    private sealed class FakeTimeOf
    {
        public FakeTime? Clock { get; set; }
    }

    /// <summary>Seen red: what joined once joined for ever, and all waited for the slow one.</summary>
    [Fact]
    public async Task A_shard_in_which_an_activity_takes_its_time_is_worked_alone_for_a_minute()
    {
        var clock = new FakeTimeOf();
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite, services => services.AddSingleton(clock).AddActivity<TakesItsTime>());
        clock.Clock = host.Time;
        await host.PublishAsync(Flows.Of("on:s:go Tests.TakesItsTime:t", "s --> t"));
        foreach (var user in Users) await host.EventAsync("go", user);

        await host.Worker.RunTogetherAsync([2, 3], default);
        Assert.Equal([true, true, false, false], Shards.Select(host.Worker.Joins)); // one call was for both
        host.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.All(Shards, shard => Assert.True(host.Worker.Joins(shard)));
    }

    /// <summary>Seen red: each shard's command restored 5,000.</summary>
    [Fact]
    public async Task Of_a_resumed_journey_no_more_is_restored_at_once_for_several_shards_than_for_one()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite);
        await host.PublishAsync(Flows.Of("on:s:go wait:w:P1D say:end", "s --> w", "w --> end"));
        foreach (var user in Users) await host.EventAsync("go", user);
        await host.RunAsync();
        await host.PauseAsync(true);
        host.Time.Advance(TimeSpan.FromDays(2));
        await host.RunAsync();
        // 3,000 of each shard's.
        await host.Write(session => session.ExecuteAsync("""
            WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 3000)
            INSERT INTO instance (id, contact_id, version_id, due_at, parked_at, updated_at, account_id, journey_id, ver, shard, status, format, state)
            SELECT substr(id, 1, 12) || unhex(printf('%08X', n)), contact_id, version_id, NULL, 1, updated_at, account_id, journey_id, ver, shard, 0, format, state FROM instance, s
            """, default));
        await host.PauseAsync(false);

        await host.Worker.RunTogetherAsync(Shards, default);

        Assert.Equal(5_000, await host.Read(session => session.ScalarAsync<long>("SELECT count(*) FROM instance WHERE due_at IS NOT NULL", default)));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task With_more_places_than_a_batch_takes_each_comes_to_its_turn(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind, batchSize: 2);
        foreach (var account in new[] { 1, 2 })
        {
            await host.PublishAsync(Flows.Of("on:s:go say:hello", "s --> hello"), account);
            foreach (var user in Users) await host.EventAsync("go", user, account: account);
        }

        while ((await host.Worker.RunTogetherAsync(Shards, default)).More.Count > 0) host.Time.Advance(TimeSpan.FromMilliseconds(1));
        await host.RunAsync();

        Assert.Equal(8, (await host.LinesAsync()).Count);
    }

    [Fact]
    public async Task With_many_accounts_fewer_shards_are_worked_together()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite);
        Assert.Equal(16, host.Worker.Together);
        await host.Write(session => session.ExecuteAsync("""
            WITH RECURSIVE s(n) AS (SELECT 3 UNION ALL SELECT n + 1 FROM s WHERE n < 502)
            INSERT INTO journey (account_id, definition_id, name, created_at, updated_at) SELECT n, 'test', 'test', 0, 0 FROM s
            """, default));
        await host.PublishAsync(Flows.Of("on:s:go say:hello", "s --> hello"));
        await host.EventAsync("go");
        await host.RunAsync();
        Assert.Equal(3, host.Worker.Together);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Some_shards_are_worked_in_one_batch_and_each_keeps_what_is_its_own(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind);
        await host.PublishAsync(Flows.Of("on:s:go wait:w:PT1H say:end", "s --> w", "w --> end"));
        foreach (var user in Users) await host.EventAsync("go", user);

        var (entered, more) = await host.Worker.RunTogetherAsync(Shards, default);
        host.Time.Advance(TimeSpan.FromHours(1));
        var (woken, _) = await host.Worker.RunTogetherAsync(Shards, default);

        Assert.Equal((4, 4), (entered.Claimed, woken.Claimed));
        Assert.Empty(more);
        Assert.Equal(Users.Select(user => $"{user}: end"), (await host.LinesAsync(withUser: true)).OrderBy(line => StableHash.Shard(1, line.Split(':')[0])));
        Assert.Equal(Shards, await host.Read(session => session.QueryAsync("SELECT shard FROM instance ORDER BY shard", row => row.Int(0), default)));
        var counts = await host.CountsAsync();
        Assert.Equal((4, 4, 12), (counts[CountKind.Entered], counts[CountKind.Completed], counts[CountKind.Passed]));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_batch_that_fails_harms_nobody_else_in_its_shards(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind, services => services.AddActivity<FailsForABatch>());
        await host.PublishAsync(Flows.Of("on:s:go Tests.FailsForABatch:f", "s --> f"));
        foreach (var user in Users) await host.EventAsync("go", user);

        var (turn, more) = await host.Worker.RunTogetherAsync(Shards, default);
        Assert.Equal(0, turn.Claimed);
        Assert.Equal(Shards, more);
        Assert.All(Shards, shard => Assert.False(host.Worker.Joins(shard))); // each goes on alone
        await host.RunAsync();

        Assert.Equal([InstanceStatus.Completed, InstanceStatus.Completed, InstanceStatus.Completed, InstanceStatus.Faulted], (await host.StatusesAsync()).Order());
        Assert.True(host.Worker.Joins(0));
    }

    [Fact]
    public async Task One_contact_that_fails_in_an_activity_of_its_own_does_not_part_the_batch()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite, services => services.AddActivity<FailsForOne>());
        await host.PublishAsync(Flows.Of("on:s:go Tests.FailsForOne:f", "s --> f"));
        foreach (var user in Users) await host.EventAsync("go", user);

        Assert.Equal(4, (await host.Worker.RunTogetherAsync(Shards, default)).Turn.Claimed);
        Assert.Equal(1, (await host.StatusesAsync()).Count(status => status == InstanceStatus.Faulted));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_shard_that_has_more_than_its_part_is_worked_alone_until_it_has_not(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind, batchSize: 8);
        await host.PublishAsync(Flows.Of("on:s:go say:hello", "s --> hello"));
        var many = Enumerable.Range(0, int.MaxValue).Select(i => $"m{i}").Where(user => StableHash.Shard(1, user) == 1).Take(9).ToList();
        foreach (var user in many.Concat(Users)) await host.EventAsync("go", user);

        var (turn, more) = await host.Worker.RunTogetherAsync(Shards, default);

        Assert.Equal(2 + 3, turn.Claimed); // a quarter of the batch for the one, all they have for the others
        Assert.Equal([1], more);
        Assert.Equal([true, false, true, true], Shards.Select(host.Worker.Joins));
        Assert.True((await host.Worker.RunOnceAsync(1, default)) is { Claimed: 8, HasMore: true });
        Assert.False((await host.Worker.RunOnceAsync(1, default)).HasMore);
        Assert.True(host.Worker.Joins(1));
        Assert.Equal(13, (await host.LinesAsync()).Count);
    }

    [Fact]
    public async Task Of_what_another_holds_nothing_is_taken_and_the_rest_goes_on()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.PostgreSql, workers: 2);
        await host.PublishAsync(Flows.Of("on:s:go say:hello", "s --> hello"));
        foreach (var user in Users) await host.EventAsync("go", user);

        await host.Write(async session =>
        {
            await session.LockShardAsync(1, wait: true, default);
            using (ExecutionContext.SuppressFlow())
                Assert.Equal(3, Task.Run(() => host.Worker.RunTogetherAsync(Shards, default)).GetAwaiter().GetResult().Turn.Claimed);
        });

        Assert.DoesNotContain($"{Users[1]}: hello", await host.LinesAsync(withUser: true));
        Assert.Equal(1, (await host.Worker.RunTogetherAsync(Shards, default)).Turn.Claimed);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_time_out_waits_for_the_events_of_its_own_shard_only(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind, batchSize: 8);
        await host.PublishAsync(Flows.Of("on:s:go wait:w:PT1H say:end", "s --> w", "w --> end"));
        await host.EventAsync("go", Users[0]);
        await host.EventAsync("go", Users[1]);
        await host.RunAsync();
        // Shard 1 has more events from before its wait is over than its part of the batch.
        var many = Enumerable.Range(0, int.MaxValue).Select(i => $"m{i}").Where(user => StableHash.Shard(1, user) == 1).Take(9).ToList();
        foreach (var user in many) await host.EventAsync("other", user);
        host.Time.Advance(TimeSpan.FromHours(1));

        await host.Worker.RunTogetherAsync(Shards, default);

        Assert.Equal([$"{Users[0]}: end"], await host.LinesAsync(withUser: true));
        await host.RunAsync();
        Assert.Equal(2, (await host.LinesAsync()).Count);
    }

    [Fact]
    public void Workers_share_what_is_signalled_and_one_that_may_not_join_is_taken_alone()
    {
        var signal = new WorkSignal();
        signal.Notify([5, 6, 7, 8, 9]);

        var first = signal.Take(workers: 2, most: 16, shard => shard != 7);
        var second = signal.Take(workers: 2, most: 16, shard => shard != 7);
        Assert.Equal([5, 6, 8], first);
        Assert.Equal([7], second);
        signal.Notify(5);
        Assert.Equal([9], signal.Take(2, 16, _ => true)); // 5 is still in the first one's hands
        Assert.Empty(signal.Take(2, 16, _ => true));

        var waiting = signal.WaitAsync(default);
        signal.Release(first, again: [6]);
        Assert.True(waiting.IsCompleted);
        Assert.Equal([5], signal.Take(2, 1, _ => true));
        Assert.Equal([6], signal.Take(2, 16, _ => true));
        Assert.Empty(signal.Take(2, 16, _ => true));
    }
}
