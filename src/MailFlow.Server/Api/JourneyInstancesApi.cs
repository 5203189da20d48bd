using System.ComponentModel;
using MailFlow.Data;
using MailFlow.Journeys;
using MailFlow.Server.Access;
using MailFlow.Server.Http;
using Microsoft.AspNetCore.Mvc;

namespace MailFlow.Server.Api;

internal static class JourneyInstancesApi
{
    /// <summary>Which instances: a handler's <c>[AsParameters]</c>.</summary>
    internal readonly struct Filter
    {
        [FromQuery(Name = "user_id"), Description("Only this contact's.")]
        public string? UserId { get; init; }

        [FromQuery(Name = "state"), Description("Only those waiting, completed, exited, faulted or cancelled.")]
        public string? State { get; init; }

        [FromQuery(Name = "activity_id"), Description("Only those that are at this activity now, waiting or with an incident.")]
        public string? ActivityId { get; init; }
    }

    /// <param name="Version">The version to go to; the published one if not said, or with an activity the one it is on.</param>
    /// <param name="ActivityId">Where it goes on, leaving all that it stands at; where it is, if not said.</param>
    internal sealed record MoveInput(int? Version, string? ActivityId);

    public static void MapJourneyInstances(this IEndpointRouteBuilder api)
    {
        api.MapGet("/journeys/{definitionId}/instances", ListAsync).RequireScope(Scopes.JourneysRead).WithTags("Instances")
            .WithSummary("List a journey's trips, the contacts known latest first; a page may be short or empty and still have a `next`").Produces<Page<JourneyInstance>>();
        api.MapPost("/instances/{id}/move", MoveAsync).RequireScope(Scopes.JourneysPublish).WithTags("Instances")
            .WithSummary("Take a trip to another version of its journey, or to another activity").Produces(202);
    }

    private static Task<Page<JourneyInstance>> ListAsync(
        string definitionId, [AsParameters] Filter filter, [AsParameters] Paging paging, Caller caller, JourneyInstances instances, CancellationToken ct) =>
        instances.ListAsync(caller.AccountId, definitionId, filter.UserId, filter.State, filter.ActivityId, paging.Cursor, paging.Size, ct);

    /// <summary>202: the worker of the contact's shard does it within moments.</summary>
    private static async Task<IResult> MoveAsync(string id, OptionalBody<MoveInput> body, Caller caller, Instances instances, CancellationToken ct)
    {
        if (!Guid.TryParse(id, out var key)) throw new NotFoundException($"There is no instance '{id}'.");
        await instances.MoveAsync(caller.AccountId, key, body.Value?.Version, body.Value?.ActivityId, ct);
        return Results.Accepted();
    }
}
