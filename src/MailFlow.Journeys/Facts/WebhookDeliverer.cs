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
    private static readonly TimeSpan PollEvery = TimeSpan.FromSeconds(1), LastMoments = TimeSpan.FromSeconds(5);

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
        await Task.WhenAll(claim.Deliveries.Select(delivery => AttemptAsync(delivery, claim, ct, ct)));
        return relayed + claim.Deliveries.Count;
    }

    /// <summary>
    /// Keeps its places filled: a slow receiver holds up its own places and no others. Stopped, it takes up nothing more and gives the calls under way a few moments to end; what is not told by
    /// then is another node's at once.
    /// </summary>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var wake = new SemaphoreSlim(0);
        void Wake() { if (wake.CurrentCount == 0) wake.Release(); }
        _effects.Planned += Wake;
        using var calls = new CancellationTokenSource(Timeout.InfiniteTimeSpan, _database.Time);
        await using var stop = stoppingToken.Register(() => calls.CancelAfter(LastMoments));
        var (running, failing, left) = (new ConcurrentDictionary<ClaimedDelivery, Task>(), new ConcurrentDictionary<ClaimedDelivery, Task>(), new ConcurrentBag<ClaimedDelivery>());
        await Lane.RunAsync(async () =>
        {
            var relayed = await _relay.RunOnceAsync(stoppingToken);
            var claim = await ClaimAsync(AtOnce - running.Count, FailingAtOnce - failing.Count, stoppingToken);
            foreach (var delivery in claim.Deliveries) Begin(delivery, () => TryAsync(delivery, claim, left, stoppingToken, calls.Token), delivery.IsFailing ? failing : running, Wake);
            if (relayed == 0) await wake.WaitAsync(PollEvery, stoppingToken);
        }, (error, _) => LogFailed(error), _database.Time, stoppingToken);
        _effects.Planned -= Wake;
        await Task.WhenAll(running.Values.Concat(failing.Values));
        await HandBackAsync([.. left.OrderBy(delivery => (delivery.EndpointId, delivery.FactId))]);
    }

    private static void Begin(ClaimedDelivery delivery, Func<Task> attempt, ConcurrentDictionary<ClaimedDelivery, Task> places, Action wake)
    {
        // Entered before it begins: one that ends at once must not leave its place behind.
        var begin = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        places[delivery] = begin.Task.ContinueWith(async _ =>
        {
            await attempt();
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

    /// <summary>Stopped, it gives what it has taken: that is to be handed back.</summary>
    private async Task<List<ClaimedDelivery>> TakeAsync(Turns turns, int places, long now, CancellationToken ct)
    {
        var taken = new List<ClaimedDelivery>();
        if (places <= 0 || ct.IsCancellationRequested) return taken;
        foreach (var endpoint in await _database.ReadAsync(session => WebhookClaim.DueEndpointsAsync(session, turns.IsFailing, turns.After, now, default), default))
        {
            // Each in a commit of its own: an endpoint's lock is held for one statement or two, not for the whole look.
            taken.AddRange(await _database.WriteAsync(async session =>
            {
                var at = await session.NowAsync(default);
                return await WebhookClaim.TakeAsync(session, endpoint, turns.IsFailing, places - taken.Count, at, at + (long)_options.Lease.TotalMilliseconds, default);
            }, default));
            turns.After = endpoint;
            if (taken.Count == places || ct.IsCancellationRequested) break;
        }
        return taken;
    }

    private async Task TryAsync(ClaimedDelivery delivery, Claimed claim, ConcurrentBag<ClaimedDelivery> left, CancellationToken stopping, CancellationToken calls)
    {
        try
        {
            await AttemptAsync(delivery, claim, stopping, calls);
        }
        catch (OperationCanceledException)
        {
            left.Add(delivery);
        }
        catch (Exception error)
        {
            LogFailed(error); // when its lease runs out
        }
    }

    private async Task AttemptAsync(ClaimedDelivery delivery, Claimed claim, CancellationToken stopping, CancellationToken calls)
    {
        stopping.ThrowIfCancellationRequested();
        // A process that was frozen in between must not make a call that another node has taken over.
        if (_database.Time.GetElapsedTime(claim.Started) > _options.Patience) return;
        _faults.Reach("webhooks.before-call");
        var result = await _call.MakeAsync(delivery.Url, delivery.Secrets, delivery.FactId, delivery.Type, delivery.At, delivery.Data, DateTimeOffset.FromUnixTimeMilliseconds(claim.Now), calls);
        _faults.Reach("webhooks.after-call");
        var retry = result.IsTaken || result.IsGone || result.IsFinal ? null : DeliverySchedule.After(delivery.Tried, result.Asked, _random);
        await _outcomes.RecordAsync(new Outcome(delivery, result, retry), CancellationToken.None);
    }

    /// <summary>As if it had not been taken up, where no other has it by now.</summary>
    private async Task HandBackAsync(List<ClaimedDelivery> left)
    {
        if (left.Count == 0) return;
        try
        {
            await _database.WriteAsync(async session => await session.ExecuteAsync("""
                UPDATE webhook_delivery SET attempt = r.attempt - 1, due_at = @now, lease_until = NULL
                FROM {rows} WHERE webhook_delivery.endpoint_id = r.endpoint_id AND webhook_delivery.fact_id = r.fact_id AND webhook_delivery.attempt = r.attempt AND webhook_delivery.state = 0
                """,
                new Rows<ClaimedDelivery>(left).Int("endpoint_id", delivery => delivery.EndpointId).Uuid("fact_id", delivery => delivery.FactId).Int("attempt", delivery => delivery.Attempt),
                default, ("now", await session.NowAsync(default))), default);
        }
        catch (Exception error) when (_database.Dialect.IsTransient(error))
        {
            // The leases run out by themselves.
        }
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
