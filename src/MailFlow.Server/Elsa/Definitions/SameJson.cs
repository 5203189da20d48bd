using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MailFlow.Server.Elsa.Definitions;

/// <summary>Whether two JSON values are the same to a browser: its numbers are doubles, and what is no finite one becomes null. The order of members does not count.</summary>
internal static class SameJson
{
    public static bool Says(JsonNode? a, JsonNode? b)
    {
        switch (a, b)
        {
            case (JsonObject first, JsonObject second):
                return first.Count == second.Count && first.All(member => second.TryGetPropertyValue(member.Key, out var other) && Says(member.Value, other));
            case (JsonArray first, JsonArray second):
                return first.Count == second.Count && first.Zip(second).All(pair => Says(pair.First, pair.Second));
            case (JsonObject or JsonArray, _) or (_, JsonObject or JsonArray):
                return false;
            default:
                if (IsNumber(a) && IsNumber(b)) return Number(a!).Equals(Number(b!)) || Number(a!) == Number(b!);
                if (a is null || b is null) return (a is null || IsEndless(a)) && (b is null || IsEndless(b));
                return JsonNode.DeepEquals(a, b);
        }
    }

    private static bool IsNumber(JsonNode? node) => node is JsonValue value && value.GetValueKind() == JsonValueKind.Number;

    private static bool IsEndless(JsonNode node) => IsNumber(node) && !double.IsFinite(Number(node));

    private static double Number(JsonNode node) => double.Parse(node.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture);
}
