using System.Globalization;

namespace MailFlow.Engine.Expressions.Cel;

/// <summary>
/// There is one kind of number, the double: what memory, PostgreSQL and SQLite can agree on to the last bit. Whole
/// numbers are kept as long where that is exact. Beyond 1e150 there is nothing, and within 1e-150 of nought there is
/// nought: so one operation can neither overflow nor lose bits, which PostgreSQL would answer with an error.
/// </summary>
internal static class Numbers
{
    public const double Largest = 1e150, Smallest = 1e-150;

    /// <summary>Longest text that double() reads: enough for any double, and no more digits than SQLite reads exactly.</summary>
    public const int LongestText = 24;

    public static bool TryRead(object? value, out double number)
    {
        switch (value)
        {
            case long whole:
                number = whole;
                return true;
            case double real when Math.Abs(real) <= Largest:
                number = Math.Abs(real) < Smallest ? 0 : real;
                return true;
            case int whole:
                number = whole;
                return true;
            default:
                number = 0;
                return false;
        }
    }

    /// <summary>A whole number that is exact.</summary>
    public static bool TryWhole(object? value, out long whole)
    {
        whole = 0;
        if (!TryRead(value, out var number) || Math.Abs(number) > Lexer.LargestWhole || number != Math.Truncate(number)) return false;
        whole = (long)number;
        return true;
    }

    /// <summary>The number as a value: a long where it is whole, null where it is out of range or not a number.</summary>
    public static object? From(double number)
    {
        if (!(Math.Abs(number) <= Largest)) return null;
        if (Math.Abs(number) < Smallest) return 0L;
        return Math.Abs(number) <= Lexer.LargestWhole && number == Math.Truncate(number) ? (object)(long)number : number;
    }

    public static object? Negate(object? value) => TryRead(value, out var number) ? From(-number) : null;

    public static object? Calculate(char sign, double left, double right) => sign switch
    {
        '+' => From(left + right),
        '-' => From(left - right),
        '*' => From(left * right),
        '/' => right == 0 ? null : From(left / right),
        _ => Remainder(left, right),
    };

    /// <summary>Of whole numbers, with the sign of the dividend.</summary>
    private static object? Remainder(object left, object right) =>
        TryWhole(left, out var dividend) && TryWhole(right, out var divisor) && divisor != 0 ? dividend % divisor : null;

    /// <summary>Reads what JSON calls a number, with at most three digits of exponent.</summary>
    public static object? Parse(string text)
    {
        if (text.Length > LongestText) return null;
        var rest = text.AsSpan();
        if (rest.StartsWith("-")) rest = rest[1..];
        if (rest.StartsWith("0") && rest.Length > 1 && char.IsAsciiDigit(rest[1])) return null;
        if (!SkipDigits(ref rest)) return null;
        if (rest.StartsWith("."))
        {
            rest = rest[1..];
            if (!SkipDigits(ref rest)) return null;
        }
        if (rest.StartsWith("e") || rest.StartsWith("E"))
        {
            rest = rest[1..];
            if (rest.StartsWith("+") || rest.StartsWith("-")) rest = rest[1..];
            if (rest.Length > 3 || !SkipDigits(ref rest)) return null;
        }
        return rest.IsEmpty ? From(double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture)) : null;
    }

    public static string Format(double number) => number.ToString("R", CultureInfo.InvariantCulture);

    private static bool SkipDigits(ref ReadOnlySpan<char> text)
    {
        var length = text.IndexOfAnyExceptInRange('0', '9');
        if (length < 0) length = text.Length;
        text = text[length..];
        return length > 0;
    }
}
