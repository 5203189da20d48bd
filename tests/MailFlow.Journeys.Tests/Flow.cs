using System.Text.Json;

namespace MailFlow.Journeys.Tests;

/// <summary>Small definitions written in a line: activities in a row, joined by "Done" where nothing else is said.</summary>
internal static class Flow
{
    public static string Of(object? mailflow, params (string Id, string Type, (string Name, string Kind, object Value)[] Inputs)[] activities) => JsonSerializer.Serialize(new Dictionary<string, object?>
    {
        ["name"] = "Test journey",
        ["customProperties"] = new Dictionary<string, object?> { ["mailflow"] = mailflow ?? new { }, ["kept"] = "as it was" },
        ["root"] = new Dictionary<string, object?>
        {
            ["id"] = "flow",
            ["type"] = "Elsa.Flowchart",
            ["activities"] = activities.Select(Activity),
            ["connections"] = activities.Zip(activities.Skip(1)).Select(pair => new { source = new { activity = pair.First.Id, port = "Done" }, target = new { activity = pair.Second.Id, port = "In" } }),
        },
    });

    public static (string, string, (string, string, object)[]) Trigger(string eventType) => ("trigger", "MailFlow.EventReceived", [("eventType", "Literal", eventType)]);

    public static (string, string, (string, string, object)[]) Wait(string duration, string id = "wait") => (id, "MailFlow.Wait", [("duration", "Literal", duration)]);

    public static (string, string, (string, string, object)[]) Mail(string template, string id = "mail") => (id, "MailFlow.SendEmail", [("template", "Literal", template)]);

    public static (string, string, (string, string, object)[]) Line(string text, string id = "line") => (id, "Elsa.WriteLine", [("text", "Literal", text)]);

    private static Dictionary<string, object?> Activity((string Id, string Type, (string Name, string Kind, object Value)[] Inputs) activity)
    {
        var json = new Dictionary<string, object?> { ["id"] = activity.Id, ["type"] = activity.Type, ["version"] = 1 };
        foreach (var (name, kind, value) in activity.Inputs) json[name] = new { typeName = "String", expression = new { type = kind, value } };
        return json;
    }
}
