using System.Text.Json.Nodes;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;

namespace MailFlow.Engine.Tests.Definitions;

/// <summary>Writes definitions for tests in few words: <c>"a:WriteLine"</c> is an activity, <c>"a -True-> b"</c> a connection.</summary>
internal static class Definition
{
    public static ActivityRegistry Registry { get; } = new(ActivityRegistry.ClassesOf(typeof(Graph).Assembly));

    public static Graph Graph(string json) => new GraphBuilder(Registry).Build(WorkflowDefinition.Parse(json));

    public static Graph GraphOf(string activities, params string[] connections) => Graph(Flow(activities, connections));

    /// <summary>A definition of activities written as <c>id:Type</c>, of Elsa's types where no other is said.</summary>
    public static string Flow(string activities, params string[] connections)
    {
        var list = activities.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Activity);
        return Json(new JsonArray([.. list]), connections);
    }

    /// <summary>A definition of activities given as JSON.</summary>
    public static string Json(string activities, params string[] connections) => Json((JsonArray)JsonNode.Parse(activities)!, connections);

    public static string Connections(params string[] connections) => new JsonArray([.. connections.Select(Connection)]).ToJsonString();

    private static string Json(JsonArray activities, string[] connections) => new JsonObject
    {
        ["definitionId"] = "test",
        ["name"] = "Test",
        ["root"] = new JsonObject
        {
            ["id"] = "flow",
            ["type"] = "Elsa.Flowchart",
            ["activities"] = activities,
            ["connections"] = new JsonArray([.. connections.Select(Connection)]),
        },
    }.ToJsonString();

    private static JsonNode Activity(string written)
    {
        var (id, type) = written.Split(':') is [var name, var given] ? (name, given) : (written, "WriteLine");
        return new JsonObject { ["id"] = id, ["type"] = type.Contains('.') ? type : $"Elsa.{type}" };
    }

    private static JsonNode Connection(string written)
    {
        var parts = written.Split(' ');
        var port = parts[1].Trim('-', '>');
        var source = new JsonObject { ["activity"] = parts[0] };
        if (port.Length > 0) source["port"] = port;
        return new JsonObject { ["source"] = source, ["target"] = new JsonObject { ["activity"] = parts[2], ["port"] = "In" } };
    }
}
