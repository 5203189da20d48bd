using System.Text.Json;

namespace MailFlow.Data;

/// <summary>
/// Finds what is valid JSON but no database takes: NUL characters and halves of surrogate pairs. Looked for
/// before anything is written, because inside a batch it would stop everybody else's rows too.
/// </summary>
public static class ForbiddenText
{
    /// <summary>Whether JSON (as valid UTF-8) needs a closer look. In all but odd input one vectorised search answers no.</summary>
    public static bool IsSuspect(ReadOnlySpan<byte> json)
    {
        while (json.IndexOf("\\u"u8) is >= 0 and var at)
        {
            var digits = json[(at + 2)..];
            if (digits.StartsWith("0000"u8) || (digits.Length > 1 && digits[0] is (byte)'d' or (byte)'D' && digits[1] is not (>= (byte)'0' and <= (byte)'7'))) return true;
            json = digits;
        }
        return false;
    }

    /// <summary>Throws <see cref="InvalidInputException"/> naming the field.</summary>
    public static void ThrowIfIn(ReadOnlyMemory<byte> json)
    {
        if (!IsSuspect(json.Span)) return;
        using var document = JsonDocument.Parse(json);
        if (Find(document.RootElement, "") is { } field) throw new InvalidInputException(field.Length > 0 ? field : "body", Problem);
    }

    /// <summary>What is wrong where it is found, to follow the field's name.</summary>
    public const string Problem = "holds a NUL character or half of a surrogate pair";

    /// <summary>The path of the first text that holds any, or null.</summary>
    public static string? Find(JsonElement element, string path)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                return IsForbidden(element) ? path : null;
            case JsonValueKind.Array:
                var index = 0;
                foreach (var item in element.EnumerateArray())
                    if (Find(item, $"{path}[{index++}]") is { } found) return found;
                return null;
            case JsonValueKind.Object:
                foreach (var member in element.EnumerateObject())
                {
                    if (!TryName(member, out var name)) return path;
                    if (Find(member.Value, path.Length > 0 ? $"{path}.{name}" : name) is { } inner) return inner;
                }
                return null;
            default:
                return null;
        }
    }

    private static bool IsForbidden(JsonElement text)
    {
        try
        {
            return text.GetString()!.Contains('\0');
        }
        catch (InvalidOperationException)
        {
            return true; // half of a surrogate pair cannot be read as text
        }
    }

    private static bool TryName(JsonProperty member, out string name)
    {
        try
        {
            name = member.Name;
            return !name.Contains('\0');
        }
        catch (InvalidOperationException)
        {
            name = "";
            return false;
        }
    }
}
