using System.Diagnostics.CodeAnalysis;

namespace MailFlow.Engine.Expressions;

/// <summary>
/// Instants as text: RFC 3339 (<c>2026-01-31T09:30:00Z</c>, with up to nine digits of a second and any offset; without an
/// offset it is UTC) or a date alone, which is midnight UTC. Cut to milliseconds. The segment SQL reads exactly the same.
/// </summary>
public static class TimestampText
{
    /// <summary>The first instant that can be written, Unix milliseconds.</summary>
    public const long EarliestMs = -62_135_596_800_000; // 0001-01-01

    /// <summary>The last instant that can be written, Unix milliseconds.</summary>
    public const long LatestMs = 253_402_300_799_999; // 9999-12-31

    /// <summary>Reads an instant as Unix milliseconds; false when the text is none.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out long unixMs)
    {
        unixMs = 0;
        if (text is null || text.Length is < 10 or > 35 || !TryDate(text, out var days)) return false;
        if (text.Length == 10)
        {
            unixMs = days * 86_400_000;
            return true;
        }
        if (text.Length < 19 || text[10] is not ('T' or 't' or ' ') || text[13] != ':' || text[16] != ':') return false;
        if (!Two(text, 11, 23, out var hour) || !Two(text, 14, 59, out var minute) || !Two(text, 17, 59, out var second)) return false;
        if (!TryFraction(text, out var ms, out var zone) || !TryOffset(text.AsSpan(zone), out var offsetMinutes)) return false;
        unixMs = (days * 86_400_000) + (((((hour * 60L) + minute - offsetMinutes) * 60) + second) * 1_000) + ms;
        return unixMs is >= EarliestMs and <= LatestMs;
    }

    private static bool TryDate(string text, out long days)
    {
        days = 0;
        if (text[4] != '-' || text[7] != '-') return false;
        if (!Two(text, 0, 99, out var century) || !Two(text, 2, 99, out var yearOfCentury)) return false;
        if (!Two(text, 5, 12, out var month) || !Two(text, 8, 31, out var day)) return false;
        var year = (century * 100) + yearOfCentury;
        if (year == 0 || month == 0 || day == 0 || day > DateTime.DaysInMonth(year, month)) return false;
        days = new DateOnly(year, month, day).DayNumber - 719_162; // 1970-01-01
        return true;
    }

    private static bool TryFraction(string text, out int ms, out int end)
    {
        ms = 0;
        end = 19;
        if (text.Length == 19 || text[19] != '.') return true;
        for (end = 20; end < text.Length && char.IsAsciiDigit(text[end]); end++)
            if (end < 23) ms = (ms * 10) + (text[end] - '0');
        for (var digits = end - 20; digits < 3; digits++) ms *= 10;
        return end is >= 21 and <= 29;
    }

    private static bool TryOffset(ReadOnlySpan<char> zone, out int minutes)
    {
        minutes = 0;
        if (zone is "" or "Z" or "z") return true;
        if (zone.Length != 6 || zone[0] is not ('+' or '-') || zone[3] != ':') return false;
        if (!Two(zone, 1, 23, out var hours) || !Two(zone, 4, 59, out minutes)) return false;
        minutes = ((hours * 60) + minutes) * (zone[0] == '-' ? -1 : 1);
        return true;
    }

    private static bool Two(ReadOnlySpan<char> text, int at, int most, out int value)
    {
        value = 0;
        if (!char.IsAsciiDigit(text[at]) || !char.IsAsciiDigit(text[at + 1])) return false;
        value = ((text[at] - '0') * 10) + (text[at + 1] - '0');
        return value <= most;
    }
}
