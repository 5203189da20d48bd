using MailFlow.Data;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailFlow.Audience.Privacy;

/// <summary>Finishes the erasures that were begun, those too that the last run of the process left.</summary>
internal sealed partial class ErasureLoop(Database database, Erasure erasure, ILogger<ErasureLoop> log) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, database.Time);
        try
        {
            do
            {
                try
                {
                    await erasure.RunOnceAsync(stoppingToken);
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "An erasure could not be finished; tried again in seconds")]
    private partial void LogFailed(Exception error);
}
