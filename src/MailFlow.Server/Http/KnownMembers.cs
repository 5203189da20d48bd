using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using MailFlow.Data;

namespace MailFlow.Server.Http;

/// <summary>Refuses members that a request does not have: passed over, a slip of the pen would change what is asked without a word.</summary>
internal static class KnownMembers
{
    /// <summary>Throws <see cref="InvalidInputException"/> that names the first unknown member, by its path, and the nearest known one. Maps may have members of any name.</summary>
    /// <param name="json">What was sent.</param>
    /// <param name="shown">What the resource is read as: who reads, changes and sends back sends members, too, that only the server sets. They are passed over.</param>
    public static void Check<T>(ReadOnlyMemory<byte> json, Type? shown = null)
    {
        using var document = JsonDocument.Parse(json);
        Check(document.RootElement, ApiJson.Strict.GetTypeInfo(typeof(T)), shown is null ? null : ApiJson.Strict.GetTypeInfo(shown), "");
    }

    private static void Check(JsonElement value, JsonTypeInfo type, JsonTypeInfo? shown, string path)
    {
        if (type.Kind == JsonTypeInfoKind.Enumerable && type.ElementType is { } element && value.ValueKind == JsonValueKind.Array)
        {
            var items = ApiJson.Strict.GetTypeInfo(element);
            var index = 0;
            foreach (var item in value.EnumerateArray()) Check(item, items, null, $"{path}[{index++}]");
        }
        if (type.Kind != JsonTypeInfoKind.Object || value.ValueKind != JsonValueKind.Object) return;
        foreach (var member in value.EnumerateObject())
        {
            var at = path.Length == 0 ? member.Name : $"{path}.{member.Name}";
            if (Find(type, member.Name) is { } known) Check(member.Value, ApiJson.Strict.GetTypeInfo(known.PropertyType), null, at);
            else if (shown is null || Find(shown, member.Name) is null) throw new InvalidInputException(at, Unknown([.. type.Properties.Select(property => property.Name)], member.Name));
        }
    }

    /// <summary>The words that a member takes, in one phrase; null for one that takes others than given ones.</summary>
    /// <param name="path">Where it is: <c>$.cap.period</c>, <c>$.limits[0].mailbox</c>.</param>
    public static string? ChoicesAt<T>(string? path)
    {
        var type = ApiJson.Strict.GetTypeInfo(typeof(T));
        foreach (var name in (path ?? "").Split(['.', '['], StringSplitOptions.RemoveEmptyEntries).Skip(1))
        {
            var next = name.EndsWith(']') ? type.ElementType : Find(type, name)?.PropertyType;
            if (next is null) return null;
            type = ApiJson.Strict.GetTypeInfo(next);
        }
        var choice = Nullable.GetUnderlyingType(type.Type) ?? type.Type;
        if (!choice.IsEnum) return null;
        var words = Enum.GetNames(choice).Select(JsonNamingPolicy.SnakeCaseLower.ConvertName).ToList();
        return $"{string.Join(", ", words.SkipLast(1))} or {words[^1]}";
    }

    /// <summary>What to say of a name that is none of these.</summary>
    public static string Unknown(IReadOnlyList<string> names, string name) =>
        NearestName.Among(names, name) is { } nearest ? $"is not known: did you mean '{nearest}'?" : $"is not known: there are {string.Join(", ", names)}";

    private static JsonPropertyInfo? Find(JsonTypeInfo type, string name) => type.Properties.FirstOrDefault(property => property.Name == name);
}
