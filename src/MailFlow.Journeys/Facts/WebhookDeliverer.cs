using System.Collections.Concurrent;
using MailFlow.Data;
using MailFlow.Engine.Execution;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailFlow.Journeys.Facts;

/// <summary>
/// Tells endpoints what happened. Endpoints that fail have places of their own: however many there are, they hold up none that takes what it is given, nor each other's
/// accounts. Any number may work on one database.
/// </summary>
public sealed partial class WebhookDeliverer : BackgroundService
{
    private const int AtOnce = 256, FailingAtOnce = 64;
    private static readonly TimeSpan PollEvery = TimeSpan.FromSeconds(1);

    private readonly Database _database;
    private readonly WebhookRelay _relay;
    private readonly SignedCall _call;
    private readonly WebhookOutcomes _outcomes;
    private readonly OutgoingOptions _options;
    private readonly EffectSignal _effects;
    private readonly Random _random;
    private readonly IFaultPoints _faults;
    private readonly ILogger<WebhookDeliverer> _log;
    private readonly Turns _sound = new(IsFailing: false), _failing = new(IsFailing: true);

    internal WebhookDeliverer(
        Database database, WebhookRelay relay, SignedCall call, WebhookOutcomes outcomes, OutgoingOptions options, EffectSignal effects, Random random, IFaultPoints faults, ILogger<WebhookDeliverer> log) =>
        (_database, _relay, _call, _outcomes, _options, _effects, _random, _faults, _log) = (database, relay, call, outcomes, options, effects, random, faults, log);

    /// <summary>A round: what the outbox holds is put on its way, what is due is delivered, and all answers are waited for. Gives how many facts and attempts it came to.</summary>
    public async Task<int> RunOnceAsync(CancellationToken ct)
    {
        var relayed = await _relay.RunOnceAsync(ct);
        var claim = await ClaimAsync(AtOnce, FailingAtOnce, ct);
        await Task.WhenAll(claim.Deliveries.Select(delivery => AttemptAsync(delivery, claim, ct)));
        return relayed + claim.Deliveries.Count;
    }

    /// <summary>Keeps its places filled: a slow receiver holds up its own places and no others.</summary>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var wake = new SemaphoreSlim(0);
        void Wake() { if (wake.CurrentCount == 0) wake.Release(); }
        _effects.Planned += Wake;
        var (running, failing) = (new ConcurrentDictionary<ClaimedDelivery, Task>(), new ConcurrentDictionary<ClaimedDelivery, Task>());
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var relayed = await _relay.RunOnceAsync(stoppingToken);
                var claim = await ClaimAsync(AtOnce - running.Count, FailingAtOnce - failing.Count, stoppingToken);
                foreach (var delivery in claim.Deliveries) Begin(delivery, claim, delivery.IsFailing ? failing : running, Wake, stoppingToken);
                if (relayed == 0) await wake.WaitAsync(PollEvery, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception error)
            {
                LogFailed(error);
                await Task.Delay(PollEvery, _database.Time, stoppingToken).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }
        }
        _effects.Planned -= Wake;
        await Task.WhenAll(running.Values.Concat(failing.Values));
    }

    private void Begin(ClaimedDelivery delivery, Claimed claim, ConcurrentDictionary<ClaimedDelivery, Task> places, Action wake, CancellationToken ct)
    {
        // Entered before it begins: one that ends at once must not leave its place behind.
        var begin = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        places[delivery] = begin.Task.ContinueWith(async _ =>
        {
            await TryAsync(delivery, claim, ct);
            places.TryRemove(delivery, out Task? _);
            wake();
        }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default).Unwrap();
        begin.SetResult();
    }

    private async Task<Claimed> ClaimAsync(int places, int failingPlaces, CancellationToken ct)
    {
        var started = _database.Time.GetTimestamp();
        var now = await _database.ReadAsync(session => session.NowAsync(ct), ct);
        List<ClaimedDelivery> taken = [.. await TakeAsync(_sound, places, now, ct), .. await TakeAsync(_failing, failingPlaces, now, ct)];
        _faults.Reach("webhooks.claimed");
        return new(taken, now, started);
    }

    private async Task<List<ClaimedDelivery>> TakeAsync(Turns turns, int places, long now, CancellationToken ct)
    {
        var taken = new List<ClaimedDelivery>();
        if (places <= 0) return taken;
        foreach (var endpoint in await _database.ReadAsync(session => WebhookClaim.DueEndpointsAsync(session, turns.IsFailing, turns.After, now, ct), ct))
        {
            // Each in a commit of its own: an endpoint's lock is held for one statement or two, not for the whole look.
            taken.AddRange(await _database.WriteAsync(async session =>
            {
                var at = await session.NowAsync(ct);
                return await WebhookClaim.TakeAsync(session, endpoint, turns.IsFailing, places - taken.Count, at, at + (long)_options.Lease.TotalMilliseconds, ct);
            }, ct));
            turns.After = endpoint;
            if (taken.Count == places) break;
        }
        return taken;
    }

    private async Task TryAsync(ClaimedDelivery delivery, Claimed claim, CancellationToken ct)
    {
        try
        {
            await AttemptAsync(delivery, claim, ct);
        }
        catch (OperationCanceledException)
        {
            // Stopping: tried again when its lease runs out.
        }
        catch (Exception error)
        {
            LogFailed(error); // the same
        }
    }

    private async Task AttemptAsync(ClaimedDelivery delivery, Claimed claim, CancellationToken ct)
    {
        // A process that was frozen in between must not make a call that another node has taken over.
        if (_database.Time.GetElapsedTime(claim.Started) > _options.Patience) return;
        _faults.Reach("webhooks.before-call");
        var result = await _call.MakeAsync(delivery.Url, delivery.Secrets, delivery.FactId, delivery.Type, delivery.At, delivery.Data, DateTimeOffset.FromUnixTimeMilliseconds(claim.Now), ct);
        _faults.Reach("webhooks.after-call");
        var retry = result.IsTaken || result.IsGone || result.IsFinal ? null : DeliverySchedule.After(delivery.Tried, result.Asked, _random);
        await _outcomes.RecordAsync(new Outcome(delivery, result, retry), CancellationToken.None);
    }

    /// <summary>Whose turn it is, of the endpoints that fail or of the others: each look begins after the one at which the last ended, so that none has all the places for long.</summary>
    private sealed record Turns(bool IsFailing)
    {
        public int After { get; set; }
    }

    /// <param name="Now">The database's clock at the look.</param>
    /// <param name="Started">This process's monotonic clock before it.</param>
    private sealed record Claimed(IReadOnlyList<ClaimedDelivery> Deliveries, long Now, long Started);

    [LoggerMessage(Level = LogLevel.Error, Message = "Webhooks could not be delivered; tried again")]
    private partial void LogFailed(Exception error);
}
