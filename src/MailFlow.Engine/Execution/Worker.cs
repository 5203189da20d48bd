using System.Diagnostics;
using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MailFlow.Engine.Execution;

/// <summary>What a worker's turn came to.</summary>
/// <param name="Claimed">How many stimuli it took.</param>
/// <param name="Transitions">How many activities it ran.</param>
/// <param name="HasMore">Whether there may be more to do in the shard.</param>
/// <param name="HasEffects">Whether mail, jobs or commands may have been planned.</param>
public readonly record struct Turn(int Claimed, int Transitions, bool HasMore, bool HasEffects)
{
    /// <summary>Of a turn that found the shard in another's hands: it says nothing about the shard.</summary>
    internal static readonly Turn Locked = new() { IsLocked = true };

    internal bool IsLocked { get; private init; }
}

/// <summary>
/// Works a shard: lock, claim, advance, commit, in one transaction a batch. A batch that fails is rolled back and tried again
/// at half the size until the contact that causes it stands alone; that one becomes an incident, and the size grows back. After a run that died every shard
/// starts at size 1 (<see cref="CrashWatch"/>).
/// </summary>
public sealed partial class Worker : IDisposable
{
    /// <summary>The most stimuli in a batch. Larger ones buy nothing and hold the shard longer.</summary>
    public const int BatchSize = 1_000;

    /// <summary>The most shards in a batch. The stimuli of a few share what a batch costs whatever its size; the more it holds, the fewer are left to other nodes.</summary>
    internal const int MostTogether = 16;

    /// <summary>The most shards and accounts to look for in a batch: with many accounts, fewer shards are worked together.</summary>
    internal const int MostPlaces = 2_000;

    /// <summary>How long a shard is worked alone after an activity took its time in it: the others' contacts are not to wait for that.</summary>
    private static readonly TimeSpan ApartFor = TimeSpan.FromMinutes(1);

    private readonly Database _database;
    private readonly Catalog _catalog;
    private readonly IServiceScopeFactory _scopes;
    private readonly WorkSignal _signal;
    private readonly IFaultPoints _faults;
    private readonly ILogger<Worker> _log;
    private readonly CrashWatch _crashes;
    private readonly ShardState[] _shards;
    private readonly SemaphoreSlim _oneCareful = new(1, 1);

    internal Worker(Database database, Catalog catalog, IServiceScopeFactory scopes, WorkSignal signal, IFaultPoints faults, ILogger<Worker> log, string node, int batchSize = BatchSize)
    {
        (_database, _catalog, _scopes, _signal, _faults, _log) = (database, catalog, scopes, signal, faults, log);
        _shards = [.. Enumerable.Range(0, StableHash.Shards).Select(_ => new ShardState { Size = batchSize })];
        _crashes = new CrashWatch(database, node);
        MaxSize = batchSize;
    }

    /// <summary>The batch size when nothing fails.</summary>
    internal int MaxSize { get; }

    /// <summary>Runs one batch of a shard. Throws where the database fails; nothing is then half-done, and the next turn does it.</summary>
    public async Task<Turn> RunOnceAsync(int shard, CancellationToken ct)
    {
        if (!_shards[shard].IsCareful) return await RunHalvingAsync(shard, ct);
        // One at a time, so that of what is under way when the process dies again there is no doubt.
        await _oneCareful.WaitAsync(ct);
        try
        {
            return await RunCarefullyAsync(shard, ct);
        }
        finally
        {
            _oneCareful.Release();
        }
    }

    /// <summary>Whether a shard may be worked in one batch with others: nothing fails or takes its time in it, and no batch of its own would be full.</summary>
    internal bool Joins(int shard) => _shards[shard] is { IsCareful: false, IsFull: false } state && state.Size == MaxSize && MaxSize > 1
        && !(state.SlowAt is { } at && _database.Time.GetElapsedTime(at) < ApartFor);

    /// <summary>The most shards that are worked in one batch, with as many accounts as there are.</summary>
    internal int Together => Math.Clamp(MostPlaces / Math.Max(1, _catalog.Accounts), 1, MostTogether);

    /// <summary>
    /// Runs one batch of some shards, each of which <see cref="Joins"/> or is alone. Where it fails, each goes on alone, at half the size.
    /// Throws as <see cref="RunOnceAsync"/> does.
    /// </summary>
    /// <returns>What it came to, and the shards in which there may be more.</returns>
    internal async Task<(Turn Turn, IReadOnlyCollection<int> More)> RunTogetherAsync(IReadOnlyList<int> shards, CancellationToken ct)
    {
        if (shards is [var alone])
        {
            var turn = await RunOnceAsync(alone, ct);
            return (turn, turn.HasMore ? shards : []);
        }
        try
        {
            return await RunBatchAsync(shards, MaxSize, new KnownFailures(), null, _ => { }, ct);
        }
        catch (Exception error) when (IsOfTheWork(error))
        {
            EngineMetrics.RolledBack(_database);
            foreach (var shard in shards)
            {
                LogHalved(shard, MaxSize, error.Message);
                _shards[shard].Size = MaxSize / 2;
            }
            return (new Turn(0, 0, HasMore: true, HasEffects: false), shards);
        }
    }

    /// <summary>Begins a run of this node. When the last one died, every shard starts with one stimulus.</summary>
    public async Task BeginAsync(CancellationToken ct)
    {
        if (!await _crashes.BeginAsync(ct)) return;
        LogDied();
        // What it cannot read it must know before it marks anything: a mark on what it then leaves to others would take the place of that on the killer.
        await _database.ReadAsync(session => _catalog.ReadAllAsync(session, ct), ct);
        foreach (var state in _shards) (state.Size, state.IsCareful) = (1, true);
    }

    /// <summary>Ends the run in good order.</summary>
    public Task EndAsync(CancellationToken ct) => _crashes.EndAsync(ct);

    private async Task<Turn> RunCarefullyAsync(int shard, CancellationToken ct)
    {
        var turn = default(Turn);
        if (_shards[shard].Size > 1)
        {
            turn = await RunHalvingAsync(shard, ct);
        }
        else
        {
            var (isLocked, claim, mayTry) = await _database.WriteAsync(async session =>
            {
                session.AvoidScans();
                if (!await session.LockShardAsync(shard, wait: false, ct)) return (true, null, false);
                var taken = await Claim.TakeAsync(session, [shard], 1, await session.NowAsync(ct), inOrder: true, _catalog.Unreadable, ct);
                return (false, taken.Count > 0 ? taken : null, taken.Count > 0 && await _crashes.MarkAsync(session, shard, taken, ct));
            }, ct);
            if (isLocked) return Turn.Locked;
            if (claim is not null && !mayTry)
            {
                await LayAsideAsync(shard, claim, new InvalidOperationException("The server died every time it worked on this alone."), ct);
                return new Turn(claim.Count, 0, HasMore: true, HasEffects: false);
            }
            if (claim is not null) turn = await RunHalvingAsync(shard, ct, CrashWatch.NameOf(claim));
        }
        if (turn.IsLocked || (turn.HasMore && _shards[shard].Size < MaxSize)) return turn;
        await _crashes.ForgetAsync(shard, ct);
        _shards[shard].IsCareful = false;
        return turn;
    }

    private async Task<Turn> RunHalvingAsync(int shard, CancellationToken ct, string? marked = null)
    {
        var known = new KnownFailures();
        Claim? claim = null;
        while (true)
        {
            try
            {
                claim = null; // of this attempt, not of an earlier and larger one
                var (turn, _) = await RunBatchAsync([shard], _shards[shard].Size, known, marked, taken => claim = taken, ct);
                if (!turn.IsLocked && (turn.Claimed > 0 || !turn.HasMore)) _shards[shard].Size = Math.Min(MaxSize, _shards[shard].Size * 2);
                return turn;
            }
            catch (Exception error) when (IsOfTheWork(error))
            {
                EngineMetrics.RolledBack(_database);
                if (error is NodeFailedException broken)
                {
                    known.Nodes[broken.Node] = broken.Message;
                }
                else if (error is ActivityException { MayBeAll: true } all && known.TryProbe(all.Node))
                {
                    LogProbed(shard, error.Message);
                }
                else if (_shards[shard].Size > 1)
                {
                    LogHalved(shard, _shards[shard].Size, error.Message);
                    _shards[shard].Size /= 2;
                }
                else if (error is ActivityException failed && failed.Steps.Any(step => known.Steps.TryAdd(step, error.Message)))
                {
                    foreach (var step in failed.Steps) known.Steps[step] = error.Message;
                    LogIncident(shard, error);
                }
                else
                {
                    if (claim is not { } failing)
                    {
                        LogPoison(shard, error);
                        throw;
                    }
                    await LayAsideAsync(shard, failing, error, ct);
                }
            }
        }
    }

    /// <summary>Whether it is the work that fails, and not the database.</summary>
    private bool IsOfTheWork(Exception error) => error is ActivityException || (error is not OperationCanceledException && !_database.Dialect.IsTransient(error));

    /// <summary>What this worker knows of a shard.</summary>
    private sealed class ShardState
    {
        /// <summary>The most stimuli of its next batch.</summary>
        public int Size { get; set; }

        /// <summary>The last run of this node died, and the shard has not been worked through since.</summary>
        public bool IsCareful { get; set; }

        /// <summary>Its last batch left some over.</summary>
        public bool IsFull { get; set; }

        /// <summary>When an activity last took its time in it, by the monotonic clock.</summary>
        public long? SlowAt { get; set; }
    }

    /// <inheritdoc/>
    public void Dispose() => _oneCareful.Dispose();

    /// <summary>Runs batches of all shards until none has anything to do by now. For tests and tools.</summary>
    public async Task<int> RunUntilIdleAsync(CancellationToken ct)
    {
        var transitions = 0;
        while (true)
        {
            var shards = await ShardsWithWorkAsync(ct);
            var (more, claimed) = (false, 0);
            foreach (var group in shards.Where(Joins).Chunk(Together).Concat(shards.Where(shard => !Joins(shard)).Chunk(1)).ToList())
            {
                var (turn, left) = await RunTogetherAsync(group, ct);
                more |= left.Count > 0;
                claimed += turn.Claimed;
                transitions += turn.Transitions;
            }
            if (claimed == 0 && !more) return transitions;
        }
    }

    /// <summary>The shards that have something to do by now.</summary>
    public async Task<List<int>> ShardsWithWorkAsync(CancellationToken ct) => (await LookAheadAsync(ct)).Shards;

    internal Task<WorkAhead> LookAheadAsync(CancellationToken ct) => _database.ReadAsync(async session =>
    {
        var now = await session.NowAsync(ct);
        session.AvoidScans();
        return await InboxStore.LookAheadAsync(session, now, ct);
    }, ct);

    /// <summary>Gives what it came to, and the shards in which there may be more.</summary>
    private async Task<(Turn Turn, IReadOnlyCollection<int> More)> RunBatchAsync(IReadOnlyList<int> shards, int size, KnownFailures known, string? marked, Action<Claim> taken, CancellationToken ct)
    {
        var posted = Array.Empty<int>();
        List<int> locked = [];
        IReadOnlyCollection<int> more = [];
        (Batch Batch, Claim Claim)? done = null;
        var (claimedAt, started) = (0L, Stopwatch.GetTimestamp());
        Turn turn;
        try { turn = await _database.WriteAsync(BatchAsync, ct); }
        catch (UnreadableException) { return (new Turn(0, 0, HasMore: true, HasEffects: false), shards); }
        _faults.Reach("batch.after-commit");
        _signal.Notify(posted);
        if (done is not var (worked, took)) return (turn, more);
        EngineMetrics.Committed(_database, took, worked, claimedAt, started);
        BatchTrace.Committed(_database, took, worked, locked, _database.Time.GetUtcNow() - Stopwatch.GetElapsedTime(started));
        foreach (var node in worked.Parked) LogParked(node);
        foreach (var key in worked.Released) LogReleased(key.Node, key.VersionId);
        return (turn, more);

        async Task<Turn> BatchAsync(Session session)
        {
            session.AvoidScans();
            // In a statement of its own: one that locked and claimed at once would read from before the lock.
            var locks = await session.TryLockShardsAsync(shards, ct);
            var now = await session.NowAsync(ct);
            await session.SendAsync(ct);
            locked = locks.Rows;
            if (locked.Count == 0) return Turn.Locked;
            (claimedAt, started) = (now, Stopwatch.GetTimestamp());
            var others = _catalog.Unreadable;
            var claim = await Claim.TakeAsync(session, locked, size, now, inOrder: locked.Exists(shard => _shards[shard].IsCareful), others, ct);
            foreach (var shard in locked) _shards[shard].IsFull = claim.Full.Contains(shard);
            if (claim.Count == 0 && others.Accounts.Count == 0) return default; // of an account that is left to others, the journeys may be others meanwhile
            // Another came first meanwhile: that one is to be written down before it is tried.
            if (marked is not null && claim.Count > 0 && CrashWatch.NameOf(claim) != marked) return new Turn(0, 0, HasMore: true, HasEffects: false);
            // Before anything is laid at the door of what was taken: that the journeys cannot be read is no stimulus's fault.
            var view = await _catalog.ReadAsync(session, claim.Epoch, ct);
            if (!view.Unreadable.SetEquals(others.Accounts)) throw new UnreadableException();
            if (claim.Count == 0) return default;
            taken(claim);
            _faults.Reach("batch.claimed");

            await using var scope = _scopes.CreateAsyncScope();
            var services = new BatchServices(scope.ServiceProvider, scope.ServiceProvider.GetRequiredService<IContactStore>(),
                [.. scope.ServiceProvider.GetServices<IInstanceEnded>()], _faults, known);
            var batch = new Batch(session, view, _catalog, services, others, locked[0], claim.WorkedAt);
            await batch.RunAsync(claim, ct);
            foreach (var shard in batch.Slow) _shards[shard].SlowAt = _database.Time.GetTimestamp();
            (posted, done) = ([.. batch.PostedShards], (batch, claim));
            _faults.Reach("batch.before-commit");
            var claimed = claim.Count - batch.LeftAlone;
            if (claimed > 0) more = batch.HasLeftOvers ? locked : claim.Full;
            return new Turn(claimed, batch.Transitions, more.Count > 0, batch.HasEffects);
        }
    }

    /// <summary>What fails even alone, outside any activity, is laid aside, and its contact's trace says so: unless it is the contact that cannot be had.</summary>
    private async Task LayAsideAsync(int shard, Claim failed, Exception error, CancellationToken ct)
    {
        LogPoison(shard, error);
        await using var scope = _scopes.CreateAsyncScope();
        var contacts = scope.ServiceProvider.GetRequiredService<IContactStore>();
        try
        {
            await _database.WriteAsync(session => LaidAside.WriteAsync(session, shard, failed, error, contacts, ct), ct);
        }
        catch (Exception untold) when (untold is not OperationCanceledException && !_database.Dialect.IsTransient(untold))
        {
            LogUntold(shard, untold);
            await _database.WriteAsync(session => LaidAside.WriteAsync(session, shard, failed, error, null, ct), ct);
        }
        EngineMetrics.WasLaidAside(_database);
    }

    /// <summary>The alarm is raised once; that it is still so, at every try.</summary>
    private void LogParked(ParkedNode node)
    {
        var name = _catalog.NameOf(node.VersionId, node.Node);
        var retryAt = DateTimeOffset.FromUnixTimeMilliseconds(node.RetryAt);
        if (node.Attempts == 1) LogParked(name, node.Reason, retryAt);
        else LogStillParked(name, node.Attempts, node.Reason, retryAt);
    }

    private void LogReleased(int node, long versionId) => LogReleased(_catalog.NameOf(versionId, node));

    [LoggerMessage(Level = LogLevel.Warning, Message = "A batch of up to {Size} in shard {Shard} failed and is tried again at half the size: {Error}")]
    private partial void LogHalved(int shard, int size, string error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Many contacts failed together in shard {Shard} and are tried one by one: {Error}")]
    private partial void LogProbed(int shard, string error);

    [LoggerMessage(Level = LogLevel.Error, Message = "Everybody fails at {Node}, which is parked; tried again at {RetryAt:O}: {Reason}")]
    private partial void LogParked(string node, string reason, DateTimeOffset retryAt);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Everybody still fails at {Node}, after {Attempts} tries; tried again at {RetryAt:O}: {Reason}")]
    private partial void LogStillParked(string node, int attempts, string reason, DateTimeOffset retryAt);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Node} works again; those held there go on")]
    private partial void LogReleased(string node);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The last run of this node died: every shard starts with one stimulus")]
    private partial void LogDied();

    [LoggerMessage(Level = LogLevel.Error, Message = "A step in shard {Shard} failed and becomes an incident")]
    private partial void LogIncident(int shard, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "A stimulus in shard {Shard} cannot be processed and is laid aside")]
    private partial void LogPoison(int shard, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "What was laid aside in shard {Shard} could not be told in its contact's trace")]
    private partial void LogUntold(int shard, Exception error);
}
