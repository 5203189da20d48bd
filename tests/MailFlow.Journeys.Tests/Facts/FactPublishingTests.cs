using System.Collections.Concurrent;
using MailFlow.Data;
using MailFlow.Engine.Facts;
using MailFlow.Testing;
using static MailFlow.Journeys.Tests.Facts.WebhookWorld;

namespace MailFlow.Journeys.Tests.Facts;

/// <summary>Facts on their way to a message bus, which stands here for any.</summary>
public sealed class FactPublishingTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_contacts_facts_are_published_in_order_beside_the_webhooks(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind);
        var bus = new Bus();
        var publishing = Publishing(world, bus);
        await publishing.AskAsync(default);
        await world.EndpointAsync("/hook", 1, Started);
        foreach (var user in new[] { "ada", "bob" }) await world.TravelAsync(user);

        Assert.Equal(4, await publishing.RunOnceAsync(default));
        Assert.Equal(0, await publishing.RunOnceAsync(default));
        Assert.Equal([("ada", Started), ("ada", Completed), ("bob", Started), ("bob", Completed)], bus.Has.Select(fact => (fact.UserId, fact.Type)));
        Assert.Equal(2, await world.DeliverAsync());
        var told = world.Receiver.Requests.First();
        Assert.Contains(told.Body, bus.Has.Select(fact => System.Text.Encoding.UTF8.GetString(fact.Body))); // the same octets
        Assert.Equal(Header(told, "webhook-id"), JsonData.ParseMap(told.Body)["id"]);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_the_bus_did_not_take_or_a_crash_left_unmarked_is_published_again_under_its_id(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind);
        var bus = new Bus { IsDown = true };
        var publishing = Publishing(world, bus, new DiesAt("facts.published"));
        await publishing.AskAsync(default);
        await world.TravelAsync();
        await Assert.ThrowsAsync<IOException>(() => publishing.RunOnceAsync(default));
        bus.IsDown = false;
        await Assert.ThrowsAsync<InvalidOperationException>(() => publishing.RunOnceAsync(default));
        Assert.Equal(2, await publishing.RunOnceAsync(default));
        Assert.Equal(bus.Has.Take(2).Select(fact => fact.Id), bus.Has.Skip(2).Select(fact => fact.Id));
        Assert.Equal(4, bus.Has.Count);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task One_node_publishes_at_a_time_and_the_next_when_it_is_gone(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind);
        var bus = new Bus();
        var (one, other) = (Publishing(world, bus), Publishing(world, bus));
        await one.AskAsync(default);
        await world.TravelAsync();
        Assert.Equal((2, 0), (await one.RunOnceAsync(default), await other.RunOnceAsync(default)));
        await world.TravelAsync("bob");
        Assert.Equal((0, 2), (await other.RunOnceAsync(default), await one.RunOnceAsync(default)));
        await world.TravelAsync("eve");
        world.Host.Time.Advance(TimeSpan.FromSeconds(31)); // its node died
        Assert.Equal(2, await other.RunOnceAsync(default));
        Assert.Equal(6, bus.Has.Count);
    }

    // Seen red: it published them, though another may have done so, and published later ones, while it was frozen.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_node_that_comes_to_itself_after_its_lease_publishes_nothing_of_what_it_had_read(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind);
        var (bus, times) = (new Bus(), 0);
        var publishing = Publishing(world, bus, new ActsAt("facts.read", () => { if (times++ == 0) world.Host.Time.Advance(TimeSpan.FromSeconds(31)); }));
        await publishing.AskAsync(default);
        await world.TravelAsync();

        Assert.Equal(0, await publishing.RunOnceAsync(default));
        Assert.Empty(bus.Has);
        Assert.Equal(2, await publishing.RunOnceAsync(default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_bus_that_is_to_be_told_nothing_more_costs_nothing_more(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind);
        await Publishing(world, new Bus()).AskAsync(default);
        await world.TravelAsync();
        world.Host.Time.Advance(TimeSpan.FromMinutes(3));
        Assert.True(await Without(world).AskAsync(default));
        await world.TravelAsync("bob");
        Assert.Equal(2, await world.Host.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM fact", default), default));
    }

    // Seen red: a node that had not got the new settings yet, or started again without them, and the bus was told no more.
    [Fact]
    public async Task A_node_without_a_bus_ends_nothing_while_one_with_it_is_there()
    {
        await using var world = await CreateAsync(DatabaseKind.PostgreSql);
        var bus = new Bus();
        var publishing = Publishing(world, bus);
        await publishing.AskAsync(default);
        world.Host.Time.Advance(TimeSpan.FromMinutes(2));
        await publishing.StillAskAsync(default);
        world.Host.Time.Advance(TimeSpan.FromMinutes(2));

        Assert.False(await Without(world).AskAsync(default));
        await world.TravelAsync();
        Assert.Equal(2, await publishing.RunOnceAsync(default));

        // Cut off for long, it is taken to be gone, and asks again when it is back.
        world.Host.Time.Advance(TimeSpan.FromMinutes(3));
        Assert.True(await Without(world).AskAsync(default));
        await publishing.StillAskAsync(default);
        await world.TravelAsync("bob");
        Assert.Equal(2, await publishing.RunOnceAsync(default));
    }

    // Seen red: only the new account's interest was replaced, and whatever waited was published.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task When_the_bus_becomes_another_accounts_it_is_told_nothing_of_the_one_before_whether_it_happened_since_or_waited(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind);
        await Publishing(world, new Bus()).AskAsync(default);
        await TellAsync(world, "waited");

        var others = new Bus();
        var publishing = new FactPublishing(world.Host.Database, new FactBus(2, [FactInterest.AllTypes], "Facts"), new(), FaultPoints.None, Log, others);
        await publishing.AskAsync(default);
        await TellAsync(world, "since");
        while (await publishing.RunOnceAsync(default) > 0) { }
        Assert.Equal([(2, "since")], others.Has.Select(fact => (fact.AccountId, fact.UserId)));
        Assert.Equal([(1, "waited"), (2, "since")], await world.Host.Database.ReadAsync(session => session.QueryAsync("SELECT account_id, user_id FROM fact ORDER BY seq", row => (row.Int(0), row.Text(1)), default), default));
    }

    // Seen red: the publisher took facts of any account.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_a_node_wrote_for_the_account_before_after_the_change_is_not_published_either(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind);
        await Publishing(world, new Bus()).AskAsync(default);
        var before = await world.Host.Database.ReadAsync(session => FactInterest.OfAsync(session, [1], default), default);
        var others = new Bus();
        var publishing = new FactPublishing(world.Host.Database, new FactBus(2, [FactInterest.AllTypes], "Facts"), new(), FaultPoints.None, Log, others);
        await publishing.AskAsync(default);
        await world.Host.Database.WriteAsync(session => Outbox.WriteAsync(session, before, [Of(world, 1, "late")], default), default);
        Assert.Equal(0, await publishing.RunOnceAsync(default));
        Assert.Empty(others.Has);
    }

    // Seen red: on PostgreSQL the second inserted what the first just had.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Two_nodes_that_start_together_ask_for_the_same_and_neither_fails(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind);
        var second = Task.CompletedTask;
        await world.Host.Database.WriteAsync(async session =>
        {
            await FactInterest.SetAsync(session, JourneyHost.Account, FactConsumer.Bus, [FactInterest.AllTypes], default);
            using (ExecutionContext.SuppressFlow()) second = Task.Run(() => Publishing(world, new Bus()).AskAsync(default)); // it is no part of this write
            if (kind == DatabaseKind.PostgreSql) await world.BlockedAsync("INSERT INTO fact_interest", second);
        }, default);
        await second;
        Assert.Equal(1, await world.Host.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM fact_interest", default), default));
    }

    /// <summary>A fact of each account, where it is asked for.</summary>
    private static Task<int> TellAsync(WebhookWorld world, string user) => world.Host.Database.WriteAsync(async session =>
        await Outbox.WriteAsync(session, await FactInterest.OfAsync(session, [1, 2], default), [Of(world, 1, user), Of(world, 2, user)], default), default);

    private static Fact Of(WebhookWorld world, int account, string user) => new(account, Started, world.Host.Time.GetUtcNow().ToUnixTimeMilliseconds(), 1, user, new Dictionary<string, object?>());

    private static Microsoft.Extensions.Logging.ILogger<FactPublishing> Log => Microsoft.Extensions.Logging.Abstractions.NullLogger<FactPublishing>.Instance;

    private static FactPublishing Without(WebhookWorld world) => new(world.Host.Database, new FactBus(JourneyHost.Account, [], "Facts"), new(), FaultPoints.None, Log);

    private static FactPublishing Publishing(WebhookWorld world, Bus bus, IFaultPoints? faults = null) =>
        new(world.Host.Database, new FactBus(JourneyHost.Account, [FactInterest.AllTypes], "Facts"), new(), faults ?? FaultPoints.None, Log, bus);

    private sealed class ActsAt(string point, Action act) : IFaultPoints
    {
        public void Reach(string name)
        {
            if (name == point) act();
        }
    }

    private sealed class Bus : IFactPublisher
    {
        public ConcurrentQueue<PublishedFact> Has { get; } = new();

        public bool IsDown { get; set; }

        public Task PublishAsync(IReadOnlyList<PublishedFact> facts, CancellationToken ct)
        {
            if (IsDown) throw new IOException("no broker");
            foreach (var fact in facts) Has.Enqueue(fact);
            return Task.CompletedTask;
        }
    }
}
