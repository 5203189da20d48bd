using System.ComponentModel;
using MailFlow.Data;
using MailFlow.Engine.Facts;
using MailFlow.Journeys.Facts;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

/// <summary>Outgoing webhooks: where facts are told to, and what came of it. (What providers report comes in at <see cref="WebhooksApi"/>.)</summary>
internal static class WebhookEndpointsApi
{
    /// <param name="Name">Its name in <c>types</c> and in the body's <c>type</c>.</param>
    /// <param name="Summary">What it says.</param>
    /// <param name="Example">What the body's <c>data</c> may hold.</param>
    internal sealed record ShownFactType(string Name, string Summary, IReadOnlyDictionary<string, object?> Example);

    /// <param name="OverlapHours">How long the secret before signs too, 0 to 168 hours; 24 if not said.</param>
    internal sealed record Rotation(double? OverlapHours);

    /// <param name="From">The period's begin.</param>
    /// <param name="To">Its end; now if not said.</param>
    /// <param name="All">Also what was delivered; no if not said.</param>
    internal sealed record Replay(DateTimeOffset? From, DateTimeOffset? To, bool? All);

    /// <param name="Queued">How many facts were put on their way.</param>
    internal sealed record Replayed(int Queued);

    public static void MapWebhookEndpoints(this IEndpointRouteBuilder api)
    {
        api.MapGet("/fact-types", Types).RequireScope(Scopes.WebhooksRead).WithTags("Outgoing webhooks")
            .WithSummary("The facts that webhooks can be told, each with an example").Produces<Page<ShownFactType>>();
        var group = api.MapGroup("/webhook-endpoints").WithTags("Outgoing webhooks");
        group.MapGet("", ListAsync).RequireScope(Scopes.WebhooksRead).WithSummary("List the endpoints that facts are told to").Produces<Page<WebhookEndpoint>>();
        // Not replayed: what is kept for that would hold the secret.
        group.MapPost("", CreateAsync).RequireScope(Scopes.WebhooksWrite).WithMetadata(new NeverReplayed()).WithSummary("Make an endpoint; the answer shows its secret once").Produces<EndpointSecret>(201);
        group.MapGet("/{id}", FindAsync).RequireScope(Scopes.WebhooksRead).WithSummary("Read one endpoint").Produces<WebhookEndpoint>();
        group.MapPut("/{id}", ChangeAsync).RequireScope(Scopes.WebhooksWrite).WithSummary("Change an endpoint; what is left out stays as it was").Produces<WebhookEndpoint>();
        group.MapDelete("/{id}", DeleteAsync).RequireScope(Scopes.WebhooksWrite).WithSummary("Remove an endpoint; what was on its way to it is told no more").Produces(204);
        group.MapPost("/{id}/rotate-secret", RotateAsync).RequireScope(Scopes.WebhooksWrite).WithMetadata(new NeverReplayed())
            .WithSummary("Give an endpoint a new secret, shown once; the one before signs too for a while").Produces<EndpointSecret>();
        group.MapPost("/{id}/test", TestAsync).RequireScope(Scopes.WebhooksWrite).WithMetadata(new NeverReplayed())
            .WithSummary("Send a fact of type webhook.test at once, and tell what came of it").Produces<WebhookAttempt>();
        group.MapGet("/{id}/deliveries", DeliveriesAsync).RequireScope(Scopes.WebhooksRead).WithSummary("The delivery log, the latest fact first").Produces<Page<WebhookDelivery>>();
        group.MapGet("/{id}/deliveries/{delivery}", DeliveryAsync).RequireScope(Scopes.WebhooksRead).WithSummary("One delivery with its body and every attempt").Produces<WebhookDeliveryDetails>();
        group.MapPost("/{id}/deliveries/{delivery}/replay", ReplayOneAsync).RequireScope(Scopes.WebhooksWrite).WithSummary("Put one delivery on its way again, under the same webhook-id").Produces(202);
        group.MapPost("/{id}/replay", ReplayAsync).RequireScope(Scopes.WebhooksWrite)
            .WithSummary("Put the facts of a period on their way again that the endpoint has not taken, or with all every one").Produces<Replayed>(202);
    }

    private static Page<ShownFactType> Types(WebhookEndpoints endpoints) => new([.. endpoints.Types.Select(Show)], null);

    private static async Task<Page<WebhookEndpoint>> ListAsync(Caller caller, WebhookEndpoints endpoints, CancellationToken ct) => new(await endpoints.ListAsync(caller.AccountId, ct), null);

    private static async Task<IResult> CreateAsync(Body<WebhookEndpointDraft> body, Caller caller, WebhookEndpoints endpoints, CancellationToken ct)
    {
        var made = await endpoints.CreateAsync(caller.AccountId, body.Value, ct);
        return Results.Created($"/api/v1/webhook-endpoints/{made.Endpoint.Id}", made);
    }

    private static async Task<WebhookEndpoint> FindAsync(string id, Caller caller, WebhookEndpoints endpoints, CancellationToken ct) =>
        await endpoints.FindAsync(caller.AccountId, Key(id), ct) ?? throw Missing(id);

    private static Task<WebhookEndpoint> ChangeAsync(string id, Body<WebhookEndpointDraft> body, Caller caller, WebhookEndpoints endpoints, CancellationToken ct) =>
        endpoints.ChangeAsync(caller.AccountId, Key(id), body.Value, ct);

    private static async Task<IResult> DeleteAsync(string id, Caller caller, WebhookEndpoints endpoints, CancellationToken ct) =>
        await endpoints.DeleteAsync(caller.AccountId, Key(id), ct) ? Results.NoContent() : throw Missing(id);

    private static Task<EndpointSecret> RotateAsync(string id, OptionalBody<Rotation> body, Caller caller, WebhookEndpoints endpoints, CancellationToken ct) =>
        endpoints.RotateAsync(caller.AccountId, Key(id), body.Value?.OverlapHours, ct);

    private static Task<WebhookAttempt> TestAsync(string id, Caller caller, WebhookTrial trial, CancellationToken ct) => trial.SendAsync(caller.AccountId, Key(id), ct);

    private static Task<Page<WebhookDelivery>> DeliveriesAsync(
        string id,
        [Description("Only these: pending, delivered or failed.")] string? state,
        [Description("Only facts of this type.")] string? type,
        [AsParameters] Paging paging, Caller caller, WebhookLog log, CancellationToken ct) =>
        log.ListAsync(caller.AccountId, Key(id), StateOf(state), type, paging.Cursor, paging.Size, ct);

    private static async Task<WebhookDeliveryDetails> DeliveryAsync(string id, string delivery, Caller caller, WebhookLog log, CancellationToken ct) =>
        Guid.TryParse(delivery, out var fact) && await log.FindAsync(caller.AccountId, Key(id), fact, ct) is { } found ? found : throw NoDelivery(id, delivery);

    /// <summary>202: it goes out within moments.</summary>
    private static async Task<IResult> ReplayOneAsync(string id, string delivery, Caller caller, WebhookLog log, CancellationToken ct)
    {
        await log.ReplayAsync(caller.AccountId, Key(id), Guid.TryParse(delivery, out var fact) ? fact : throw NoDelivery(id, delivery), ct);
        return Results.Accepted();
    }

    private static async Task<IResult> ReplayAsync(string id, Body<Replay> body, Caller caller, WebhookLog log, TimeProvider time, CancellationToken ct)
    {
        var from = body.Value.From ?? throw new InvalidInputException("from", "is missing");
        return Results.Accepted(null, new Replayed(await log.ReplayAsync(caller.AccountId, Key(id), from, body.Value.To ?? time.GetUtcNow(), body.Value.All ?? false, ct)));
    }

    private static DeliveryState? StateOf(string? word) => word switch
    {
        null => null,
        "pending" => DeliveryState.Pending,
        "delivered" => DeliveryState.Delivered,
        "failed" => DeliveryState.Failed,
        _ => throw new InvalidInputException("state", $"'{word}' is none of pending, delivered and failed"),
    };

    private static ShownFactType Show(FactType type) => new(type.Name, type.Summary, new Dictionary<string, object?>([new("user_id", "ada"), .. type.Example]));

    private static Guid Key(string id) => Guid.TryParse(id, out var key) ? key : throw Missing(id);

    private static NotFoundException Missing(string id) => new($"There is no webhook endpoint '{id}'.");

    private static NotFoundException NoDelivery(string id, string delivery) => new($"Endpoint '{id}' was never to be told of '{delivery}'.");
}
