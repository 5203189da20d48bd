using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using MailFlow.Data;

namespace MailFlow.Server.Elsa;

/// <summary>The JSON of <c>/elsa/api</c>: camelCase members (Studio's client is case sensitive), enums by their names, instants as RFC 3339, nulls written.</summary>
internal static class ElsaJson
{
    public static JsonSerializerOptions Options { get; } = Make();

    /// <summary>For JSON trees.</summary>
    public static JsonSerializerOptions Compact { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 256 };

    /// <summary>For files that people read.</summary>
    public static JsonSerializerOptions Indented { get; } = new(Compact) { WriteIndented = true };

    /// <summary>An answer of records.</summary>
    public static IResult Answer(object value, int status = 200) => Results.Json(value, Options, "application/json", status);

    /// <summary>An answer that is a JSON tree.</summary>
    public static IResult Tree(JsonNode tree) => Results.Text(tree.ToJsonString(Compact), "application/json", System.Text.Encoding.UTF8);

    /// <summary>The member's text; null where it is none.</summary>
    public static string? Text(this JsonObject json, string name) => json[name].Text();

    /// <summary>The text of a string; null for anything else.</summary>
    public static string? Text(this JsonNode? node) => node is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;

    /// <summary>The member as an object; null where it is none.</summary>
    public static JsonObject? Object(this JsonObject json, string name) => json[name] as JsonObject;

    /// <summary>Whether an activity is structure that holds others.</summary>
    public static bool IsFlowchart(this JsonObject activity) => activity.Text("type") == "Elsa.Flowchart";

    private static JsonSerializerOptions Make()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        options.Converters.Add(new JsonStringEnumConverter());
        options.Converters.Add(new PlainValues());
        options.Converters.Add(new Instants());
        return options;
    }

    private sealed class Instants : JsonConverter<DateTimeOffset>
    {
        public override DateTimeOffset Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) => reader.GetDateTimeOffset();

        public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
    }

    private sealed class PlainValues : JsonConverter<IReadOnlyDictionary<string, object?>>
    {
        public override IReadOnlyDictionary<string, object?> Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            JsonData.FromElement(JsonElement.ParseValue(ref reader)) as IReadOnlyDictionary<string, object?> ?? throw new JsonException();

        public override void Write(Utf8JsonWriter writer, IReadOnlyDictionary<string, object?> value, JsonSerializerOptions options) => JsonData.Write(writer, value);
    }
}
