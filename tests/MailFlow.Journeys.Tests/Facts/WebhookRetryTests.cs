using MailFlow.Journeys.Facts;
using MailFlow.Testing;
using static MailFlow.Journeys.Tests.Facts.WebhookWorld;

namespace MailFlow.Journeys.Tests.Facts;

/// <summary>What a receiver's answer does to a delivery and to its endpoint, on a clock that the test moves.</summary>
public sealed class WebhookRetryTests
{
    private static readonly TimeSpan[] Waits =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(5), TimeSpan.FromHours(10), TimeSpan.FromHours(14), TimeSpan.FromHours(20), TimeSpan.FromHours(24),
    ];

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_is_not_taken_is_tried_ten_times_over_three_days_under_one_id_and_then_given_up(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind);
        var made = await world.EndpointAsync("/hook", 1, Started);
        world.Answers["/hook"] = Status(500);
        await world.TravelAsync();

        foreach (var wait in Waits)
        {
            Assert.Equal(1, await world.DeliverAsync());
            var next = Assert.Single(await world.DeliveriesAsync(made)).NextAttemptAt!.Value - world.Host.Time.GetUtcNow();
            Assert.InRange(next / wait, 0.8, 1.2);
            world.Host.Time.Advance(next - TimeSpan.FromMilliseconds(1));
            Assert.Equal(0, await world.DeliverAsync());
            world.Host.Time.Advance(TimeSpan.FromMilliseconds(1));
        }
        Assert.Equal(1, await world.DeliverAsync());

        var failed = Assert.Single(await world.DeliveriesAsync(made));
        Assert.Equal((DeliveryState.Failed, 10, null, 500), (failed.State, failed.Attempts, failed.NextAttemptAt, failed.LastAttempt!.Status));
        Assert.Equal(failed.Id.ToString(), Assert.Single(world.Receiver.Requests.Select(request => Header(request, "webhook-id")).Distinct()));
        Assert.Equal(10, world.Receiver.Requests.Select(request => Header(request, "webhook-timestamp")).Distinct().Count());
        Assert.Single(world.Receiver.Requests.Select(request => request.Body).Distinct());
        Assert.Equal(Enumerable.Range(1, 10), (await world.Log.FindAsync(JourneyHost.Account, made.Endpoint.Id, failed.Id, default))!.Attempts.Select(attempt => attempt.Attempt));
        world.Host.Time.Advance(TimeSpan.FromDays(10));
        Assert.Equal(0, await world.DeliverAsync());
    }

    [Theory]
    [InlineData("Retry-After: 7200\r\n", 7200)]
    [InlineData("Retry-After: Mon, 05 Jan 2026 10:00:00 GMT\r\n", 3600)]
    [InlineData("Retry-After: 999999\r\n", 86400)]
    public async Task A_receiver_that_asks_for_time_is_given_it_up_to_a_day(string header, int seconds)
    {
        await using var world = await CreateAsync(DatabaseKind.Sqlite);
        var made = await world.EndpointAsync("/hook", 1, Started);
        world.Answers["/hook"] = Status(503, header);
        await world.TravelAsync();
        await world.DeliverAsync();
        Assert.Equal(world.Host.Time.GetUtcNow().AddSeconds(seconds), Assert.Single(await world.DeliveriesAsync(made)).NextAttemptAt);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_receiver_that_is_gone_for_good_is_told_nothing_more_and_the_record_says_why(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind);
        var made = await world.EndpointAsync("/hook", 1, Started);
        world.Answers["/hook"] = Status(410);
        await world.TravelAsync();
        await world.DeliverAsync();
        await world.TravelAsync("bob");
        await world.DeliverAsync();

        Assert.Single(world.Receiver.Requests);
        var endpoint = await world.FindAsync(made);
        Assert.Equal((false, world.Host.Time.GetUtcNow(), "the receiver answered 410: it wants nothing any more"), (endpoint.Enabled, endpoint.DisabledAt, endpoint.DisabledReason));
        Assert.Equal(DeliveryState.Failed, Assert.Single(await world.DeliveriesAsync(made)).State);
        Assert.Equal([$"MailFlow: webhook_endpoint.disable {endpoint.Id} the receiver answered 410: it wants nothing any more"], await world.AuditAsync());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_endpoint_that_takes_nothing_for_five_days_is_disabled_and_told_what_waited_when_it_is_enabled_again(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind);
        var made = await world.EndpointAsync("/hook", 1, Started);
        world.Answers["/hook"] = Status(500);
        await world.TravelAsync();
        await world.DeliverAsync();
        var since = world.Host.Time.GetUtcNow();
        for (var day = 1; day <= 4; day++)
        {
            world.Host.Time.Advance(TimeSpan.FromDays(1));
            await world.DeliverAsync();
        }
        Assert.Equal((true, since), await world.FindAsync(made) is var still ? (still.Enabled, still.FailingSince) : default);

        world.Host.Time.Advance(TimeSpan.FromDays(1));
        await world.TravelAsync("bob");
        await world.DeliverAsync();
        var endpoint = await world.FindAsync(made);
        Assert.Equal((false, "it has taken nothing for 5 days; last: it answered 500"), (endpoint.Enabled, endpoint.DisabledReason));
        Assert.StartsWith($"MailFlow: webhook_endpoint.disable {endpoint.Id}", Assert.Single(await world.AuditAsync()));

        // Nobody asks any more: nothing is written down.
        await world.TravelAsync("eve");
        world.Host.Time.Advance(TimeSpan.FromDays(1));
        world.Answers.Clear();
        Assert.Equal(0, await world.DeliverAsync());
        endpoint = await world.Endpoints.ChangeAsync(JourneyHost.Account, endpoint.Id, new WebhookEndpointDraft(Enabled: true), default);
        Assert.Equal((true, null, null), (endpoint.Enabled, endpoint.DisabledReason, endpoint.FailingSince));
        await world.DeliverAsync();
        Assert.Equal(["ada", "bob"], (await world.DeliveriesAsync(made)).Where(delivery => delivery.State == DeliveryState.Delivered).Select(delivery => delivery.UserId).Order());
        Assert.Null((await world.FindAsync(made)).FailingSince);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task One_call_that_is_taken_makes_an_endpoint_sound_again(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind);
        var made = await world.EndpointAsync("/hook", 1, Started);
        world.Answers["/hook"] = Status(500);
        foreach (var user in new[] { "ada", "bob", "eve" }) await world.TravelAsync(user);
        await world.DeliverAsync();
        Assert.NotNull((await world.FindAsync(made)).FailingSince);

        // One that fails is asked with one call at a time, whatever waits.
        world.Host.Time.Advance(TimeSpan.FromSeconds(6));
        world.Answers.Clear();
        Assert.Equal(1, await world.Host.Get<WebhookDeliverer>().RunOnceAsync(default));
        Assert.Null((await world.FindAsync(made)).FailingSince);
        Assert.Equal(2, await world.Host.Get<WebhookDeliverer>().RunOnceAsync(default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_redirect_is_no_delivery_and_is_not_followed(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind);
        var made = await world.EndpointAsync("/hook", 1, Started);
        world.Answers["/hook"] = TinyHttpServer.Redirect(307, "/elsewhere");
        await world.TravelAsync();
        Assert.Equal(1, await world.DeliverAsync());
        var delivery = Assert.Single(await world.DeliveriesAsync(made));
        Assert.Equal((DeliveryState.Pending, 307), (delivery.State, delivery.LastAttempt!.Status));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_private_address_is_not_called_and_not_tried_again(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind, allowed: false);
        var made = await world.EndpointAsync("/hook", 1, Started);
        await world.TravelAsync();
        Assert.Equal(0, await world.DeliverAsync());
        Assert.Equal(0, world.Receiver.Connections);
        var delivery = Assert.Single(await world.DeliveriesAsync(made));
        Assert.Equal((DeliveryState.Failed, 1, null), (delivery.State, delivery.Attempts, delivery.LastAttempt!.Status));
        Assert.Equal("127.0.0.1 may not be called: 127.0.0.1 is loopback. An operator can allow it (MailFlow:Webhooks:Http:AllowedTargets).", delivery.LastAttempt.Answer);
    }

    [Fact]
    public async Task What_a_stranger_answers_is_kept_short_and_on_one_line()
    {
        await using var world = await CreateAsync(DatabaseKind.Sqlite);
        var made = await world.EndpointAsync("/hook", 1, Started);
        world.Answers["/hook"] = TinyHttpServer.Ok("line one\n\0line two " + new string('x', 5_000));
        await world.TravelAsync();
        await world.DeliverAsync();
        var answer = Assert.Single(await world.DeliveriesAsync(made)).LastAttempt!.Answer;
        Assert.StartsWith("line one  line two xxx", answer);
        Assert.Equal(500, answer.Length);
    }
}
