using System.Collections.Frozen;
using System.Runtime.ExceptionServices;
using MailFlow.Data;
using MailFlow.Delivery.Reports;
using MailFlow.Delivery.Routing;
using MailFlow.Delivery.Sending;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery;

/// <summary>
/// Hands due messages over. A round is: take up (one transaction, whose commit is the hand-over), render and send outside
/// any transaction, write the answers down. Any number of senders may work on one database, and one may run several rounds at once.
/// </summary>
public sealed class MessageSender
{
    /// <summary>How long answers are waited for before those that are known are written down and other mail is looked at.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan SweepEvery = TimeSpan.FromSeconds(1), RateInterval = TimeSpan.FromMilliseconds(250), LongestPause = TimeSpan.FromSeconds(5);

    private readonly Database _database;
    private readonly NodeEpoch _node;
    private readonly HandOverDesk _desk;
    private readonly Dispatch _dispatch;
    private readonly Answers _answers;
    private readonly Sweep _sweep;
    private readonly FeedbackSignal _reports;
    private readonly DeliveryOptions _options;
    private readonly IFaultPoints _faults;
    private long _swept = long.MinValue;
    private int _lastAccount = int.MinValue;
    private volatile bool _isHeldByRate;

    internal MessageSender(
        Database database, NodeEpoch node, HandOverDesk desk, Dispatch dispatch, Answers answers, Sweep sweep, FeedbackSignal reports, DeliveryOptions options,
        IFaultPoints faults) =>
        (_database, _node, _desk, _dispatch, _answers, _sweep, _reports, _options, _faults) = (database, node, desk, dispatch, answers, sweep, reports, options, faults);

    /// <summary>
    /// One round. Gives how many messages it looked at: sent, withheld or put aside; 0 when nothing was due. Cancelling it
    /// starts no further hand-over, but what is under way is finished and written down.
    /// </summary>
    public async Task<int> RunOnceAsync(CancellationToken ct)
    {
        var round = await BeginAsync(FrozenSet<Route>.Empty, ct);
        await round.End;
        return round.Changed;
    }

    /// <summary>Begins a round: what it took up is on its way when this returns.</summary>
    /// <param name="busy">Routes that are to get nothing now.</param>
    /// <param name="ct">Starts no further hand-over; what is under way is finished and written down.</param>
    internal async Task<SenderRound> BeginAsync(IReadOnlySet<Route> busy, CancellationToken ct)
    {
        var epoch = await _node.CurrentAsync(ct);
        var accounts = await DueAccountsAsync(ct);
        if (accounts.Count == 0 || IsSweepDue())
        {
            Interlocked.Exchange(ref _swept, _database.Time.GetTimestamp());
            if (await _sweep.RunAsync(ct) > 0) accounts = await DueAccountsAsync(ct);
        }
        _isHeldByRate = false;
        if (accounts.Count == 0) return SenderRound.OfNothing(0);

        Volatile.Write(ref _lastAccount, accounts[^1]);
        var batch = await _desk.TakeUpAsync(accounts, epoch, busy, ct);
        _isHeldByRate = batch.IsHeldByRate;
        if (batch.Messages.Count == 0) return SenderRound.OfNothing(batch.Changed);
        _faults.Reach("sender.hand-over.after-commit");

        var answers = new HandOver?[batch.Messages.Count];
        var calls = _dispatch.Send(batch, answers, ct);
        return new(batch.Changed, calls, RecordAsTheyComeAsync(batch, answers, Task.WhenAll(calls.Values), ct));
    }

    /// <summary>When to look again, after a round that found nothing to do, unless there is new mail.</summary>
    internal TimeSpan NextLook => _isHeldByRate && _options.PollInterval > RateInterval ? RateInterval : _options.PollInterval;

    private Task<IReadOnlyList<int>> DueAccountsAsync(CancellationToken ct) =>
        _database.ReadAsync(session => DueMessages.AccountsAsync(session, Volatile.Read(ref _lastAccount), ct), ct);

    private bool IsSweepDue() => Interlocked.Read(ref _swept) is var last && (last == long.MinValue || _database.Time.GetElapsedTime(last) >= SweepEvery);

    /// <summary>Writes the answers down: all together, and where some are slow to come, what is known by then, so that a stop or a crash costs no mail an answer that was there.</summary>
    private async Task RecordAsTheyComeAsync(TakenBatch batch, HandOver?[] answers, Task calls, CancellationToken stopping)
    {
        Exception? refusal = null;
        var open = Enumerable.Range(0, answers.Length).ToList();
        for (var isOver = false; !isOver;)
        {
            await calls.WaitAsync(Patience, _database.Time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            isOver = calls.IsCompleted;
            var known = open.Where(i => Volatile.Read(ref answers[i]) is not null).ToList();
            if (known.Count == 0) continue;
            try
            {
                refusal = await RecordAsync(batch with { Messages = [.. known.Select(i => batch.Messages[i])] }, [.. known.Select(i => answers[i]!)], stopping) ?? refusal;
                open = [.. open.Except(known)];
            }
            catch (Exception) when (!isOver)
            {
                // As at a stop while the database is away. They are written with the next: a round must not be over while calls are under way, or another node would take them for a dead one's.
            }
        }
        if (refusal is not null) ExceptionDispatchInfo.Throw(refusal);
        await calls;
        _faults.Reach("sender.answers.after-commit");
    }

    /// <summary>When the database refuses answers it takes them one by one, so that one that it does not take costs no other mail its answer. Gives why one was refused.</summary>
    private async Task<Exception?> RecordAsync(TakenBatch batch, HandOver[] answers, CancellationToken stopping)
    {
        var refusal = await WriteAsync(batch, answers, stopping);
        if (refusal is null || answers.Length == 1) return refusal;
        for (var i = 0; i < answers.Length; i++)
            if (await WriteAsync(batch with { Messages = [batch.Messages[i]] }, [answers[i]], stopping) is { } again) refusal = again;
        return refusal;
    }

    /// <summary>
    /// Writes answers down, however long the database is away: an answer that is known must not become an unknown one.
    /// Written twice it is the same, so a commit whose answer was lost is simply written again. Gives why it could not be written, where that is not the database's trouble.
    /// </summary>
    private async Task<Exception?> WriteAsync(TakenBatch batch, HandOver[] answers, CancellationToken stopping)
    {
        var refusals = batch.Messages.Zip(answers).Where(each => each.Second is HandOver.Rejected { Bounce: not null } or HandOver.Rejected { Listed: not null })
            .Select(each => (Taken: each.First, Answer: (HandOver.Rejected)each.Second))
            .Select(each => (each.Taken.Message.AccountId, new RefusedMail(each.Taken.Message.Id, each.Taken.Attempt, batch.At, each.Answer.Bounce, each.Answer.Listed, each.Answer.Reason))).ToList();
        for (var attempt = 1; ; attempt++)
        {
            var isDone = false;
            try
            {
                var (moves, at) = (new List<Move>(), 0L);
                await _database.WriteAsync(async session =>
                {
                    isDone = false;
                    var now = at = await session.NowAsync(CancellationToken.None);
                    moves = batch.Messages.Select((taken, i) => _answers.MoveFor(taken, answers[i], now)).ToList();
                    var made = await Ledger.MoveAsync(session, moves, now, now + (long)_options.RetryFor.TotalMilliseconds, CancellationToken.None);
                    await StopFaultyAsync(session, batch, answers);
                    await RefusedMail.StoreAsync(session, refusals, now, CancellationToken.None);
                    await Flow.GiveBackAsync(
                        session, batch.Messages.Where((taken, i) => made.Contains(taken.Message.Id) && answers[i] is not (HandOver.Accepted or HandOver.Unknown or HandOver.Rejected { Bounce: not null })), batch.At, CancellationToken.None);
                    isDone = true; // what fails from here on is no answer's fault
                    _faults.Reach("sender.answers.before-commit");
                }, CancellationToken.None);
                if (refusals.Count > 0) _reports.Notify();
                DeliveryMetrics.Answered(_database, batch, moves, at);
                return null;
            }
            catch (Exception error) when (_database.Dialect.IsTransient(error) && !stopping.IsCancellationRequested)
            {
                var pause = TimeSpan.FromMilliseconds(Math.Min(LongestPause.TotalMilliseconds, 100 << Math.Min(attempt, 10)));
                await Task.Delay(pause, _database.Time, CancellationToken.None);
            }
            catch (Exception error) when (!isDone && !_database.Dialect.IsTransient(error))
            {
                return error;
            }
        }
    }

    /// <summary>What is the sender's own fault would be the same for every mail: no further one goes that way.</summary>
    private static Task StopFaultyAsync(Session session, TakenBatch batch, HandOver[] answers) => SendingStops.StopAsync(
        session, batch.Messages.Zip(answers).SelectMany(each => each.Second is HandOver.SenderFault fault ? Stops(each.First, fault) : []), CancellationToken.None);

    private static IEnumerable<NewStop> Stops(TakenMessage taken, HandOver.SenderFault fault) => fault.Stops == FaultScope.Domain
        ? [new(taken.Message.AccountId, SendingStops.OfDomain(FlowControl.DomainOf(taken.Sender)), taken.Message.Stream, fault.Reason)]
        : Enum.GetValues<MessageStream>().Select(stream => new NewStop(taken.Message.AccountId, taken.Route.Subject, stream, fault.Reason));
}

/// <summary>A round of the sender's that was begun.</summary>
/// <param name="Changed">How many messages it looked at: sent, withheld or put aside; 0 when nothing was due.</param>
/// <param name="Calls">The work of each route, which ends when that has answered or timed out.</param>
/// <param name="End">When all answers are written down.</param>
internal sealed record SenderRound(int Changed, IReadOnlyDictionary<Route, Task> Calls, Task End)
{
    /// <summary>Whether every route has answered or timed out.</summary>
    public bool IsAnswered => Calls.Values.All(call => call.IsCompleted);

    /// <summary>The routes that have not.</summary>
    public IEnumerable<Route> Busy => Calls.Where(call => !call.Value.IsCompleted).Select(call => call.Key);

    /// <summary>Their work.</summary>
    public IEnumerable<Task> Open => Calls.Values.Where(call => !call.IsCompleted);

    /// <summary>One that hands nothing over.</summary>
    public static SenderRound OfNothing(int changed) => new(changed, new Dictionary<Route, Task>(), Task.CompletedTask);
}
