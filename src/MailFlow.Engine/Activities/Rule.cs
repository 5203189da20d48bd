using MailFlow.Engine.Expressions;

namespace MailFlow.Engine.Activities;

/// <summary>
/// An input that is a CEL condition, handed to the activity unevaluated: an event filter is only decided when the
/// event comes. Where a plain <c>bool</c> will do, take that instead: it is evaluated before the call.
/// </summary>
public sealed record Rule(string Text, CelExpression Expression);
