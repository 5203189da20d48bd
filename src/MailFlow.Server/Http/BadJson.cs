using System.Text.Json;
using System.Text.RegularExpressions;

namespace MailFlow.Server.Http;

/// <summary>Says what is wrong with a JSON body in the caller's terms: where it breaks off, or which field has the wrong type.</summary>
internal static partial class BadJson
{
    /// <summary>The form of an instant.</summary>
    public const string Instant = "an instant in RFC 3339, such as 2026-01-31T09:00:00Z";

    /// <summary>The detail and, where a field is at fault, its name and what it must be.</summary>
    public static (string Detail, Dictionary<string, string[]>? Errors) Describe(JsonException error)
    {
        // The reader's own exception lies beneath the serializer's where the text is no JSON at all.
        var malformed = error.GetType() != typeof(JsonException) || error.InnerException is JsonException;
        if (malformed || error.Path is null or "$")
            return (malformed
                ? $"The body is not valid JSON: line {error.LineNumber + 1}, position {error.BytePositionInLine + 1}."
                : "The body must be a JSON object.", null);

        var field = FieldOf(error.Path);
        var problem = "must be " + (ExpectedType().Match($"{error.InnerException?.Message} {error.Message}").Groups[1].Value switch
        {
            "string" or "String" => "text",
            "boolean" or "Boolean" => "true or false",
            "Int32" or "Int64" => "a whole number",
            "number" or "Double" => "a number",
            "DateTimeOffset" => Instant,
            var list when list.Contains("List", StringComparison.Ordinal) => "a list",
            var map when map.Contains("Dictionary", StringComparison.Ordinal) => "an object",
            _ => "of the type that /openapi/v1.json gives",
        });
        return ($"{field}: {problem}", new() { [field] = [problem] });
    }

    /// <summary>The name of a field by its path.</summary>
    public static string FieldOf(string path) => path.StartsWith("$.", StringComparison.Ordinal) ? path[2..] : path;

    [GeneratedRegex(@"(?:as a |could not be converted to (?:[A-Za-z]+\.)*)([A-Za-z0-9]+)")]
    private static partial Regex ExpectedType();
}
