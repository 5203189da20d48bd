using MailFlow.Data;
using MailFlow.Engine.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailFlow.Journeys;

/// <summary>Keeps, for each day, how many had entered each journey when it began: one small row a journey and day, so that nobody has to count instances by time.</summary>
public sealed partial class JourneyDays(Database database, ILogger<JourneyDays> log) : BackgroundService
{
    private const int Kept = 60;
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(15);

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

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, database.Time);
        try
        {
            do
            {
                try
                {
                    await RunOnceAsync(stoppingToken);
                }
                catch (Exception error) when (error is not OperationCanceledException)
                {
                    LogFailed(error);
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The day's numbers of the journeys could not be recorded; tried again in a quarter of an hour")]
    private partial void LogFailed(Exception error);
}
