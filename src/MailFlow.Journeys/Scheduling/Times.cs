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
        // Cron goes by whole seconds: that of now is the last that counts.
        if (schedule.Cron is { } cron) return Parse(cron, schedule.TimeZone).GetPreviousValidTimeBefore(DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds() + 1));
        var intervals = (now - publishedAt).Ticks / schedule.Every!.Value.Ticks;
        return intervals < 1 ? null : publishedAt + (schedule.Every.Value * intervals);
    }
}
