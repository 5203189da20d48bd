using System.Globalization;

namespace MailFlow.Engine.Expressions.Cel;

/// <summary>The functions and methods of one argument. Each gives nothing (null) for what it cannot take.</summary>
internal static class Conversions
{
    /// <summary>ASCII's blanks: what trim() takes off, the same in SQL.</summary>
    public const string Blanks = " \t\n\r\f\v";

    private static readonly char[] BlankChars = Blanks.ToCharArray();

    public static Func<object?, object?> Of(Function function) => function switch
    {
        Function.Size => Values.Size,
        Function.String => String,
        Function.Int => Int,
        Function.Double => value => value is string text ? Numbers.Parse(text) : Numbers.TryRead(value, out var number) ? Numbers.From(number) : null,
        Function.Bool => Bool,
        Function.Timestamp => Timestamp,
        Function.Duration => value => value is TimeSpan ? value : value is string text && DurationText.TryParse(text, out var duration) ? duration : null,
        Function.LowerAscii => value => (value as string)?.ToAsciiLower(),
        Function.UpperAscii => value => (value as string)?.ToAsciiUpper(),
        Function.Trim => value => (value as string)?.Trim(BlankChars),
        Function.GetFullYear => Calendar(instant => instant.Year),
        Function.GetMonth => Calendar(instant => instant.Month - 1),
        Function.GetDate => Calendar(instant => instant.Day),
        Function.GetDayOfWeek => Calendar(instant => (int)instant.DayOfWeek),
        Function.GetHours => Calendar(instant => instant.Hour),
        _ => throw new ArgumentOutOfRangeException(nameof(function)),
    };

    private static Func<object?, object?> Calendar(Func<DateTimeOffset, int> part) =>
        value => value is DateTimeOffset instant ? (long)part(instant.ToUniversalTime()) : null;

    private static object? String(object? value) => value switch
    {
        string => value,
        bool flag => flag ? "true" : "false",
        DateTimeOffset instant => instant.ToUniversalTime().ToString(instant.Millisecond == 0 ? "yyyy-MM-dd'T'HH:mm:ss'Z'" : "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
        TimeSpan duration => duration < TimeSpan.Zero ? null : DurationText.Format(duration),
        _ => Numbers.TryRead(value, out var number) ? Numbers.Format(number) : null,
    };

    /// <summary>A number is cut towards nought; text is at most fifteen digits, which are exact.</summary>
    private static object? Int(object? value)
    {
        if (value is string text)
        {
            var digits = text.StartsWith('-') ? text.AsSpan(1) : text;
            if (digits.Length is 0 or > 15 || digits.ContainsAnyExceptInRange('0', '9')) return null;
            return long.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        }
        return Numbers.TryRead(value, out var number) && Math.Abs(number) <= Lexer.LargestWhole ? (long)number : null;
    }

    private static object? Bool(object? value) => value switch
    {
        bool => value,
        "true" => Values.True,
        "false" => Values.False,
        _ => null,
    };

    private static object? Timestamp(object? value) => value switch
    {
        DateTimeOffset => value,
        string text => TimestampText.TryParse(text, out var ms) ? DateTimeOffset.FromUnixTimeMilliseconds(ms) : null,
        _ => Numbers.TryRead(value, out var number) ? Values.Instant(number) : null,
    };

    private static string ToAsciiLower(this string text) => string.Create(text.Length, text, (to, from) =>
    {
        for (var i = 0; i < to.Length; i++) to[i] = char.IsAsciiLetterUpper(from[i]) ? (char)(from[i] | 0x20) : from[i];
    });

    private static string ToAsciiUpper(this string text) => string.Create(text.Length, text, (to, from) =>
    {
        for (var i = 0; i < to.Length; i++) to[i] = char.IsAsciiLetterLower(from[i]) ? (char)(from[i] & ~0x20) : from[i];
    });
}
