using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Execution;
using MailFlow.Engine.Storage;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailFlow.Engine.Tests.Execution;

/// <summary>A stimulus that kills the process, which a supervisor starts again: it is found, alone, and laid aside.</summary>
public sealed class DeadlyStimulusTests
{
    internal sealed class Killers : HashSet<string>;

    /// <summary>Nobody catches a cancellation: to the worker it is the end.</summary>
    [Activity("Tests.Deadly")]
    internal sealed class Deadly(Killers killers) : Activity<Deadly.Input>
    {
        public sealed record Input;

        protected override StepResult Run(Input input, Step step) =>
            killers.Contains(step.Contact.UserId) ? throw new OperationCanceledException("stack overflow") : StepResult.Complete(text: "survived");
    }

    private static async Task<(EngineHost Host, Killers Killers)> NewAsync(DatabaseKind kind, string activities, params string[] connections)
    {
        var killers = new Killers();
        var host = await EngineHost.CreateAsync(kind, services => services.AddSingleton(killers).AddActivity<Deadly>());
        await host.PublishAsync(Flows.Of(activities, connections));
        await host.Worker.BeginAsync(default);
        return (host, killers);
    }

    /// <summary>Runs as a supervised process does; gives how often it died.</summary>
    private static async Task<int> RunSupervisedAsync(EngineHost host, Action? between = null)
    {
        for (var deaths = 0; ; deaths++)
        {
            Assert.True(deaths < 30, "it dies for ever");
            try
            {
                await host.RunAsync();
                return deaths;
            }
            catch (OperationCanceledException)
            {
                between?.Invoke();
                await host.RestartAsync();
            }
        }
    }

    /// <summary>Seen red without the marks: it died for ever.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_event_that_kills_the_process_is_found_and_laid_aside_and_all_others_go_on(DatabaseKind kind)
    {
        var (host, killers) = await NewAsync(kind, "on:s:go Tests.Deadly:d say:end", "s --> d", "d --> end");
        await using var _ = host;
        var users = EngineHost.UsersOfOneShard(300);
        killers.Add(users[123]);

        await host.EventsAsync([.. users.Append("elsewhere").Select(user => host.NewEvent("go", user))]);
        var deaths = await RunSupervisedAsync(host);

        Assert.InRange(deaths, CrashWatch.MostDeaths + 1, 16);
        Assert.Equal(300, (await host.LinesAsync()).Count(line => line == "end"));
        Assert.Equal([users[123]], await host.Read(s => s.QueryAsync("SELECT user_id FROM dead_letter", row => row.Text(0), default)));
        Assert.Equal(0, await host.Read(s => s.ScalarAsync<long>("SELECT count(*) FROM inbox", default)));
    }

    /// <summary>Seen red with slices by account: it died thirty times and more, as often as the others' backlogs let another stimulus be tried first.</summary>
    [Fact]
    public async Task An_event_that_kills_the_process_is_found_though_other_accounts_have_much_to_do_in_its_shard()
    {
        var (host, killers) = await NewAsync(DatabaseKind.Sqlite, "on:s:go Tests.Deadly:d say:end", "s --> d", "d --> end");
        await using var _ = host;
        foreach (var account in new[] { 2, 3 })
        {
            if (account == 3) await host.Write(session => session.ExecuteAsync("INSERT INTO account (id, name, created_at) VALUES (3, 'Three', 0)", default));
            await host.PublishAsync(Flows.Of("on:s:go Tests.Deadly:d say:end", "s --> d", "d --> end"), account);
            await host.EventsAsync([.. EngineHost.UsersOfOneShard(2_000, account).Select(user => host.NewEvent("go", user))], account);
        }
        var deadly = Enumerable.Range(0, int.MaxValue).Select(i => $"deadly-{i}").First(user => StableHash.Shard(1, user) == 7);
        killers.Add(deadly);
        await host.EventAsync("go", deadly);

        var deaths = await RunSupervisedAsync(host, between: () => host.Time.Advance(TimeSpan.FromMilliseconds(2_300)));

        Assert.InRange(deaths, CrashWatch.MostDeaths + 1, 16);
        Assert.Equal(1, await host.Read(s => s.ScalarAsync<long>("SELECT count(*) FROM dead_letter", default)));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_timer_that_kills_the_process_makes_its_instance_an_incident(DatabaseKind kind)
    {
        var (host, killers) = await NewAsync(kind, "on:s:go wait:w:PT1H Tests.Deadly:d say:end", "s --> w", "w --> d", "d --> end");
        await using var _ = host;
        var users = EngineHost.UsersOfOneShard(50);
        killers.Add(users[20]);

        await host.EventsAsync([.. users.Select(user => host.NewEvent("go", user))]);
        await host.RunAsync();
        host.Time.Advance(TimeSpan.FromHours(1));
        await RunSupervisedAsync(host);

        var counts = await host.CountsAsync();
        Assert.Equal((49, 1), (counts[CountKind.Completed], counts[CountKind.Faulted]));
        Assert.Contains("died every time", Assert.Single(await host.HistoryAsync(), line => line.StartsWith("-1 F", StringComparison.Ordinal)));
    }

    /// <summary>A power cut, an operator, too little memory: nobody is to blame. Seen red with two deaths as the most.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_few_deaths_by_chance_lay_nothing_aside(DatabaseKind kind)
    {
        var (host, killers) = await NewAsync(kind, "on:s:go Tests.Deadly:d say:end", "s --> d", "d --> end");
        await using var _ = host;
        killers.Add("ada");
        await host.EventAsync("go", "ada");

        for (var death = 0; death < 5; death++)
        {
            await Assert.ThrowsAsync<OperationCanceledException>(host.RunAsync);
            await host.RestartAsync();
        }
        killers.Clear();
        await host.RunAsync();

        Assert.Equal(["survived", "end"], await host.LinesAsync());
        Assert.Equal(0, await host.Read(s => s.ScalarAsync<long>("SELECT count(*) FROM dead_letter", default)));
    }

    /// <summary>Even then: what was accepted is not lost. Seen red without the line of history.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_was_laid_aside_is_told_in_the_trace_and_put_back_by_a_replay(DatabaseKind kind)
    {
        var (host, killers) = await NewAsync(kind, "on:s:go Tests.Deadly:d say:end", "s --> d", "d --> end");
        await using var _ = host;
        killers.Add("ada");
        await host.EventsAsync([host.NewEvent("go", "ada", id: "e1")]);

        Assert.Equal(CrashWatch.MostDeaths + 1, await RunSupervisedAsync(host));
        const string Error = "The server died every time it worked on this alone.";
        Assert.Equal($"-1 L  not worked on and laid aside: the event “go” (e1). {Error} It can be replayed.", Assert.Single(await host.HistoryAsync()));
        var letter = Assert.Single((await host.DeadLetters.ListAsync(1, null, 10, default)).Items);
        Assert.Equal(("ada", "the event “go” (e1)", Error), (letter.UserId, letter.What, letter.Reason));

        killers.Clear();
        await Assert.ThrowsAsync<NotFoundException>(() => host.DeadLetters.ReplayAsync(2, letter.Id, default));
        await host.DeadLetters.ReplayAsync(1, letter.Id, default);
        await Assert.ThrowsAsync<NotFoundException>(() => host.DeadLetters.ReplayAsync(1, letter.Id, default));
        await host.RunAsync();

        Assert.Equal(["survived", "end"], await host.LinesAsync());
        Assert.Empty((await host.DeadLetters.ListAsync(1, null, 10, default)).Items);
    }

    /// <summary>Another node works the shard just then. Seen red with such a turn taken for one that found nothing.</summary>
    [Fact]
    public async Task A_turn_that_finds_the_shard_locked_leaves_the_search_as_it_stands()
    {
        var (host, killers) = await NewAsync(DatabaseKind.PostgreSql, "on:s:go Tests.Deadly:d say:end", "s --> d", "d --> end");
        await using var _ = host;
        killers.Add("ada");
        await host.EventAsync("go", "ada");
        for (var death = 0; death < 2; death++)
        {
            await Assert.ThrowsAsync<OperationCanceledException>(host.RunAsync);
            await host.RestartAsync();
        }

        var shard = StableHash.Shard(1, "ada");
        await host.Write(async session =>
        {
            Assert.True(await session.LockShardAsync(shard, wait: true, default));
            using (ExecutionContext.SuppressFlow()) // another, who knows of no write being under way
                Task.Run(() => host.Worker.RunOnceAsync(shard, default)).GetAwaiter().GetResult();
        });
        await Assert.ThrowsAsync<OperationCanceledException>(host.RunAsync);
        await host.RestartAsync();

        Assert.Equal([2], await DeathsAsync(host));
    }

    /// <summary>Seen red with every mark of another run counted as a death.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Only_the_death_of_the_run_that_left_a_mark_counts(DatabaseKind kind)
    {
        var (host, _) = await NewAsync(kind, "on:s:go Tests.Deadly:d say:end", "s --> d", "d --> end");
        await using var __ = host;
        await host.EventAsync("go", "ada");
        var shard = StableHash.Shard(1, "ada");
        var (a, b) = (new CrashWatch(host.Database, "a"), new CrashWatch(host.Database, "b"));
        Task<bool> MarkAsync(CrashWatch watch) => host.Write(async session =>
            await watch.MarkAsync(session, shard, await Claim.TakeAsync(session, [shard], 1, await session.NowAsync(default), inOrder: true, new Unreadable([], new HashSet<int>()), default), default));

        Assert.Equal((false, false), (await a.BeginAsync(default), await b.BeginAsync(default)));
        for (var turn = 0; turn < CrashWatch.MostDeaths; turn++) Assert.Equal((true, true), (await MarkAsync(b), await MarkAsync(a)));
        Assert.Equal([0], await DeathsAsync(host)); // both live
        await b.ForgetAsync(shard, default);
        Assert.Equal([0], await DeathsAsync(host)); // it is the other's mark

        Assert.True(await new CrashWatch(host.Database, "b").BeginAsync(default));
        Assert.Equal([0], await DeathsAsync(host)); // it was not this one that died
        a = new CrashWatch(host.Database, "a");
        Assert.True(await a.BeginAsync(default));
        Assert.Equal([1], await DeathsAsync(host));

        await MarkAsync(a);
        await a.EndAsync(default);
        Assert.False(await new CrashWatch(host.Database, "a").BeginAsync(default));
        Assert.Equal([1], await DeathsAsync(host)); // stopped in good order
    }

    private static Task<List<int>> DeathsAsync(EngineHost host) => host.Read(s => s.QueryAsync("SELECT deaths FROM shard_trial", row => row.Int(0), default));

    private sealed class Starting : IHostApplicationLifetime
    {
        private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public CancellationTokenSource Started { get; } = new();

        public Task Asked => _asked.Task;

        public CancellationToken ApplicationStarted
        {
            get
            {
                _asked.TrySetResult();
                return Started.Token;
            }
        }

        public CancellationToken ApplicationStopping => default;

        public CancellationToken ApplicationStopped => default;

        public void StopApplication() { }
    }

    /// <summary>
    /// A supervisor starts it again and again where its port is taken, and each start would die with the same event in hand. Seen red with the loop beginning at once.
    /// </summary>
    [Fact]
    public async Task No_work_is_begun_before_the_whole_host_has_started()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite);
        var starting = new Starting();
        using var loop = new WorkerLoop(host.Worker, new WorkSignal(), new EffectSignal(), host.Database, starting, NullLogger<WorkerLoop>.Instance);
        Task<List<string>> RunsAsync() => host.Read(s => s.QueryAsync("SELECT node FROM engine_run", row => row.Text(0), default));

        await loop.StartAsync(default);
        await starting.Asked.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Empty(await RunsAsync());

        await starting.Started.CancelAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while ((await RunsAsync()).Count == 0)
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
        await loop.StopAsync(default);
        Assert.Empty(await RunsAsync());
    }

    [Fact]
    public async Task After_a_stop_in_good_order_nothing_is_written_beside_the_work()
    {
        var (host, _) = await NewAsync(DatabaseKind.Sqlite, "on:s:go Tests.Deadly:d say:end", "s --> d", "d --> end");
        await using var __ = host;
        await host.Worker.EndAsync(default);
        await host.RestartAsync();
        await host.Write(s => s.ExecuteAsync("DROP TABLE shard_trial", default));

        await host.EventAsync("go", "ada");
        await host.RunAsync();

        Assert.Equal(["survived", "end"], await host.LinesAsync());
    }
}
