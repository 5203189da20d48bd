using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using MailFlow.Engine.Activities;
using NodaTime;

namespace MailFlow.Delivery;

/// <summary>The hours in which nobody wants mail, by the recipient's own clock: from one local time to another, over midnight or not.</summary>
/// <param name="From">When they begin.</param>
/// <param name="To">When they end; mail held back leaves then.</param>
public sealed record QuietTimes(LocalTime From, LocalTime To)
{
    /// <summary>When the quiet that reigns at this instant ends; null when it does not.</summary>
    public Instant? EndAfter(Instant now, DateTimeZone zone)
    {
        var time = now.InZone(zone).TimeOfDay;
        var isQuiet = From <= To ? time >= From && time < To : time >= From || time < To;
        if (!isQuiet) return null;
        // In an hour that the clocks show twice, the end comes twice, and the first may be over.
        var ends = zone.MapLocal(now.InZone(zone).Date + To);
        return ends.Count == 2 && ends.First().ToInstant() <= now && ends.Last().ToInstant() is var again && again > now ? again : LocalClock.Next(now, To, NoDays, zone);
    }

    /// <summary>Reads two times of day such as 21:00 and 08:00.</summary>
    public static bool TryRead(string? from, string? to, [NotNullWhen(true)] out QuietTimes? quiet)
    {
        quiet = Time(from) is { } begin && Time(to) is { } end && begin != end ? new QuietTimes(begin, end) : null;
        return quiet is not null;
    }

    /// <summary><c>21:00 to 08:00</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{From:HH:mm} to {To:HH:mm}");

    private static readonly IReadOnlySet<IsoDayOfWeek> NoDays = new HashSet<IsoDayOfWeek>();

    private static LocalTime? Time(string? text) =>
        TimeOnly.TryParseExact(text?.Trim(), ["H:mm", "HH:mm"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? LocalTime.FromTimeOnly(time) : null;
}
