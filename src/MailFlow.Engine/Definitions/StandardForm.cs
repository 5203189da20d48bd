using System.Text.Json.Nodes;
using MailFlow.Engine.Activities;

namespace MailFlow.Engine.Definitions;

/// <summary>
/// A definition in the one form that Elsa's tools write. What the engine reads more generously (member names in any case, lists in wrappers, flat
/// connections, bare values for inputs) becomes what a strict reader such as Elsa Studio takes. It says the same.
/// </summary>
public static class StandardForm
{
    private static readonly string[] DefinitionMembers =
    [
        "id", "definitionId", "name", "description", "createdAt", "version", "toolVersion", "variables", "inputs", "outputs", "outcomes",
        "customProperties", "isReadonly", "isSystem", "isLatest", "isPublished", "options", "root",
    ];

    private static readonly string[] ActivityMembers = ["id", "nodeId", "name", "type", "version", "customProperties", "metadata"];

    private static readonly string[] FlowchartMembers = [.. ActivityMembers, "activities", "connections", "variables", "start"];

    /// <summary>The definition in this form: a tree of the caller's own.</summary>
    /// <param name="definition">The definition.</param>
    /// <param name="registry">The activities that are known: others keep their inputs as they are.</param>
    public static JsonObject Of(WorkflowDefinition definition, ActivityRegistry registry)
    {
        var document = definition.ToJsonObject();
        Rename(document, DefinitionMembers);
        document["variables"] = List(document["variables"]);
        Flowchart((JsonObject)document["root"]!, registry);
        return document;
    }

    /// <summary>The names of the exit ports that an input gives, however it is written.</summary>
    public static IReadOnlyList<string> OutcomeNames(JsonObject activity, string input) =>
        InputBinding.Outcomes(new ActivityElement(activity, "", ""), input);

    private static void Flowchart(JsonObject json, ActivityRegistry registry)
    {
        Rename(json, FlowchartMembers);
        json["version"] ??= 1;
        json["activities"] = List(json["activities"]);
        json["connections"] = new JsonArray([.. json["connections"].Items().Select(Connection)]);
        foreach (var activity in ((JsonArray)json["activities"]!).OfType<JsonObject>())
        {
            if (activity.Text("type") == ActivityElement.Flowchart) Flowchart(activity, registry);
            else Activity(activity, registry);
        }
    }

    private static void Activity(JsonObject json, ActivityRegistry registry)
    {
        Rename(json, ActivityMembers);
        json["version"] ??= 1;
        if (registry.Find(json.Text("type") ?? "") is not { } descriptor) return;
        foreach (var input in descriptor.Inputs)
        {
            Rename(json, [input.Name]);
            if (json[input.Name] is not { } member || ExpressionElement.Read(member) is not { } expression) continue;
            // Every activity has a name; an input of that name is one only where it holds an expression.
            if (input.Name == "name" && member is JsonValue) continue;
            if (input.Bare) Bare(json, input, expression);
            else Wrap(json, input, member, expression);
        }
    }

    private static void Bare(JsonObject json, InputDescriptor input, ExpressionElement expression)
    {
        if (json[input.Name] is not JsonObject member || member.MemberName("expression") is null) return;
        json[input.Name] = expression.Value.AsText() is { } text && Parsed(text) is { } parsed ? parsed : expression.Value?.DeepClone();
    }

    private static void Wrap(JsonObject json, InputDescriptor input, JsonNode member, ExpressionElement expression)
    {
        // The designer's editors of lists and maps want the type that says so.
        var isStructure = !ElsaTypes.IsScalar(Nullable.GetUnderlyingType(input.Type) ?? input.Type);
        var type = isStructure && expression.Type == ExpressionElement.Literal && expression.Value.AsText()?.TrimStart() is ['[' or '{', ..]
            ? ExpressionElement.Object : expression.Type;
        if (member is JsonObject wrapped && wrapped["expression"] is JsonObject inner && inner.Text("type") == type && inner.ContainsKey("value")) return;
        json[input.Name] = new JsonObject
        {
            ["typeName"] = (member as JsonObject)?.Text("typeName") ?? input.TypeName,
            ["expression"] = new JsonObject { ["type"] = type, ["value"] = expression.Value?.DeepClone() },
        };
    }

    private static JsonObject Connection(JsonNode? node)
    {
        var read = ConnectionElement.Read(node);
        var written = node as JsonObject;
        var connection = new JsonObject
        {
            ["source"] = new JsonObject { ["activity"] = read.Source, ["port"] = read.Port },
            ["target"] = new JsonObject { ["activity"] = read.Target, ["port"] = TargetPort(written) },
            ["vertices"] = List(written?.Member("vertices")),
        };
        return connection;
    }

    private static string TargetPort(JsonObject? written)
    {
        var port = written?.Text("targetPort") ?? (written?.Member("target") as JsonObject)?.Text("port");
        return string.IsNullOrEmpty(port) ? "In" : port;
    }

    private static JsonArray List(JsonNode? node) => node is JsonArray list ? (JsonArray)list.DeepClone() : new JsonArray([.. node.Items().Select(item => item?.DeepClone())]);

    private static JsonNode? Parsed(string text)
    {
        try
        {
            return JsonNode.Parse(text, documentOptions: DefinitionJson.Reading);
        }
        catch (System.Text.Json.JsonException)
        {
            return null;
        }
    }

    /// <summary>Gives members their usual spelling, each in its place.</summary>
    private static void Rename(JsonObject json, IEnumerable<string> names)
    {
        foreach (var name in names)
        {
            if (json.ContainsKey(name) || json.MemberName(name) is not { } written) continue;
            var (place, value) = (json.IndexOf(written), json[written]);
            json.Remove(written);
            json.Insert(place, name, value);
        }
    }
}
