using MailFlow.Data;
using MailFlow.Engine.Execution;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailFlow.Delivery.Sending;

/// <summary>Keeps the sender going: at once when signalled, otherwise at every poll.</summary>
internal sealed class SenderLoop(
    MessageSender sender, Senders senders, MessageSignal signal, EffectSignal effects, NodeEpoch node, Database database, DeliveryOptions options, ILogger<SenderLoop> log) : BackgroundService
{
    /// <summary>How often to look whether a sender's stop has lost its cause: with a server's setting it does so silently.</summary>
    private static readonly TimeSpan ReviewEvery = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        DeliveryMetrics.Begin();
        if (options.Provider == "smtp" && !options.IsCaught && !options.IsPublicAddress)
            log.LogWarning("Marketing mail will not leave: its links would lead to {PublicBaseUrl}, which is no public https address. Set MailFlow__Delivery__PublicBaseUrl.", options.PublicBaseUrl);
        effects.Planned += signal.Notify;
        await Task.WhenAll(Enumerable.Range(0, options.Lanes).Select(_ => Task.Run(() => RunLaneAsync(stoppingToken), CancellationToken.None))
            .Append(Task.Run(() => ReviewAsync(stoppingToken), CancellationToken.None)));
        effects.Planned -= signal.Notify;
        try
        {
            await node.EndAsync(CancellationToken.None);
        }
        catch (Exception error)
        {
            log.LogWarning(error, "The sender could not sign off; the next start of this node does it.");
        }
    }

    private Task ReviewAsync(CancellationToken stopping) => Lane.RunAsync(async () =>
    {
        await senders.ReviewStopsAsync((account, error) => log.LogError(error, "The stop of account {Account}'s sender could not be looked at.", account), stopping);
        await Task.Delay(ReviewEvery, database.Time, stopping);
    }, (error, pause) => log.LogError(error, "The stops of senders could not be looked at; next try in {Seconds:0.0} s.", pause.TotalSeconds), database.Time, stopping);

    /// <summary>A lane does not wait for a provider that is slow to answer: it goes on with the mail of all others, and gives that one nothing more until it has answered.</summary>
    private async Task RunLaneAsync(CancellationToken stopping)
    {
        var late = new List<SenderRound>();
        await Lane.RunAsync(async () =>
        {
            // Answers that are there are written down before more is taken up, however long the database is away.
            foreach (var answered in late.FindAll(round => round.IsAnswered))
            {
                late.Remove(answered);
                await answered.End;
            }
            var round = await sender.BeginAsync(late.SelectMany(each => each.Busy).ToHashSet(), stopping);
            await round.End.WaitAsync(MessageSender.Patience, database.Time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (round.IsAnswered) await round.End;
            else late.Add(round);
            if (round.Changed > 0) signal.Notify(); // another lane may find the rest
            else await signal.WaitAsync(sender.NextLook, database.Time, stopping, late.SelectMany(each => each.Open));
        }, (error, pause) => log.LogError(error, "Sending failed; next try in {Seconds:0.0} s.", pause.TotalSeconds), database.Time, stopping);
        foreach (var round in late)
            try
            {
                await round.End;
            }
            catch (Exception error)
            {
                log.LogError(error, "The last answers could not all be written down.");
            }
    }
}
