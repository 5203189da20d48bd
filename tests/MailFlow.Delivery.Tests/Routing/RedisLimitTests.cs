using MailFlow.Data;
using MailFlow.Delivery.Routing;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;

namespace MailFlow.Delivery.Tests.Routing;

/// <summary>Limits that nodes share over a real Redis, and what becomes of them when it is gone.</summary>
public sealed class RedisLimitTests
{
    private const double Rate = 100;

    [Fact]
    public async Task Nodes_share_one_limit_and_use_it_and_redis_is_not_asked_for_each_mail()
    {
        await using var redis = await RealRedisServer.StartAsync();
        await using var fixture = await CreateAsync(1000);
        MessageSender[] nodes = [fixture.Start(redis, "node-1"), fixture.Start(redis, "node-2"), fixture.Start(redis, "node-3")];

        await fixture.RunAsync(nodes, TimeSpan.FromSeconds(6));

        fixture.AssertWithin(Rate);
        // Those of the second's worth in store that Redis has given out, and 95 % of the rest; a lease that ran out unused costs a few.
        Assert.InRange(fixture.Log.Count, 480, 660);
        await using var client = await ConnectionMultiplexer.ConnectAsync(redis.ConnectionString + ",allowAdmin=true");
        var calls = (await client.GetServers().Single().InfoAsync("commandstats")).SelectMany(group => group)
            .Where(entry => entry.Key is "cmdstat_evalsha" or "cmdstat_eval").Sum(entry => int.Parse(entry.Value.Split("calls=")[1].Split(',')[0]));
        Assert.InRange(calls, 10, fixture.Log.Count / 4);
    }

    [Fact]
    public async Task Without_redis_little_leaves_nothing_is_lost_or_doubled_and_with_it_back_all_goes_on()
    {
        await using var redis = await RealRedisServer.StartAsync();
        await using var fixture = await CreateAsync(900);
        MessageSender[] nodes = [fixture.Start(redis, "node-1"), fixture.Start(redis, "node-2")];
        await fixture.RunAsync(nodes, TimeSpan.FromSeconds(4));
        var before = fixture.Log.Count;

        await redis.KillAsync();
        await fixture.RunAsync(nodes, TimeSpan.FromSeconds(8));
        var without = fixture.Log.Count - before;
        await redis.RestartAsync();
        await fixture.UntilConnectedAsync(nodes.Length);
        await fixture.RunAsync(nodes, TimeSpan.FromSeconds(30));

        Assert.InRange(before, 300, 500);
        Assert.InRange(without, 20, 70); // five a second
        Assert.Equal(900, fixture.Log.Select(entry => entry.To).Distinct().Count());
        Assert.Equal(900, fixture.Log.Count);
        fixture.AssertWithin(Rate);
    }

    [Fact]
    public async Task A_node_that_alone_cannot_reach_redis_adds_no_more_than_the_limit_leaves_it()
    {
        await using var redis = await RealRedisServer.StartAsync();
        await using var fixture = await CreateAsync(1000);
        MessageSender[] nodes = [fixture.Start(redis, "node-1"), fixture.Start("127.0.0.1:1", "cut-off")];

        await fixture.RunAsync(nodes, TimeSpan.FromSeconds(6));

        fixture.AssertWithin(Rate);
        Assert.InRange(fixture.Log.Count, 480, 700);
    }

    // Seen red: 1.95 times the limit.
    [Fact]
    public async Task While_it_is_rolled_out_nodes_that_have_no_redis_yet_take_what_the_others_leave()
    {
        await using var redis = await RealRedisServer.StartAsync();
        await using var fixture = await CreateAsync(2000);
        MessageSender[] nodes = [fixture.Start(redis, "new"), fixture.StartWithout("old")];

        await fixture.RunAsync([nodes[1]], TimeSpan.FromSeconds(2));
        await fixture.RunAsync(nodes, TimeSpan.FromSeconds(6));

        fixture.AssertWithin(Rate);
        Assert.InRange(fixture.Log.Count, 680, 900);

        // Back to rows: what Redis gave out is theirs again a minute later.
        var before = fixture.Log.Count;
        fixture.Advance(TimeSpan.FromSeconds(61));
        await fixture.RunAsync([nodes[1]], TimeSpan.FromSeconds(4));
        Assert.InRange(fixture.Log.Count - before, 390, 510);
    }

    // Seen red: until the clock had come to where it had been, nothing left.
    [Fact]
    public async Task A_clock_that_was_set_back_far_holds_nothing_up_and_gives_nothing_twice()
    {
        await using var redis = await RealRedisServer.StartAsync();
        await using var fixture = await CreateAsync(2000);
        MessageSender[] nodes = [fixture.Start(redis, "node-1"), fixture.Start(redis, "node-2")];
        fixture.Advance(TimeSpan.FromMinutes(15)); // all of it is due before and after
        await fixture.RunAsync(nodes, TimeSpan.FromSeconds(2));
        var before = fixture.Log.Count;

        fixture.Step(TimeSpan.FromMinutes(-10));
        await fixture.RunAsync(nodes, TimeSpan.FromSeconds(4));

        Assert.InRange(fixture.Log.Count - before, 200, 480);
    }

    [Fact]
    public async Task A_slow_limit_stays_in_the_database()
    {
        await using var redis = await RealRedisServer.StartAsync();
        await using var fixture = await CreateAsync(60, RedisLimits.LeasedFrom - 1);
        MessageSender[] nodes = [fixture.Start(redis, "node-1"), fixture.Start(redis, "node-2")];

        await fixture.RunAsync(nodes, TimeSpan.FromSeconds(4));

        Assert.Equal(60, fixture.Log.Count);
        fixture.AssertWithin(RedisLimits.LeasedFrom - 1);
        await using var client = await ConnectionMultiplexer.ConnectAsync(redis.ConnectionString);
        Assert.Empty(client.GetServers().Single().Keys());
    }

    [Fact]
    public void A_connection_string_that_cannot_be_read_is_refused_by_name() =>
        Assert.Equal("ConnectionStrings:Redis", Assert.Throws<InvalidInputException>(() => new ServiceCollection().UseRedis("redis.internal:6379,pasword=x")).Field);

    private static async Task<Nodes> CreateAsync(int mails, double rate = Rate)
    {
        var fixture = await RoutingFixture.CreateAsync(DatabaseKind.PostgreSql);
        await fixture.ConnectAsync("main", draft: new(PerSecond: rate));
        await fixture.Delivery.QueueManyAsync(mails);
        return new Nodes(fixture);
    }

    private sealed class Nodes(RoutingFixture fixture) : IAsyncDisposable
    {
        private readonly List<IConnectionMultiplexer> _connections = [];

        public List<(long At, string Connection, string To)> Log => fixture.Log;

        public MessageSender Start(RealRedisServer redis, string node) => Start(redis.ConnectionString, node);

        public MessageSender Start(string redis, string node)
        {
            var connection = RedisLimits.Connect(redis + ",connectTimeout=500");
            _connections.Add(connection);
            return fixture.Start(fixture.Delivery.Options with { Node = node, BatchSize = 100 }, services => services.UseRedis(connection));
        }

        public MessageSender StartWithout(string node) => fixture.Start(fixture.Delivery.Options with { Node = node, BatchSize = 100 }, _ => { });

        public void Advance(TimeSpan time) => fixture.Delivery.Time.Advance(time);

        public void Step(TimeSpan by) => fixture.Delivery.Time.Step(by);

        /// <summary>Lets time pass; all nodes look for mail every 250 ms, as they do when a limit holds it.</summary>
        public async Task RunAsync(MessageSender[] nodes, TimeSpan time)
        {
            for (var passed = TimeSpan.Zero; passed < time; passed += TimeSpan.FromMilliseconds(250))
            {
                await Task.WhenAll(nodes.Select(node => fixture.Delivery.SendAllAsync(node)));
                fixture.Delivery.Time.Advance(TimeSpan.FromMilliseconds(250));
            }
        }

        /// <summary>A connection comes back in its own time.</summary>
        public async Task UntilConnectedAsync(int count)
        {
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            while (_connections.Count(connection => connection.IsConnected) < count) await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, deadline.Token);
        }

        public void AssertWithin(double perSecond)
        {
            var at = Log.Select(entry => entry.At).Order().ToList();
            for (var first = 0; first < at.Count; first++)
                for (var last = first; last < at.Count; last++)
                    Assert.True(last - first + 1 <= perSecond + ((at[last] - at[first]) / 1000.0 * perSecond) + 1e-6, $"{last - first + 1} mails within {at[last] - at[first]} ms");
        }

        public ValueTask DisposeAsync() => fixture.DisposeAsync();
    }
}
