using System.Text.Json.Nodes;
using MailFlow.Engine.Expressions;

namespace MailFlow.Engine.Definitions;

/// <summary>Reads a journey's own rules from <c>customProperties.mailflow</c>.</summary>
internal sealed class JourneyRulesReader(Findings findings)
{
    private const string Per = "once_per:";
    private static readonly string[] Members = ["entry", "exit_when", "purpose", "stream", "expire_late", "audience"];

    public JourneyRules Read(JsonObject? customProperties)
    {
        var written = customProperties?.Member("mailflow");
        if (written is null) return JourneyRules.Default;
        if (VariableScope.Written(written) is not { } json)
        {
            Error("bad_journey_rules", "customProperties.mailflow is not an object.");
            return JourneyRules.Default;
        }
        foreach (var (name, _) in json)
            if (!DefinitionJson.IsMark(name) && !Members.Contains(name, StringComparer.OrdinalIgnoreCase))
                findings.Warning(null, "unknown_journey_rule", $"The journey has a rule called '{name}', which MailFlow does not know ({string.Join(", ", Members)}).");
        var (entry, period) = Entry(Text(json, "entry"));
        return new JourneyRules(entry, period, ExitWhen(Text(json, "exit_when")), Text(json, "purpose"), Stream(Text(json, "stream")), ExpireLate(Text(json, "expire_late")), Text(json, "audience"));
    }

    private (EntryRule Entry, TimeSpan? Period) Entry(string? text)
    {
        if (text is null) return (EntryRule.EveryTime, null);
        if (text.StartsWith(Per, StringComparison.OrdinalIgnoreCase))
        {
            if (DurationText.TryParse(text[Per.Length..], out var period) && period > TimeSpan.Zero) return (EntryRule.OncePer, period);
            Error("bad_entry_rule", $"The entry rule '{text}' has no period that can be read: write it like once_per:P7D.");
        }
        else if (text == "every_time") return (EntryRule.EveryTime, null);
        else if (text == "once") return (EntryRule.Once, null);
        else if (text == "one_at_a_time") return (EntryRule.OneAtATime, null);
        else Error("bad_entry_rule", $"The entry rule is '{text}': it can be every_time, once, one_at_a_time or once_per:P7D.");
        return (EntryRule.EveryTime, null);
    }

    private CelExpression? ExitWhen(string? text)
    {
        if (text is null) return null;
        try
        {
            return CelExpression.Parse(text);
        }
        catch (ExpressionException error)
        {
            Error("bad_exit_condition", $"The journey's exit condition cannot be read: {error.Message}");
            return null;
        }
    }

    private MessageStream Stream(string? text)
    {
        switch (text)
        {
            case null or "marketing": return MessageStream.Marketing;
            case "transactional": return MessageStream.Transactional;
            default:
                Error("bad_stream", $"The journey's stream is '{text}': it can be marketing or transactional.");
                return MessageStream.Marketing;
        }
    }

    private TimeSpan? ExpireLate(string? text)
    {
        if (text is null) return null;
        if (DurationText.TryParse(text, out var late) && late > TimeSpan.Zero) return late;
        Error("bad_expire_late", $"The journey lets go of what is late by '{text}', which is no length of time: write it like P2D.");
        return null;
    }

    /// <summary>A rule's text; null where it is missing or empty.</summary>
    private string? Text(JsonObject json, string name)
    {
        var written = json.Member(name);
        if (written is not null && written.AsText() is null) Error("bad_journey_rules", $"The journey's rule '{name}' is not text.");
        return written.AsText() is { } text && !string.IsNullOrWhiteSpace(text) ? text.Trim() : null;
    }

    private void Error(string code, string message) => findings.Error(null, code, message);
}
