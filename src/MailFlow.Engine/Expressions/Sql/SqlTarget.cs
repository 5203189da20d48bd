using MailFlow.Engine.Expressions.Cel;
using static MailFlow.Engine.Expressions.Sql.SqlValue;

namespace MailFlow.Engine.Expressions.Sql;

/// <summary>What the two databases write differently. Everything here must mean exactly what <see cref="Values"/> does in memory.</summary>
internal abstract class SqlTarget(SqlParameters parameters)
{
    private int _aliases;

    public SqlParameters Parameters => parameters;

    public abstract string TextAt(JsonPlace place);

    public abstract string NumberAt(JsonPlace place);

    public abstract string BoolAt(JsonPlace place);

    /// <summary>True, false or NULL: whether there is a value, not JSON null.</summary>
    public abstract string PresentAt(JsonPlace place);

    /// <summary>How many items the list or members the map there has; NULL for anything else.</summary>
    public abstract string SizeAt(JsonPlace place);

    /// <summary>Whether the map there has a member of this name that is not null.</summary>
    public abstract string HasKey(JsonPlace place, string text);

    /// <summary>Whether the list there has an item that <paramref name="test"/> accepts.</summary>
    public abstract string AnyItem(JsonPlace place, Func<SqlValue, string> test);

    /// <summary>Whether the list of tags there has this one.</summary>
    public abstract string HasTag(string column, string text);

    public abstract string Contains(string text, string part);

    public abstract string StartsWith(string text, string part);

    public abstract string EndsWith(string text, string part);

    /// <summary>Text that sorts by code point, whatever the collation of its column.</summary>
    public abstract string Ordinal(string text);

    public abstract string Lower(string text);

    public abstract string Upper(string text);

    public abstract string Trim(string text);

    public abstract string Length(string text);

    public abstract string Truncated(string number);

    public abstract string WholeFromText(string text);

    public abstract string NumberFromText(string text);

    public abstract string InstantFromText(string text);

    /// <summary>A part of the calendar, in UTC, of Unix milliseconds.</summary>
    public abstract string Calendar(Function part, string ms);

    public SqlValue At(JsonPlace place) => new()
    {
        Place = place,
        Text = place.IsList ? null : Write(() => TextAt(place)),
        Number = place.IsList ? null : Write(() => NumberAt(place)),
        Bool = place.IsList ? null : Write(() => BoolAt(place)),
    };

    public string Alias(string stem) => stem + ++_aliases;

    /// <summary>Computes an expression once and uses it many times.</summary>
    public string Let(string expression, Func<string, string> body) => Bound($"{expression} AS v", alias => body(alias + ".v"));

    public string Let(string first, string second, Func<string, string, string> body) =>
        Bound($"{first} AS v, {second} AS w", alias => body(alias + ".v", alias + ".w"));

    /// <summary>Without the OFFSET, PostgreSQL would put the expression back in at each use: nested, exponentially many times.</summary>
    private string Bound(string columns, Func<string, string> body)
    {
        var alias = Alias("q");
        return $"(SELECT {body(alias)} FROM (SELECT {columns} LIMIT 1 OFFSET 0) {alias})";
    }

    /// <summary>Cuts a double to the range of numbers: see <see cref="Numbers"/>.</summary>
    protected static string InRange(string number) =>
        $"CASE WHEN abs({number}) <= 1e150 THEN CASE WHEN abs({number}) < 1e-150 THEN CAST(0 AS double precision) ELSE {Double(number)} END END";

    public string Arithmetic(char sign, string left, string right) => sign switch
    {
        '/' => Let(left, right, (x, y) => $"CASE WHEN {y} <> 0 THEN {Let($"{x} / {y}", InRange)} END"),
        '%' => Let(left, right, (x, y) =>
            $"CASE WHEN {IsWhole(x)} AND {IsWhole(y)} AND {y} <> 0 THEN {Double($"CAST({x} AS bigint) % CAST({y} AS bigint)")} END"),
        _ => Let($"{left} {sign} {right}", InRange),
    };

    public string InstantFromNumber(string number) =>
        Let(number, v => $"CASE WHEN {v} BETWEEN {TimestampText.EarliestMs} AND {TimestampText.LatestMs} THEN CASE WHEN {v} = {Truncated(v)} THEN CAST({v} AS bigint) END END");

    public string InstantInRange(string ms) =>
        Let(ms, v => $"CASE WHEN {v} BETWEEN {TimestampText.EarliestMs} AND {TimestampText.LatestMs} THEN {v} END");

    public string DurationInRange(string ms) => Let(ms, v => $"CASE WHEN abs({v}) <= {Values.LongestMs} THEN {v} END");

    public static string Double(string expression) => $"CAST({expression} AS double precision)";

    public static string Whole(long number) => $"CAST({number} AS bigint)";

    public string Number(double number) =>
        Math.Abs(number) <= Lexer.LargestWhole && number == Math.Truncate(number) ? Double(((long)number).ToString(System.Globalization.CultureInfo.InvariantCulture)) : parameters.Add(number);

    private string IsWhole(string number) => $"abs({number}) <= {Lexer.LargestWhole} AND {number} = {Truncated(number)}";
}
