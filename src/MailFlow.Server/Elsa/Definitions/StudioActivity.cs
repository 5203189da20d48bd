using System.Text.Json;
using System.Text.Json.Nodes;
using MailFlow.Engine.Activities;
using MailFlow.Server.Elsa.Descriptors;

namespace MailFlow.Server.Elsa.Definitions;

/// <summary>One activity as Studio can take it, and back. What Studio knows no editor for, or would break on, is shown in other words.</summary>
internal sealed class StudioActivity(ActivityRegistry registry)
{
    /// <summary>Elsa's own type for what is not known.</summary>
    public const string NotFound = "Elsa.NotFoundActivity";

    /// <summary>The version that every activity is shown in, and has a descriptor for: Studio draws no other.</summary>
    public const int Version = 1;

    private const string Original = "originalActivityJson";

    /// <summary>The activity for Studio.</summary>
    /// <param name="activity">The activity in standard form.</param>
    /// <param name="usedPorts">The ports that connections leave it by.</param>
    public JsonObject Shown(JsonObject activity, IReadOnlyList<string> usedPorts)
    {
        if (registry.Find(activity.Text("type") ?? "") is not { } descriptor) return Placeholder(activity, usedPorts);
        var shown = (JsonObject)activity.DeepClone();
        // The engine runs an activity whatever version it was drawn in; what comes back as it was shown is saved with the version it had.
        shown["version"] = Version;
        shown["metadata"] ??= new JsonObject();
        shown["customProperties"] ??= new JsonObject();
        foreach (var (input, beginning) in Beginnings(descriptor)) shown[input] ??= beginning;
        if (NameInput.Of(descriptor) is { } name) name.Show(shown);
        if (OutcomeInput.Of(descriptor) is { } outcomes) outcomes.Show(shown);
        return shown;
    }

    /// <summary>What <see cref="Shown"/> was made from, with what has been changed since.</summary>
    public JsonObject Back(JsonObject shown)
    {
        if (shown.Text("type") == NotFound) return Unplaced(shown);
        var activity = (JsonObject)shown.DeepClone();
        if (registry.Find(activity.Text("type") ?? "") is not { } descriptor) return activity;
        if (NameInput.Of(descriptor) is { } name) name.Back(activity);
        if (OutcomeInput.Of(descriptor) is { } outcomes) outcomes.Back(activity);
        return activity;
    }

    /// <summary>
    /// What inputs hold before anything is written in them: Studio's editor of expressions would begin in JavaScript, which does not run here.
    /// Nothing in CEL is what the engine takes for nothing.
    /// </summary>
    public static IEnumerable<KeyValuePair<string, JsonObject>> Beginnings(ActivityDescriptor descriptor) =>
        descriptor.Inputs.Where(InputEditor.IsExpression).Select(input => KeyValuePair.Create(input.Name, Wrapped(input.TypeName, "CEL", "")));

    private static JsonObject Placeholder(JsonObject activity, IReadOnlyList<string> usedPorts) => new()
    {
        ["id"] = activity.Text("id"),
        ["name"] = activity.Text("name"),
        ["type"] = NotFound,
        ["version"] = Version,
        ["customProperties"] = activity["customProperties"]?.DeepClone() ?? new JsonObject(),
        ["metadata"] = activity["metadata"]?.DeepClone() ?? new JsonObject(),
        ["missingType"] = Wrapped("String", "Literal", $"{activity.Text("type")}, version {activity["version"]}"),
        // Studio draws a port for each, so that the connections stay on.
        ["ports"] = Wrapped("ICollection<String>", "Object", new JsonArray([.. (usedPorts.Count == 0 ? ["Done"] : usedPorts).Select(port => (JsonNode)port)]).ToJsonString(ElsaJson.Compact)),
        [Original] = activity.ToJsonString(ElsaJson.Compact),
    };

    /// <summary>The activity that a placeholder stands for, where it has been moved to. A pasted one is another activity with the same content.</summary>
    private static JsonObject Unplaced(JsonObject shown)
    {
        if (Parse(shown.Text(Original)) is not { } activity) return (JsonObject)shown.DeepClone();
        foreach (var member in new[] { "id", "name", "metadata", "customProperties" })
        {
            if (shown[member] is { } given) activity[member] = given.DeepClone();
        }
        return activity;
    }

    private static JsonObject? Parse(string? json)
    {
        try
        {
            return json is null ? null : JsonNode.Parse(json) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    internal static JsonObject Wrapped(string typeName, string expressionType, JsonNode? value) => new()
    {
        ["typeName"] = typeName,
        ["expression"] = new JsonObject { ["type"] = expressionType, ["value"] = value },
    };
}

/// <summary>
/// An input called "name": in Studio every activity's member "name" is its own name and must be text. The input gets another member there.
/// </summary>
internal sealed class NameInput(string member)
{
    public static NameInput? Of(ActivityDescriptor descriptor) => descriptor.Input("name") is null ? null : new NameInput(MemberOf(descriptor));

    /// <summary>Such as "goalName".</summary>
    public static string MemberOf(ActivityDescriptor descriptor)
    {
        var type = descriptor.Type[(descriptor.Type.LastIndexOf('.') + 1)..];
        return $"{char.ToLowerInvariant(type[0])}{type[1..]}Name";
    }

    public void Show(JsonObject activity)
    {
        if (activity["name"] is not { } given) return;
        activity[member] = given is JsonObject ? given.DeepClone() : StudioActivity.Wrapped("String", "Literal", given.DeepClone());
        activity["name"] = given.Text() ?? activity.Text("id");
    }

    public void Back(JsonObject activity)
    {
        // What Studio itself calls a new activity ("Goal1") is no value of the input.
        activity.Remove("name");
        if (activity[member] is not { } given) return;
        activity.Remove(member);
        activity["name"] = given;
    }
}
