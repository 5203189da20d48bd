using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace MailFlow.Data;

/// <summary>
/// JSON as plain CLR values, the one data model of events, attributes, expressions and templates: null, bool, long,
/// double, string, <see cref="IReadOnlyList{T}"/> and <see cref="IReadOnlyDictionary{TKey,TValue}"/> of these.
/// </summary>
public static class JsonData
{
    /// <summary>
    /// The most levels of arrays and objects that are written. Reading takes as many and more, so that nothing is ever stored that cannot be
    /// read back: the reader's own limit is 64, the writer's 1,000.
    /// </summary>
    public const int MaxDepth = 256;

    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = MaxDepth };

    /// <summary>How text is read that was written here.</summary>
    public static readonly JsonDocumentOptions Reading = new() { MaxDepth = 2 * MaxDepth };

    private static readonly Dictionary<string, object?> EmptyMap = [];

    /// <summary>No members.</summary>
    public static IReadOnlyDictionary<string, object?> Empty => EmptyMap;

    /// <summary>Parses JSON text. Throws <see cref="JsonException"/> where it is malformed.</summary>
    public static object? Parse(string json)
    {
        using var document = JsonDocument.Parse(json, Reading);
        return FromElement(document.RootElement);
    }

    /// <summary>Parses UTF-8 JSON. Throws <see cref="JsonException"/> where it is malformed.</summary>
    public static object? Parse(ReadOnlyMemory<byte> json)
    {
        using var document = JsonDocument.Parse(json, Reading);
        return FromElement(document.RootElement);
    }

    /// <summary>Parses a JSON object; null or empty text is an empty one.</summary>
    public static IReadOnlyDictionary<string, object?> ParseMap(string? json) =>
        string.IsNullOrEmpty(json) ? Empty : Parse(json) as IReadOnlyDictionary<string, object?> ?? Empty;

    /// <summary>Converts an element. A whole number within 64 bits is a long, any other number a double.</summary>
    public static object? FromElement(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.String => element.GetString(),
        JsonValueKind.Number => element.TryGetInt64(out var whole) ? (object)whole : element.GetDouble(),
        JsonValueKind.Array => FromArray(element),
        JsonValueKind.Object => FromObject(element),
        _ => null,
    };

    /// <summary>Writes values as compact JSON. Instants are RFC 3339 text; durations are ISO 8601 text.</summary>
    /// <remarks>Throws <see cref="InvalidOperationException"/> where it nests deeper than <see cref="MaxDepth"/>.</remarks>
    public static string Write(object? value) => Encoding.UTF8.GetString(WriteUtf8(value).Span);

    /// <summary>Writes values as <see cref="Write(object?)"/> does, in UTF-8.</summary>
    public static ReadOnlyMemory<byte> WriteUtf8(object? value)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Compact)) Write(writer, value);
        return buffer.WrittenMemory;
    }

    /// <inheritdoc cref="Write(object?)"/>
    public static void Write(Utf8JsonWriter writer, object? value)
    {
        switch (value)
        {
            case null: writer.WriteNullValue(); break;
            case bool flag: writer.WriteBooleanValue(flag); break;
            case long whole: writer.WriteNumberValue(whole); break;
            case int whole: writer.WriteNumberValue(whole); break;
            case double number when double.IsFinite(number): writer.WriteNumberValue(number); break;
            case decimal number: writer.WriteNumberValue(number); break;
            case string text: writer.WriteStringValue(text); break;
            case DateTimeOffset instant: writer.WriteStringValue(instant); break;
            case TimeSpan span: writer.WriteStringValue(System.Xml.XmlConvert.ToString(span)); break;
            case Guid id: writer.WriteStringValue(id); break;
            case JsonElement element: element.WriteTo(writer); break;
            case IReadOnlyDictionary<string, object?> map:
                writer.WriteStartObject();
                foreach (var (name, member) in map)
                {
                    writer.WritePropertyName(name);
                    Write(writer, member);
                }
                writer.WriteEndObject();
                break;
            case System.Collections.IEnumerable list:
                writer.WriteStartArray();
                foreach (var item in list) Write(writer, item);
                writer.WriteEndArray();
                break;
            default: writer.WriteNullValue(); break;
        }
    }

    /// <summary>The document with the patch's members put in; a null member removes (one level deep).</summary>
    public static string PatchMembers(string document, string patch)
    {
        var merged = new Dictionary<string, object?>(ParseMap(document));
        foreach (var (name, value) in ParseMap(patch))
            if (value is null) merged.Remove(name);
            else merged[name] = value;
        return Write(merged);
    }

    private static List<object?> FromArray(JsonElement element)
    {
        var list = new List<object?>(element.GetArrayLength());
        foreach (var item in element.EnumerateArray()) list.Add(FromElement(item));
        return list;
    }

    private static Dictionary<string, object?> FromObject(JsonElement element)
    {
        var map = new Dictionary<string, object?>();
        foreach (var member in element.EnumerateObject()) map[member.Name] = FromElement(member.Value);
        return map;
    }
}
