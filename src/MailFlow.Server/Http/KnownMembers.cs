using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using MailFlow.Data;

namespace MailFlow.Server.Http;

/// <summary>Refuses members that a request does not have: passed over, a slip of the pen would change what is asked without a word.</summary>
internal static class KnownMembers
{
    /// <summary>Throws <see cref="InvalidInputException"/> that names the first unknown member, by its path, and the nearest known one. Maps may have members of any name.</summary>
    public static void Check<T>(ReadOnlyMemory<byte> json)
    {
        using var document = JsonDocument.Parse(json);
        Check(document.RootElement, ApiJson.Strict.GetTypeInfo(typeof(T)), "");
    }

    private static void Check(JsonElement value, JsonTypeInfo type, string path)
    {
        if (type.Kind == JsonTypeInfoKind.Enumerable && type.ElementType is { } element && value.ValueKind == JsonValueKind.Array)
        {
            var items = ApiJson.Strict.GetTypeInfo(element);
            var index = 0;
            foreach (var item in value.EnumerateArray()) Check(item, items, $"{path}[{index++}]");
        }
        if (type.Kind != JsonTypeInfoKind.Object || value.ValueKind != JsonValueKind.Object) return;
        foreach (var member in value.EnumerateObject())
        {
            var at = path.Length == 0 ? member.Name : $"{path}.{member.Name}";
            var known = type.Properties.FirstOrDefault(property => property.Name == member.Name) ?? throw new InvalidInputException(at, Unknown(type, member.Name));
            Check(member.Value, ApiJson.Strict.GetTypeInfo(known.PropertyType), at);
        }
    }

    private static string Unknown(JsonTypeInfo type, string name)
    {
        var names = type.Properties.Select(property => property.Name).ToList();
        return NearestName.Among(names, name) is { } nearest ? $"is not known: did you mean '{nearest}'?" : $"is not known: there are {string.Join(", ", names)}";
    }
}
