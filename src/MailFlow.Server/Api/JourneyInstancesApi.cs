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

    public static void MapJourneyInstances(this IEndpointRouteBuilder api) =>
        api.MapGet("/journeys/{definitionId}/instances", ListAsync).RequireScope(Scopes.JourneysRead).WithTags("Instances")
            .WithSummary("List a journey's trips, the contacts known latest first; a page may be short or empty and still have a `next`").Produces<Page<JourneyInstance>>();

    private static Task<Page<JourneyInstance>> ListAsync(
        string definitionId, [AsParameters] Filter filter, [AsParameters] Paging paging, Caller caller, JourneyInstances instances, CancellationToken ct) =>
        instances.ListAsync(caller.AccountId, definitionId, filter.UserId, filter.State, filter.ActivityId, paging.Cursor, paging.Size, ct);
}
