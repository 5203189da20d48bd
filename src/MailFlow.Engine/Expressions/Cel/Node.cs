namespace MailFlow.Engine.Expressions.Cel;

/// <summary>A part of an expression, immutable. <c>Start</c> and <c>End</c> are its place in the text.</summary>
internal abstract record Node(int Start, int End);

internal sealed record Literal(object? Value, int Start, int End) : Node(Start, End);

internal sealed record ListLiteral(IReadOnlyList<Node> Items, int Start, int End) : Node(Start, End);

internal sealed record MapLiteral(IReadOnlyList<(string Key, Node Value)> Entries, int Start, int End) : Node(Start, End);

internal sealed record Root(string Name, int Start, int End) : Node(Start, End);

internal sealed record Now(int Start, int End) : Node(Start, End);

/// <summary><c>a.b</c>, and <c>a["b"]</c>, which is the same.</summary>
internal sealed record Member(Node Target, string Name, int Start, int End) : Node(Start, End);

/// <summary><c>a[b]</c> with a key that is not literal text.</summary>
internal sealed record Lookup(Node Target, Node Key, int Start, int End) : Node(Start, End);

internal sealed record Negate(Node Operand, int Start, int End) : Node(Start, End);

internal sealed record Arithmetic(char Operator, Node Left, Node Right, int Start, int End) : Node(Start, End);

internal sealed record Conditional(Node Test, Node Then, Node Else, int Start, int End) : Node(Start, End);

internal sealed record Call(Function Function, Node Argument, int Start, int End) : Node(Start, End);

internal sealed record CountEvents(string EventType, TimeSpan? Window, int Start, int End) : Node(Start, End);

/// <summary>A part that is true or false whatever it is given.</summary>
internal abstract record Condition(int Start, int End) : Node(Start, End);

internal sealed record Not(Node Operand, int Start, int End) : Condition(Start, End);

internal sealed record And(IReadOnlyList<Node> Operands, int Start, int End) : Condition(Start, End);

internal sealed record Or(IReadOnlyList<Node> Operands, int Start, int End) : Condition(Start, End);

internal sealed record Comparison(Comparator Comparator, Node Left, Node Right, int Start, int End) : Condition(Start, End);

internal sealed record In(Node Item, Node Container, int Start, int End) : Condition(Start, End);

/// <summary><c>has(x)</c>, <c>x != null</c>, and (negated) <c>x == null</c>.</summary>
internal sealed record Present(Node Operand, int Start, int End) : Condition(Start, End);

internal sealed record TextTest(TextRelation Relation, Node Text, Node Part, int Start, int End) : Condition(Start, End);

internal enum Comparator
{
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

internal enum TextRelation
{
    Contains,
    StartsWith,
    EndsWith,
}

/// <summary>The functions and methods of one argument that give a value.</summary>
internal enum Function
{
    Size,
    String,
    Int,
    Double,
    Bool,
    Timestamp,
    Duration,
    LowerAscii,
    UpperAscii,
    Trim,
    GetFullYear,
    GetMonth,
    GetDate,
    GetDayOfWeek,
    GetHours,
}
