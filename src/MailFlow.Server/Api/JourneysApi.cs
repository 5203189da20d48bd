using System.Text;
using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Journeys;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

internal static class JourneysApi
{
    private const string Json = "application/json", Stay = "stay", Move = "move", Exit = "exit";

    /// <param name="Waiting">What becomes of the contacts inside older versions: <c>stay</c> there (if not said), <c>move</c> to the new one where they can, or <c>exit</c>.</param>
    internal sealed record PublishInput(string? Waiting);

    public static void MapJourneys(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/journeys").WithTags("Journeys");
        group.MapGet("", ListAsync).RequireScope(Scopes.JourneysRead).WithSummary("List the journeys with how they stand and their numbers; `search` is part of name or id, `state` draft, published, paused or unpublished").Produces<Page<JourneyListItem>>();
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

    private static Task<Page<JourneyListItem>> ListAsync(string? search, string? state, [AsParameters] Paging paging, Caller caller, JourneyList journeys, CancellationToken ct) =>
        journeys.ListAsync(caller.AccountId, search, state, paging.Cursor, paging.Size, ct);

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

    private static async Task<IResult> PublishAsync(
        string definitionId, OptionalBody<PublishInput> body, Caller caller, JourneyDefinitions journeys, Instances instances, CancellationToken ct)
    {
        var waiting = body.Value?.Waiting ?? Stay;
        if (waiting is not (Stay or Move or Exit)) throw new InvalidInputException("waiting", $"'{waiting}' is none of {Stay}, {Move} and {Exit}");
        var result = await journeys.PublishAsync(caller.AccountId, definitionId, ct);
        if (result.Findings.Any(finding => finding.Severity == Severity.Error)) return FindingProblems.Result(result.Findings);
        // After the publish's commit; asked for once more, a publish does the rest that a crash in between has left.
        if (waiting == Move) await instances.MoveWaitingAsync(caller.AccountId, definitionId, result.Version, ct);
        if (waiting == Exit) await instances.ExitWaitingAsync(caller.AccountId, definitionId, $"version {result.Version} was published, and those who waited in older ones were let go", result.Version, ct);
        return Results.Ok(result);
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
}
