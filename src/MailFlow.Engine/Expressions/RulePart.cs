namespace MailFlow.Engine.Expressions;

/// <summary>One condition of a rule and how it came out.</summary>
/// <param name="Text">The condition as written.</param>
/// <param name="Value">What was compared: the side of it that is no constant; null where that is missing.</param>
/// <param name="Holds">Whether it held.</param>
public sealed record RulePart(string Text, object? Value, bool Holds);
