namespace MailFlow.Engine.Expressions.Cel;

internal static class Tree
{
    /// <summary>The parts a node is made of, in the order of the text.</summary>
    public static IEnumerable<Node> Children(Node node) => node switch
    {
        ListLiteral list => list.Items,
        MapLiteral map => map.Entries.Select(entry => entry.Value),
        Member member => [member.Target],
        Lookup lookup => [lookup.Target, lookup.Key],
        Negate negate => [negate.Operand],
        Arithmetic sum => [sum.Left, sum.Right],
        Conditional choice => [choice.Test, choice.Then, choice.Else],
        Call call => [call.Argument],
        Not not => [not.Operand],
        And and => and.Operands,
        Or or => or.Operands,
        Comparison comparison => [comparison.Left, comparison.Right],
        In membership => [membership.Item, membership.Container],
        Present present => [present.Operand],
        TextTest test => [test.Text, test.Part],
        _ => [],
    };

    /// <summary>Whether the value is the same whatever the scope.</summary>
    public static bool IsConstant(Node node) => node is not (Root or Now or CountEvents) && Children(node).All(IsConstant);
}
