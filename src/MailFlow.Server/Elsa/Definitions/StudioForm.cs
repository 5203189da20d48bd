using System.Text.Json.Nodes;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;

namespace MailFlow.Server.Elsa.Definitions;

/// <summary>
/// A definition as Elsa Studio can take it. Studio throws on what its typed model does not expect, and then posts an empty canvas: so every member it
/// reads is there in its type, and each activity has a type and version that <c>/descriptors/activities</c> lists.
/// </summary>
internal sealed class StudioForm(ActivityRegistry registry)
{
    public const string ToolVersion = "3.8.2.0";

    private readonly StudioActivity _activities = new(registry);

    /// <summary>What Studio is shown of a definition.</summary>
    public JsonObject Of(WorkflowDefinition definition)
    {
        var document = StandardForm.Of(definition, registry);
        document.Remove("$schema");
        document["name"] ??= definition.Name;
        if (!Version.TryParse(document.Text("toolVersion"), out _)) document["toolVersion"] = ToolVersion;
        document["variables"] = Each(document["variables"], Variable);
        document["inputs"] = Each(document["inputs"], Argument);
        document["outputs"] = Each(document["outputs"], Argument);
        document["outcomes"] = document["outcomes"] as JsonArray is { } outcomes && outcomes.All(item => item.Text() is not null) ? outcomes.DeepClone() : new JsonArray();
        document["customProperties"] = document["customProperties"] is JsonObject custom ? custom.DeepClone() : new JsonObject();
        document["options"] = Options(document["options"] as JsonObject);
        document["isReadonly"] = false;
        document["isSystem"] = false;
        document["providerName"] = null;
        document["materializerName"] = "Json";
        document["materializerContext"] = null;
        Flowchart(document.Object("root")!, parent: null);
        return document;
    }

    /// <summary>Takes out what Studio's canvas throws on: connections to or from an activity that is not there.</summary>
    public static void LeaveOutUndrawable(JsonObject flowchart)
    {
        var activities = flowchart["activities"]!.AsArray().OfType<JsonObject>().ToList();
        var ids = activities.Select(activity => activity.Text("id") ?? "").ToHashSet(StringComparer.Ordinal);
        flowchart["connections"]!.AsArray().RemoveAll(connection => !IsDrawable((JsonObject)connection!, ids));
        foreach (var inner in activities.Where(activity => activity.IsFlowchart())) LeaveOutUndrawable(inner);
    }

    /// <summary>Whether both ends of a connection are among these activities.</summary>
    public static bool IsDrawable(JsonObject connection, IReadOnlySet<string> activityIds) =>
        activityIds.Contains(connection["source"]?["activity"].Text() ?? "") && activityIds.Contains(connection["target"]?["activity"].Text() ?? "");

    /// <summary>The same definition, as the engine writes it, of what Studio sent.</summary>
    public JsonObject Back(JsonObject sent)
    {
        var document = (JsonObject)sent.DeepClone();
        if (document.Object("root") is { } root) FlowchartBack(root);
        return document;
    }

    private void Flowchart(JsonObject flowchart, string? parent)
    {
        var path = $"{parent ?? "Workflow1"}:{flowchart.Text("id")}";
        flowchart["nodeId"] = path;
        flowchart["metadata"] ??= new JsonObject();
        flowchart["customProperties"] ??= new JsonObject();
        StudioPort.Show(flowchart["connections"]!.AsArray());
        var activities = flowchart["activities"]!.AsArray();
        for (var index = 0; index < activities.Count; index++)
        {
            var activity = (JsonObject)activities[index]!;
            if (activity.IsFlowchart())
            {
                Flowchart(activity, path);
                continue;
            }
            var used = flowchart["connections"]!.AsArray().Where(connection => connection?["source"]?["activity"].Text() == activity.Text("id"))
                .Select(connection => connection?["source"]?["port"].Text()).OfType<string>().Distinct();
            var shown = _activities.Shown(activity, [.. used]);
            shown["nodeId"] = $"{path}:{shown.Text("id")}";
            activities[index] = shown;
        }
        CanvasLayout.Complete(flowchart);
    }

    private void FlowchartBack(JsonObject flowchart)
    {
        if (flowchart["connections"] is JsonArray connections) StudioPort.Back(connections);
        if (flowchart["activities"] is not JsonArray activities) return;
        for (var index = 0; index < activities.Count; index++)
        {
            if (activities[index] is not JsonObject activity) continue;
            if (activity.IsFlowchart()) FlowchartBack(activity);
            else activities[index] = _activities.Back(activity);
        }
    }

    private static JsonObject Variable(JsonObject json) => new()
    {
        ["id"] = json.Text("id") ?? json.Text("name"),
        ["name"] = json.Text("name") ?? json.Text("id"),
        ["typeName"] = json.Text("typeName") ?? "Object",
        ["isArray"] = json["isArray"]?.ToString() is "true" or "True",
        ["value"] = json["value"] is { } value ? value.Text() ?? value.ToJsonString(ElsaJson.Compact) : null,
        ["storageDriverTypeName"] = json.Text("storageDriverTypeName"),
    };

    private static JsonObject Argument(JsonObject json)
    {
        var argument = new JsonObject
        {
            ["type"] = json.Text("type") ?? "Object",
            ["isArray"] = json["isArray"]?.ToString() is "true" or "True",
            ["name"] = json.Text("name") ?? "",
            ["displayName"] = json.Text("displayName") ?? json.Text("name") ?? "",
            ["description"] = json.Text("description") ?? "",
            ["category"] = json.Text("category") ?? "",
            ["uiHint"] = json.Text("uiHint") ?? "singleline",
            ["storageDriverType"] = json.Text("storageDriverType"),
        };
        return argument;
    }

    private static JsonObject Options(JsonObject? json) => new()
    {
        ["activationStrategyType"] = json?.Text("activationStrategyType"),
        ["usableAsActivity"] = json?["usableAsActivity"]?.ToString() is "true",
        ["autoUpdateConsumingWorkflows"] = json?["autoUpdateConsumingWorkflows"]?.ToString() is "true",
        ["activityCategory"] = json?.Text("activityCategory"),
        ["incidentStrategyType"] = json?.Text("incidentStrategyType"),
        ["commitStrategyName"] = json?.Text("commitStrategyName"),
    };

    private static JsonArray Each(JsonNode? list, Func<JsonObject, JsonObject> make) =>
        new([.. (list as JsonArray ?? []).OfType<JsonObject>().Select(make)]);
}
