using System.Globalization;
using System.Text.Json;
using MailFlow.Data;
using MailFlow.Engine.Expressions;

namespace MailFlow.Engine.Definitions;

/// <summary>A variable that an input names, resolved among those that the definition declares.</summary>
/// <param name="Name">The name it is kept under.</param>
/// <param name="TypeName">Its declared type's alias.</param>
/// <param name="IsArray">Whether it is a list of that type.</param>
public sealed record VariableReference(string Name, string TypeName, bool IsArray);

/// <summary>
/// Values as variables keep them. An instance's variables are stored as JSON between its steps, so they hold only what comes back
/// from JSON as it went in: an instant is RFC 3339 text and a duration ISO 8601 text, whether the row has been stored yet or not.
/// </summary>
internal static class VariableValue
{
    /// <summary>Converts to the declared type. Throws <see cref="FormatException"/> where the value cannot be one.</summary>
    public static object? Of(string typeName, bool isArray, object? value)
    {
        value = Plain(value);
        if (value is null or "") return value is "" && !isArray && typeName == "String" ? "" : null;
        if (isArray || typeName.StartsWith("List<", StringComparison.Ordinal) || typeName.EndsWith("[]", StringComparison.Ordinal))
            return value is string list ? Json(list, typeName) : value;
        return typeName switch
        {
            "String" or "Guid" => ValueConversion.To(typeof(string), value),
            "Boolean" => ValueConversion.To(typeof(bool), value),
            "Int16" or "Int32" or "Int64" or "Long" => ValueConversion.To(typeof(long), value),
            "Single" or "Double" or "Decimal" => ValueConversion.To(typeof(double), value),
            "DateTime" or "DateTimeOffset" => Plain(ValueConversion.To(typeof(DateTimeOffset), value)),
            "TimeSpan" => Plain(ValueConversion.To(typeof(TimeSpan), value)),
            _ => value is string text && text.AsSpan().TrimStart() is ['{' or '[', ..] ? Json(text, typeName) : value,
        };
    }

    private static object? Plain(object? value) => value switch
    {
        DateTimeOffset instant => instant.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFF'Z'", CultureInfo.InvariantCulture),
        TimeSpan span => DurationText.Format(span),
        IReadOnlyList<object?> or IReadOnlyDictionary<string, object?> => JsonData.Parse(JsonData.Write(value)),
        _ => value,
    };

    private static object? Json(string text, string typeName)
    {
        try
        {
            return JsonData.Parse(text);
        }
        catch (JsonException)
        {
            throw new FormatException($"'{text}' is not JSON, which a variable of type {typeName} is written as");
        }
    }
}
