using System.Text.Json.Nodes;
using MailFlow.Data;

namespace MailFlow.Engine.Definitions;

/// <summary>Reads the activities of a definition and of its nested flowcharts.</summary>
internal sealed class FlowchartReader
{
    private readonly Dictionary<string, string> _places = new(StringComparer.Ordinal);
    private int _count;

    public static ActivityElement Read(JsonObject document)
    {
        if (document.Member("root") is not JsonObject root)
            throw new InvalidInputException("root", "is missing: a definition holds its flowchart there");
        var type = root.Text("type");
        if (type != ActivityElement.Flowchart)
        {
            throw new InvalidInputException(
                "root.type", $"is {(type is null ? "missing" : $"'{type}'")}: MailFlow runs flowcharts. Draw the workflow as an {ActivityElement.Flowchart}");
        }
        var reader = new FlowchartReader();
        var id = root.Text("id");
        if (string.IsNullOrEmpty(id)) id = "Flowchart1";
        else reader._places[id] = "root";
        return reader.Flowchart(root, id, "root");
    }

    private ActivityElement Flowchart(JsonObject json, string id, string path)
    {
        var activities = json.Member("activities").Items()
            .Select((activity, index) => Activity(activity, $"{path}.activities[{index}]"))
            .ToList();
        return new ActivityElement(json, id, ActivityElement.Flowchart)
        {
            Activities = activities,
            Connections = [.. json.Member("connections").Items().Select(ConnectionElement.Read)],
            Variables = VariableElement.ReadAll(json.Member("variables")),
        };
    }

    private ActivityElement Activity(JsonNode? node, string path)
    {
        if (node is not JsonObject json) throw new InvalidInputException(path, "is not an activity");
        if (json.Text("id") is not { Length: > 0 } id) throw new InvalidInputException($"{path}.id", "is missing");
        if (json.Text("type") is not { Length: > 0 } type) throw new InvalidInputException($"{path}.type", "is missing");
        if (!_places.TryAdd(id, path))
            throw new InvalidInputException($"{path}.id", $"is '{id}', which {_places[id]} has already: ids are unique in a definition");
        if (_count++ >= WorkflowDefinition.MostActivities)
            throw new InvalidInputException("root", $"has more than {WorkflowDefinition.MostActivities} activities");
        return type == ActivityElement.Flowchart ? Flowchart(json, id, path) : new ActivityElement(json, id, type);
    }
}
