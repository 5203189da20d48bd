using MailFlow.Engine.Expressions;
using NodaTime;
using NodaTime.TimeZones;

namespace MailFlow.Engine.Activities;

/// <summary>Local dates and times as instants, in any time zone and across its changes of clock.</summary>
public static class LocalClock
{
    /// <summary>A local time that does not exist moves forward to the first valid instant; of two instants, the earlier counts.</summary>
    private static readonly ZoneLocalMappingResolver Lenient =
        Resolvers.CreateMappingResolver(Resolvers.ReturnEarlier, Resolvers.ReturnStartOfIntervalAfter);

    /// <summary>The zone with this IANA name (Europe/Paris), or null.</summary>
    public static DateTimeZone? Zone(string? name) =>
        string.IsNullOrWhiteSpace(name) ? null : DateTimeZoneProviders.Tzdb.GetZoneOrNull(name.Trim());

    /// <summary>The instant of a local date and time.</summary>
    public static Instant At(LocalDateTime local, DateTimeZone zone) => zone.ResolveLocal(local, Lenient).ToInstant();

    /// <summary>
    /// The first instant, not before <paramref name="now"/>, at which clocks in the zone show the time on one of the days. A time that the day
    /// skips counts as the first instant after the gap; a day that the zone skips altogether (Samoa's 30 December 2011) has none.
    /// </summary>
    public static Instant Next(Instant now, LocalTime time, IReadOnlySet<IsoDayOfWeek> days, DateTimeZone zone)
    {
        for (var date = now.InZone(zone).Date; ; date = date.PlusDays(1))
        {
            if (days.Count > 0 && !days.Contains(date.DayOfWeek)) continue;
            if (At(date.AtMidnight(), zone).InZone(zone).Date != date) continue;
            var at = At(date + time, zone);
            if (at >= now) return at;
        }
    }

    /// <summary>
    /// A contact's date or instant, shifted. A date alone is the start of that day in the zone, and is shifted on the calendar there, so that
    /// "three days before" is midnight too when clocks change in between; an instant is shifted by the time that really passes.
    /// Null where the value is neither: text in RFC 3339 or as a date, a timestamp, or Unix milliseconds.
    /// </summary>
    public static Instant? Read(object? value, TimeSpan offset, DateTimeZone zone)
    {
        if (value is string { Length: 10 } text && TimestampText.TryParse(text, out var midnight))
        {
            var local = Math.Clamp(midnight + (long)offset.TotalMilliseconds, Earliest, Latest);
            return At(Instant.FromUnixTimeMilliseconds(local).InUtc().LocalDateTime, zone);
        }
        return Milliseconds(value) is { } at
            ? Instant.FromUnixTimeMilliseconds(Math.Clamp(at + (long)offset.TotalMilliseconds, Earliest, Latest))
            : null;
    }

    // A day short of what DateTimeOffset can hold, so that no zone's offset leads out of it ("9999-12-31" is a popular way to say never).
    private const long Earliest = TimestampText.EarliestMs + 86_400_000;
    private const long Latest = TimestampText.LatestMs - 86_400_000;

    private static long? Milliseconds(object? value) => value switch
    {
        DateTimeOffset instant => instant.ToUnixTimeMilliseconds(),
        string text when TimestampText.TryParse(text.Trim(), out var read) => read,
        long number and >= Earliest and <= Latest => number,
        _ => null,
    };
}
