using MailFlow.Data;
using MailFlow.Journeys.Facts;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;
using static MailFlow.Journeys.Tests.Facts.WebhookWorld;

namespace MailFlow.Journeys.Tests.Facts;

/// <summary>Processes that die, and processes side by side: told at least once, never twice at a time.</summary>
public sealed class WebhookCrashTests
{
    public static TheoryData<DatabaseKind, string, int> Everywhere
    {
        get
        {
            var data = new TheoryData<DatabaseKind, string, int>();
            foreach (var kind in Enum.GetValues<DatabaseKind>())
                foreach (var (point, calls) in new[] { ("webhooks.relay.before-commit", 1), ("webhooks.before-call", 1), ("webhooks.after-call", 2), ("webhooks.outcomes.before-commit", 2) }) data.Add(kind, point, calls);
            return data;
        }
    }

    [Theory, MemberData(nameof(Everywhere))]
    public async Task Wherever_the_process_dies_after_the_commit_the_fact_is_told_after_the_restart(DatabaseKind kind, string point, int calls)
    {
        await using var world = await CreateAsync(kind, faults: new DiesAt(point));
        var made = await world.EndpointAsync("/hook", 1, Started);
        await world.TravelAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(world.DeliverAsync);

        world.Host.Start();
        await world.DeliverAsync();
        // What the dead process had in hand is its own until its lease is over: it might still be at it.
        world.Host.Time.Advance(TimeSpan.FromMinutes(2));
        await world.DeliverAsync();

        var delivery = Assert.Single(await world.DeliveriesAsync(made));
        Assert.Equal(DeliveryState.Delivered, delivery.State);
        Assert.Equal(calls, world.Receiver.Requests.Count);
        Assert.All(world.Receiver.Requests, request => Assert.Equal(delivery.Id.ToString(), Header(request, "webhook-id")));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_a_batch_that_died_would_have_told_is_told_once(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind, faults: new DiesAt("batch.before-commit"));
        var made = await world.EndpointAsync();
        await world.TravelAsync(); // the worker tries again
        await world.DeliverAsync();
        Assert.Equal([Started, Completed], (await world.DeliveriesAsync(made)).Select(delivery => delivery.Type));
        Assert.Equal(2, world.Receiver.Requests.Count);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Nodes_side_by_side_tell_each_fact_once_and_keep_to_the_endpoints_limit_together(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind);
        var made = await world.EndpointAsync();
        for (var i = 0; i < 20; i++) await world.TravelAsync($"user-{i}");
        var (one, other) = (world.Host.Get<WebhookDeliverer>(), world.Host.Start().GetRequiredService<WebhookDeliverer>());

        await Task.WhenAll(new[] { one, other, one, other }.Select(async node =>
        {
            while (await node.RunOnceAsync(default) > 0) { }
        }));
        while (await one.RunOnceAsync(default) > 0) { }

        Assert.All(await world.DeliveriesAsync(made), delivery => Assert.Equal((DeliveryState.Delivered, 1), (delivery.State, delivery.Attempts)));
        Assert.Equal(40, world.Receiver.Requests.Select(request => Header(request, "webhook-id")).Distinct().Count());
        Assert.Equal(40, world.Receiver.Requests.Count);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_node_that_was_frozen_past_its_lease_makes_no_call(DatabaseKind kind)
    {
        FakeTime? clock = null;
        await using var world = await CreateAsync(kind, faults: new At("webhooks.claimed", () => clock?.Advance(TimeSpan.FromMinutes(5))));
        await world.EndpointAsync("/hook", 1, Started);
        await world.TravelAsync();
        clock = world.Host.Time;
        await world.Host.Get<WebhookDeliverer>().RunOnceAsync(default);
        Assert.Empty(world.Receiver.Requests);
        clock = null;
        Assert.Equal(1, await world.DeliverAsync());
    }

    // Seen red: the stop cut it off, and the fact was told again when its lease was over.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_call_that_is_under_way_when_the_node_stops_ends_and_is_not_repeated(DatabaseKind kind)
    {
        Task? stopping = null;
        WebhookDeliverer? deliverer = null;
        await using var world = await CreateAsync(kind, faults: new At("webhooks.before-call", () => stopping ??= deliverer?.StopAsync(default)));
        var made = await world.EndpointAsync("/hook", 1, Started);
        await world.TravelAsync();
        deliverer = world.Host.Get<WebhookDeliverer>();
        await deliverer.StartAsync(default);
        await UntilAsync(() => stopping is not null);
        await stopping!;

        Assert.Equal((DeliveryState.Delivered, 1), Assert.Single(await world.DeliveriesAsync(made)) is var told ? (told.State, told.Attempts) : default);
        Assert.Single(world.Receiver.Requests);
    }

    // Seen red: it stayed taken for 65 seconds, and an attempt that there was not was counted.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_a_stop_left_untold_is_handed_to_the_next_node_and_counts_as_no_attempt(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind);
        var made = await world.EndpointAsync("/hook", 1, Started);
        world.Answers["/hook"] = null; // silence
        await world.TravelAsync();
        var deliverer = world.Host.Get<WebhookDeliverer>();
        await deliverer.StartAsync(default);
        await UntilAsync(() => !world.Receiver.Requests.IsEmpty);
        var stopping = deliverer.StopAsync(default);
        world.Host.Time.Advance(TimeSpan.FromSeconds(5));
        await stopping;
        Assert.Equal((DeliveryState.Pending, 0, world.Host.Time.GetUtcNow()), Assert.Single(await world.DeliveriesAsync(made)) is var left ? (left.State, left.Attempts, left.NextAttemptAt) : default);

        world.Host.Start();
        world.Answers.Clear();
        Assert.Equal(1, await world.DeliverAsync());
        Assert.Equal((DeliveryState.Delivered, 1), Assert.Single(await world.DeliveriesAsync(made)) is var told ? (told.State, told.Attempts) : default);
    }

    private sealed class At(string point, Action act) : IFaultPoints
    {
        public void Reach(string name)
        {
            if (name == point) act();
        }
    }
}
