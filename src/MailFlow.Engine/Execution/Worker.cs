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
public readonly record struct Turn(int Claimed, int Transitions, bool HasMore, bool HasEffects);

/// <summary>
/// Works a shard: lock, claim, advance, commit, in one transaction a batch. A batch that fails is rolled back and tried again
/// at half the size until the contact that causes it stands alone; that one becomes an incident, and the size grows back.
/// </summary>
public sealed partial class Worker
{
    /// <summary>The most stimuli in a batch. Larger ones buy nothing and hold the shard longer.</summary>
    public const int BatchSize = 1_000;

    private readonly Database _database;
    private readonly Catalog _catalog;
    private readonly IServiceScopeFactory _scopes;
    private readonly WorkSignal _signal;
    private readonly IFaultPoints _faults;
    private readonly ILogger<Worker> _log;
    private readonly int[] _sizes;

    internal Worker(Database database, Catalog catalog, IServiceScopeFactory scopes, WorkSignal signal, IFaultPoints faults, ILogger<Worker> log, int batchSize = BatchSize)
    {
        (_database, _catalog, _scopes, _signal, _faults, _log) = (database, catalog, scopes, signal, faults, log);
        _sizes = [.. Enumerable.Repeat(batchSize, StableHash.Shards)];
        MaxSize = batchSize;
    }

    /// <summary>The batch size when nothing fails.</summary>
    internal int MaxSize { get; }

    /// <summary>Runs one batch of a shard. Throws where the database fails; nothing is then half-done, and the next turn does it.</summary>
    public async Task<Turn> RunOnceAsync(int shard, CancellationToken ct)
    {
        var known = new Dictionary<FailedStep, string>();
        Claim? claim = null;
        while (true)
        {
            try
            {
                var turn = await RunBatchAsync(shard, _sizes[shard], known, taken => claim = taken, ct);
                _sizes[shard] = Math.Min(MaxSize, _sizes[shard] * 2);
                return turn;
            }
            catch (Exception error) when (error is ActivityException || (error is not OperationCanceledException && !_database.Dialect.IsTransient(error)))
            {
                if (_sizes[shard] > 1)
                {
                    LogHalved(shard, _sizes[shard], error.Message);
                    _sizes[shard] /= 2;
                }
                else if (error is ActivityException failed && failed.Steps.Any(step => known.TryAdd(step, error.Message)))
                {
                    foreach (var step in failed.Steps) known[step] = error.Message;
                    LogIncident(shard, error);
                }
                else
                {
                    LogPoison(shard, error);
                    if (claim is null) throw;
                    await LayAsideAsync(shard, claim, error, ct);
                }
            }
        }
    }

    /// <summary>Runs batches of all shards until none has anything to do by now. For tests and tools.</summary>
    public async Task<int> RunUntilIdleAsync(CancellationToken ct)
    {
        var transitions = 0;
        while (true)
        {
            var shards = await ShardsWithWorkAsync(ct);
            var claimed = 0;
            foreach (var shard in shards)
            {
                var turn = await RunOnceAsync(shard, ct);
                claimed += turn.Claimed;
                transitions += turn.Transitions;
            }
            if (claimed == 0) return transitions;
        }
    }

    /// <summary>The shards that have something to do by now.</summary>
    public Task<List<int>> ShardsWithWorkAsync(CancellationToken ct) =>
        _database.ReadAsync(async session => await InboxStore.ShardsWithWorkAsync(session, await session.NowAsync(ct), ct), ct);

    private async Task<Turn> RunBatchAsync(int shard, int size, Dictionary<FailedStep, string> known, Action<Claim> taken, CancellationToken ct)
    {
        var posted = Array.Empty<int>();
        var turn = await _database.WriteAsync(async session =>
        {
            // In a statement of its own: one that locked and claimed at once would read from before the lock.
            if (!await session.LockShardAsync(shard, wait: false, ct)) return new Turn(0, 0, HasMore: false, HasEffects: false);
            var now = await session.NowAsync(ct);
            var view = await _catalog.ReadAsync(session, ct);
            var claim = await Claim.TakeAsync(session, shard, size, now, ct);
            if (claim.Count == 0) return default;
            taken(claim);
            _faults.Reach("batch.claimed");

            await using var scope = _scopes.CreateAsyncScope();
            var services = new BatchServices(scope.ServiceProvider, scope.ServiceProvider.GetRequiredService<IContactStore>(),
                [.. scope.ServiceProvider.GetServices<IInstanceEnded>()], _faults, known);
            var batch = new Batch(session, view, _catalog, services, shard, now);
            await batch.RunAsync(claim, ct);
            posted = [.. batch.PostedShards];
            _faults.Reach("batch.before-commit");
            var claimed = claim.Count - batch.Unreadable;
            return new Turn(claimed, batch.Transitions, (claim.IsFull || batch.HasLeftOvers) && claimed > 0, batch.HasEffects);
        }, ct);
        _faults.Reach("batch.after-commit");
        _signal.Notify(posted);
        return turn;
    }

    /// <summary>What fails even alone, outside any activity: its inbox row goes to the dead letters, or its instance becomes an incident.</summary>
    private Task LayAsideAsync(int shard, Claim failed, Exception error, CancellationToken ct) => _database.WriteAsync(async session =>
    {
        if (!await session.LockShardAsync(shard, wait: true, ct)) return;
        var now = await session.NowAsync(ct);
        foreach (var row in failed.Inbox) await InboxStore.BuryAsync(session, row, error.Message, now, ct);
        var counters = new Counters();
        var stuck = (await InstanceStore.WithIdsAsync(session, [.. failed.Due.Select(row => row.Id)], ct)).FindAll(row => row.Status == InstanceStatus.Running);
        foreach (var row in stuck) counters.Add(row, CountKind.Faulted, 1);
        await InstanceStore.UpdateAsync(session, stuck.ConvertAll(row => row with { Status = InstanceStatus.Faulted, DueAt = null, ParkedAt = null, Ver = row.Ver + 1 }), now, ct);
        await HistoryStore.InsertAsync(session, stuck.ConvertAll(row => new HistoryRow(
            row.AccountId, row.ContactId, row.VersionId, row.Id, [HistoryStep.OfInstance(InstanceStatus.Faulted, error.Message)])), now, ct);
        await counters.WriteAsync(session, shard, ct);
    }, ct);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A batch of up to {Size} in shard {Shard} failed and is tried again at half the size: {Error}")]
    private partial void LogHalved(int shard, int size, string error);

    [LoggerMessage(Level = LogLevel.Error, Message = "A step in shard {Shard} failed and becomes an incident")]
    private partial void LogIncident(int shard, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "A stimulus in shard {Shard} cannot be processed and is laid aside")]
    private partial void LogPoison(int shard, Exception error);
}
