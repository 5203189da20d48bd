using System.Globalization;
using System.Text.Json;

namespace MailFlow.Delivery.Providers.Http;

/// <summary>Reads what providers write: members may be missing, null, or of another type than the documentation says.</summary>
internal static class ReadJson
{
    /// <exception cref="FormatException">It is not JSON.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            return JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 64 });
        }
        catch (JsonException error)
        {
            throw new FormatException($"The call is not JSON: {error.Message}", error);
        }
    }

    /// <exception cref="FormatException">It is not JSON.</exception>
    public static JsonDocument Parse(string text) => Parse(System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>A member that is an object, an array, a text, a number; null when it is missing or null.</summary>
    public static JsonElement? Find(this JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>A text or a number as text.</summary>
    public static string? Text(this JsonElement json, string name) => json.Find(name) switch
    {
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { ValueKind: JsonValueKind.Number } number => number.GetRawText(),
        _ => null,
    };

    /// <exception cref="FormatException">It is missing.</exception>
    public static string Need(this JsonElement json, string name) => json.Text(name) ?? throw new FormatException($"'{name}' is missing.");

    /// <summary>The items of a member that is an array; none when it is not.</summary>
    public static IEnumerable<JsonElement> Items(this JsonElement json, string name) =>
        json.Find(name) is { ValueKind: JsonValueKind.Array } array ? array.EnumerateArray() : [];

    public static bool? Flag(this JsonElement json, string name) => json.Find(name)?.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    public static Guid? Key(this JsonElement json, string name) => Guid.TryParse(json.Text(name), out var key) ? key : null;

    /// <summary>Seconds since 1970, whole or broken.</summary>
    /// <exception cref="FormatException">It is missing, or no instant.</exception>
    public static DateTimeOffset UnixTime(this JsonElement json, string name) =>
        double.TryParse(json.Need(name), NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && seconds is > 0 and < 100_000_000_000
            ? DateTimeOffset.UnixEpoch.AddMilliseconds(Math.Round(seconds * 1000))
            : throw new FormatException($"'{name}' is not an instant.");

    /// <summary>ISO 8601.</summary>
    /// <exception cref="FormatException">It is missing, or no instant.</exception>
    public static DateTimeOffset Instant(this JsonElement json, string name) =>
        DateTimeOffset.TryParse(json.Need(name), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at)
            ? at
            : throw new FormatException($"'{name}' is not an instant.");
}
