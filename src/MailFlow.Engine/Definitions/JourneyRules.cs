using MailFlow.Engine.Expressions;

namespace MailFlow.Engine.Definitions;

/// <summary>How often a contact may enter a journey.</summary>
public enum EntryRule
{
    /// <summary>With every trigger (the default).</summary>
    EveryTime,

    /// <summary>Once, ever.</summary>
    Once,

    /// <summary>Not while already inside.</summary>
    OneAtATime,

    /// <summary>Once in a period, counted from the last entry.</summary>
    OncePer,
}

/// <summary>What kind of mail a journey sends: it decides on consent, suppression, footer and what happens to a send whose fate is unknown.</summary>
public enum MessageStream
{
    /// <summary>Needs consent and an unsubscribe link.</summary>
    Marketing,

    /// <summary>Asked for by the contact's own act: receipts, password resets.</summary>
    Transactional,
}

/// <summary>
/// A journey's own rules. They travel in the definition's <c>customProperties.mailflow</c>, so that Elsa Studio keeps them:
/// <c>{"entry": "every_time" | "once" | "one_at_a_time" | "once_per:P7D", "exit_when": CEL, "purpose": text, "stream": "marketing" | "transactional",
/// "expire_late": "P2D", "audience": segment}</c>.
/// </summary>
public sealed record JourneyRules(
    EntryRule Entry = EntryRule.EveryTime,
    TimeSpan? EntryPeriod = null,
    CelExpression? ExitWhen = null,
    string? Purpose = null,
    MessageStream Stream = MessageStream.Marketing,
    TimeSpan? ExpireLate = null,
    string? Audience = null)
{
    /// <summary>The rules of a definition that states none.</summary>
    public static JourneyRules Default { get; } = new();
}
