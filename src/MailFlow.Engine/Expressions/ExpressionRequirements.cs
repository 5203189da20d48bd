namespace MailFlow.Engine.Expressions;

/// <summary>A count of a contact's events: of one type, within a window up to now, or (null) ever.</summary>
public readonly record struct EventCount(string Type, TimeSpan? Window);

/// <summary>What an expression reads, known before it runs, so that it is fetched once for a thousand contacts.</summary>
/// <param name="Roots">The roots named in it, <c>now</c> among them.</param>
/// <param name="ContactFields">The names that follow <c>contact.</c>; "*" when any may be read.</param>
/// <param name="EventCounts">The counts it asks for.</param>
public sealed record ExpressionRequirements(
    IReadOnlySet<string> Roots, IReadOnlySet<string> ContactFields, IReadOnlySet<EventCount> EventCounts)
{
    /// <summary>Stands in <see cref="ContactFields"/> for every field.</summary>
    public const string AnyField = "*";
}
