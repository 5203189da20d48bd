using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Execution;
using MailFlow.Engine.Storage;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace MailFlow.Engine.Tests.Execution;

/// <summary>Several workers on one database: each thing is done once, by one of them, whatever becomes of the others.</summary>
public sealed class ContentionTests
{
    private const int Contacts = 300;
    private const string Activities = "on:s:go say:one wait:w:PT1H say:two on:e:bought say:three wait:w2:PT2H say:four";
    private static readonly string[] Connections = ["s --> one", "one --> w", "w --> two", "two --> e", "e --> three", "three --> w2", "w2 --> four"];

    /// <summary>Something that another does in the middle of a batch.</summary>
    private sealed class Midway : IFaultPoints
    {
        private (string Point, Func<Task> Happens)? _plan;

        public void Plan(string point, Func<Task> happens) => _plan = (point, happens);

        public void Reach(string name)
        {
            if (_plan is not { } plan || name != plan.Point) return;
            _plan = null;
            using (ExecutionContext.SuppressFlow()) // another, who knows of no write being under way
                Task.Run(plan.Happens).GetAwaiter().GetResult();
        }
    }

    private sealed class Deaths
    {
        private int _left;

        public void Plan(int number) => _left = number;

        public bool Next() => Interlocked.Decrement(ref _left) >= 0;
    }

    [Activity("Tests.KillsItsConnection")]
    private sealed class KillsItsConnection(Deaths deaths) : BatchActivity<KillsItsConnection.Input>
    {
        public sealed record Input;

        protected override async ValueTask RunAsync(StepBatch<Input> steps, CancellationToken ct)
        {
            if (deaths.Next()) await steps.Session.ExecuteAsync("SELECT pg_terminate_backend(pg_backend_pid())", ct);
            foreach (var step in steps) step.Complete(text: "survived");
        }
    }

    [Activity("Tests.TellsWhetherTablesAreScanned")]
    private sealed class TellsWhetherTablesAreScanned : BatchActivity<TellsWhetherTablesAreScanned.Input>
    {
        public sealed record Input;

        protected override async ValueTask RunAsync(StepBatch<Input> steps, CancellationToken ct)
        {
            var setting = await steps.Session.ScalarAsync<string>("SELECT current_setting('enable_seqscan')", ct);
            foreach (var step in steps) step.Complete(text: setting);
        }
    }

    [Fact]
    public async Task Four_workers_over_all_shards_do_everything_once()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.PostgreSql, batchSize: 7, workers: 4);
        await host.PublishAsync(Flows.Of(Activities, Connections));

        await Task.WhenAll(PostAsync(host, "go"), WorkAllAsync(host));
        await WorkAllAsync(host);
        host.Time.Advance(TimeSpan.FromHours(1));
        await WorkAllAsync(host);
        await Task.WhenAll(PostAsync(host, "bought"), WorkAllAsync(host));
        await WorkAllAsync(host);
        host.Time.Advance(TimeSpan.FromHours(2));
        await WorkAllAsync(host);

        await AssertOnceAsync(host, ["one", "two", "three", "four"], nodes: 8);
    }

    /// <summary>What PostgreSQL last knew of the inbox is that it was empty: by that it would read all of it, the dead rows too, for each batch. Seen red.</summary>
    [Fact]
    public async Task No_batch_reads_a_whole_table()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.PostgreSql, services => services.AddActivity<TellsWhetherTablesAreScanned>());
        await host.PublishAsync(Flows.Of("on:s:go Tests.TellsWhetherTablesAreScanned:tells", "s --> tells"));
        await host.EventAsync("go");
        await host.RunAsync();

        Assert.Equal(["off"], await host.LinesAsync());
    }

    [Fact]
    public async Task A_worker_whose_connection_is_killed_loses_nothing_and_repeats_nothing()
    {
        var deaths = new Deaths();
        await using var host = await EngineHost.CreateAsync(DatabaseKind.PostgreSql, services => services.AddSingleton(deaths).AddActivity<KillsItsConnection>(), batchSize: 7, workers: 2);
        await host.PublishAsync(Flows.Of("on:s:go say:one Tests.KillsItsConnection:kill wait:w:PT1H say:two", "s --> one", "one --> kill", "kill --> w", "w --> two"));
        await PostAsync(host, "go");

        deaths.Plan(5);
        var killed = await WorkAllAsync(host);
        Assert.Equal(5, killed);
        host.Time.Advance(TimeSpan.FromHours(1));
        await WorkAllAsync(host);

        await AssertOnceAsync(host, ["one", "survived", "two"], nodes: 5);
    }

    [Fact]
    public async Task A_shard_that_one_worker_holds_is_left_alone_by_another()
    {
        var midway = new Midway();
        await using var host = await EngineHost.CreateAsync(DatabaseKind.PostgreSql, services => services.AddSingleton<IFaultPoints>(midway), workers: 2);
        await host.PublishAsync(Flows.Of("on:s:go say:hello", "s --> hello"));
        await host.EventAsync("go", "ada");
        var shard = StableHash.Shard(1, "ada");
        Turn? other = null;
        midway.Plan("batch.claimed", async () => other = await host.Workers[1].RunOnceAsync(shard, default));

        var turn = await host.Workers[0].RunOnceAsync(shard, default);

        Assert.Equal((1, 0), (turn.Claimed, other?.Claimed));
        Assert.Equal(["hello"], await host.LinesAsync());
    }

    [Fact]
    public async Task An_instance_that_another_changed_meanwhile_is_not_overwritten()
    {
        var midway = new Midway();
        await using var host = await EngineHost.CreateAsync(DatabaseKind.PostgreSql, services => services.AddSingleton<IFaultPoints>(midway));
        await host.PublishAsync(Flows.Of("on:s:go wait:w:PT1H say:end", "s --> w", "w --> end"));
        await host.EventAsync("go");
        await host.RunAsync();
        host.Time.Advance(TimeSpan.FromHours(1));

        // As a worker would that has lost its lock without knowing.
        midway.Plan("batch.loaded", () => host.Write(session => session.ExecuteAsync("UPDATE instance SET status = 4, due_at = NULL, ver = ver + 1", default)));
        await host.RunAsync();

        Assert.Equal([InstanceStatus.Cancelled], await host.StatusesAsync());
        Assert.Empty(await host.LinesAsync());
    }

    private static async Task PostAsync(EngineHost host, string type) => await Task.WhenAll(Enumerable.Range(0, Contacts).Chunk(20).Select(chunk =>
        Task.Run(() => host.EventsAsync([.. chunk.Select(i => host.NewEvent(type, $"u{i}", id: $"{type}-{i}"))]))));

    /// <summary>All workers at once, each over all shards until nothing is left to do; gives how often a connection broke.</summary>
    private static async Task<int> WorkAllAsync(EngineHost host)
    {
        var broken = 0;
        await Task.WhenAll(host.Workers.Select(worker => Task.Run(async () =>
        {
            do
            {
                for (var shard = 0; shard < StableHash.Shards; shard++)
                {
                    try
                    {
                        while ((await worker.RunOnceAsync(shard, default)).HasMore)
                        {
                        }
                    }
                    catch (NpgsqlException)
                    {
                        Interlocked.Increment(ref broken); // the next turn does it
                    }
                }
            }
            while ((await worker.ShardsWithWorkAsync(default)).Count > 0);
        })));
        return broken;
    }

    private static async Task AssertOnceAsync(EngineHost host, string[] lines, int nodes)
    {
        Assert.Equal(
            Enumerable.Range(0, Contacts).SelectMany(i => lines.Select(line => $"u{i}: {line}")).Order(StringComparer.Ordinal),
            (await host.LinesAsync(withUser: true)).Order(StringComparer.Ordinal));
        Assert.All(await host.StatusesAsync(), status => Assert.Equal(InstanceStatus.Completed, status));
        var counts = await host.CountsAsync();
        Assert.Equal((Contacts, Contacts, 0, Contacts * nodes),
            (counts[CountKind.Entered], counts[CountKind.Completed], counts.GetValueOrDefault(CountKind.Waiting), counts[CountKind.Passed]));
        Assert.Equal(0, await host.Read(session => session.ScalarAsync<long>("SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM dead_letter)", default)));
    }
}
