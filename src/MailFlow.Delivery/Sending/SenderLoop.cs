using MailFlow.Data;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailFlow.Delivery.Sending;

/// <summary>Keeps the sender going: at once when signalled, otherwise at every poll.</summary>
internal sealed class SenderLoop(MessageSender sender, MessageSignal signal, NodeEpoch node, Database database, DeliveryOptions options, ILogger<SenderLoop> log)
    : BackgroundService
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.WhenAll(Enumerable.Range(0, Math.Max(1, options.Lanes)).Select(_ => Task.Run(() => RunLaneAsync(stoppingToken), CancellationToken.None)));
        try
        {
            await node.EndAsync(CancellationToken.None);
        }
        catch (Exception error)
        {
            log.LogWarning(error, "The sender could not sign off; the next start of this node does it.");
        }
    }

    private async Task RunLaneAsync(CancellationToken stopping)
    {
        var failures = 0;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                var looked = await sender.RunOnceAsync(stopping);
                failures = 0;
                if (looked > 0) signal.Notify(); // another lane may find the rest
                else await signal.WaitAsync(options.PollInterval, database.Time, stopping);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                var pause = TimeSpan.FromMilliseconds(Math.Min(LongestPause.TotalMilliseconds, 250 << Math.Min(failures++, 10)));
                log.LogError(error, "Sending failed; next try in {Seconds:0.0} s.", pause.TotalSeconds);
                await Task.Delay(pause, database.Time, stopping).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }
        }
    }
}
