using MailFlow.Engine.Expressions.Cel;

namespace MailFlow.Engine.Expressions.Sql;

/// <summary>
/// Writes a rule over contacts as a SQL condition that holds for exactly the contacts for which the compiled rule holds.
/// Every condition written here is true or false, never NULL, so that NOT means the same as in memory.
/// </summary>
internal sealed class SqlConditions
{
    private readonly string _text;
    private readonly SqlTarget _target;
    private readonly SqlValues _values;

    private SqlConditions(string text, SqlNames names)
    {
        _text = text;
        var parameters = new SqlParameters(names.Prefix);
        _target = names.Dialect.IsPostgreSql ? new PostgreSqlTarget(parameters) : new SqliteTarget(parameters);
        _values = new SqlValues(text, names, _target, Truth);
    }

    public static SqlFragment Translate(string text, Node root, SqlNames names)
    {
        RefuseOtherRoots(text, root);
        var conditions = new SqlConditions(text, names);
        var sql = SqlValue.Write(() => conditions.Truth(root)).Value;
        return new SqlFragment(sql, conditions._target.Parameters.All);
    }

    private static void RefuseOtherRoots(string text, Node node)
    {
        if (node is Root { Name: not "contact" and var name })
            throw ExpressionException.At(text, node.Start, $"a segment's rule is about contacts: '{name}' is not known there");
        foreach (var child in Tree.Children(node)) RefuseOtherRoots(text, child);
    }

    private string Truth(Node node) => node switch
    {
        Literal { Value: var value } => Constant(value is true),
        Not not => $"NOT ({Truth(not.Operand)})",
        And { Operands: var all } => Joined(" AND ", all),
        Or { Operands: var any } => Joined(" OR ", any),
        Comparison { Left: var left, Right: var right, Comparator: var comparator } => Compared(comparator, _values.Of(left), _values.Of(right)),
        In membership => IsIn(membership),
        Present present => IsPresent(_values.Of(present.Operand)),
        TextTest test => Tested(test.Relation, _values.Of(test.Text), _values.Of(test.Part)),
        Conditional choice => $"CASE WHEN {Truth(choice.Test)} THEN {Truth(choice.Then)} ELSE {Truth(choice.Else)} END",
        _ => _values.Of(node).Bool is { } value ? Definite(value.Value) : Constant(false),
    };

    /// <summary>Joined as a balanced tree: SQLite counts the depth of a long chain.</summary>
    private string Joined(string sign, IReadOnlyList<Node> operands)
    {
        return Join(0, operands.Count);

        string Join(int from, int to) =>
            to - from == 1 ? $"({Truth(operands[from])})" : $"({Join(from, (from + to) / 2)}{sign}{Join((from + to) / 2, to)})";
    }

    private string Compared(Comparator comparator, SqlValue left, SqlValue right) => comparator switch
    {
        Comparator.Equal => Definite(Either(Equal(left, [right]))),
        Comparator.NotEqual => NotEqual(left, right),
        Comparator.Less => Ordered("<", left, right),
        Comparator.LessOrEqual => Ordered("<=", left, right),
        Comparator.Greater => Ordered(">", left, right),
        _ => Ordered(">=", left, right),
    };

    /// <summary>One test for each type that both may have; each is NULL where one of the two is not of that type.</summary>
    private static IEnumerable<string> Equal(SqlValue left, IReadOnlyList<SqlValue> candidates)
    {
        foreach (var type in (Func<SqlValue, Lazy<string>?>[])[one => one.Text, one => one.Number, one => one.Bool, one => one.Instant, one => one.Duration])
        {
            var others = candidates.Select(type).OfType<Lazy<string>>().Select(other => other.Value).ToList();
            if (type(left) is not { } sql || others.Count == 0) continue;
            yield return others.Count == 1 ? $"({sql.Value}) = ({others[0]})" : $"({sql.Value}) IN ({string.Join(", ", others)})";
        }
    }

    private static string NotEqual(SqlValue left, SqlValue right)
    {
        if (!left.Scalars.Any() || !right.Scalars.Any()) return Constant(false);
        return $"({HasScalar(left)}) AND ({HasScalar(right)}) AND NOT {Definite(Either(Equal(left, [right])))}";
    }

    private static string HasScalar(SqlValue value) => Either(value.Scalars.Select(one => $"({one.Value}) IS NOT NULL"));

    private string Ordered(string sign, SqlValue left, SqlValue right)
    {
        var tests = new List<string>();
        if (left.Text is not null && right.Text is not null) tests.Add($"{_target.Ordinal(left.Text.Value)} {sign} {_target.Ordinal(right.Text.Value)}");
        foreach (var (one, other) in new[] { (left.Number, right.Number), (left.Instant, right.Instant), (left.Duration, right.Duration) })
            if (one is not null && other is not null) tests.Add($"({one.Value}) {sign} ({other.Value})");
        return Definite(Either(tests));
    }

    private string IsIn(In membership)
    {
        if (_values.Listed(membership.Container) is { } items)
            return Definite(Either(Equal(_values.Of(membership.Item), items)));
        var container = _values.Of(membership.Container);
        if (container.Place is not { } place) return container.NoJson is { } why ? throw why() : Constant(false);
        var wanted = _values.Of(membership.Item);
        if (place is { IsList: true, Steps.Count: 0 })
            return wanted.Text is { } tag ? _target.HasTag(place.Column, tag.Value) : Constant(false);
        var tests = new List<string>();
        if (wanted.Text is { } key) tests.Add(_target.HasKey(place, key.Value));
        if (wanted.Scalars.Any()) tests.Add(_target.AnyItem(place, one => Definite(Either(Equal(one, [wanted])))));
        return Either(tests);
    }

    private string IsPresent(SqlValue value)
    {
        if (value.Place is { } place) return place is { IsList: true, Steps.Count: 0 } ? $"{place.Column} IS NOT NULL" : Definite(_target.PresentAt(place));
        if (value.NoJson is { } why) throw why();
        return HasScalar(value);
    }

    private string Tested(TextRelation relation, SqlValue text, SqlValue part)
    {
        if (text.Text is null || part.Text is null) return Constant(false);
        var (whole, piece) = (text.Text.Value, part.Text.Value);
        return Definite(relation switch
        {
            TextRelation.Contains => _target.Contains(whole, piece),
            TextRelation.StartsWith => _target.StartsWith(whole, piece),
            _ => _target.EndsWith(whole, piece),
        });
    }

    private static string Constant(bool value) => value ? "TRUE" : "FALSE";

    private static string Definite(string condition) => condition is "TRUE" or "FALSE" ? condition : $"coalesce({condition}, FALSE)";

    private static string Either(IEnumerable<string> tests) => string.Join(" OR ", tests) is { Length: > 0 } any ? any : "FALSE";
}
