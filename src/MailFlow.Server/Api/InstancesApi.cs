using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Journeys;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

internal static class InstancesApi
{
    /// <param name="UserId">Your id of the contact, who is created when unknown.</param>
    /// <param name="Input">What the journey's expressions see as <c>event</c>, <c>trigger</c> and <c>input</c>.</param>
    internal sealed record NewInstance(string? UserId, IReadOnlyDictionary<string, object?>? Input);

    /// <param name="Id">The instance's id.</param>
    internal sealed record StartedInstance(Guid Id);

    /// <param name="Outcome">The exit port to take; Done if not said.</param>
    internal sealed record SkipInput(string? Outcome);

    /// <param name="Reason">Why, for the contact's trace.</param>
    internal sealed record CancelInput(string? Reason);

    public static void MapInstances(this IEndpointRouteBuilder api)
    {
        api.MapPost("/journeys/{definitionId}/instances", StartAsync).RequireScope(Scopes.JourneysPublish).WithTags("Instances")
            .WithSummary("Start a contact's trip by hand, whatever the entry rule says").Produces<StartedInstance>(201);
        var group = api.MapGroup("/instances/{id}").WithTags("Instances");
        group.MapGet("", FindAsync).RequireScope(Scopes.JourneysRead).WithSummary("Read a trip with its journal").Produces<InstanceDetails>();
        group.MapPost("/retry", RetryAsync).RequireScope(Scopes.JourneysPublish).WithSummary("Run what failed again").Produces(202);
        group.MapPost("/skip", SkipAsync).RequireScope(Scopes.JourneysPublish).WithSummary("Go on past what failed").Produces(202);
        group.MapPost("/cancel", CancelAsync).RequireScope(Scopes.JourneysPublish).WithSummary("End a trip; mail it has queued is called off").Produces(202);
        api.MapGet("/contacts/{userId}/trace", TraceAsync).RequireScope(Scopes.ContactsRead).WithTags("Contacts")
            .WithSummary("Read every decision on a contact, in order, in plain words").Produces<Page<TraceEntry>>();
    }

    private static async Task<IResult> StartAsync(string definitionId, Body<NewInstance> body, Caller caller, Instances instances, CancellationToken ct)
    {
        ContactFieldsCheck.UserId(body.Value.UserId, "user_id");
        var id = await instances.StartAsync(caller.AccountId, definitionId, body.Value.UserId!, body.Value.Input ?? JsonData.Empty, ct);
        return Results.Created($"/api/v1/instances/{id}", new StartedInstance(id));
    }

    private static async Task<InstanceDetails> FindAsync(string id, Caller caller, Instances instances, CancellationToken ct) =>
        await instances.FindAsync(caller.AccountId, Key(id), ct) ?? throw NotThere(id);

    /// <summary>202: the worker of the contact's shard does it within moments.</summary>
    private static async Task<IResult> RetryAsync(string id, Caller caller, Instances instances, CancellationToken ct)
    {
        await instances.RetryAsync(caller.AccountId, Key(id), ct);
        return Results.Accepted();
    }

    private static async Task<IResult> SkipAsync(string id, OptionalBody<SkipInput> body, Caller caller, Instances instances, CancellationToken ct)
    {
        await instances.SkipAsync(caller.AccountId, Key(id), body.Value?.Outcome, ct);
        return Results.Accepted();
    }

    private static async Task<IResult> CancelAsync(string id, OptionalBody<CancelInput> body, Caller caller, Instances instances, CancellationToken ct)
    {
        await instances.CancelAsync(caller.AccountId, Key(id), body.Value?.Reason, ct);
        return Results.Accepted();
    }

    private static Task<Page<TraceEntry>> TraceAsync(string userId, [AsParameters] Paging paging, Caller caller, ContactTrace trace, CancellationToken ct) =>
        trace.ReadAsync(caller.AccountId, PathText.Unescape(userId), paging.Cursor, paging.Size, ct);

    private static Guid Key(string id) => Guid.TryParse(id, out var key) ? key : throw NotThere(id);

    private static NotFoundException NotThere(string id) => new($"There is no instance '{id}'.");
}
