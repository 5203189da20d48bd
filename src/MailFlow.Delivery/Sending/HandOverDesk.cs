using MailFlow.Data;
using MailFlow.Delivery.Policies;
using MailFlow.Delivery.Routing;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Sending;

/// <summary>A message that this node hands over now.</summary>
/// <param name="Message">As it was read.</param>
/// <param name="Attempt">From 1.</param>
/// <param name="To">Where it goes; of one that is only asked about, where it went.</param>
/// <param name="Contact">Whose it is.</param>
/// <param name="Sender">Whom it comes from.</param>
/// <param name="Route">By what.</param>
/// <param name="IsOnlyAsked">It is in doubt, and would not be handed over again as it was: what its provider has not got is looked at anew.</param>
internal sealed record TakenMessage(ClaimedMessage Message, int Attempt, EmailAddress To, Contact Contact, SenderIdentity Sender, Route Route, bool IsOnlyAsked = false)
{
    public bool IsAsked => Message.IsAskedAt(Route);
}

/// <summary>What one hand-over commit took up.</summary>
/// <param name="Messages">To be handed over.</param>
/// <param name="Changed">How many rows the commit changed, those refused and parked included.</param>
/// <param name="At">The database's clock.</param>
/// <param name="IsHeldByRate">Whether a limit by the second may have held some back.</param>
/// <param name="Started">This process's monotonic clock when the lease was asked for: a slow answer must not buy time.</param>
/// <param name="Ended">Those that are not handed over at all.</param>
internal sealed record TakenBatch(
    IReadOnlyList<TakenMessage> Messages, int Changed, bool IsHeldByRate, DateTimeOffset At, long Started, IReadOnlyList<(MessageState State, MessageStream Stream)> Ended);

/// <summary>Takes due messages up: reads, checks and marks them in one transaction, whose commit is the hand-over.</summary>
internal sealed class HandOverDesk(
    Database database, IContactStore contacts, SendChecks checks, FlowControl control, DeliveryOptions options, IFaultPoints faults)
{
    /// <summary>Beyond the request's time-out, for a provider that is slow to give up.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    /// <summary>How long a message waits for which there is no room after all: another has taken it.</summary>
    private static readonly TimeSpan UntilRoom = TimeSpan.FromSeconds(1);

    /// <summary>Takes up what is due in these accounts and may leave, by routes that are not busy.</summary>
    public async Task<TakenBatch> TakeUpAsync(IReadOnlyList<int> accounts, long epoch, IReadOnlySet<Route> busy, CancellationToken ct)
    {
        var started = database.Time.GetTimestamp();
        TakenBatch? batch = null;
        try
        {
            var committed = await database.WriteAsync(async session =>
            {
                batch = await TakeUpAsync(session, accounts, epoch, busy, started, ct);
                faults.Reach("sender.hand-over.before-commit");
                return batch;
            }, ct);
            DeliveryMetrics.Moved(database, committed.Ended);
            return await WithoutUnwantedAsync(committed);
        }
        catch (Exception error) when (batch?.Messages.Count > 0 && database.Dialect.IsTransient(error))
        {
            await GiveBackAsync(batch.Messages, batch.At, "the database did not answer the hand-over", ct);
            throw;
        }
    }

    /// <summary>
    /// Looks at suppressions and consents once more: what was committed after they were asked and before the hand-over was is seen now. What it stops goes back, to be
    /// suppressed with its reason. Not cancelled: what was taken up must be sent or put back.
    /// </summary>
    private async Task<TakenBatch> WithoutUnwantedAsync(TakenBatch batch)
    {
        if (batch.Messages.Count == 0) return batch;
        var unwanted = await database.ReadAsync(session => checks.UnwantedAsync(session, [.. batch.Messages.Where(taken => !taken.IsOnlyAsked)], CancellationToken.None), CancellationToken.None);
        if (unwanted.Count == 0) return batch;
        await GiveBackAsync([.. batch.Messages.Where(taken => unwanted.Contains(taken.Message.Id))], batch.At, "no longer wanted when it was taken up", CancellationToken.None);
        return batch with { Messages = [.. batch.Messages.Where(taken => !unwanted.Contains(taken.Message.Id))] };
    }

    /// <summary>What was taken up and certainly goes nowhere now: the commit's answer was lost, or a suppression or a withdrawal came between. One that was in doubt is in doubt again.</summary>
    private Task GiveBackAsync(IReadOnlyList<TakenMessage> messages, DateTimeOffset at, string why, CancellationToken ct) => database.WriteAsync(async session =>
    {
        var now = await session.NowAsync(ct);
        var moves = messages.Select(taken => taken.Message.State == MessageState.Unknown
            ? new Move(taken.Message.Id, taken.Message.AccountId, taken.Attempt, MessageState.Unknown, taken.Message.Reason, now) { Provider = taken.Message.Provider }
            : new Move(taken.Message.Id, taken.Message.AccountId, taken.Attempt, MessageState.Deferred, why, now)).ToList();
        var moved = await Ledger.MoveAsync(session, moves, now, now + (long)options.RetryFor.TotalMilliseconds, ct);
        await Flow.GiveBackAsync(session, messages.Where(taken => moved.Contains(taken.Message.Id)), at, ct);
    }, ct);

    private async Task<TakenBatch> TakeUpAsync(
        Session session, IReadOnlyList<int> accounts, long epoch, IReadOnlySet<Route> busy, long started, CancellationToken ct)
    {
        var now = await session.NowAsync(ct);
        var flow = await control.OpenAsync(session, accounts, busy, now, ct);
        var claimed = await ClaimAsync(session, flow, accounts, now, ct);
        var paused = await PausedJourneys(session, claimed, ct);
        var parked = new List<Guid>();
        var moves = new List<Move>();
        var open = new List<ClaimedMessage>();
        foreach (var message in claimed)
            if (message.CancelReason is null && message.JourneyId is { } journey && paused.Contains(journey)) parked.Add(message.Id);
            else if (WhyGivenUp(message, flow, now) is { } reason) moves.Add(End(message, MessageState.Unconfirmed, reason));
            else open.Add(message);
        await Ledger.ParkAsync(session, parked, ct);

        var people = (await contacts.LoadAsync(session, [.. open.Select(message => message.ContactId).Distinct()], ct)).ToDictionary(contact => contact.Id);
        var refused = await checks.RefusedAsync(session, open, people, now, ct);
        var asked = open.Where(message => refused.ContainsKey(message.Id) && message.ToAddress is not null && people.ContainsKey(message.ContactId) && message.IsAskedAt(flow.Find(message))).ToDictionary(message => message.Id);
        foreach (var message in open)
            if (!asked.ContainsKey(message.Id) && refused.TryGetValue(message.Id, out var refusal))
                moves.Add(message.State == MessageState.Unknown
                    ? End(message, MessageState.Unconfirmed, $"may or may not have been sent ({message.Reason}); {refusal.Reason.Replace("not sent", "not sent again", StringComparison.Ordinal)}")
                    : End(message, refusal.State, refusal.Reason));
        var going = open.Where(message => !refused.ContainsKey(message.Id)).ToList();
        var held = await PolicyDesk.HeldAsync(session, going, people, now, ct);
        moves.AddRange(going.Where(message => held.Skipped.ContainsKey(message.Id)).Select(message => End(message, MessageState.Suppressed, held.Skipped[message.Id])));
        await Ledger.MoveAsync(session, moves, now, 0, ct);

        var candidates = going.Where(message => !held.Skipped.ContainsKey(message.Id) && !held.PutOff.ContainsKey(message.Id))
            .Select(message => (Message: message, To: EmailAddress.Parse(people[message.ContactId].Text("email")!))).ToList();
        var postponed = new Dictionary<Guid, long>(held.PutOff.Concat(await flow.HeldAsync(session, candidates, ct)));
        var taken = new List<TakenMessage>(candidates.Count);
        foreach (var (message, to) in asked.Values.Select(message => (message, EmailAddress.Parse(message.ToAddress!))).Concat(candidates.Where(each => !postponed.ContainsKey(each.Message.Id))))
            if (flow.Pick(message, to) is { } route)
            {
                // What is reported of a mail is about the address that it went to, not about the one that the contact has got since.
                var isAsked = message.IsAskedAt(route);
                var went = isAsked && message.ToAddress is { } address ? EmailAddress.Parse(address) : to;
                var isOnlyAsked = isAsked && (refused.ContainsKey(message.Id) || flow.IsClosed(message, route) || went != to);
                taken.Add(new(message, message.Attempt + 1, went, people[message.ContactId], flow.SenderOf(message.AccountId, route), route, isOnlyAsked));
            }
            else postponed[message.Id] = now + (long)UntilRoom.TotalMilliseconds;
        await Ledger.PostponeAsync(session, postponed, ct);
        var marked = await Ledger.TakeUpAsync(session, [.. taken.Select(message => new TakenUp(
            message.Message.Id, message.Attempt, message.To.ToString(), message.Route.Key, now + (long)(options.Lease + message.Route.Provider.RequestTimeout + Grace).TotalMilliseconds, FlowControl.DomainOf(message.Sender), message.IsOnlyAsked))], epoch, now, ct);
        if (marked != taken.Count) throw new InvalidOperationException($"Of {taken.Count} locked messages only {marked} could be taken up.");
        await flow.CloseAsync(session, ct);
        var streams = claimed.ToDictionary(message => message.Id, message => message.Stream);
        return new TakenBatch(taken, claimed.Count, flow.IsHeldByRate, DateTimeOffset.FromUnixTimeMilliseconds(now), started, moves.ConvertAll(move => (move.State, streams[move.Id])));
    }

    /// <summary>As much of one account as of another, and transactional mail before marketing, within what may leave.</summary>
    private async Task<List<ClaimedMessage>> ClaimAsync(Session session, Flow flow, IReadOnlyList<int> accounts, long now, CancellationToken ct)
    {
        var slice = (options.BatchSize + accounts.Count - 1) / Math.Max(1, accounts.Count);
        var claimed = await OfStreamAsync(MessageStream.Transactional, _ => slice);
        if (claimed.Count >= options.BatchSize) return claimed;
        var had = claimed.CountBy(message => message.AccountId).ToDictionary();
        claimed.AddRange(await OfStreamAsync(MessageStream.Marketing, account => slice - had.GetValueOrDefault(account)));
        return claimed;

        async Task<List<ClaimedMessage>> OfStreamAsync(MessageStream stream, Func<int, int> most)
        {
            var slices = accounts.Select(account => new Slice(account, stream, flow.Claim(account, stream, most(account)))).Where(each => each.Most > 0).ToList();
            var found = await DueMessages.ClaimAsync(session, slices, now, ct);
            var counts = found.CountBy(message => message.AccountId).ToDictionary();
            foreach (var each in slices) flow.Release(each.AccountId, stream, each.Most - counts.GetValueOrDefault(each.AccountId));
            return found;
        }
    }

    /// <summary>Locked until the commit, so that once a pause is answered nothing more of its journey is handed over.</summary>
    private static async Task<IReadOnlySet<int>> PausedJourneys(Session session, List<ClaimedMessage> claimed, CancellationToken ct)
    {
        var ids = claimed.Select(message => message.JourneyId).OfType<int>().Distinct().Order().ToList();
        var found = await session.QueryAsync(
            "SELECT journey.id, journey.paused FROM {rows} JOIN journey ON journey.id = r.id" + (session.Dialect.IsPostgreSql ? " FOR SHARE OF journey" : ""),
            new Rows<int>(ids).Int("id", id => id), row => (Id: row.Int(0), Paused: row.Bool(1)), ct);
        return found.Where(journey => journey.Paused).Select(journey => journey.Id).ToHashSet();
    }

    /// <summary>Of a message whose answer was lost: why it is not handed over again, or null.</summary>
    private static string? WhyGivenUp(ClaimedMessage message, Flow flow, long now)
    {
        if (message.State != MessageState.Unknown) return null;
        if (message.RetryUntil <= now) return $"may or may not have been sent ({message.Reason}); nobody could say in time";
        var forgetful = !flow.IsSilent(message) && flow.Find(message) is not { Provider.Replay: not ReplayPolicy.Neither };
        return forgetful && message.Stream == MessageStream.Marketing
            ? $"may or may not have been sent ({message.Reason}); not sent again, because marketing mail must not come twice"
            : null;
    }

    private static Move End(ClaimedMessage message, MessageState state, string reason) => new(message.Id, message.AccountId, message.Attempt, state, reason);
}
