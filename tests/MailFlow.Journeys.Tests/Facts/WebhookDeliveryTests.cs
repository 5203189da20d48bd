using MailFlow.Data;
using MailFlow.Journeys.Facts;
using MailFlow.Testing;
using StandardWebhooks.Diagnostics;
using static MailFlow.Journeys.Tests.Facts.WebhookWorld;

namespace MailFlow.Journeys.Tests.Facts;

/// <summary>From what happens in a journey to a signed call at a real HTTP server.</summary>
public sealed class WebhookDeliveryTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_happens_in_a_journey_arrives_signed_as_the_convention_wants_it(DatabaseKind kind)
    {
        await using var world = await CreateAsync(kind, realTime: true);
        var made = await world.EndpointAsync();

        await world.TravelAsync();
        await world.DeliverAsync();

        Assert.Equal(2, world.Receiver.Requests.Count);
        var bodies = new Dictionary<string, IReadOnlyDictionary<string, object?>>();
        foreach (var request in world.Receiver.Requests)
        {
            Verify(request, made.Secret);
            Assert.Throws<WebhookVerificationException>(() => Verify((request.Head, request.Body + " "), made.Secret));
            Assert.StartsWith("POST /hook ", request.Head);
            Assert.Equal("application/json", Header(request, "Content-Type"));
            var body = JsonData.ParseMap(request.Body);
            bodies[(string)body["type"]!] = body;
        }
        var started = (IReadOnlyDictionary<string, object?>)bodies[Started]["data"]!;
        var instance = Assert.Single(await world.Host.InstanceIdsAsync()).ToString();
        Assert.Equal(("ada", instance, "hello", 1L, "by event signed_up"), ((string)started["user_id"]!, (string)started["instance_id"]!, (string)started["journey"]!, (long)started["journey_version"]!, (string)started["reason"]!));
        Assert.Equal(instance, ((IReadOnlyDictionary<string, object?>)bodies[Completed]["data"]!)["instance_id"]);
        Assert.Equal(world.Host.Time.GetUtcNow().ToUnixTimeMilliseconds(), DateTimeOffset.Parse((string)bodies[Started]["timestamp"]!).ToUnixTimeMilliseconds());

        var deliveries = await world.DeliveriesAsync(made);
        Assert.Equal([Started, Completed], deliveries.Select(delivery => delivery.Type));
        Assert.All(deliveries, delivery => Assert.Equal((DeliveryState.Delivered, 1, 200, "thanks"), (delivery.State, delivery.Attempts, delivery.LastAttempt!.Status, delivery.LastAttempt.Answer)));
        Assert.Equal(deliveries.Select(delivery => delivery.Id.ToString()).Order(), world.Receiver.Requests.Select(request => Header(request, "webhook-id")).Order());
    }
}
