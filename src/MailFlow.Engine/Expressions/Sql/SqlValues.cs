using MailFlow.Engine.Expressions.Cel;
using static MailFlow.Engine.Expressions.Sql.SqlValue;

namespace MailFlow.Engine.Expressions.Sql;

/// <summary>Writes the values of a rule over contacts in SQL; what SQL cannot say exactly is refused by name.</summary>
internal sealed class SqlValues(string text, SqlNames names, SqlTarget target, Func<Node, string> truth)
{
    public SqlValue Of(Node node)
    {
        if (node is not Literal && Tree.IsConstant(node)) return Constant(node, Folded(node));
        return node switch
        {
            Literal literal => Constant(node, literal.Value),
            Condition => new SqlValue { Bool = Write(() => truth(node)) },
            Now => new SqlValue { Instant = Write(() => names.Now) },
            Member { Target: Root, Name: var name } => Field(name),
            Member member => Step(node, Of(member.Target), member.Name),
            Lookup lookup => Indexed(lookup),
            Negate { Operand: var operand } => Of(operand).Number is { } number ? new SqlValue { Number = Write(() => $"(-({number.Value}))") } : Nothing,
            Arithmetic sum => Calculated(sum, Of(sum.Left), Of(sum.Right)),
            Conditional choice => Chosen(choice),
            Call call => SqlCalls.Of(call.Function, Of(call.Argument), target, problem => Refused(node, problem)),
            CountEvents count => Counted(count),
            ListLiteral or MapLiteral => WrittenOut(node),
            _ => throw Refused(node, "is not possible in a segment"),
        };
    }

    /// <summary>The items of a list that is written out in the rule; null when the node is something else.</summary>
    public IReadOnlyList<SqlValue>? Listed(Node node)
    {
        if (node is ListLiteral list) return [.. list.Items.Select(Of)];
        if (Tree.IsConstant(node) && Folded(node) is IReadOnlyList<object?> items) return [.. items.Select(item => Constant(node, item))];
        return null;
    }

    private static object? Folded(Node node) => Evaluator.Value(node)(NoScope.Instance);

    private SqlValue Constant(Node node, object? value) => value switch
    {
        null => Nothing,
        string constant => new SqlValue { Text = Write(() => $"CAST({target.Parameters.Add(constant)} AS text)") },
        bool flag => new SqlValue { Bool = Write(() => flag ? "TRUE" : "FALSE") },
        DateTimeOffset instant => new SqlValue { Instant = Write(() => SqlTarget.Whole(Values.Ms(instant))) },
        TimeSpan duration => new SqlValue { Duration = Write(() => SqlTarget.Whole(Values.Ms(duration))) },
        _ when Numbers.TryRead(value, out var number) => new SqlValue { Number = Write(() => target.Number(number)) },
        _ => WrittenOut(node),
    };

    private SqlValue WrittenOut(Node node) =>
        new() { NoJson = () => Refused(node, "is a list or map written out: a segment can only ask 'in' of a list") };

    private SqlValue Field(string name) => name switch
    {
        "user_id" or "email" or "first_name" or "last_name" or "time_zone" => new SqlValue { Text = Write(() => target.Ordinal($"{names.Contact}.{name}")) },
        "created_at" or ContactFields.LastOpenedAt or ContactFields.LastClickedAt => new SqlValue { Instant = Write(() => $"{names.Contact}.{name}") },
        "tags" => target.At(new JsonPlace($"{names.Contact}.tags", [], IsList: true)),
        ContactFields.Attributes => target.At(new JsonPlace($"{names.Contact}.attributes", [])),
        _ => target.At(new JsonPlace($"{names.Contact}.attributes", [name])),
    };

    private SqlValue Step(Node node, SqlValue from, object step)
    {
        if (from.Place is { } place) return target.At(place.Step(step));
        return from.NoJson is null ? Nothing : throw Refused(node, "reaches into a list or map that SQL cannot make");
    }

    private SqlValue Indexed(Lookup lookup)
    {
        if (!Tree.IsConstant(lookup.Key)) throw Refused(lookup, "has a key that is computed: a segment needs it written out");
        var key = Folded(lookup.Key);
        if (key is string name) return lookup.Target is Root ? Field(name) : Step(lookup, Of(lookup.Target), name);
        if (lookup.Target is Root || !Numbers.TryWhole(key, out var at) || at is < 0 or > int.MaxValue) return Nothing;
        return Step(lookup, Of(lookup.Target), (int)at);
    }

    private SqlValue Calculated(Arithmetic sum, SqlValue left, SqlValue right)
    {
        var sign = sum.Operator;
        Lazy<string>? Pair(Lazy<string>? one, Lazy<string>? other, Func<string, string, string> write) =>
            one is null || other is null ? null : Write(() => write($"({one.Value})", $"({other.Value})"));

        var number = Pair(left.Number, right.Number, (one, other) => target.Arithmetic(sign, one, other));
        if (sign is not ('+' or '-')) return new SqlValue { Number = number };
        string Shifted(string one, string other) => target.InstantInRange($"{one} {sign} {other}");
        string Span(string one, string other) => target.DurationInRange($"{one} {sign} {other}");
        var duration = FirstOf(Pair(left.Duration, right.Duration, Span), sign == '-' ? Pair(left.Instant, right.Instant, Span) : null);
        var instant = FirstOf(Pair(left.Instant, right.Duration, Shifted), sign == '+' ? Pair(left.Duration, right.Instant, Shifted) : null);
        var mayBeList = sign == '+' && (left.Place ?? (object?)left.NoJson) is not null && (right.Place ?? (object?)right.NoJson) is not null;
        return new SqlValue
        {
            Number = number,
            Text = sign == '+' ? Pair(left.Text, right.Text, (one, other) => $"{one} || {other}") : null,
            Instant = instant,
            Duration = duration,
            NoJson = mayBeList ? () => Refused(sum, "may join two lists, which SQL cannot") : null,
        };
    }

    private SqlValue Chosen(Conditional choice)
    {
        var (then, otherwise) = (Of(choice.Then), Of(choice.Else));
        Lazy<string>? Either(Lazy<string>? one, Lazy<string>? other) => one is null && other is null
            ? null
            : Write(() => $"CASE WHEN {truth(choice.Test)} THEN {one?.Value ?? "NULL"} ELSE {other?.Value ?? "NULL"} END");
        return new SqlValue
        {
            Text = Either(then.Text, otherwise.Text),
            Number = Either(then.Number, otherwise.Number),
            Bool = Either(then.Bool, otherwise.Bool),
            Instant = Either(then.Instant, otherwise.Instant),
            Duration = Either(then.Duration, otherwise.Duration),
            NoJson = then.Place is null && otherwise.Place is null ? then.NoJson ?? otherwise.NoJson : () => Refused(choice, "may choose a list or map, which SQL cannot"),
        };
    }

    private SqlValue Counted(CountEvents count)
    {
        var alias = target.Alias("ev");
        var since = count.Window is { } window ? $" AND {alias}.occurred_at > {names.Now} - {Values.Ms(window)}" : "";
        return new SqlValue
        {
            Number = Write(() => SqlTarget.Double(
                $"(SELECT count(*) FROM {names.Events} {alias} WHERE {alias}.account_id = {names.Contact}.account_id AND {alias}.contact_id = {names.Contact}.id " +
                $"AND {alias}.event_type = {target.Parameters.Add(count.EventType)} AND {alias}.occurred_at <= {names.Now}{since})")),
        };
    }

    private static Lazy<string>? FirstOf(Lazy<string>? one, Lazy<string>? other) =>
        one is null ? other : other is null ? one : Write(() => $"coalesce({one.Value}, {other.Value})");

    private ExpressionException Refused(Node node, string problem) =>
        ExpressionException.At(text, node.Start, $"'{text[node.Start..node.End]}' {problem}");

    /// <summary>For parts that read nothing.</summary>
    private sealed class NoScope : IExpressionScope
    {
        public static readonly NoScope Instance = new();

        public DateTimeOffset Now => default;

        public object? Root(string name) => null;

        public long CountEvents(string type, TimeSpan? window) => 0;
    }
}
