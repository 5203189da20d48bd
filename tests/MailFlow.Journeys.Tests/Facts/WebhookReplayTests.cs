using MailFlow.Data;
using MailFlow.Journeys.Facts;
using MailFlow.Testing;
using static MailFlow.Journeys.Tests.Facts.WebhookWorld;

namespace MailFlow.Journeys.Tests.Facts;

public sealed class WebhookReplayTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task One_delivery_is_told_again_under_its_id_and_its_attempts_begin_anew(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind);
        var made = await world.EndpointAsync("/hook", 1, Started);
        await world.TravelAsync();
        await world.DeliverAsync();
        var delivery = Assert.Single(await world.DeliveriesAsync(made));

        world.Answers["/hook"] = Status(500);
        await world.Log.ReplayAsync(JourneyHost.Account, made.Endpoint.Id, delivery.Id, default);
        await world.DeliverAsync();

        var again = Assert.Single(await world.DeliveriesAsync(made));
        Assert.Equal((delivery.Id, DeliveryState.Pending, 2), (again.Id, again.State, again.Attempts));
        Assert.InRange(again.NextAttemptAt!.Value - world.Host.Time.GetUtcNow(), TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(6)); // the schedule's first wait
        Assert.Equal(delivery.Id.ToString(), Assert.Single(world.Receiver.Requests.Select(request => Header(request, "webhook-id")).Distinct()));
        await Assert.ThrowsAsync<NotFoundException>(() => world.Log.ReplayAsync(JourneyHost.Account, made.Endpoint.Id, made.Endpoint.Id, default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_period_is_replayed_without_what_was_taken_and_with_what_was_never_told(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind);
        var made = await world.EndpointAsync("/hook", 1, Started);
        await world.EndpointAsync("/other");
        var begin = world.Host.Time.GetUtcNow();
        await world.TravelAsync("taken");
        await world.DeliverAsync();
        world.Host.Time.Advance(TimeSpan.FromHours(1));
        await world.Endpoints.ChangeAsync(JourneyHost.Account, made.Endpoint.Id, new WebhookEndpointDraft(Enabled: false), default);
        await world.TravelAsync("missed"); // written down for the other endpoint
        await world.DeliverAsync();
        await world.Endpoints.ChangeAsync(JourneyHost.Account, made.Endpoint.Id, new WebhookEndpointDraft(Enabled: true), default);
        world.Host.Time.Advance(TimeSpan.FromHours(1));
        await world.TravelAsync("later");
        await world.DeliverAsync();

        Assert.Equal(1, await ReplayAsync(2, all: false));
        await world.DeliverAsync();
        Assert.Equal(["later", "missed", "taken"], (await world.DeliveriesAsync(made)).Select(delivery => delivery.UserId).Order());
        Assert.All(await world.DeliveriesAsync(made), delivery => Assert.Equal((DeliveryState.Delivered, 1, Started), (delivery.State, delivery.Attempts, delivery.Type)));

        Assert.Equal(0, await ReplayAsync(2, all: false));
        Assert.Equal(2, await ReplayAsync(2, all: true)); // not what came at the end of the period, or later
        Assert.Equal(2, await world.DeliverAsync());

        Task<int> ReplayAsync(int hours, bool all) => world.Log.ReplayAsync(JourneyHost.Account, made.Endpoint.Id, begin, begin.AddHours(hours), all, default);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_log_is_read_in_pages_by_state_and_type(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind);
        var made = await world.EndpointAsync();
        for (var i = 0; i < 3; i++)
        {
            await world.TravelAsync($"user-{i}");
            world.Host.Time.Advance(TimeSpan.FromSeconds(1));
        }
        await world.DeliverAsync();
        world.Answers["/hook"] = Status(410);
        await world.TravelAsync("gone");
        await world.DeliverAsync();

        var first = await ListAsync(null, Started, null, 3);
        var rest = await ListAsync(null, Started, first.Next, 3);
        Assert.Equal(["gone", "user-2", "user-1", "user-0"], first.Items.Concat(rest.Items).Select(delivery => delivery.UserId));
        Assert.Null(rest.Next);
        Assert.Equal(6, (await ListAsync(DeliveryState.Delivered, null, null, 100)).Items.Count);
        Assert.All((await ListAsync(DeliveryState.Failed, null, null, 100)).Items, delivery => Assert.Equal("gone", delivery.UserId));
        Assert.Equal(8, (await ListAsync(DeliveryState.Delivered, null, null, 100)).Items.Count + (await ListAsync(DeliveryState.Failed, null, null, 100)).Items.Count + (await ListAsync(DeliveryState.Pending, null, null, 100)).Items.Count);

        Task<Page<WebhookDelivery>> ListAsync(DeliveryState? state, string? type, string? cursor, int limit) => world.Log.ListAsync(JourneyHost.Account, made.Endpoint.Id, state, type, cursor, limit, default);
    }
}
