using MailFlow.Engine.Expressions.Cel;
using static MailFlow.Engine.Expressions.Sql.SqlValue;

namespace MailFlow.Engine.Expressions.Sql;

/// <summary>The functions and methods of one argument, in SQL.</summary>
internal static class SqlCalls
{
    public static SqlValue Of(Function function, SqlValue argument, SqlTarget target, Func<string, ExpressionException> refused) => function switch
    {
        Function.Size => Size(argument, target),
        Function.String => String(argument, refused),
        Function.Int => new SqlValue
        {
            Number = FirstOf(
                On(argument.Number, number => target.Let(number, v => $"CASE WHEN abs({v}) <= {Lexer.LargestWhole} THEN {target.Truncated(v)} END")),
                On(argument.Text, target.WholeFromText)),
        },
        Function.Double => new SqlValue { Number = FirstOf(argument.Number, On(argument.Text, target.NumberFromText)) },
        Function.Bool => new SqlValue { Bool = FirstOf(argument.Bool, On(argument.Text, text => $"CASE {text} WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END")) },
        Function.Timestamp => new SqlValue
        {
            Instant = FirstOf(argument.Instant, FirstOf(On(argument.Text, target.InstantFromText), On(argument.Number, target.InstantFromNumber))),
        },
        Function.Duration when argument.Text is not null => throw refused("reads a duration from a field: a segment needs it written out"),
        Function.Duration => new SqlValue { Duration = argument.Duration },
        Function.LowerAscii => new SqlValue { Text = On(argument.Text, target.Lower) },
        Function.UpperAscii => new SqlValue { Text = On(argument.Text, target.Upper) },
        Function.Trim => new SqlValue { Text = On(argument.Text, target.Trim) },
        _ => new SqlValue { Number = On(argument.Instant, ms => SqlTarget.Double($"({target.Calendar(function, ms)})")) },
    };

    private static SqlValue Size(SqlValue argument, SqlTarget target)
    {
        if (argument.NoJson is { } why) throw why();
        var container = argument.Place is { } place ? Write(() => SqlTarget.Double($"({target.SizeAt(place)})")) : null;
        return new SqlValue { Number = FirstOf(On(argument.Text, text => SqlTarget.Double(target.Length(text))), container) };
    }

    /// <summary>The databases write fractions each in its own way, so numbers stay numbers there.</summary>
    private static SqlValue String(SqlValue argument, Func<string, ExpressionException> refused)
    {
        if (argument.Number is not null || argument.Instant is not null || argument.Duration is not null)
            throw refused("may turn a number, an instant or a duration into text, which a segment cannot");
        return new SqlValue { Text = FirstOf(argument.Text, On(argument.Bool, flag => $"CASE {flag} WHEN TRUE THEN 'true' WHEN FALSE THEN 'false' END")) };
    }

    private static Lazy<string>? On(Lazy<string>? argument, Func<string, string> write) => argument is null ? null : Write(() => write($"({argument.Value})"));

    private static Lazy<string>? FirstOf(Lazy<string>? one, Lazy<string>? other) =>
        one is null ? other : other is null ? one : Write(() => $"coalesce({one.Value}, {other.Value})");
}
