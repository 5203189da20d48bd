using System.Text.Json.Nodes;
using MailFlow.Data;

namespace MailFlow.Engine.Definitions;

/// <summary>A definition's content in one canonical form: what the server stamps left out, members in ordinal order.</summary>
internal static class DefinitionContent
{
    private static readonly HashSet<string> Stamped =
        new(StringComparer.OrdinalIgnoreCase) { "id", "version", "createdAt", "isLatest", "isPublished" };

    public static Guid Hash(JsonObject document) => StableHash.Key(Canonical(document));

    public static string Canonical(JsonObject document) =>
        Sorted(document, name => Stamped.Contains(name))!.ToJsonString(DefinitionJson.Compact);

    private static JsonNode? Sorted(JsonNode? node, Func<string, bool> leftOut) => node switch
    {
        JsonObject json => new JsonObject(json
            .Where(member => !leftOut(member.Key))
            .OrderBy(member => member.Key, StringComparer.Ordinal)
            .Select(member => KeyValuePair.Create(member.Key, Sorted(member.Value, IsNodeId)))),
        JsonArray list => new JsonArray([.. list.Select(item => Sorted(item, IsNodeId))]),
        _ => node?.DeepClone(),
    };

    private static bool IsNodeId(string name) => string.Equals(name, "nodeId", StringComparison.OrdinalIgnoreCase);
}
