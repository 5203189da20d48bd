using System.Text.Json.Nodes;
using MailFlow.Server.Access;

namespace MailFlow.Server.Elsa.Descriptors;

/// <summary>What Studio asks about before it draws anything. An unanswered question breaks its page, so what we have none of is an empty list.</summary>
internal static class DescriptorEndpoints
{
    private static readonly string[] VariableTypes = ["String", "Boolean", "Int32", "Int64", "Double", "Decimal", "DateTimeOffset", "TimeSpan", "Guid", "Object"];

    public static void MapDescriptors(this IEndpointRouteBuilder api)
    {
        api.MapGet("/descriptors/activities", ActivitiesAsync).RequireScope(Scopes.JourneysRead);
        api.MapPost("/descriptors/activities/{type}/options/{input}", OptionsAsync).RequireScope(Scopes.JourneysRead);
        api.MapGet("/descriptors/expression-descriptors", () => List(ExpressionDescriptors.All())).RequireScope(Scopes.JourneysRead);
        api.MapGet("/descriptors/variables", () => List(new JsonArray([.. VariableTypes.Select(type => (JsonNode)new JsonObject { ["typeName"] = type, ["displayName"] = Words(type), ["category"] = "Primitives", ["description"] = null })]))).RequireScope(Scopes.JourneysRead);
        api.MapGet("/descriptors/storage-drivers", () => List([new JsonObject { ["typeName"] = "WorkflowInstance", ["displayName"] = "With the contact's trip", ["priority"] = 0, ["deprecated"] = false }])).RequireScope(Scopes.JourneysRead);
        api.MapGet("/descriptors/workflow-activation-strategies", () => List([Strategy("Always", "By the journey's entry rule")])).RequireScope(Scopes.JourneysRead);
        api.MapGet("/descriptors/incident-strategies", () => List([Strategy("Fault", "Stop the contact's trip as an incident")])).RequireScope(Scopes.JourneysRead);
        api.MapGet("/descriptors/log-persistence-strategies", () => List([Strategy("Inherit", "As everywhere")])).RequireScope(Scopes.JourneysRead);
        foreach (var empty in new[] { "/descriptors/commit-strategies/workflows", "/descriptors/commit-strategies/activities", "/descriptors/output-converters", "/resilience/strategies", "/workflow-contexts/provider-descriptors" })
            api.MapGet(empty, () => List([])).RequireScope(Scopes.JourneysRead);
        api.MapGet("/features/installed", () => List([new JsonObject
        {
            ["name"] = "RealTimeWorkflowUpdates", ["namespace"] = "Elsa", ["fullName"] = "Elsa.RealTimeWorkflowUpdates", ["displayName"] = "Live updates", ["description"] = "",
        }])).RequireScope(Scopes.JourneysRead);
        // Nothing here is written in JavaScript; its editor asks all the same.
        api.MapPost("/scripting/javascript/type-definitions/{definitionId}", () => Results.Text("", "application/x-typescript")).RequireScope(Scopes.JourneysRead);
    }

    private static async Task<IResult> ActivitiesAsync(Caller caller, ActivityDescriptors descriptors, CancellationToken ct) =>
        List(await descriptors.AllAsync(caller.AccountId, ct));

    private static async Task<IResult> OptionsAsync(string type, string input, Caller caller, ActivityDescriptors descriptors, CancellationToken ct) =>
        ElsaJson.Tree(new JsonObject { ["items"] = await descriptors.OptionsAsync(caller.AccountId, type, input, ct) ?? new JsonObject() });

    private static IResult List(JsonArray items)
    {
        var count = items.Count;
        return ElsaJson.Tree(new JsonObject { ["items"] = items, ["count"] = count });
    }

    private static JsonObject Strategy(string type, string name) => new() { ["typeName"] = type, ["displayName"] = name, ["description"] = null };

    private static string Words(string type) => type switch
    {
        "String" => "Text",
        "Boolean" => "Yes or no",
        "Int32" or "Int64" => $"Whole number ({type[3..]} bit)",
        "Double" or "Decimal" => $"Number ({type.ToLowerInvariant()})",
        "DateTimeOffset" => "Date and time",
        "TimeSpan" => "Duration",
        _ => type,
    };
}
