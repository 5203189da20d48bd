using System.Diagnostics.CodeAnalysis;
using MailFlow.Engine.Expressions.Cel;
using MailFlow.Engine.Expressions.Sql;

namespace MailFlow.Engine.Expressions;

/// <summary>
/// A rule or value in MailFlow's subset of the Common Expression Language, parsed and compiled once and safe to evaluate
/// from many threads. It is total: no loops, no regular expressions, bounded in size, and evaluation never throws.
/// It is two-valued: a comparison with something missing or of the wrong type is false, <c>!=</c> included.
/// </summary>
public sealed class CelExpression
{
    private readonly Func<IExpressionScope, object?> _value;
    private readonly Func<IExpressionScope, bool> _truth;

    private CelExpression(string text, Node root)
    {
        (Text, Root) = (text, root);
        _value = Evaluator.Value(root);
        _truth = Evaluator.Truth(root);
        Requirements = Cel.Requirements.Of(root);
    }

    /// <summary>The text it was parsed from.</summary>
    public string Text { get; }

    /// <summary>What it reads, so that the engine can fetch it once for a whole group.</summary>
    public ExpressionRequirements Requirements { get; }

    internal Node Root { get; }

    /// <summary>Parses an expression over <paramref name="roots"/> (default: <see cref="ExpressionRoots.Default"/>).</summary>
    /// <exception cref="ExpressionException">The text is not an expression: at most 8,192 characters, 64 levels deep and 1,000 parts.</exception>
    public static CelExpression Parse(string text, IReadOnlySet<string>? roots = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new CelExpression(text, Parser.Parse(text, roots ?? ExpressionRoots.Default));
    }

    /// <summary>Parses an expression; false, with what is wrong, when the text is not one.</summary>
    public static bool TryParse(
        string? text, [NotNullWhen(true)] out CelExpression? expression, [NotNullWhen(false)] out ExpressionException? error, IReadOnlySet<string>? roots = null)
    {
        (expression, error) = (null, null);
        try
        {
            expression = Parse(text ?? "", roots);
            return true;
        }
        catch (ExpressionException caught)
        {
            error = caught;
            return false;
        }
    }

    /// <summary>The value in this scope; null where it is missing or cannot be computed.</summary>
    public object? Evaluate(IExpressionScope scope) => _value(scope);

    /// <summary>Whether the rule holds in this scope. A value that is not a boolean does not hold.</summary>
    public bool Matches(IExpressionScope scope) => _truth(scope);

    /// <summary>Each condition of the rule, in the order of the text, with what it compared in this scope and whether it held.</summary>
    public IReadOnlyList<RulePart> Explain(IExpressionScope scope) => Explanation.Of(Text, Root, scope);

    /// <summary>
    /// The rule as a SQL condition over contacts, true for exactly the contacts for which <see cref="Matches"/> is true:
    /// the table <see cref="SqlNames.Contact"/> with account_id, id, user_id, email, first_name, last_name, time_zone,
    /// created_at (Unix milliseconds), tags (JSON list) and attributes (JSON object).
    /// </summary>
    /// <exception cref="ExpressionException">The rule uses something other than <c>contact</c>, <c>now</c> and
    /// <c>count_events</c>, or a part that SQL cannot say exactly; the message names it.</exception>
    public SqlFragment ToSql(SqlNames names) => SqlConditions.Translate(Text, Root, names);

    /// <inheritdoc/>
    public override string ToString() => Text;
}
