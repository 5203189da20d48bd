using System.Globalization;
using System.Text.Json.Nodes;
using MailFlow.Data;
using MailFlow.Journeys;
using MailFlow.Server.Access;
using MailFlow.Server.Http;
using Microsoft.AspNetCore.Mvc;

namespace MailFlow.Server.Elsa.Definitions;

/// <summary>Reading and saving workflow definitions.</summary>
internal static class DefinitionEndpoints
{
    public static void MapDefinitions(this IEndpointRouteBuilder api)
    {
        var reading = api.MapGroup("/workflow-definitions").RequireScope(Scopes.JourneysRead);
        reading.MapGet("", ListAsync);
        reading.MapGet("/by-definition-id/{definitionId}", ByDefinitionIdAsync);
        reading.MapGet("/by-id/{id}", ByIdAsync);
        reading.MapGet("/many-by-id", ManyByIdAsync);
        reading.MapGet("/query/count", CountAsync);
        reading.MapGet("/validation/is-name-unique", IsNameUniqueAsync);
        reading.MapGet("/{definitionId}/consumers", ConsumersAsync);
        reading.MapGet("/subgraph/{id}", SubgraphAsync);
        reading.MapGet("/subgraph/segments/{id}", SegmentsAsync);
        api.MapPost("/workflow-definitions", SaveAsync).RequireScope(Scopes.JourneysWrite).WithMetadata(new ShowsRefusals());
        api.MapDefinitionActions();
        api.MapDefinitionFiles();
    }

    private static async Task<IResult> ListAsync([AsParameters] DefinitionFilter filter, StudioRights rights, JourneyDefinitions journeys, CancellationToken ct)
    {
        var found = filter.Apply(await journeys.FindAsync(rights.AccountId, filter.Choice, filter.DefinitionIdList, filter.IdList, ct));
        var page = found.Skip(filter.Skip).Take(filter.Take).Select(stored => StudioDefinitions.Summary(stored, rights)).ToList();
        return ElsaJson.Tree(StudioDefinitions.Page(page, found.Count, rights));
    }

    private static async Task<IResult> ByDefinitionIdAsync(
        string definitionId, string? versionOptions, StudioRights rights, JourneyDefinitions journeys, StudioDefinitions definitions, CancellationToken ct) =>
        Answer(await FindAsync(journeys, rights.AccountId, definitionId, versionOptions, ct), rights, definitions);

    private static async Task<IResult> ByIdAsync(string id, StudioRights rights, JourneyDefinitions journeys, StudioDefinitions definitions, CancellationToken ct) =>
        Answer(long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var key) ? await journeys.FindVersionAsync(rights.AccountId, key, ct) : null, rights, definitions);

    private static IResult Answer(StoredDefinition? stored, StudioRights rights, StudioDefinitions definitions) => stored is null
        ? throw new NotFoundException("There is no such workflow definition.")
        : ElsaJson.Tree(definitions.Whole(stored, rights, EditingToken.Open(stored.Definition.ContentHash)));

    private static async Task<IResult> ManyByIdAsync([FromQuery] string[] ids, StudioRights rights, JourneyDefinitions journeys, StudioDefinitions definitions, CancellationToken ct)
    {
        var keys = ids.Select(id => long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var key) ? key : 0).ToList();
        var found = await journeys.FindAsync(rights.AccountId, VersionChoice.All, null, keys, ct);
        return ElsaJson.Tree(new JsonObject
        {
            ["items"] = new JsonArray([.. found.Select(stored => (JsonNode)definitions.Whole(stored, rights, EditingToken.Open(stored.Definition.ContentHash)))]),
            ["count"] = found.Count,
        });
    }

    private static async Task<IResult> CountAsync(Caller caller, JourneyDefinitions journeys, CancellationToken ct) =>
        ElsaJson.Answer(new { Count = (await journeys.FindAsync(caller.AccountId, VersionChoice.Latest, null, null, ct)).Count });

    private static async Task<IResult> IsNameUniqueAsync(string name, string? definitionId, Caller caller, JourneyDefinitions journeys, CancellationToken ct) => ElsaJson.Answer(new
    {
        IsUnique = (await journeys.FindAsync(caller.AccountId, VersionChoice.Latest, null, null, ct))
            .All(stored => stored.DefinitionId == definitionId || !string.Equals(stored.Definition.Name, name.Trim(), StringComparison.OrdinalIgnoreCase)),
    });

    private static async Task<IResult> ConsumersAsync(string definitionId, Caller caller, JourneyDefinitions journeys, Consumers consumers, CancellationToken ct) => ElsaJson.Answer(new
    {
        ConsumingWorkflowDefinitionIds = consumers.Of(definitionId, await journeys.FindAsync(caller.AccountId, VersionChoice.Latest, null, null, ct)),
    });

    /// <summary>The activity at a node, with all inside it. Studio asks when a container is opened.</summary>
    private static async Task<IResult> SubgraphAsync(string id, string? parentNodeId, StudioRights rights, JourneyDefinitions journeys, StudioForm form, CancellationToken ct)
    {
        var root = await RootAsync(id, rights, journeys, form, ct);
        return ElsaJson.Tree(NodePath.Node(NodePath.Find(root, parentNodeId) is [.., var found] ? found : root));
    }

    private static async Task<IResult> SegmentsAsync(string id, string? childNodeId, StudioRights rights, JourneyDefinitions journeys, StudioForm form, CancellationToken ct)
    {
        var path = NodePath.Find(await RootAsync(id, rights, journeys, form, ct), childNodeId);
        if (path.Count == 0) throw new NotFoundException("There is no such activity.");
        var container = path.Count > 1 ? path[^2] : path[^1];
        return ElsaJson.Tree(new JsonObject
        {
            ["childNode"] = NodePath.Node(path[^1]),
            ["container"] = NodePath.Node(container),
            ["pathSegments"] = new JsonArray([.. path.SkipLast(1).Select(activity => (JsonNode)NodePath.Segment(activity))]),
        });
    }

    private static async Task<IResult> SaveAsync(HttpContext context, StudioRights rights, StudioSaves saves, StudioDefinitions definitions, CancellationToken ct)
    {
        using var body = await RequestBody.ReadJsonAsync(context);
        ForbiddenText.ThrowIfIn(body.Bytes);
        var request = JsonNode.Parse(body.Bytes.Span, documentOptions: new() { MaxDepth = 128 }) as JsonObject;
        if (request?["model"] is not JsonObject model) throw new InvalidInputException("model", "is missing");
        request.Remove("model");
        var publish = request["publish"] is JsonValue value && value.GetValueKind() == System.Text.Json.JsonValueKind.True;
        var save = await saves.SaveAsync(rights, model, publish, ct);
        return ElsaJson.Tree(new JsonObject
        {
            ["workflowDefinition"] = definitions.Whole(save.Definition, rights, save.Token),
            ["alreadyPublished"] = save.AlreadyPublished,
            ["consumingWorkflowCount"] = 0,
        });
    }

    /// <summary>The version that Studio's words choose: <c>Latest</c>, <c>Published</c> or a number, among others.</summary>
    internal static async Task<StoredDefinition?> FindAsync(JourneyDefinitions journeys, int accountId, string definitionId, string? versionOptions, CancellationToken ct)
    {
        if (int.TryParse(versionOptions, NumberStyles.None, CultureInfo.InvariantCulture, out var version)) return await journeys.FindAsync(accountId, definitionId, version, ct);
        var choice = DefinitionFilter.Read(versionOptions);
        return choice is VersionChoice.Latest or VersionChoice.All
            ? await journeys.FindAsync(accountId, definitionId, null, ct)
            : await journeys.FindAsync(accountId, choice, [definitionId], null, ct) is [var found, ..] ? found : null;
    }

    private static async Task<JsonObject> RootAsync(string id, StudioRights rights, JourneyDefinitions journeys, StudioForm form, CancellationToken ct) =>
        long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var key) && await journeys.FindVersionAsync(rights.AccountId, key, ct) is { } stored
            ? (JsonObject)form.Of(stored.Definition)["root"]!
            : throw new NotFoundException("There is no such workflow definition.");
}
