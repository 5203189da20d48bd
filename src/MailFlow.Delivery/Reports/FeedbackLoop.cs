using MailFlow.Data;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailFlow.Delivery.Reports;

/// <summary>Keeps the reading of reports going: at once when one was stored, otherwise at every poll.</summary>
internal sealed class FeedbackLoop(FeedbackProcessor processor, FeedbackSignal signal, Database database, DeliveryOptions options, ILogger<FeedbackLoop> log) : BackgroundService
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var failures = 0;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var worked = await processor.RunOnceAsync(CancellationToken.None); // a batch once begun commits
                failures = 0;
                if (worked == 0) await signal.WaitAsync(options.PollInterval, database.Time, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                var pause = TimeSpan.FromMilliseconds(Math.Min(LongestPause.TotalMilliseconds, 250 << Math.Min(failures++, 10)));
                log.LogError("What providers reported could not be worked off; next try in {Seconds:0.0} s: {Error}", pause.TotalSeconds, error.GetType().Name);
                await Task.Delay(pause, database.Time, stoppingToken).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }
        }
    }
}
