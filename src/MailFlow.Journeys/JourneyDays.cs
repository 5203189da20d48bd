using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Journeys;

/// <summary>Keeps, for each day, how many had entered each journey when it began: one small row a journey and day, so that nobody has to count instances by time.</summary>
public sealed class JourneyDays(Database database)
{
    private const int Kept = 60;

    /// <summary>How often to look whether a day has begun.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromMinutes(15);

    /// <summary>Records the day that has begun, once, and drops days that nobody asks about.</summary>
    public Task RunOnceAsync(CancellationToken ct) => database.WriteAsync(async session =>
    {
        var today = Number(DateOnly.FromDateTime(DateTimeOffset.FromUnixTimeMilliseconds(await session.NowAsync(ct)).UtcDateTime));
        if (await session.ScalarAsync<long>("SELECT count(*) FROM (SELECT 1 FROM journey_day WHERE day = @today LIMIT 1) AS recorded", ct, ("today", today)) > 0) return;
        await session.ExecuteAsync("""
            INSERT INTO journey_day (journey_id, day, account_id, entered)
            SELECT journey_id, @today, min(account_id), CAST(sum(n) AS BIGINT) FROM journey_count WHERE node = -1 AND kind = @entered GROUP BY journey_id
            ON CONFLICT (journey_id, day) DO NOTHING
            """,
            ct, ("today", today), ("entered", (int)CountKind.Entered));
        await session.ExecuteAsync("DELETE FROM journey_day WHERE day < @before", ct, ("before", today - Kept));
    }, ct);

    /// <summary>A day as the table has it.</summary>
    internal static int Number(DateOnly day) => day.DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber;
}
