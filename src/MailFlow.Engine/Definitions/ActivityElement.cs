using System.Text.Json.Nodes;

namespace MailFlow.Engine.Definitions;

/// <summary>One activity as it stands in a definition's JSON.</summary>
internal sealed record ActivityElement(JsonObject Json, string Id, string Type)
{
    /// <summary>The structure we draw and run: everything else is an activity's type.</summary>
    public const string Flowchart = "Elsa.Flowchart";

    /// <summary>Of a flowchart: its activities in the order they are written.</summary>
    public IReadOnlyList<ActivityElement> Activities { get; init; } = [];

    /// <summary>Of a flowchart: its connections in the order they are written.</summary>
    public IReadOnlyList<ConnectionElement> Connections { get; init; } = [];

    /// <summary>Of a flowchart: the variables it declares.</summary>
    public IReadOnlyList<VariableElement> Variables { get; init; } = [];

    public bool IsFlowchart => Type == Flowchart;

    /// <summary>Of a flowchart: the activity it says it starts with.</summary>
    public string? Start => Json.Text("start");

    /// <summary>What a person calls it: its display text, else its name, else its id.</summary>
    public string Title
    {
        get
        {
            var shown = (Json.Member("metadata") as JsonObject)?.Text("displayText");
            if (!string.IsNullOrWhiteSpace(shown)) return shown;
            // An activity may have an input called "name": then the member holds an expression.
            return Json.Text("name") is { } name && !string.IsNullOrWhiteSpace(name) ? name : Id;
        }
    }

    /// <summary>A flag of the engine's: in the custom properties, or on the activity itself as older files have it.</summary>
    public bool? Flag(string name) => CustomProperty(name).AsFlag() ?? Json.Member(name).AsFlag();

    /// <summary>What an input says, as text: its expression, without what a designer writes beside it.</summary>
    public string InputText(string name)
    {
        var written = Json.Member(name);
        return ((written as JsonObject)?.Member("expression") ?? written)?.ToJsonString(DefinitionJson.Compact) ?? "";
    }

    public JsonNode? CustomProperty(string name) => (Json.Member("customProperties") as JsonObject)?.Member(name);

    /// <summary>Everything inside, each flowchart before what is in it.</summary>
    public IEnumerable<ActivityElement> Descendants() =>
        Activities.SelectMany(activity => activity.Descendants().Prepend(activity));
}

/// <summary>One connection as it is written.</summary>
/// <param name="Source">The activity it leaves; null when it does not say.</param>
/// <param name="Port">The port it leaves by; a missing port is "Done".</param>
/// <param name="Target">The activity it enters; null when it does not say.</param>
internal sealed record ConnectionElement(string? Source, string Port, string? Target)
{
    public const string Done = "Done";

    /// <summary>Reads both forms: ends as objects, and the older flat one.</summary>
    public static ConnectionElement Read(JsonNode? node)
    {
        var json = node as JsonObject;
        var port = json?.Text("sourcePort") ?? End(json, "source", "port");
        return new ConnectionElement(
            json?.Text("source") ?? End(json, "source", "activity"),
            string.IsNullOrEmpty(port) ? Done : port,
            json?.Text("target") ?? End(json, "target", "activity"));
    }

    private static string? End(JsonObject? json, string end, string member) => (json?.Member(end) as JsonObject)?.Text(member);
}

/// <summary>A variable as it is declared. The value is its initial one, written as text.</summary>
internal sealed record VariableElement(string Id, string Name, string TypeName, bool IsArray, JsonNode? Value)
{
    public static IReadOnlyList<VariableElement> ReadAll(JsonNode? list) =>
        [.. list.Items().OfType<JsonObject>().Select(Read).OfType<VariableElement>()];

    private static VariableElement? Read(JsonObject json)
    {
        var name = json.Text("name") ?? json.Text("id");
        return name is null
            ? null
            : new(json.Text("id") ?? name, name, json.Text("typeName") ?? "Object", json.Member("isArray").AsFlag() ?? false, json.Member("value"));
    }
}
