using System.Text;
using MailFlow.Data;
using MailFlow.Journeys;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

internal static class RevisionsApi
{
    public static void MapRevisions(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/journeys/{definitionId}/revisions").WithTags("Journeys");
        group.MapGet("", ListAsync).RequireScope(Scopes.JourneysRead).WithSummary("List the saves of a journey, the newest first").Produces<Page<JourneyRevision>>();
        group.MapPost("/{number:int}/restore", RestoreAsync).RequireScope(Scopes.JourneysWrite)
            .WithSummary("Make an earlier save the draft again; what is there now stays a revision").Produces<object>();
    }

    private static Task<Page<JourneyRevision>> ListAsync(string definitionId, [AsParameters] Paging paging, Caller caller, JourneyDefinitions journeys, CancellationToken ct) =>
        journeys.RevisionsAsync(caller.AccountId, definitionId, paging.Cursor, paging.Size, ct);

    private static async Task<IResult> RestoreAsync(string definitionId, int number, Caller caller, Authors authors, JourneyDefinitions journeys, CancellationToken ct)
    {
        var restored = await journeys.RestoreAsync(caller.AccountId, definitionId, number, await authors.NameAsync(caller, ct), ct);
        return Results.Text(restored.Json, "application/json", Encoding.UTF8);
    }
}
