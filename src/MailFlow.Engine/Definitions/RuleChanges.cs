using System.Text.Json.Nodes;
using MailFlow.Engine.Expressions;

namespace MailFlow.Engine.Definitions;

/// <summary>The differences between two journeys' own rules (<c>customProperties.mailflow</c>), in words.</summary>
internal static class RuleChanges
{
    private const string Per = "once_per:";

    private static readonly Dictionary<string, (string Shown, Func<string, string> Words, string Unset)> Known = new(StringComparer.OrdinalIgnoreCase)
    {
        ["entry"] = ("A contact may enter", Entry, "every time"),
        ["exit_when"] = ("The exit condition", text => text, "none"),
        ["purpose"] = ("The consent purpose", text => $"“{text}”", "none"),
        ["stream"] = ("The kind of mail", text => text, "marketing"),
        ["expire_late"] = ("The time after which a late wait is let go", text => DurationText.TryParse(text, out var span) ? DurationText.InWords(span) : text, "none"),
        ["audience"] = ("The audience of what starts by the clock", text => $"the segment “{text}”", "none"),
    };

    public static IEnumerable<DefinitionChange> Between(JsonObject? from, JsonObject? to)
    {
        var (was, now) = (Rules(from), Rules(to));
        var names = (was ?? []).Concat(now ?? []).Select(member => member.Key).Where(name => !DefinitionJson.IsMark(name)).Distinct(StringComparer.OrdinalIgnoreCase);
        foreach (var name in Known.Keys.Union(names, StringComparer.OrdinalIgnoreCase))
        {
            var (before, after) = (Words(name, was?.Member(name)), Words(name, now?.Member(name)));
            if (before == after) continue;
            var unset = Known.TryGetValue(name, out var rule) ? rule.Unset : "not set";
            var shown = rule.Shown is null ? $"The rule '{name}'" : rule.Shown;
            var verb = name.Equals("entry", StringComparison.OrdinalIgnoreCase) ? "now" : "is now";
            yield return new DefinitionChange(ChangeKind.Rule, null, null, null, name, before, after, $"{shown} {verb} {after ?? unset} (was {before ?? unset}).");
        }
    }

    private static JsonObject? Rules(JsonObject? customProperties) => customProperties?.Member("mailflow") is { } written ? VariableScope.Written(written) : null;

    /// <summary>Null for what is not set, or is set to what holds anyway.</summary>
    private static string? Words(string name, JsonNode? value)
    {
        var text = value.AsText() is { } written ? written.Trim() : value?.ToJsonString(DefinitionJson.Compact);
        if (string.IsNullOrEmpty(text)) return null;
        if (!Known.TryGetValue(name, out var rule)) return text;
        var words = rule.Words(text);
        return words == rule.Unset ? null : words;
    }

    private static string Entry(string rule) => rule switch
    {
        "every_time" => "every time",
        "once" => "once, ever",
        "one_at_a_time" => "once at a time",
        _ when rule.StartsWith(Per, StringComparison.OrdinalIgnoreCase) && DurationText.TryParse(rule[Per.Length..], out var period) => $"once in {DurationText.InWords(period)}",
        _ => rule,
    };
}
