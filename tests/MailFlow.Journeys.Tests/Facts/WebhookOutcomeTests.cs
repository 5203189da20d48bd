using MailFlow.Journeys.Facts;
using MailFlow.Testing;
using static MailFlow.Journeys.Tests.Facts.WebhookWorld;

namespace MailFlow.Journeys.Tests.Facts;

/// <summary>What an answer decides that came late, and beside what else is done to the endpoint.</summary>
public sealed class WebhookOutcomeTests
{
    // Seen red: whatever came of a call made an endpoint sound, or disabled it, though the delivery itself went by the later attempt.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_came_of_an_attempt_that_another_has_overtaken_decides_nothing_about_the_endpoint(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind);
        var made = await world.EndpointAsync("/hook", 1, Started);
        await world.TravelAsync();
        var overtaken = await TakenAsync(world);
        world.Host.Time.Advance(TimeSpan.FromMinutes(2));
        world.Answers["/hook"] = Status(500);
        Assert.Equal(1, await world.DeliverAsync());

        await world.Host.Get<WebhookOutcomes>().RecordAsync(new Outcome(overtaken, new CallResult(200, 1, ""), null), default);
        Assert.NotNull((await world.FindAsync(made)).FailingSince);
        await world.Host.Get<WebhookOutcomes>().RecordAsync(new Outcome(overtaken, new CallResult(410, 1, ""), null), default);
        Assert.True((await world.FindAsync(made)).Enabled);
        var delivery = Assert.Single(await world.DeliveriesAsync(made));
        Assert.Equal((DeliveryState.Pending, 2), (delivery.State, delivery.Attempts));
    }

    // Seen red: each took the endpoint first and then the account, as did the commit of outcomes, one endpoint after another: two could wait for each other.
    [Theory, InlineData("change"), InlineData("delete"), InlineData("410")]
    public async Task Who_waits_for_an_account_holds_none_of_its_endpoints_meanwhile(string what)
    {
        await using var world = await CreateAsync(DatabaseKind.PostgreSql);
        var made = await world.EndpointAsync("/hook", 1, Started);
        await world.TravelAsync();
        var taken = await TakenAsync(world);
        var act = Task.CompletedTask;
        await world.Host.Database.WriteAsync(async session =>
        {
            await session.ExecuteAsync("SELECT 1 FROM account WHERE id = 1 FOR NO KEY UPDATE", default);
            using (ExecutionContext.SuppressFlow())
                act = Task.Run(() => what switch
                {
                    "change" => world.Endpoints.ChangeAsync(1, made.Endpoint.Id, new WebhookEndpointDraft(Enabled: false), default),
                    "delete" => world.Endpoints.DeleteAsync(1, made.Endpoint.Id, default),
                    _ => world.Host.Get<WebhookOutcomes>().RecordAsync(new Outcome(taken, new CallResult(410, 1, ""), null), default),
                });
            await world.BlockedAsync("SELECT 1 FROM account", act);
            Assert.False(act.IsCompleted);
            await session.ExecuteAsync("SELECT 1 FROM webhook_endpoint FOR UPDATE NOWAIT", default);
        }, default);
        await act;
        Assert.NotEqual(true, (await world.Endpoints.FindAsync(1, made.Endpoint.Id, default))?.Enabled);
    }

    /// <summary>A delivery as a node takes it up, on its way to the only endpoint.</summary>
    private static async Task<ClaimedDelivery> TakenAsync(WebhookWorld world)
    {
        await world.Host.Get<WebhookRelay>().RunOnceAsync(default);
        return Assert.Single(await world.Host.Database.WriteAsync(async session =>
        {
            var now = await session.NowAsync(default);
            return await WebhookClaim.TakeAsync(session, await session.ScalarAsync<int>("SELECT id FROM webhook_endpoint", default), false, 1, now, now + 60_000, default);
        }, default));
    }
}
