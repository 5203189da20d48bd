using MailFlow.Engine.Facts;
using MailFlow.Journeys.Facts;
using MailFlow.Testing;
using static MailFlow.Journeys.Tests.Facts.WebhookWorld;

namespace MailFlow.Journeys.Tests.Facts;

/// <summary>More endpoints with something due than there are places: all have their turn.</summary>
public sealed class WebhookPlacesTests
{
    // Seen red: each look began at the lowest id, and the first thirteen endpoints took all 256 places for as long as they had a backlog.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task One_accounts_backlog_does_not_keep_anothers_facts_waiting(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind);
        for (var i = 0; i < WebhookEndpoints.Most; i++)
            await world.Endpoints.CreateAsync(1, new WebhookEndpointDraft(Url: world.Receiver.Url($"/busy-{i}").ToString(), Concurrency: 20), default);
        await world.EndpointAsync("/other", account: 2);
        await TellAsync(world, 1, 40);
        await TellAsync(world, 2, 1);

        for (var round = 0; round < 2; round++) await world.Host.Get<WebhookDeliverer>().RunOnceAsync(default);
        Assert.Contains(world.Receiver.Requests, request => request.Head.StartsWith("POST /other ", StringComparison.Ordinal));
        Assert.InRange(world.Receiver.Requests.Count, 257, 512);
    }

    // Seen red: the first 64 that failed took all the places of those that fail, each time.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Of_many_endpoints_that_fail_each_is_asked_in_its_turn(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind);
        const int Accounts = 4, OfEach = 17; // 68 for 64 places
        for (var account = 1; account <= Accounts; account++)
        {
            for (var i = 0; i < OfEach; i++)
            {
                world.Answers[$"/{account}-{i}"] = Status(500);
                await world.EndpointAsync($"/{account}-{i}", account);
            }
            await TellAsync(world, account, 2);
        }
        await world.Host.Database.WriteAsync(session => session.ExecuteAsync("UPDATE webhook_endpoint SET failing_since = @now", default, ("now", world.Host.Time.GetUtcNow())), default);

        for (var round = 0; round < 2; round++) await world.Host.Get<WebhookDeliverer>().RunOnceAsync(default);
        Assert.Equal(Accounts * OfEach, world.Receiver.Requests.Select(request => request.Head.Split(' ')[1]).Distinct().Count());
    }

    /// <summary>So many facts of an account.</summary>
    private static Task<int> TellAsync(WebhookWorld world, int account, int count) => world.Host.Database.WriteAsync(async session => await Outbox.WriteAsync(
        session, await FactInterest.OfAsync(session, [account], default),
        Enumerable.Range(0, count).Select(i => new Fact(account, Started, world.Host.Time.GetUtcNow().ToUnixTimeMilliseconds(), i, $"user-{i}", new Dictionary<string, object?>())), default), default);
}
