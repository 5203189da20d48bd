using System.Collections.Frozen;

namespace MailFlow.Engine.Expressions;

/// <summary>The names an expression may start from.</summary>
public static class ExpressionRoots
{
    /// <summary>What every rule of a journey may use.</summary>
    public static IReadOnlySet<string> Default { get; } =
        new[] { "contact", "event", "trigger", "journey", "now", "variables", "input" }.ToFrozenSet();

    /// <summary>What a segment may use: its rule is about contacts alone.</summary>
    public static IReadOnlySet<string> Segment { get; } = new[] { "contact", "now" }.ToFrozenSet();
}
