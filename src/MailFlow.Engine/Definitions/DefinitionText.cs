using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailFlow.Data;

namespace MailFlow.Engine.Definitions;

/// <summary>Text in: what is no JSON object, too large, too deep or holds characters that a database cannot keep is refused with its place.</summary>
internal static class DefinitionText
{
    public const int LongestBytes = 2 * 1024 * 1024;

    public static JsonObject Parse(string text, int longestBytes)
    {
        if (Encoding.UTF8.GetByteCount(text) > longestBytes)
            throw new InvalidInputException("definition", "is longer than 2 MB");
        try
        {
            // A byte order mark is what some editors put before an exported file.
            var node = JsonNode.Parse(text.TrimStart('\uFEFF'), documentOptions: DefinitionJson.Reading);
            if (node is not JsonObject document) throw new InvalidInputException("definition", "is not a JSON object");
            Walk(document);
            return document;
        }
        catch (JsonException error)
        {
            throw new InvalidInputException("definition", $"is not JSON we can read: {Problem(error)}{Place(error)}");
        }
    }

    /// <summary>
    /// Visits every value once: JsonNode reads lazily and is safe for many readers only when all of it has been read. Finds text that
    /// cannot be stored on the way.
    /// </summary>
    private static void Walk(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject json:
                foreach (var (name, member) in json)
                {
                    Check(name, json);
                    Walk(member);
                }
                break;
            case JsonArray list:
                foreach (var item in list) Walk(item);
                break;
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                Check(Read(value), value);
                break;
        }
    }

    private static string Read(JsonValue value)
    {
        try
        {
            return value.GetValue<string>();
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, written as an escape.
            throw new InvalidInputException(value.GetPath(), "holds text that is not valid Unicode");
        }
    }

    private static void Check(string text, JsonNode where)
    {
        if (text.Contains('\0')) throw new InvalidInputException(where.GetPath(), "holds a NUL character");
    }

    private static string Place(JsonException error) =>
        error.LineNumber is { } line
            ? string.Create(CultureInfo.InvariantCulture, $" (line {line + 1}, position {(error.BytePositionInLine ?? 0) + 1})")
            : "";

    private static string Problem(JsonException error)
    {
        var message = error.Message;
        var place = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return (place < 0 ? message : message[..place]).TrimEnd('.', ' ');
    }
}
