using System.Globalization;
using System.Text.Json.Nodes;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Expressions;

namespace MailFlow.Engine.Definitions;

/// <summary>What an input is set to, in words for people, and a key by which two settings are the same.</summary>
internal static class ValueWords
{
    private const int Longest = 200;

    /// <summary>The words are null where nothing is set. A default that is written out is the same as one that is not.</summary>
    public static (string Key, string? Words) Of(JsonNode? member, InputDescriptor? input)
    {
        var written = input?.Bare == true && member is JsonArray or JsonObject ? new ExpressionElement(ExpressionElement.Object, member) : ExpressionElement.Read(member);
        if (written is null || IsNothing(written, input)) return ("", null);
        var text = written.Value.AsText() ?? written.Value!.ToJsonString(DefinitionJson.Compact);
        var words = written.Type switch
        {
            ExpressionElement.Variable => $"the variable {VariableName(written.Value)}",
            ExpressionElement.Literal when input?.Type is { } type && (Nullable.GetUnderlyingType(type) ?? type) == typeof(TimeSpan) && DurationText.TryParse(text, out var span) => DurationText.InWords(span),
            ExpressionElement.Object => text,
            _ => $"“{text}”",
        };
        return ($"{written.Type} {text}", words.Length <= Longest ? words : string.Concat(words.AsSpan(0, Longest), "…"));
    }

    private static bool IsNothing(ExpressionElement written, InputDescriptor? input)
    {
        if (written.Value is null) return true;
        if (written.Type != ExpressionElement.Literal || input is null) return false;
        var text = written.Value.AsText() ?? written.Value.ToJsonString();
        return text == (input.Default is bool flag ? flag ? "true" : "false" : Convert.ToString(input.Default, CultureInfo.InvariantCulture) ?? "");
    }

    private static string VariableName(JsonNode? value) => VariableScope.Written(value) is { } json ? json.Text("name") ?? json.Text("id") ?? "" : value.AsText() ?? "";
}
