namespace MailFlow.Engine.Expressions.Cel;

/// <summary>Takes a rule apart at its ands and ors, for a person to see which conditions held.</summary>
internal static class Explanation
{
    public static IReadOnlyList<RulePart> Of(string text, Node root, IExpressionScope scope) =>
        [.. Conditions(root).Select(part => new RulePart(text[part.Start..part.End].Trim(), Evaluator.Value(Subject(part))(scope), Evaluator.Truth(part)(scope)))];

    private static IEnumerable<Node> Conditions(Node node) => node switch
    {
        And and => and.Operands.SelectMany(Conditions),
        Or or => or.Operands.SelectMany(Conditions),
        _ => [node],
    };

    /// <summary>What a condition is about.</summary>
    private static Node Subject(Node condition) => condition switch
    {
        Not not => Subject(not.Operand),
        Comparison comparison => Tree.IsConstant(comparison.Left) ? comparison.Right : comparison.Left,
        In membership => Tree.IsConstant(membership.Item) ? membership.Container : membership.Item,
        Present present => present.Operand,
        TextTest test => test.Text,
        _ => condition,
    };
}
