using MailFlow.Data;
using MailFlow.Delivery.Reports;
using MailFlow.Engine.Facts;

namespace MailFlow.Delivery;

/// <summary>A message about to be planned.</summary>
internal sealed record PlannedMessage : MessageOrder
{
    public string? ActivityId { get; init; }
    public required string Snapshot { get; init; }
}

/// <summary>A message that is taken up: the row changes to inflight.</summary>
/// <param name="Id">Which message.</param>
/// <param name="Attempt">From 1.</param>
/// <param name="ToAddress">Where it goes.</param>
/// <param name="Provider">The key of the route it takes.</param>
/// <param name="LeaseUntil">Until when it may be handed over, Unix milliseconds.</param>
/// <param name="FromDomain">The domain it comes from; one that is in doubt keeps the domain that it counts for.</param>
/// <param name="IsOnlyAsked">It is in doubt, and its provider is only asked: what it has got, it got when it was handed over.</param>
internal sealed record TakenUp(Guid Id, int Attempt, string ToAddress, string Provider, long LeaseUntil, string FromDomain, bool IsOnlyAsked = false);

/// <summary>Any other change of state.</summary>
/// <param name="Id">Which message.</param>
/// <param name="Attempt">The attempt this is about: an answer to an earlier attempt than the row's is dropped.</param>
/// <param name="State">The state to come.</param>
/// <param name="Reason">In plain words; null for plain acceptance.</param>
/// <param name="DueAt">When to look at it again; null in ends.</param>
/// <param name="ProviderId">The provider's name for the mail.</param>
internal sealed record Move(Guid Id, int AccountId, int Attempt, MessageState State, string? Reason, long? DueAt = null, string? ProviderId = null)
{
    /// <summary>What was answered this time, where the reason is another: a mail in doubt stays so for the answer that was lost.</summary>
    public string? Answer { get; init; }

    /// <summary>The key of the route that the doubt is about, where it is not the one that the mail took last; null for that one.</summary>
    public string? Provider { get; init; }
}

/// <summary>Evidence that a provider has taken a mail.</summary>
/// <param name="State">Where the message stood when the evidence was looked at.</param>
/// <param name="Evidence">In plain words.</param>
internal sealed record Settlement(Guid Id, int AccountId, MessageState State, int Attempt, string Evidence, string? ProviderId);

/// <summary>All that is ever written to the ledger: planning, taking up, every other change of state, parking and releasing.</summary>
internal static class Ledger
{
    private const int LongestWords = 1_000, LongestProviderId = 300;

    /// <summary>Whether the mail's contact was erased since it was handed over: an answer that comes only now tells nothing of the person.</summary>
    public const string IsErased = "(message.attempt > 0 AND message.to_address IS NULL)";

    /// <summary>Plans messages; a send key that is there already plans nothing. Gives how many were new.</summary>
    public static Task<int> PlanAsync(Session session, IReadOnlyList<PlannedMessage> messages, long now, CancellationToken ct) => session.ExecuteAsync("""
        INSERT INTO message (id, account_id, contact_id, user_id, journey_id, version_id, instance_id, activity_id, template, template_version,
                             subject, stream, purpose, expires_at, priority, snapshot, state, due_at, queued_at, updated_at)
        SELECT r.id, r.account_id, r.contact_id, r.user_id, r.journey_id, r.version_id, r.instance_id, r.activity_id, r.template, r.template_version,
               r.subject, r.stream, r.purpose, r.expires_at, r.priority, r.snapshot, 0, @now, @now, @now
        FROM {rows} WHERE true
        ON CONFLICT (id) DO NOTHING
        """,
        new Rows<PlannedMessage>([.. messages.OrderBy(message => message.Id)])
            .Uuid("id", m => m.Id).Int("account_id", m => m.AccountId).Long("contact_id", m => m.ContactId).Text("user_id", m => m.UserId)
            .IntOrNull("journey_id", m => m.JourneyId).LongOrNull("version_id", m => m.VersionId).UuidOrNull("instance_id", m => m.InstanceId)
            .Text("activity_id", m => m.ActivityId).Text("template", m => m.Template).Int("template_version", m => m.TemplateVersion)
            .Text("subject", m => m.Subject).Int("stream", m => (int)m.Stream).Text("purpose", m => m.Purpose)
            .LongOrNull("expires_at", m => m.ExpiresAt).Int("priority", m => (int)m.Priority).Text("snapshot", m => m.Snapshot),
        ct, ("now", now));

    /// <summary>Takes messages up: the hand-over's one commit. Gives how many really were.</summary>
    public static Task<int> TakeUpAsync(
        Session session, IReadOnlyList<TakenUp> messages, long epoch, long now, CancellationToken ct) => session.ExecuteAsync($$"""
        UPDATE message SET state = {{(int)MessageState.Inflight}}, attempt = r.attempt, to_address = r.to_address, provider = r.provider,
               handed_over_at = CASE WHEN r.is_only_asked THEN message.handed_over_at ELSE @now END, node_epoch = @epoch, lease_until = r.lease_until, due_at = NULL, updated_at = @now, reason = NULL,
               from_domain = CASE WHEN message.state = {{(int)MessageState.Unknown}} THEN coalesce(message.from_domain, r.from_domain) ELSE r.from_domain END
        FROM {rows}
        WHERE message.id = r.id AND message.attempt = r.attempt - 1 AND message.state IN ({{MessageStates.SqlBefore(MessageState.Inflight)}})
        """,
        new Rows<TakenUp>([.. messages.OrderBy(message => message.Id)]).Uuid("id", m => m.Id).Int("attempt", m => m.Attempt).Text("to_address", m => m.ToAddress)
            .Text("provider", m => m.Provider).Long("lease_until", m => m.LeaseUntil).Text("from_domain", m => m.FromDomain).Bool("is_only_asked", m => m.IsOnlyAsked),
        ct, ("epoch", epoch), ("now", now));

    /// <summary>Has messages looked at again later, nothing else changed: a limit holds them.</summary>
    public static Task<int> PostponeAsync(Session session, IReadOnlyCollection<KeyValuePair<Guid, long>> instants, CancellationToken ct) => session.ExecuteAsync(
        "UPDATE message SET due_at = r.due_at FROM {rows} WHERE message.id = r.id AND message.due_at IS NOT NULL",
        new Rows<KeyValuePair<Guid, long>>([.. instants.OrderBy(each => each.Key)]).Uuid("id", each => each.Key).Long("due_at", each => each.Value), ct);

    /// <summary>Makes every move that the transition table allows and passes over the others. Gives the messages that were moved.</summary>
    /// <param name="session">A writing session.</param>
    /// <param name="moves">One a message.</param>
    /// <param name="now">Unix milliseconds.</param>
    /// <param name="retryUntil">Until when a message put off for the first time is tried again, Unix milliseconds.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task<IReadOnlySet<Guid>> MoveAsync(Session session, IReadOnlyList<Move> moves, long now, long retryUntil, CancellationToken ct)
    {
        if (moves.Count == 0) return new HashSet<Guid>();
        // In the order of their keys, as every writer takes them: no two can then wait for each other.
        moves = [.. moves.OrderBy(move => move.Id)];
        var interest = await FactInterest.OfAsync(session, moves.Select(move => move.AccountId), ct);
        var made = await TellAsync(session, interest, moves.Any(move => MailFacts.IsTold(interest, move.AccountId, move.State)), $$"""
            UPDATE message SET state = r.state, reason = CASE WHEN {{IsErased}} AND r.reason IS NOT NULL THEN 'erased' ELSE r.reason END, parked_at = NULL, lease_until = NULL, updated_at = @now,
                   provider_id = CASE WHEN {{IsErased}} THEN NULL ELSE coalesce(r.provider_id, message.provider_id) END, provider = coalesce(r.provider, message.provider),
                   -- Put off, but no longer wanted: looked at again at once, to be called off.
                   due_at = CASE WHEN r.state = {{(int)MessageState.Deferred}} AND message.cancel_reason IS NOT NULL THEN @now ELSE r.due_at END,
                   retry_until = CASE WHEN r.due_at IS NULL THEN message.retry_until ELSE coalesce(message.retry_until, @retry_until) END
            FROM {rows}
            WHERE message.id = r.id AND message.attempt = r.attempt AND {{MessageStates.SqlCanFollow("message.state", "r.state")}}
            """,
            new Rows<Move>(moves).Uuid("id", m => m.Id).Int("attempt", m => m.Attempt).Int("state", m => (int)m.State)
                .Text("reason", m => Words(m.Reason)).LongOrNull("due_at", m => m.DueAt).Text("provider_id", m => Report.Clean(m.ProviderId, LongestProviderId)).Text("provider", m => m.Provider),
            now, ct, ("now", now), ("retry_until", retryUntil));
        var troubles = moves.Where(move => move.State is MessageState.Deferred or MessageState.Rejected or MessageState.Unknown).ToList();
        await session.ExecuteAsync($$"""
            INSERT INTO message_attempt (message_id, account_id, at, attempt, state, answer)
            SELECT r.id, r.account_id, @now, r.attempt, r.state, CASE WHEN {{IsErased}} THEN 'erased' ELSE r.answer END
            FROM {rows} JOIN message ON message.id = r.id AND message.attempt = r.attempt AND message.state = r.state
            """,
            new Rows<Move>(troubles).Uuid("id", m => m.Id).Int("account_id", m => m.AccountId).Int("attempt", m => m.Attempt)
                .Int("state", m => (int)m.State).Text("answer", m => Words(m.Answer ?? m.Reason) ?? ""),
            ct, ("now", now));
        return made;
    }

    /// <summary>Words from outside as a row takes them: one that is refused would take the others of its batch with it.</summary>
    public static string? Words(string? said) => Report.Clean(said, LongestWords);

    /// <summary>
    /// Late evidence: the provider has these mails. Whatever stands in doubt, under way or put off is accepted and not tried again; what is at another end stays there, but a
    /// mail that was given up as unconfirmed. Gives how many moved.
    /// </summary>
    public static async Task<int> SettleAsync(Session session, IReadOnlyList<Settlement> settlements, long now, CancellationToken ct)
    {
        settlements = [.. settlements.Where(each => MessageStates.After(each.State).Contains(MessageState.Accepted)).OrderBy(each => each.Id)];
        if (settlements.Count == 0) return 0;
        var interest = await FactInterest.OfAsync(session, settlements.Select(each => each.AccountId), ct);
        var settled = await session.QueryAsync($$"""
            UPDATE message SET state = {{(int)MessageState.Accepted}}, reason = NULL, due_at = NULL, parked_at = NULL, lease_until = NULL, updated_at = @now,
                   provider_id = coalesce(message.provider_id, r.provider_id)
            FROM {rows} WHERE message.id = r.id AND message.state IN ({{MessageStates.SqlBefore(MessageState.Accepted)}})
            RETURNING {{MailFacts.Columns}}
            """,
            new Rows<Settlement>(settlements).Uuid("id", s => s.Id).Text("provider_id", s => s.ProviderId), row => (Id: row.Uuid(0), Fact: MailFacts.Read(row, now)), ct, ("now", now));
        await Outbox.WriteAsync(session, interest, settled.Select(each => each.Fact).OfType<Fact>(), ct);
        var moved = settled.Select(each => each.Id).ToHashSet();
        // How a doubt was resolved is told beside how it came up; an answer that was only overtaken is none.
        await session.ExecuteAsync($$"""
            INSERT INTO message_attempt (message_id, account_id, at, attempt, state, answer) SELECT r.id, r.account_id, @now, r.attempt, {{(int)MessageState.Accepted}}, r.answer FROM {rows}
            """,
            new Rows<Settlement>([.. settlements.Where(each => moved.Contains(each.Id) && each.State != MessageState.Inflight)])
                .Uuid("id", s => s.Id).Int("account_id", s => s.AccountId).Int("attempt", s => s.Attempt).Text("answer", s => s.Evidence), ct, ("now", now));
        return moved.Count;
    }

    /// <summary>Puts messages of a paused journey out of the sender's way, their instant kept.</summary>
    public static Task<int> ParkAsync(Session session, IReadOnlyList<Guid> ids, CancellationToken ct) => session.ExecuteAsync(
        "UPDATE message SET parked_at = due_at, due_at = NULL FROM {rows} WHERE message.id = r.id AND message.due_at IS NOT NULL",
        new Rows<Guid>([.. ids.Order()]).Uuid("id", id => id), ct);

    /// <summary>Brings back, a thousand at a time, the messages of a journey that runs again. What the pause took is not counted against the retries. Gives how many.</summary>
    public static Task<int> ReleaseAsync(Session session, int journeyId, CancellationToken ct) => session.ExecuteAsync("""
        UPDATE message SET due_at = parked_at, parked_at = NULL, retry_until = NULL
        WHERE id IN (SELECT id FROM message WHERE journey_id = @journey AND parked_at IS NOT NULL LIMIT 1000) AND parked_at IS NOT NULL
        """, ct, ("journey", journeyId));

    /// <summary>Calls off what these instances have queued, and marks what is under way: it may have been taken already, but is not tried again. Gives how many were called off.</summary>
    public static Task<int> CancelAsync(Session session, IReadOnlyList<Guid> instanceIds, string reason, long now, CancellationToken ct) =>
        CancelAsync(session, new Rows<Guid>([.. instanceIds.Order()]).Uuid("instance_id", id => id), "message.instance_id = r.instance_id", reason, now, ct);

    /// <summary>The same for all mail of a journey.</summary>
    public static Task<int> CancelAsync(Session session, int journeyId, string reason, long now, CancellationToken ct) =>
        CancelAsync(session, new Rows<int>([journeyId]).Int("journey_id", id => id), "message.journey_id = r.journey_id", reason, now, ct);

    /// <summary>The same for all mail of a contact.</summary>
    public static Task<int> CancelOfContactAsync(Session session, long contactId, string reason, long now, CancellationToken ct) =>
        CancelAsync(session, new Rows<long>([contactId]).Long("contact_id", id => id), "message.contact_id = r.contact_id", reason, now, ct);

    /// <summary>Runs a statement that changes messages' states, and tells of those that came to an end by it, where somebody wants to know. Gives the messages it changed.</summary>
    private static async Task<IReadOnlySet<Guid>> TellAsync(
        Session session, FactInterest interest, bool isTold, string sql, Rows rows, long now, CancellationToken ct, params (string Name, object? Value)[] parameters)
    {
        if (!isTold) return (await session.QueryAsync($"{sql} RETURNING message.id", rows, row => row.Uuid(0), ct, parameters)).ToHashSet();
        var changed = await session.QueryAsync($"{sql} RETURNING {MailFacts.Columns}", rows, row => (Id: row.Uuid(0), Fact: MailFacts.Read(row, now)), ct, parameters);
        await Outbox.WriteAsync(session, interest, changed.Select(each => each.Fact).OfType<Fact>(), ct);
        return changed.Select(each => each.Id).ToHashSet();
    }

    /// <summary>One statement, which waits for a row that a sender holds and then sees what became of it: between two, a message could slip past both.</summary>
    private static async Task<int> CancelAsync(Session session, Rows whose, string condition, string reason, long now, CancellationToken ct)
    {
        var cancellable = $"message.state IN ({MessageStates.SqlBefore(MessageState.Cancelled)})";
        var changed = await session.QueryAsync($$"""
            UPDATE message SET cancel_reason = @reason,
                   state = CASE WHEN {{cancellable}} THEN {{(int)MessageState.Cancelled}} ELSE state END,
                   reason = CASE WHEN {{cancellable}} THEN @reason ELSE reason END,
                   due_at = CASE WHEN {{cancellable}} THEN NULL ELSE due_at END,
                   parked_at = CASE WHEN {{cancellable}} THEN NULL ELSE parked_at END,
                   updated_at = CASE WHEN {{cancellable}} THEN @now ELSE updated_at END
            FROM {rows}
            WHERE {{condition}} AND message.state IN ({{MessageStates.SqlOpen}})
            RETURNING {{MailFacts.Columns}}
            """,
            whose, row => (AccountId: row.Int(1), State: (MessageState)row.Int(4), Fact: MailFacts.Read(row, now)), ct, ("reason", $"not sent: {reason}"), ("now", now));
        var cancelled = changed.Where(each => each.State == MessageState.Cancelled).ToList();
        if (cancelled.Count > 0)
            await Outbox.WriteAsync(session, await FactInterest.OfAsync(session, cancelled.Select(each => each.AccountId), ct), cancelled.Select(each => each.Fact).OfType<Fact>(), ct);
        return cancelled.Count;
    }
}
