using System.Text;
using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Journeys;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

internal static class JourneysApi
{
    private const string Json = "application/json";

    public static void MapJourneys(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/journeys").WithTags("Journeys");
        group.MapGet("", ListAsync).RequireScope(Scopes.JourneysRead).WithSummary("List the journeys").Produces<Page<JourneySummary>>();
        group.MapGet("/{definitionId}", FindAsync).RequireScope(Scopes.JourneysRead).WithSummary("Read a journey as Elsa 3 JSON: the latest version, or the one asked for").Produces<object>();
        group.MapPut("/{definitionId}", SaveAsync).RequireScope(Scopes.JourneysWrite).WithSummary("Save Elsa 3 JSON as the journey's draft").Accepts<object>(Json).Produces<object>();
        group.MapDelete("/{definitionId}", DeleteAsync).RequireScope(Scopes.JourneysPublish).WithSummary("Delete a journey that nobody is in").Produces(204);
        group.MapPost("/{definitionId}/publish", PublishAsync).RequireScope(Scopes.JourneysPublish)
            .WithSummary("Publish the latest version: 422 with the findings when it cannot run").Produces<PublishResult>().Produces(422, contentType: Problems.ContentType);
        group.MapPost("/{definitionId}/unpublish", UnpublishAsync).RequireScope(Scopes.JourneysPublish).WithSummary("Let no more contacts in; those inside go on").Produces(204);
        group.MapPost("/{definitionId}/pause", PauseAsync).RequireScope(Scopes.JourneysPublish).WithSummary("Hold a journey still; nothing is lost or skipped").Produces(204);
        group.MapPost("/{definitionId}/resume", ResumeAsync).RequireScope(Scopes.JourneysPublish).WithSummary("Let a paused journey go on").Produces(204);
        group.MapGet("/{definitionId}/stats", StatsAsync).RequireScope(Scopes.JourneysRead).WithSummary("Count who entered and where they are").Produces<JourneyStats>();
    }

    private static Task<Page<JourneySummary>> ListAsync([AsParameters] Paging paging, Caller caller, JourneyDefinitions journeys, CancellationToken ct) =>
        journeys.ListAsync(caller.AccountId, paging.Cursor, paging.Size, ct);

    private static async Task<IResult> FindAsync(string definitionId, int? version, Caller caller, JourneyDefinitions journeys, CancellationToken ct) =>
        await journeys.FindAsync(caller.AccountId, definitionId, version, ct) is { } found
            ? Results.Text(found.Json, Json, Encoding.UTF8)
            : throw new NotFoundException($"There is no journey '{definitionId}'{(version is null ? "" : $" of version {version}")}.");

    private static async Task<IResult> SaveAsync(string definitionId, HttpContext context, Caller caller, JourneyDefinitions journeys, CancellationToken ct)
    {
        using var body = await RequestBody.ReadJsonAsync(context);
        body.Parse().Dispose(); // malformed JSON is answered with its place
        ForbiddenText.ThrowIfIn(body.Bytes);
        var saved = await journeys.SaveDraftAsync(caller.AccountId, definitionId, Encoding.UTF8.GetString(body.Bytes.Span), ct);
        return Results.Text(saved.Json, Json, Encoding.UTF8);
    }

    private static async Task<IResult> DeleteAsync(string definitionId, Caller caller, JourneyDefinitions journeys, CancellationToken ct)
    {
        await journeys.DeleteAsync(caller.AccountId, definitionId, ct);
        return Results.NoContent();
    }

    private static async Task<IResult> PublishAsync(string definitionId, Caller caller, JourneyDefinitions journeys, CancellationToken ct)
    {
        var result = await journeys.PublishAsync(caller.AccountId, definitionId, ct);
        var errors = result.Findings.Where(finding => finding.Severity == Severity.Error).ToList();
        return errors.Count == 0
            ? Results.Ok(result)
            : Problems.Result(422, string.Join(' ', errors.Select(error => error.Message)),
                errors.GroupBy(Place).ToDictionary(group => group.Key, group => group.Select(error => error.Message).ToArray()),
                new Dictionary<string, object?> { ["findings"] = result.Findings });
    }

    private static async Task<IResult> UnpublishAsync(string definitionId, Caller caller, JourneyDefinitions journeys, CancellationToken ct)
    {
        await journeys.UnpublishAsync(caller.AccountId, definitionId, ct);
        return Results.NoContent();
    }

    private static async Task<IResult> PauseAsync(string definitionId, Caller caller, JourneyDefinitions journeys, CancellationToken ct)
    {
        await journeys.PauseAsync(caller.AccountId, definitionId, ct);
        return Results.NoContent();
    }

    private static async Task<IResult> ResumeAsync(string definitionId, Caller caller, JourneyDefinitions journeys, CancellationToken ct)
    {
        await journeys.ResumeAsync(caller.AccountId, definitionId, ct);
        return Results.NoContent();
    }

    private static Task<JourneyStats> StatsAsync(string definitionId, Caller caller, JourneyDefinitions journeys, CancellationToken ct) =>
        journeys.StatsAsync(caller.AccountId, definitionId, ct);

    /// <summary>What a finding is about, as a field's name: <c>activity.input</c>.</summary>
    private static string Place(Finding finding) => (finding.ActivityId, finding.Input) switch
    {
        (null, null) => "definition",
        (null, var input) => input,
        (var activity, null) => activity,
        var (activity, input) => $"{activity}.{input}",
    };
}
