using MailFlow.Engine.Activities;
using Quartz;

namespace MailFlow.Journeys.Scheduling;

/// <summary>The times of a schedule. Cron as everybody knows it, five fields from the minute on, and with seconds before them and a year behind, as Quartz and Elsa have it.</summary>
internal static class Times
{
    /// <summary>What is wrong with a cron expression or a time zone, in words; null for nothing.</summary>
    public static string? Problem(string cron, string? zone)
    {
        if (!string.IsNullOrEmpty(zone) && !TimeZoneInfo.TryFindSystemTimeZoneById(zone, out _)) return $"'{zone}' is not a time zone such as Europe/Paris";
        try
        {
            Parse(cron, null);
            return null;
        }
        catch (FormatException error)
        {
            return $"'{cron}' is not a cron expression such as 0 9 * * MON: {error.Message}";
        }
    }

    /// <exception cref="FormatException">It is no cron expression.</exception>
    public static CronExpression Parse(string cron, string? zone)
    {
        var fields = cron.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        // Elsa writes a star for both days, of which Quartz wants one to be open.
        if (fields is [_, _, _, "*", _, "*", ..]) fields[5] = "?";
        var parsed = CronExpression.Parse(string.Join(' ', fields), fields.Length == 5 ? CronFormat.Unix : CronFormat.Quartz);
        return parsed.WithTimeZone(string.IsNullOrEmpty(zone) ? TimeZoneInfo.Utc : TimeZoneInfo.FindSystemTimeZoneById(zone));
    }

    /// <summary>Whether there is a time after this one: not where a year has passed, or on the 30th of February.</summary>
    public static bool HasNext(TriggerSchedule schedule, DateTimeOffset now) => schedule.Cron is not { } cron || Parse(cron, schedule.TimeZone).GetNextValidTimeAfter(now) is not null;

    /// <summary>The last time of a schedule up to now; null for none.</summary>
    public static DateTimeOffset? LastUpTo(TriggerSchedule schedule, DateTimeOffset publishedAt, DateTimeOffset now)
    {
        if (schedule.Cron is { } cron)
        {
            var times = Parse(cron, schedule.TimeZone);
            var last = times.GetPreviousValidTimeBefore(DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds() + 1)); // it goes by whole seconds: that of now is the last that counts
            while (last is { } at && !IsTime(times, at)) last = times.GetPreviousValidTimeBefore(at);
            return last;
        }
        var intervals = (now - publishedAt).Ticks / schedule.Every!.Value.Ticks;
        return intervals < 1 ? null : publishedAt + (schedule.Every.Value * intervals);
    }

    /// <summary>
    /// Whether what Quartz gives for a time is one. In the hour that clocks repeat in autumn a fixed time such as 1:30 is to come once, at the first, and one of every so many minutes both times;
    /// Quartz, asked from within that hour, gives a fixed time again.
    /// </summary>
    private static bool IsTime(CronExpression times, DateTimeOffset at)
    {
        var local = TimeZoneInfo.ConvertTime(at, times.TimeZone).DateTime;
        if (!times.TimeZone.IsAmbiguousTime(local)) return true;
        // Asked from the first of the two on, it gives the second of those only that come twice.
        var time = (DateTimeOffset?)new DateTimeOffset(local, times.TimeZone.GetAmbiguousTimeOffsets(local).Max());
        while (time < at) time = times.GetNextValidTimeAfter(time.Value);
        return time == at;
    }
}
