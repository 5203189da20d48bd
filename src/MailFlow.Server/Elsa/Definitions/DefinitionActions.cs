using System.Globalization;
using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Journeys;
using MailFlow.Server.Access;

namespace MailFlow.Server.Elsa.Definitions;

/// <summary>What Studio's menus do with definitions.</summary>
internal static class DefinitionActions
{
    private const string InstanceHeader = "x-elsa-workflow-instance-id", CannotStartHeader = "x-elsa-workflow-cannot-start";

    internal sealed record Chosen(IReadOnlyList<string>? Ids, IReadOnlyList<string>? DefinitionIds);

    internal sealed record StartRequest(string? CorrelationId, System.Text.Json.JsonElement? Input);

    public static void MapDefinitionActions(this IEndpointRouteBuilder api)
    {
        var writing = api.MapGroup("").RequireScope(Scopes.JourneysWrite).WithMetadata(new ShowsRefusals());
        var running = api.MapGroup("").RequireScope(Scopes.JourneysPublish).WithMetadata(new ShowsRefusals());
        running.MapPost("/workflow-definitions/{definitionId}/publish", PublishAsync);
        running.MapPost("/workflow-definitions/{definitionId}/retract", RetractAsync);
        writing.MapPost("/workflow-definitions/{definitionId}/revert/{version:int}", RevertAsync);
        writing.MapPost("/workflow-definitions/{definitionId}/update-references", () => ElsaJson.Answer(new { AffectedWorkflows = Array.Empty<string>() }));
        running.MapPost("/workflow-definitions/{definitionId}/execute", StartAsync);
        running.MapPost("/workflow-definitions/{definitionId}/dispatch", StartAsync);
        running.MapDelete("/workflow-definitions/{definitionId}", DeleteAsync);
        writing.MapDelete("/workflow-definition-versions/{id}", DeleteVersionAsync);
        running.MapPost("/bulk-actions/publish/workflow-definitions/by-definition-ids", BulkPublishAsync);
        running.MapPost("/bulk-actions/retract/workflow-definitions/by-definition-ids", BulkRetractAsync);
        running.MapPost("/bulk-actions/delete/workflow-definitions/by-definition-id", BulkDeleteAsync);
        writing.MapPost("/bulk-actions/delete/workflow-definitions/by-id", BulkDeleteVersionsAsync);
    }

    private static async Task<IResult> PublishAsync(string definitionId, StudioRights rights, StudioSaves saves, StudioDefinitions definitions, JourneyDefinitions journeys, CancellationToken ct)
    {
        var before = await journeys.FindAsync(rights.AccountId, definitionId, null, ct);
        var published = await saves.PublishAsync(rights, definitionId, ct);
        return ElsaJson.Tree(new System.Text.Json.Nodes.JsonObject
        {
            ["workflowDefinition"] = definitions.Whole(published, rights, EditingToken.Open(published.Definition.ContentHash)),
            ["alreadyPublished"] = before?.IsPublished == true,
            ["consumingWorkflowCount"] = 0,
        });
    }

    private static async Task<IResult> RetractAsync(string definitionId, StudioRights rights, StudioDefinitions definitions, JourneyDefinitions journeys, CancellationToken ct)
    {
        await journeys.UnpublishAsync(rights.AccountId, definitionId, ct);
        var stored = (await journeys.FindAsync(rights.AccountId, definitionId, null, ct))!;
        return ElsaJson.Tree(definitions.Whole(stored, rights, EditingToken.Open(stored.Definition.ContentHash)));
    }

    /// <summary>Makes an old version the draft again.</summary>
    private static async Task<IResult> RevertAsync(string definitionId, int version, StudioRights rights, Authors authors, JourneyDefinitions journeys, CancellationToken ct)
    {
        var old = await journeys.FindAsync(rights.AccountId, definitionId, version, ct) ?? throw new NotFoundException($"There is no version {version} of this journey.");
        var saved = await journeys.SaveDraftAsync(rights.AccountId, definitionId, Draft.Of(old.Definition, $"restored from version {version}", await authors.NameAsync(rights.Caller, ct)), ct);
        return ElsaJson.Tree(StudioDefinitions.Summary(saved, rights));
    }

    private static async Task<IResult> DeleteAsync(string definitionId, StudioRights rights, JourneyDefinitions journeys, CancellationToken ct)
    {
        await journeys.DeleteAsync(rights.AccountId, definitionId, ct);
        return Results.NoContent();
    }

    private static async Task<IResult> DeleteVersionAsync(string id, StudioRights rights, JourneyDefinitions journeys, CancellationToken ct)
    {
        await journeys.DiscardDraftAsync(rights.AccountId, Key(id), ct);
        return Results.NoContent();
    }

    /// <summary>A real trip sends real mail, so it begins for a contact that was named, and for no other.</summary>
    private static async Task<IResult> StartAsync(HttpContext context, string definitionId, ElsaBody<StartRequest> body, Caller caller, Instances instances, CancellationToken ct)
    {
        if (body.Value.CorrelationId is not { Length: > 0 } userId)
        {
            context.Response.Headers[CannotStartHeader] = "true";
            throw new RefusedException("A journey starts for a contact: send an event, or start it in the console under Test, where you choose whom.");
        }
        var input = body.Value.Input is { } given ? JsonData.FromElement(given) as IReadOnlyDictionary<string, object?> ?? JsonData.Empty : JsonData.Empty;
        var id = await instances.StartAsync(caller.AccountId, definitionId, userId, input, ct);
        context.Response.Headers[InstanceHeader] = id.ToString();
        return ElsaJson.Answer(new { WorkflowInstanceId = id });
    }

    private static async Task<IResult> BulkPublishAsync(ElsaBody<Chosen> body, StudioRights rights, JourneyDefinitions journeys, CancellationToken ct)
    {
        List<string> published = [], already = [], missing = [], refused = [];
        foreach (var id in body.Value.DefinitionIds ?? [])
        {
            if (await journeys.FindAsync(rights.AccountId, id, null, ct) is not { } stored) missing.Add(id);
            else if (stored.IsPublished) already.Add(id);
            else if (await journeys.PublishAsync(rights.AccountId, id, ct) is { IsPublished: false } result)
                refused.AddRange(result.Findings.Where(finding => finding.Severity == Severity.Error).Select(finding => $"{stored.Definition.Name}: {finding.Message}"));
            else published.Add(id);
        }
        if (refused.Count > 0) throw new RefusedException(refused);
        return ElsaJson.Answer(new { Published = published, AlreadyPublished = already, NotFound = missing, UpdatedConsumers = Array.Empty<string>() });
    }

    private static async Task<IResult> BulkRetractAsync(ElsaBody<Chosen> body, StudioRights rights, JourneyDefinitions journeys, CancellationToken ct)
    {
        List<string> retracted = [], already = [], missing = [];
        foreach (var id in body.Value.DefinitionIds ?? [])
        {
            var stored = await journeys.FindAsync(rights.AccountId, VersionChoice.LatestOrPublished, [id], null, ct);
            if (stored.Count == 0) missing.Add(id);
            else if (!stored.Any(version => version.IsPublished)) already.Add(id);
            else
            {
                await journeys.UnpublishAsync(rights.AccountId, id, ct);
                retracted.Add(id);
            }
        }
        return ElsaJson.Answer(new { Retracted = retracted, AlreadyRetracted = already, NotFound = missing });
    }

    private static async Task<IResult> BulkDeleteAsync(ElsaBody<Chosen> body, StudioRights rights, JourneyDefinitions journeys, CancellationToken ct)
    {
        foreach (var id in body.Value.DefinitionIds ?? []) await journeys.DeleteAsync(rights.AccountId, id, ct);
        return ElsaJson.Answer(new { Deleted = body.Value.DefinitionIds?.Count ?? 0 });
    }

    private static async Task<IResult> BulkDeleteVersionsAsync(ElsaBody<Chosen> body, StudioRights rights, JourneyDefinitions journeys, CancellationToken ct)
    {
        foreach (var id in body.Value.Ids ?? []) await journeys.DiscardDraftAsync(rights.AccountId, Key(id), ct);
        return ElsaJson.Answer(new { Deleted = body.Value.Ids?.Count ?? 0 });
    }

    private static long Key(string id) => long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var key) ? key : throw new NotFoundException("There is no such version.");
}
