using System.Net;
using System.Text.Json;
using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Engine.Storage;
using MailFlow.Server.Nodes;
using MailFlow.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailFlow.Server.Tests;

/// <summary>Roles of nodes, the registry, and what operators see of them.</summary>
public sealed class NodeTests
{
    [Theory]
    [InlineData(null, "api,worker,ingest,sender")]
    [InlineData("all", "api,worker,ingest,sender")]
    [InlineData("Worker", "worker")]
    [InlineData(" api , sender ", "api,sender")]
    public void Roles_are_all_unless_a_list_says_otherwise(string? setting, string roles) =>
        Assert.Equal(roles, string.Join(',', Configured(setting, "Host=db").ReadRoles().Words()));

    [Theory]
    [InlineData("api,wroker", "Host=db", "MailFlow:Roles: 'wroker' is none of all, api, worker, ingest, sender")]
    [InlineData("worker", null, "MailFlow:Roles: on SQLite one process does everything: leave it at 'all', or set ConnectionStrings__MailFlow to a PostgreSQL database")]
    public void Roles_that_cannot_be_are_refused_by_name(string setting, string? postgres, string message) =>
        Assert.Equal(message, Assert.Throws<InvalidInputException>(() => Configured(setting, postgres).ReadRoles()).Message);

    [Fact]
    public async Task A_typing_error_in_the_roles_stops_the_start_in_one_line()
    {
        var folder = Directory.CreateTempSubdirectory("mailflow-roles-").FullName;
        try
        {
            var (exitCode, said) = await ServerProcess.RunToItsEndAsync(folder, [], ("MailFlow__Roles", "wroker"));

            Assert.Equal((1, "MailFlow does not start: MailFlow:Roles: 'wroker' is none of all, api, worker, ingest, sender"), (exitCode, Assert.Single(said)));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_worker_answers_health_and_metrics_and_nothing_else()
    {
        await using var test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, TimeProvider.System);
        var folder = Directory.CreateTempSubdirectory("mailflow-roles-").FullName;
        try
        {
            await using var worker = await ServerProcess.StartAsync(folder, test.ConnectionString, ("MailFlow__Samples", "false"), ("MailFlow__Roles", "worker"));

            foreach (var path in new[] { "/api/v1/journeys", "/api/v1/cluster", "/elsa/api/descriptors/activities", "/", "/preferences/x" })
                Assert.Equal((path, HttpStatusCode.NotFound), (path, (await worker.Client.GetAsync(path)).StatusCode));
            Assert.Contains("its roles are worker. Ask one that has the role api", await (await worker.Client.GetAsync("/unsubscribe/x")).Content.ReadAsStringAsync(), StringComparison.Ordinal);
            Assert.Equal(HttpStatusCode.OK, (await worker.Client.GetAsync("/health/live")).StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await worker.Client.GetAsync("/metrics")).StatusCode);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_node_is_up_while_it_gives_signs_of_life_then_dead_then_forgotten_and_one_that_says_goodbye_has_stopped(DatabaseKind kind)
    {
        var time = new FakeTime();
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false, time: time);
        NodeRegistry Node(string name, NodeRoles roles) => new(server.Database, new DeliveryOptions { Node = name }, roles, NullLogger<NodeRegistry>.Instance);
        var (one, two, three) = (Node("one", NodeRoles.Api), Node("two", NodeRoles.Worker | NodeRoles.Sender), Node("three", NodeRoles.All));
        foreach (var node in new[] { one, two, three }) await node.SignAsync(default);

        Assert.Equal(["one up api", "three up api,worker,ingest,sender", "two up worker,sender"], await NodesAsync(server));

        time.Advance(NodeRegistry.Patience + TimeSpan.FromSeconds(1));
        await one.SignAsync(default);
        await three.SignOffAsync(default);
        Assert.Equal(["one up api", "three stopped api,worker,ingest,sender", "two dead worker,sender"], await NodesAsync(server));

        time.Advance(NodeRegistry.Remembered + TimeSpan.FromSeconds(1));
        await one.SignAsync(default);
        await two.SignAsync(default); // it was frozen, and has come to itself
        Assert.Equal(["one up api", "two up worker,sender"], await NodesAsync(server));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_cluster_shows_what_waits_in_each_shard_and_since_when(DatabaseKind kind)
    {
        var time = new FakeTime();
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false, time: time);
        var timestamp = time.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var (user, number) in new[] { "ada", "ada", "bob" }.Select((user, number) => (user, number)))
            (await server.Admin.PostAsync("/api/v1/events", HttpExtensions.Json(
                $$"""{"event_id":"e-{{number}}","event_type":"seen","user_id":"{{user}}","timestamp":{{timestamp}},"payload":{} }"""))).EnsureSuccessStatusCode();
        time.Advance(TimeSpan.FromSeconds(30));

        var cluster = await (await server.Admin.GetAsync("/api/v1/cluster")).JsonAsync();

        Assert.Equal(30, cluster.GetProperty("lag_seconds").GetDouble());
        var shards = cluster.GetProperty("engine").GetProperty("shards").EnumerateArray().ToList();
        Assert.Equal(Enumerable.Range(0, 64), shards.Select(shard => shard.GetProperty("shard").GetInt32()));
        var waiting = shards.Where(shard => shard.GetProperty("inbox").GetInt64() > 0).ToDictionary(shard => shard.GetProperty("shard").GetInt32(), shard => shard.GetProperty("inbox").GetInt64());
        Assert.Equal(new Dictionary<int, long> { [StableHash.Shard(1, "ada")] = 2, [StableHash.Shard(1, "bob")] = 1 }, waiting);
        Assert.All(shards, shard => Assert.Equal(waiting.ContainsKey(shard.GetProperty("shard").GetInt32()), shard.GetProperty("oldest_at").ValueKind != JsonValueKind.Null));
    }

    // Seen red: each account of a shard was counted to the bound.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Of_a_shard_so_much_is_counted_and_no_more_however_many_accounts_wait_in_it(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        await AccountIsolationTests.SecondAccountAsync(server);
        await server.Database.WriteAsync(async session =>
        {
            var (numbers, id) = ("WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 6000)", session.Dialect.IsPostgreSql ? "gen_random_uuid()" : "randomblob(16)");
            await session.ExecuteAsync($"{numbers} INSERT INTO inbox (account_id, shard, kind, key, accepted_at, body) SELECT a.id, 7, 0, {id}, 9 - a.id, '' FROM number, account a", default);
            await session.ExecuteAsync($"""
                {numbers} INSERT INTO instance (id, contact_id, version_id, due_at, updated_at, account_id, journey_id, ver, shard, status, format, state)
                SELECT {id}, 1, 1, 9, 1, a.id, 1, 1, 7, 0, 1, @state FROM number, account a
                """, default, ("state", Array.Empty<byte>()));
        }, default);

        var shard = (await server.Database.ReadAsync(session => EngineBacklog.ReadAsync(session, default), default)).Shards[7];

        Assert.Equal((EngineBacklog.MostCounted, EngineBacklog.MostCounted, DateTimeOffset.FromUnixTimeMilliseconds(7)), (shard.Inbox, shard.Timers, shard.OldestAt));
    }

    [Fact]
    public async Task A_shard_whose_lock_is_held_is_shown_in_work()
    {
        await using var server = await ServerUnderTest.StartAsync(DatabaseKind.PostgreSql, workers: false);

        var inWork = await server.Database.WriteAsync(async session =>
        {
            Assert.True(await session.LockShardAsync(17, wait: false, default));
            var backlog = await server.Database.ReadAsync(reader => EngineBacklog.ReadAsync(reader, default), default);
            return backlog.Shards.Where(shard => shard.InWork).Select(shard => shard.Shard).ToList();
        }, default);

        Assert.Equal(17, Assert.Single(inWork));
    }

    /// <summary>What is about all accounts is not for whoever runs one.</summary>
    [Fact]
    public async Task The_cluster_and_the_metrics_are_for_the_operators_account_with_the_scope()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        var other = await AccountIsolationTests.SecondAccountAsync(server);

        foreach (var path in new[] { "/api/v1/cluster", "/metrics" })
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await server.ClientWith(null).GetAsync(path)).StatusCode);
            Assert.Equal(HttpStatusCode.Forbidden, (await (await server.ClientWithScopesAsync("journeys:read")).GetAsync(path)).StatusCode);
            Assert.Equal(HttpStatusCode.Forbidden, (await other.GetAsync(path)).StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await (await server.ClientWithScopesAsync("cluster:read")).GetAsync(path)).StatusCode);
        }
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_schema_newer_than_this_version_is_told_by_its_files(DatabaseKind kind)
    {
        await using var test = await TestDatabase.CreateAsync(kind);
        await test.Database.WriteAsync(session => session.ExecuteAsync("INSERT INTO schema_version (name) VALUES ('MailFlow.Data/999_of_tomorrow.sql')", default), default);

        Assert.Equal(["MailFlow.Data/999_of_tomorrow.sql"], await Migrator.UnknownAsync(test.Database, [typeof(Database).Assembly], default));
        Assert.Empty(await Migrator.ApplyAsync(test.Database, [typeof(Database).Assembly], default));
    }

    private static async Task<IEnumerable<string>> NodesAsync(ServerUnderTest server)
    {
        var view = await new Nodes.Cluster(server.Database, server.Services.GetRequiredService<MessageBacklogs>()).ReadAsync(default);
        return view.Nodes.Select(node => $"{node.Name} {node.Status.ToString().ToLowerInvariant()} {string.Join(',', node.Roles)}");
    }

    private static IConfiguration Configured(string? roles, string? postgres) => new ConfigurationBuilder()
        .AddInMemoryCollection(new Dictionary<string, string?> { ["MailFlow:Roles"] = roles, ["ConnectionStrings:MailFlow"] = postgres }).Build();
}
