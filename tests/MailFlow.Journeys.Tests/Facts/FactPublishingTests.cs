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

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_bus_that_is_to_be_told_nothing_more_costs_nothing_more(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind);
        await Publishing(world, new Bus()).AskAsync(default);
        await world.TravelAsync();
        await new FactPublishing(world.Host.Database, new Bus(), new FactBus(JourneyHost.Account, [], "Facts"), new(), FaultPoints.None, Log).AskAsync(default);
        await world.TravelAsync("bob");
        Assert.Equal(2, await world.Host.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM fact", default), default));
    }

    private static Microsoft.Extensions.Logging.ILogger<FactPublishing> Log => Microsoft.Extensions.Logging.Abstractions.NullLogger<FactPublishing>.Instance;

    private static FactPublishing Publishing(WebhookWorld world, Bus bus, IFaultPoints? faults = null) =>
        new(world.Host.Database, bus, new FactBus(JourneyHost.Account, [FactInterest.AllTypes], "Facts"), new(), faults ?? FaultPoints.None, Log);

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
