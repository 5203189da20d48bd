using System.Text.Json.Nodes;

namespace MailFlow.Server.Elsa.Definitions;

/// <summary>Gives activities without a place on the canvas one, in columns along the connections: Studio would pile them up in a corner.</summary>
internal static class CanvasLayout
{
    private const int ColumnWidth = 300, RowHeight = 120, Left = 40, Top = 40;

    public static void Complete(JsonObject flowchart)
    {
        var activities = flowchart["activities"]!.AsArray().OfType<JsonObject>().ToList();
        var unplaced = activities.FindAll(activity => Position(activity) is null);
        if (unplaced.Count == 0) return;
        var top = activities.Select(Position).OfType<JsonObject>().Select(position => Number(position["y"]) + RowHeight).DefaultIfEmpty(Top).Max();
        var columns = Columns(flowchart, activities);
        foreach (var column in unplaced.GroupBy(activity => columns.GetValueOrDefault(activity.Text("id") ?? "")))
        {
            foreach (var (row, activity) in column.Index())
            {
                if (activity["metadata"] is not JsonObject metadata) activity["metadata"] = metadata = [];
                if (metadata["designer"] is not JsonObject designer) metadata["designer"] = designer = [];
                designer["position"] = new JsonObject { ["x"] = Left + column.Key * ColumnWidth, ["y"] = top + row * RowHeight };
            }
        }
    }

    /// <summary>How many connections away from a beginning each is, at the least.</summary>
    private static Dictionary<string, int> Columns(JsonObject flowchart, List<JsonObject> activities)
    {
        var edges = flowchart["connections"]!.AsArray()
            .Select(connection => (From: connection?["source"]?["activity"].Text(), To: connection?["target"]?["activity"].Text())).ToLookup(edge => edge.From, edge => edge.To);
        var targets = edges.SelectMany(group => group).ToHashSet();
        var columns = new Dictionary<string, int>(StringComparer.Ordinal);
        var queue = new Queue<string>(activities.Select(activity => activity.Text("id")).OfType<string>().Where(id => !targets.Contains(id)));
        foreach (var id in queue) columns[id] = 0;
        while (queue.TryDequeue(out var from))
            foreach (var to in edges[from].OfType<string>())
                if (columns.TryAdd(to, columns[from] + 1)) queue.Enqueue(to);
        return columns;
    }

    private static JsonObject? Position(JsonObject activity) => (activity["metadata"] as JsonObject)?["designer"] is JsonObject designer ? designer["position"] as JsonObject : null;

    private static double Number(JsonNode? node) => node is JsonValue value && value.TryGetValue<double>(out var number) ? number : 0;
}
