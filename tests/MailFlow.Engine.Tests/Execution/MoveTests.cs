using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Storage;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Engine.Tests.Execution;

/// <summary>Instances go over to another version of their journey.</summary>
public sealed class MoveTests
{
    [Activity("Tests.Work", Outcomes = ["Done"])]
    internal sealed class Work : JobActivity<Work.Input>
    {
        public sealed record Input;

        protected override Task<JobResult> RunAsync(Input input, Job job, CancellationToken ct) => Task.FromResult(JobResult.Complete());
    }

    private static async Task<EngineHost> WaitingAsync(DatabaseKind kind, string activities, params string[] connections)
    {
        var host = await EngineHost.CreateAsync(kind, services => services.AddActivity<Work>());
        await host.PublishAsync(Flows.Of(activities, connections));
        await host.EventAsync("go");
        await host.Worker.RunUntilIdleAsync(default);
        return host;
    }

    /// <summary>Publishes the next version and moves the one instance there is.</summary>
    private static async Task MoveAsync(EngineHost host, string json, string? activity = null)
    {
        await host.PublishAsync(json);
        await PostMoveAsync(host, activity);
        await host.Worker.RunUntilIdleAsync(default);
    }

    private static async Task PostMoveAsync(EngineHost host, string? activity = null)
    {
        var instance = (await host.InstancesAsync())[0];
        await host.Write(async session =>
        {
            var version = await session.ScalarAsync<long>("SELECT max(id) FROM definition_version", default);
            await Inbox.PostAsync(session, [InboxItem.For(1, "ada", InboxKind.Move, StableHash.Key("move", version.ToString()),
                new Dictionary<string, object?> { ["instance"] = instance.ToString(), ["version"] = version, ["activity"] = activity })], default);
        });
    }

    /// <summary>Seen red with the nodes' numbers taken over as they are.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_wait_keeps_its_instant_and_goes_on_in_the_other_version(DatabaseKind kind)
    {
        await using var host = await WaitingAsync(kind, "on:s:go wait:w:P1D say:old", "s --> w", "w --> old");
        host.Time.Advance(TimeSpan.FromHours(18));

        await MoveAsync(host, Flows.Of("say:first on:s:go say:new wait:w:P1D", "s --> first", "first --> w", "w --> new"));
        await host.AdvanceAsync(TimeSpan.FromHours(6) - TimeSpan.FromMilliseconds(1));
        Assert.Empty(await host.LinesAsync());
        await host.AdvanceAsync(TimeSpan.FromMilliseconds(1));

        Assert.Equal(["new"], await host.LinesAsync());
        Assert.Contains("-1 M  moved from version 1 to version 2", await host.HistoryAsync());
        await AssertCountsAsync(host, completed: 1, faulted: 0);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_wait_that_reads_otherwise_in_the_other_version_begins_anew(DatabaseKind kind)
    {
        await using var host = await WaitingAsync(kind, "on:s:go wait:w:P1D say:old", "s --> w", "w --> old");
        host.Time.Advance(TimeSpan.FromHours(18));

        await MoveAsync(host, Flows.Of("on:s:go wait:w:PT2H say:new", "s --> w", "w --> new"));
        await host.AdvanceAsync(TimeSpan.FromHours(1));
        Assert.Empty(await host.LinesAsync());
        await host.AdvanceAsync(TimeSpan.FromHours(1));

        Assert.Equal(["new"], await host.LinesAsync());
    }

    /// <summary>Seen red with the connection by which a token came left as it was.</summary>
    [Theory]
    [InlineData(DatabaseKind.Sqlite, "WaitAll")]
    [InlineData(DatabaseKind.Sqlite, "WaitAllActive")]
    [InlineData(DatabaseKind.PostgreSql, "WaitAll")]
    [InlineData(DatabaseKind.PostgreSql, "WaitAllActive")]
    public async Task A_join_at_which_one_branch_has_arrived_waits_for_the_other(DatabaseKind kind, string mode)
    {
        await using var host = await WaitingAsync(kind, $"on:s:go say:a wait:w:P1D join:j:{mode} say:end", "s --> a", "s --> w", "a --> j", "w --> j", "j --> end");
        Assert.Equal(["a"], await host.LinesAsync());

        await MoveAsync(host, Flows.Of($"say:extra join:j:{mode} on:s:go wait:w:P1D say:a say:end say:also", "s --> extra", "extra --> a", "s --> w", "w --> j", "a --> j", "j --> also", "also --> end"));
        Assert.Equal(["a"], await host.LinesAsync());
        await host.AdvanceAsync(TimeSpan.FromDays(1));

        Assert.Equal(["a", "also", "end"], await host.LinesAsync());
        await AssertCountsAsync(host, completed: 1, faulted: 0);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_join_that_in_the_other_version_waits_for_nobody_any_more_goes_on_at_once(DatabaseKind kind)
    {
        await using var host = await WaitingAsync(kind, "on:s:go say:a say:b wait:w:P1D say:j", "s --> a", "s --> b", "b --> w", "a --> j", "w --> j");

        await MoveAsync(host, Flows.Of("on:s:go say:a say:b wait:w:P1D say:j say:apart", "s --> a", "s --> b", "b --> w", "a --> j", "b --> j", "w --> apart"));
        Assert.Equal(["a", "b", "j"], await host.LinesAsync());
        await host.AdvanceAsync(TimeSpan.FromDays(1));

        Assert.Equal(["a", "b", "j", "apart"], await host.LinesAsync());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_stands_at_an_activity_that_the_other_version_lacks_stays_and_says_why(DatabaseKind kind)
    {
        await using var host = await WaitingAsync(kind, "on:s:go wait:w:P1D say:old", "s --> w", "w --> old");

        await MoveAsync(host, Flows.Of("on:s:go wait:other:P1D say:new", "s --> other", "other --> new"));
        Assert.Contains("-1 V  stays on version 1, not moved to version 2: “w” is not in it", await host.HistoryAsync());
        await host.AdvanceAsync(TimeSpan.FromDays(1));

        Assert.Equal(["old"], await host.LinesAsync());
    }

    /// <summary>The same id, but a different type, is a different activity.</summary>
    [Fact]
    public async Task An_activity_of_another_type_is_another_activity()
    {
        await using var host = await WaitingAsync(DatabaseKind.Sqlite, "on:s:go wait:w:P1D say:old", "s --> w", "w --> old");

        await MoveAsync(host, Flows.Of("on:s:go on:w:bought say:new", "s --> w", "w --> new"));

        Assert.Contains("-1 V  stays on version 1, not moved to version 2: “w” is not in it", await host.HistoryAsync());
    }

    [Fact]
    public async Task An_arrived_branch_stays_where_the_other_version_does_not_join_it()
    {
        await using var host = await WaitingAsync(DatabaseKind.Sqlite, "on:s:go say:a wait:w:P1D join:j:WaitAll say:end", "s --> a", "s --> w", "a --> j", "w --> j", "j --> end");

        await MoveAsync(host, Flows.Of("on:s:go say:a say:c wait:w:P1D join:j:WaitAll say:end", "s --> a", "s --> w", "a --> end", "s --> c", "c --> j", "w --> j", "j --> end"));

        Assert.Contains("-1 V  stays on version 1, not moved to version 2: “j” no longer joins the branch that has come to it", await host.HistoryAsync());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Where_an_activity_is_named_it_goes_on_there_and_nowhere_else(DatabaseKind kind)
    {
        await using var host = await WaitingAsync(kind, "on:s:go wait:w:P1D wait:w2:P2D say:old", "s --> w", "s --> w2", "w --> old");

        await MoveAsync(host, Flows.Of("on:s:go wait:other:P9D say:new", "s --> other", "other --> new"), "new");

        Assert.Equal(["new"], await host.LinesAsync());
        Assert.Contains("-1 M  moved from version 1 to “new” in version 2", await host.HistoryAsync());
        await AssertCountsAsync(host, completed: 1, faulted: 0);
    }

    /// <summary>Seen red: the result was looked up by the node's number, and the instance waited for ever.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_job_that_is_under_way_finds_its_instance_in_the_other_version(DatabaseKind kind)
    {
        await using var host = await WaitingAsync(kind, "on:s:go Tests.Work:job say:old", "s --> job", "job --> old");

        await MoveAsync(host, Flows.Of("say:first on:s:go say:new Tests.Work:job", "s --> first", "first --> job", "job --> new"));
        await host.RunAsync();

        Assert.Equal(["new"], await host.LinesAsync());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_job_is_dropped_when_its_instance_goes_on_elsewhere(DatabaseKind kind)
    {
        await using var host = await WaitingAsync(kind, "on:s:go Tests.Work:job say:old", "s --> job", "job --> old");

        await MoveAsync(host, Flows.Of("on:s:go Tests.Work:job say:old wait:w:P1D", "s --> job", "job --> old", "old --> w"), "w");

        Assert.Equal(0, await host.Read(session => session.ScalarAsync<long>("SELECT count(*) FROM job", default)));
        await host.AdvanceAsync(TimeSpan.FromDays(1));
        Assert.Empty(await host.LinesAsync());
        Assert.Equal([InstanceStatus.Completed], await host.StatusesAsync());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_incident_goes_along_and_is_mended_by_the_other_version(DatabaseKind kind)
    {
        await using var host = await WaitingAsync(kind, "on:s:go wait:w:{{event.nothing}} say:end", "s --> w", "w --> end");
        Assert.Equal([InstanceStatus.Faulted], await host.StatusesAsync());

        await MoveAsync(host, Flows.Of("say:x on:s:go wait:w:P1D say:end", "s --> w", "w --> end"));
        Assert.Equal([InstanceStatus.Faulted], await host.StatusesAsync());
        await AssertCountsAsync(host, completed: 0, faulted: 1);
        await host.CommandAsync(InboxKind.Retry, "ada", (await host.InstancesAsync())[0]);
        await host.AdvanceAsync(TimeSpan.FromDays(1));

        Assert.Equal(["end"], await host.LinesAsync());
        await AssertCountsAsync(host, completed: 1, faulted: 0);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task While_paused_an_instance_moves_and_runs_on_resume(DatabaseKind kind)
    {
        await using var host = await WaitingAsync(kind, "on:s:go wait:w:P1D say:old", "s --> w", "w --> old");
        await host.PauseAsync(true);
        host.Time.Advance(TimeSpan.FromDays(2));

        await MoveAsync(host, Flows.Of("say:x on:s:go wait:w:P1D say:new", "s --> w", "w --> new"));
        Assert.Empty(await host.LinesAsync());
        await host.PauseAsync(false);
        await host.RunAsync();

        Assert.Equal(["new"], await host.LinesAsync());
    }

    /// <summary>What came before the move in the same batch is told and counted by the old version's nodes.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_happened_in_the_same_batch_before_the_move_belongs_to_the_old_version(DatabaseKind kind)
    {
        await using var host = await WaitingAsync(kind, "on:s:go on:e:bought say:thanks wait:w:P1D", "s --> e", "e --> thanks", "thanks --> w");
        await host.PublishAsync(Flows.Of("say:x say:y on:s:go on:e:bought wait:w:P1D say:new", "s --> e", "e --> w", "w --> new"));

        await host.EventAsync("bought");
        await PostMoveAsync(host);
        await host.AdvanceAsync(TimeSpan.FromDays(1));

        Assert.Equal(["thanks", "new"], await host.LinesAsync());
        var passed = await host.Read(session => session.QueryAsync(
            "SELECT v.version, c.node, c.n FROM journey_count c JOIN definition_version v ON v.id = c.version_id WHERE c.kind = 10 AND c.n > 0 ORDER BY v.version, c.node",
            row => (row.Int(0), row.Int(1), row.Long(2)), default));
        Assert.Equal([(1, 0, 1), (1, 1, 1), (1, 2, 1), (2, 4, 1), (2, 5, 1)], passed);
        await AssertCountsAsync(host, completed: 1, faulted: 0);
    }

    /// <summary>More than a chunk of them.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task All_that_wait_move_chunk_by_chunk(DatabaseKind kind)
    {
        const int Contacts = 5_100;
        await using var host = await EngineHost.CreateAsync(kind);
        await host.PublishAsync(Flows.Of("on:s:go wait:w:P1D say:old", "s --> w", "w --> old"));
        foreach (var chunk in Enumerable.Range(0, Contacts).Chunk(1_000))
            await host.EventsAsync([.. chunk.Select(i => host.NewEvent("go", $"u{i}"))]);
        await host.RunAsync();
        await host.PublishAsync(Flows.Of("say:x on:s:go wait:w:P1D say:new", "s --> w", "w --> new"));
        await PostMoveOfAllAsync(host);
        await host.RunAsync();
        await host.AdvanceAsync(TimeSpan.FromDays(1));

        Assert.Equal(Contacts, (await host.LinesAsync()).Count(line => line == "new"));
        Assert.Equal(0, await host.Read(session => session.ScalarAsync<long>("SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM dead_letter)", default)));
        await AssertCountsAsync(host, completed: Contacts, faulted: 0);
    }

    // Seen red: it waited for the rows of all accounts.
    [Fact]
    public async Task Another_accounts_rows_hold_up_no_move_of_all()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite);
        await host.PublishAsync(Flows.Of("on:s:go wait:w:P1D say:old", "s --> w", "w --> old"));
        await host.EventAsync("go");
        await host.RunAsync();
        await host.PublishAsync(Flows.Of("on:s:go wait:w:P1D say:new", "s --> w", "w --> new"));
        await host.Write(session => session.ExecuteAsync("""
            INSERT INTO inbox (account_id, shard, kind, key, accepted_at, body)
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) SELECT 2, 0, 1, x'00', 0, '' FROM n
            """, default));
        await PostMoveOfAllAsync(host);

        await host.Worker.RunOnceAsync(3, default);

        Assert.Contains(InboxKind.Move, await host.Read(session => session.QueryAsync("SELECT kind FROM inbox WHERE account_id = 1", row => (InboxKind)row.Int(0), default)));
    }

    private static Task PostMoveOfAllAsync(EngineHost host) => host.Write(async session =>
    {
        var version = await session.ScalarAsync<long>("SELECT max(id) FROM definition_version", default);
        var journey = await session.ScalarAsync<long>("SELECT id FROM journey", default);
        await Inbox.PostAsync(session, [new InboxItem(1, 3, InboxKind.ForWaiting, StableHash.Key("all"), null, JsonData.Write(new Dictionary<string, object?>
        {
            ["journey"] = journey, ["version"] = version, ["except"] = version, ["after"] = Guid.Empty.ToString(),
        }))], default);
    });

    /// <summary>Each activity's and the journey's numbers come out even.</summary>
    private static async Task AssertCountsAsync(EngineHost host, long completed, long faulted)
    {
        var counts = await host.CountsAsync();
        Assert.Equal((completed, faulted), (counts.GetValueOrDefault(CountKind.Completed), counts.GetValueOrDefault(CountKind.Faulted)));
        Assert.Equal(faulted, counts.GetValueOrDefault(CountKind.Failed));
        var negative = await host.Read(session => session.QueryAsync("SELECT node, kind FROM journey_count WHERE node >= 0 GROUP BY version_id, node, kind HAVING sum(n) < 0", row => row.Int(0), default));
        Assert.Empty(negative);
    }
}
