using System.Text.Json.Nodes;
using MailFlow.Engine.Tests.Definitions;

namespace MailFlow.Engine.Tests.Execution;

/// <summary>
/// Definitions that run, in few words: <c>say:a</c> writes a line, <c>wait:a:PT1H</c> waits, <c>on:a:order</c> is the event trigger or a wait for an event,
/// <c>if:a:rule</c> decides; any other <c>Type:id</c> is an activity of Elsa's without inputs.
/// </summary>
internal static class Flows
{
    public static string Of(string activities, params string[] connections) => With(null, activities, connections);

    public static string With(string? rules, string activities, params string[] connections)
    {
        var list = new JsonArray([.. activities.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Activity)]);
        var json = JsonNode.Parse(Definition.Json(list.ToJsonString(), connections))!;
        if (rules is not null) json["customProperties"] = new JsonObject { ["mailflow"] = JsonNode.Parse(rules) };
        return json.ToJsonString();
    }

    public static string Named(string definitionId, string json)
    {
        var node = JsonNode.Parse(json)!;
        node["definitionId"] = definitionId;
        return node.ToJsonString();
    }

    private static JsonNode Activity(string written)
    {
        var parts = written.Split(':', 3);
        var (kind, id, value) = (parts[0], parts[1], parts.Length > 2 ? parts[2].Replace('~', ' ') : null);
        return kind switch
        {
            "say" => Node(id, "Elsa.WriteLine", ("text", "String", value ?? id, "Handlebars")),
            "wait" => Node(id, "Elsa.Delay", ("timeSpan", "TimeSpan", value!, "Literal")),
            "on" => Node(id, "Elsa.Event", ("eventName", "String", value!, "Literal")),
            "if" => Node(id, "Elsa.FlowDecision", ("condition", "Boolean", value!, "CEL")),
            "join" => Node(id, "Elsa.FlowJoin", ("mode", "String", value!, "Literal")),
            "fork" => Node(id, "Elsa.FlowFork", ("branches", "String[]", value!, "Object")),
            _ => new JsonObject { ["id"] = id, ["type"] = kind.Contains('.') ? kind : "Elsa." + kind },
        };
    }

    private static JsonObject Node(string id, string type, (string Name, string Type, string Value, string Syntax) input) => new()
    {
        ["id"] = id,
        ["type"] = type,
        [input.Name] = new JsonObject { ["typeName"] = input.Type, ["expression"] = new JsonObject { ["type"] = input.Syntax, ["value"] = input.Value } },
    };
}
