using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace MailFlow.Engine.Expressions;

/// <summary>
/// Durations as people and Elsa write them: ISO 8601 (<c>P3D</c>, <c>PT1H30M</c>, <c>P1W</c>), .NET's TimeSpan text
/// (<c>1.02:00:00</c>, <c>00:30:00</c>) and short text (<c>72h</c>, <c>30d</c>, <c>1h30m</c>, <c>45s</c>).
/// From zero to 36,525 days (a hundred years), in whole seconds. Years and months have no fixed length and are refused.
/// </summary>
public static class DurationText
{
    private const long LongestSeconds = 36_525L * 86_400;

    /// <summary>Parses a duration. Throws <see cref="FormatException"/> saying what is accepted.</summary>
    public static TimeSpan Parse(string text) =>
        TryParse(text, out var duration)
            ? duration
            : throw new FormatException($"'{text}' is not a duration: write it like PT30M, P3D, 72h, 30d or 1.02:00:00 (whole seconds, at most 36525 days).");

    /// <summary>Parses a duration; false when the text is not one, is negative, or is longer than a hundred years.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out TimeSpan duration)
    {
        duration = default;
        if (string.IsNullOrEmpty(text) || text.Length > 64) return false;
        var seconds = text[0] == 'P' ? Iso(text.AsSpan(1)) : text.Contains(':') ? Clock(text) : Units(text, "wdhms");
        if (seconds is not (>= 0 and <= LongestSeconds)) return false;
        duration = TimeSpan.FromSeconds(seconds.Value);
        return true;
    }

    /// <summary>Writes a duration as ISO 8601, such as <c>P1DT2H</c>. Fractions of a second are dropped.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The duration is negative.</exception>
    public static string Format(TimeSpan duration)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(duration, TimeSpan.Zero);
        var text = new StringBuilder("P");
        if (duration.Days > 0) text.Append(CultureInfo.InvariantCulture, $"{duration.Days}D");
        if (duration is not { Hours: 0, Minutes: 0, Seconds: 0 }) text.Append('T');
        if (duration.Hours > 0) text.Append(CultureInfo.InvariantCulture, $"{duration.Hours}H");
        if (duration.Minutes > 0) text.Append(CultureInfo.InvariantCulture, $"{duration.Minutes}M");
        if (duration.Seconds > 0) text.Append(CultureInfo.InvariantCulture, $"{duration.Seconds}S");
        return text.Length == 1 ? "PT0S" : text.ToString();
    }

    /// <summary>For people, to the second: "1 day 12 hours".</summary>
    public static string InWords(TimeSpan span)
    {
        if (span == TimeSpan.Zero) return "no time";
        var parts = new[] { (span.Days, "day"), (span.Hours, "hour"), (span.Minutes, "minute"), (span.Seconds, "second") };
        return string.Join(' ', parts.Where(part => part.Item1 > 0).Select(part => string.Create(CultureInfo.InvariantCulture, $"{part.Item1} {part.Item2}{(part.Item1 == 1 ? "" : "s")}")));
    }

    private static long? Iso(ReadOnlySpan<char> text)
    {
        var split = text.IndexOf('T');
        var date = split < 0 ? text : text[..split];
        var seconds = date.IsEmpty ? 0 : Units(date, "WD");
        if (split < 0) return date.IsEmpty ? null : seconds;
        return seconds + Units(text[(split + 1)..], "HMS");
    }

    /// <summary>Numbers each followed by a unit, longest unit first, none twice.</summary>
    private static long? Units(ReadOnlySpan<char> text, string units)
    {
        if (text.IsEmpty) return null;
        long seconds = 0;
        var next = 0;
        while (!text.IsEmpty)
        {
            if (Digits(ref text) is not { } count || text.IsEmpty) return null;
            var unit = units.IndexOf(text[0], next);
            if (unit < 0) return null;
            next = unit + 1;
            seconds += count * (char.ToLowerInvariant(text[0]) switch { 'w' => 604_800L, 'd' => 86_400, 'h' => 3_600, 'm' => 60, _ => 1 });
            text = text[1..];
        }
        return seconds;
    }

    /// <summary>[d.]hh:mm:ss, with a fraction only if it is nought. A 24th hour is refused: .NET itself would read 24 days.</summary>
    private static long? Clock(ReadOnlySpan<char> text)
    {
        long days = 0;
        var dot = text.IndexOf('.');
        if (dot >= 0 && dot < text.IndexOf(':'))
        {
            if (Digits(ref text) is not { } given || text[0] != '.') return null;
            days = given;
            text = text[1..];
        }
        if (Pair(ref text, 23) is not { } hours || !Skip(ref text, ':')) return null;
        if (Pair(ref text, 59) is not { } minutes || !Skip(ref text, ':')) return null;
        if (Pair(ref text, 59) is not { } seconds) return null;
        if (!text.IsEmpty && (text[0] != '.' || text.Length == 1 || text[1..].ContainsAnyExcept('0'))) return null;
        return (days * 86_400) + (hours * 3_600) + (minutes * 60) + seconds;
    }

    private static long? Digits(ref ReadOnlySpan<char> text)
    {
        var length = text.IndexOfAnyExceptInRange('0', '9');
        if (length < 0) length = text.Length;
        // Twelve digits of weeks still fit 64 bits of seconds.
        if (length is 0 or > 12) return null;
        var value = long.Parse(text[..length], NumberStyles.None, CultureInfo.InvariantCulture);
        text = text[length..];
        return value;
    }

    private static long? Pair(ref ReadOnlySpan<char> text, int most)
    {
        if (text.Length < 2 || !char.IsAsciiDigit(text[0]) || !char.IsAsciiDigit(text[1])) return null;
        var value = ((text[0] - '0') * 10) + (text[1] - '0');
        text = text[2..];
        return value <= most ? value : null;
    }

    private static bool Skip(ref ReadOnlySpan<char> text, char expected)
    {
        if (text.IsEmpty || text[0] != expected) return false;
        text = text[1..];
        return true;
    }
}
