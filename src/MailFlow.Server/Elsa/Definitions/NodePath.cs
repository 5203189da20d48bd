using System.Text.Json.Nodes;

namespace MailFlow.Server.Elsa.Definitions;

/// <summary>Finds activities by node id (<c>Workflow1:{root}:{activity}</c>) in nested flowcharts.</summary>
internal static class NodePath
{
    /// <summary>The activities from the root down to the node; none where it is not there.</summary>
    public static IReadOnlyList<JsonObject> Find(JsonObject root, string? nodeId)
    {
        if (nodeId is null || root.Text("nodeId") == nodeId) return [root];
        foreach (var child in Children(root))
            if (Find(child, nodeId) is { Count: > 0 } found) return [root, .. found];
        return [];
    }

    /// <summary>An activity as Elsa describes a node of its graph.</summary>
    public static JsonObject Node(JsonObject activity) => new()
    {
        ["nodeId"] = activity.Text("nodeId"),
        ["activity"] = activity.DeepClone(),
        ["port"] = "",
        ["children"] = new JsonArray([.. Children(activity).Select(child => (JsonNode)Node(child))]),
    };

    public static JsonObject Segment(JsonObject activity) => new()
    {
        ["activityNodeId"] = activity.Text("nodeId"),
        ["activityId"] = activity.Text("id"),
        ["activityType"] = activity.Text("type"),
        ["portName"] = "Activities",
    };

    private static IEnumerable<JsonObject> Children(JsonObject activity) => (activity["activities"] as JsonArray ?? []).OfType<JsonObject>();
}
