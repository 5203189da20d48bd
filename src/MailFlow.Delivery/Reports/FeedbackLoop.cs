using MailFlow.Data;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailFlow.Delivery.Reports;

/// <summary>Keeps the reading of reports going: at once when one was stored, otherwise at every poll.</summary>
internal sealed class FeedbackLoop(FeedbackProcessor processor, FeedbackSignal signal, Database database, DeliveryOptions options, ILogger<FeedbackLoop> log) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Lane.RunAsync(
        async () =>
        {
            // A batch once begun commits.
            if (await processor.RunOnceAsync(CancellationToken.None) == 0) await signal.WaitAsync(options.PollInterval, database.Time, stoppingToken);
        },
        (error, pause) => log.LogError("What providers reported could not be worked off; next try in {Seconds:0.0} s: {Error}", pause.TotalSeconds, error.GetType().Name), // its message may hold what was sent
        database.Time, stoppingToken);
}
