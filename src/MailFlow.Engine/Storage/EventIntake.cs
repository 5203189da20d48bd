using System.Text;
using System.Text.Json;
using MailFlow.Data;
using MailFlow.Engine.Execution;

namespace MailFlow.Engine.Storage;

/// <summary>An event as it comes from outside, checked for form.</summary>
/// <param name="EventId">The sender's id of the event, unique within the account: the same id twice is one event.</param>
/// <param name="EventType">What happened.</param>
/// <param name="UserId">To whom, by the application's id.</param>
/// <param name="OccurredAt">When, by the sender's clock.</param>
/// <param name="Payload">A JSON object, as text.</param>
/// <param name="Metadata">A JSON object, as text, or null.</param>
public sealed record IncomingEvent(string EventId, string EventType, string UserId, DateTimeOffset OccurredAt, string Payload, string? Metadata);

/// <summary>What became of a group of events; indexes are places in the group.</summary>
/// <param name="Accepted">How many are durable now and will be processed.</param>
/// <param name="Duplicates">Which were known already.</param>
/// <param name="Rejected">Which were refused, and why.</param>
public sealed record IntakeResult(int Accepted, IReadOnlyList<int> Duplicates, IReadOnlyList<(int Index, string Reason)> Rejected);

/// <summary>The inbox is at its bound: come again later.</summary>
public sealed class IntakeFullException(TimeSpan retryAfter) : Exception("The event inbox is full.")
{
    /// <summary>When to come again.</summary>
    public TimeSpan RetryAfter { get; } = retryAfter;
}

/// <summary>
/// Takes events in, each once whatever road it comes by. What callers bring at the same time shares one commit, so that a
/// thousand single events cost about as much as one group of a thousand.
/// </summary>
public sealed class EventIntake : IAsyncDisposable
{
    /// <summary>How long an event id is remembered; an older event is refused, because it could not be told from a repetition.</summary>
    public static readonly TimeSpan Horizon = TimeSpan.FromDays(30);

    /// <summary>How many rows the inbox may hold before intake refuses accounts with more than a tenth of it; everybody at twice as many.</summary>
    public const int MostWaiting = 1_000_000;

    private const int MostInOneCommit = 2_000;
    private readonly Database _database;
    private readonly WorkSignal _signal;
    private readonly IFaultPoints _faults;
    private readonly GroupCommit<Request, IntakeResult?> _commits;
    private long _countedAt;
    private bool _isLong, _isFull;
    private HashSet<int> _refused = [];

    /// <summary>Starts the writer.</summary>
    public EventIntake(Database database, WorkSignal signal, IFaultPoints faults)
    {
        (_database, _signal, _faults) = (database, signal, faults);
        _commits = new(4_096, MostInOneCommit, request => request.Events.Count, WriteAsync);
    }

    /// <param name="Trace">A last member of the events' bodies, or nothing (<see cref="BatchTrace"/>).</param>
    private sealed record Request(int AccountId, IReadOnlyList<IncomingEvent> Events, string Trace);

    private sealed record Item(Guid Key, int AccountId, int Shard, string UserId, string Body);

    /// <summary>
    /// Takes events in. When it returns they are durable. Throws <see cref="IntakeFullException"/> when the inbox is at its bound, and what the database throws; then
    /// nothing of this group was taken in for certain, and it may be sent again.
    /// </summary>
    public async Task<IntakeResult> AcceptAsync(int accountId, IReadOnlyList<IncomingEvent> events, CancellationToken ct)
    {
        using var span = BatchTrace.Intake(_database, events.Count);
        var result = await _commits.CommitAsync(new Request(accountId, events, BatchTrace.Link(span)), ct) ?? throw new IntakeFullException(TimeSpan.FromSeconds(5));
        EngineMetrics.TookIn(_database, result.Accepted, result.Duplicates.Count, result.Rejected.Count);
        return result;
    }

    /// <summary>
    /// Takes events in within a transaction at hand: those of a module that keeps its own record of what they tell. Ids that are known already are passed over. Gives the
    /// shards to signal once the transaction has committed. The bound of the inbox is for what comes from outside: these are few beside the mails that they are about, and a refusal would undo what
    /// the transaction does besides, such as a suppression.
    /// </summary>
    public async Task<IReadOnlyCollection<int>> AcceptAsync(Session session, IReadOnlyList<(int AccountId, IncomingEvent Event)> events, CancellationToken ct)
    {
        if (events.Count == 0) return [];
        ct.ThrowIfCancellationRequested();
        var now = await session.NowAsync(ct);
        var items = events.Select(each => new Item(
            StableHash.Key(each.AccountId.ToString(), each.Event.EventId), each.AccountId, StableHash.Shard(each.AccountId, each.Event.UserId), each.Event.UserId, Body(each.Event, "")))
            .DistinctBy(item => item.Key).ToList();
        var isNew = await InsertKeysAsync(session, items, now);
        var fresh = items.FindAll(item => isNew.Contains(item.Key));
        await InsertInboxAsync(session, fresh, now);
        return fresh.Select(item => item.Shard).ToHashSet();
    }

    /// <summary>Counts events that were refused before they came here, because they cannot be read.</summary>
    public void Refused(int events) => EngineMetrics.TookIn(_database, 0, 0, events);

    /// <summary>Has the workers look: what a transaction took in by <see cref="AcceptAsync(Session, IReadOnlyList{ValueTuple{int, IncomingEvent}}, CancellationToken)"/> is committed.</summary>
    public void Signal(IEnumerable<int> shards) => _signal.Notify(shards);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _commits.DisposeAsync();

    /// <summary>Null for a request that is refused because the inbox is full.</summary>
    private async Task<IReadOnlyList<IntakeResult?>> WriteAsync(IReadOnlyList<Request> all)
    {
        var group = all;
        var shards = new HashSet<int>();
        var results = await _database.WriteAsync(async session =>
        {
            var now = await session.NowAsync(default);
            if (all.Any(request => request.Events.Count > 0)) await CountAsync(session);
            group = [.. all.Where(request => request.Events.Count == 0 || !(_isFull || _refused.Contains(request.AccountId)))];
            var items = new List<Item>();
            var places = new List<(int Request, int Index)>();
            var seen = new HashSet<Guid>();
            var rejected = group.Select(_ => new List<(int, string)>()).ToList();
            for (var r = 0; r < group.Count; r++)
                for (var i = 0; i < group[r].Events.Count; i++)
                {
                    var incoming = group[r].Events[i];
                    if (now - incoming.OccurredAt.ToUnixTimeMilliseconds() > (long)Horizon.TotalMilliseconds)
                    {
                        rejected[r].Add((i, $"timestamp: too old; events are taken for {Horizon.TotalDays:0} days"));
                        continue;
                    }
                    var key = StableHash.Key(group[r].AccountId.ToString(), incoming.EventId);
                    if (!seen.Add(key)) continue;
                    items.Add(new Item(key, group[r].AccountId, StableHash.Shard(group[r].AccountId, incoming.UserId), incoming.UserId, Body(incoming, group[r].Trace)));
                    places.Add((r, i));
                }

            var isNew = await InsertKeysAsync(session, items, now);
            var fresh = items.FindAll(item => isNew.Contains(item.Key));
            await InsertInboxAsync(session, fresh, now);
            _faults.Reach("intake.before-commit");
            shards.UnionWith(fresh.Select(item => item.Shard));
            return Answer(group, items, places, isNew, rejected);
        }, default);
        _faults.Reach("intake.after-commit");
        _signal.Notify(shards);
        var answers = new Dictionary<Request, IntakeResult>(group.Zip(results, KeyValuePair.Create), ReferenceEqualityComparer.Instance);
        return [.. all.Select(request => answers.GetValueOrDefault(request))];
    }

    private static IntakeResult[] Answer(IReadOnlyList<Request> group, List<Item> items, List<(int Request, int Index)> places, HashSet<Guid> isNew, List<List<(int, string)>> rejected)
    {
        var accepted = group.Select(_ => new HashSet<int>()).ToList();
        for (var i = 0; i < items.Count; i++)
            if (isNew.Contains(items[i].Key)) accepted[places[i].Request].Add(places[i].Index);
        return [.. group.Select((request, r) =>
        {
            var refused = rejected[r].Select(pair => pair.Item1).ToHashSet();
            var duplicates = Enumerable.Range(0, request.Events.Count).Where(i => !accepted[r].Contains(i) && !refused.Contains(i)).ToList();
            return new IntakeResult(accepted[r].Count, duplicates, rejected[r]);
        })];
    }

    /// <summary>The unique key, not a look-up before it, tells a repetition: two nodes may take the same event at the same moment.</summary>
    private static async Task<HashSet<Guid>> InsertKeysAsync(Session session, List<Item> items, long now) => [.. await session.QueryAsync("""
        INSERT INTO event_key (key, account_id, accepted_at) SELECT r.key, r.account_id, @now FROM {rows} WHERE true
        ON CONFLICT DO NOTHING RETURNING key
        """,
        new Rows<Item>([.. items.OrderBy(item => item.Key)]).Uuid("key", i => i.Key).Int("account_id", i => i.AccountId), row => row.Uuid(0), default, ("now", now))];

    private static Task<int> InsertInboxAsync(Session session, List<Item> items, long now) => session.ExecuteAsync("""
        INSERT INTO inbox (account_id, shard, kind, key, user_id, accepted_at, body)
        SELECT r.account_id, r.shard, 1, r.key, r.user_id, @now, r.body FROM {rows}
        """,
        new Rows<Item>(items).Int("account_id", i => i.AccountId).Int("shard", i => i.Shard).Uuid("key", i => i.Key).Text("user_id", i => i.UserId).Text("body", i => i.Body),
        default, ("now", now));

    /// <summary>
    /// Counts at most once a second, and while it is full every five: the bound is for safety, not to the row. An account whose events wait for a node that can read its journeys must not
    /// keep out everybody else's.
    /// </summary>
    private async Task CountAsync(Session session)
    {
        if (_database.Time.GetElapsedTime(_countedAt) < TimeSpan.FromSeconds(_isLong ? 5 : 1)) return;
        var waiting = await session.ScalarAsync<long>("SELECT count(*) FROM (SELECT 1 FROM inbox LIMIT @most) AS waiting", default, ("most", 2 * MostWaiting));
        (_isLong, _isFull) = (waiting >= MostWaiting, waiting >= 2 * MostWaiting);
        _refused = !_isLong || _isFull ? [] : [.. await session.QueryAsync(
            "SELECT account_id FROM inbox GROUP BY account_id HAVING count(*) > @share", row => row.Int(0), default, ("share", MostWaiting / 10))];
        _countedAt = _database.Time.GetTimestamp();
    }

    private static string Body(IncomingEvent incoming, string trace)
    {
        var text = new StringBuilder(incoming.Payload.Length + 128);
        text.Append("{\"event_id\":").Append(Quote(incoming.EventId)).Append(",\"event_type\":").Append(Quote(incoming.EventType))
            .Append(",\"timestamp\":").Append(incoming.OccurredAt.ToUnixTimeMilliseconds()).Append(",\"payload\":").Append(incoming.Payload);
        if (incoming.Metadata is not null) text.Append(",\"metadata\":").Append(incoming.Metadata);
        return text.Append(trace).Append('}').ToString();
    }

    private static string Quote(string text) => JsonSerializer.Serialize(text);
}
