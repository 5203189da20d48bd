using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MailFlow.Engine.Definitions;

/// <summary>
/// Reading Elsa's JSON as its readers do: member names without regard to case, and lists also in the wrappers that
/// older serializers left (<c>{"$values": […]}</c>, <c>{"_type": …, "items": […]}</c>) or as one bare object.
/// </summary>
internal static class DefinitionJson
{
    public static readonly JsonDocumentOptions Reading = new() { AllowDuplicateProperties = false, MaxDepth = 128 };

    public static readonly JsonSerializerOptions Compact =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 256 };

    public static readonly JsonSerializerOptions Indented = new(Compact) { WriteIndented = true };

    private static readonly string[] Wrappers = ["$values", "items", "values"];

    /// <summary>The member under this name, in whatever case it is written; null when missing or null.</summary>
    public static JsonNode? Member(this JsonObject json, string name) =>
        json.TryGetPropertyValue(name, out var exact) ? exact
        : json.MemberName(name) is { } written ? json[written] : null;

    /// <summary>The name as it is written, or null.</summary>
    public static string? MemberName(this JsonObject json, string name)
    {
        if (json.ContainsKey(name)) return name;
        foreach (var (written, _) in json)
            if (string.Equals(written, name, StringComparison.OrdinalIgnoreCase)) return written;
        return null;
    }

    public static string? Text(this JsonObject json, string name) => json.Member(name).AsText();

    /// <summary>The text of a string; null for anything else.</summary>
    public static string? AsText(this JsonNode? node) =>
        node is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;

    /// <summary>A flag written as a boolean or as the text Studio's checkbox writes.</summary>
    public static bool? AsFlag(this JsonNode? node) => node?.GetValueKind() switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.String when bool.TryParse(node.GetValue<string>(), out var flag) => flag,
        _ => null,
    };

    /// <summary>The items of a list in any of the forms it is written in; a single object is a list of one.</summary>
    public static IReadOnlyList<JsonNode?> Items(this JsonNode? node)
    {
        if (node is JsonObject json && Wrapped(json) is { } wrapped) node = wrapped;
        return node is null ? [] : node is JsonArray list ? [.. list] : [node];
    }

    /// <summary>The list inside a wrapper object; null where the object is no wrapper.</summary>
    public static JsonArray? Wrapped(JsonObject json)
    {
        var isWrapper = json.ContainsKey("$values") || json.ContainsKey("_type") || json.ContainsKey("$type");
        return isWrapper ? Wrappers.Select(name => json.Member(name)).OfType<JsonArray>().FirstOrDefault() : null;
    }

    /// <summary>Marks that a serializer left in an object and that are no members of it.</summary>
    public static bool IsMark(string name) => name is "_type" or "$type" or "$id";
}
