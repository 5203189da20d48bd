using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Audience.Privacy;

/// <summary>
/// Forgets a contact. First, in one transaction: the request is written down, the addresses are suppressed by their keyed hashes, what is queued is called off, and
/// the trips under way are told to end. Then, when the shard's worker has ended them, in another: everything that tells who it was is taken out. Both can be
/// repeated, so a request that a crash left half-way is simply taken up again.
/// </summary>
public sealed class Erasure
{
    private readonly Database _database;
    private readonly PrivacyRequests _requests;
    private readonly AddressHashes _hashes;
    private readonly IReadOnlyList<IPersonalData> _modules;
    private readonly WorkSignal _signal;
    private readonly IFaultPoints _faults;

    internal Erasure(Database database, PrivacyRequests requests, AddressHashes hashes, IEnumerable<IPersonalData> modules, WorkSignal signal, IFaultPoints faults) =>
        (_database, _requests, _hashes, _modules, _signal, _faults) = (database, requests, hashes, [.. modules], signal, faults);

    private sealed record Open(Guid Id, int AccountId, string UserId);

    /// <summary>Begins to forget a contact, and finishes when nothing is under way. Asked again, it gives the same request, or the one that was done.</summary>
    /// <exception cref="NotFoundException">There is no such contact, and none was forgotten.</exception>
    public async Task<PrivacyRequest> BeginAsync(int accountId, string userId, CancellationToken ct)
    {
        var request = await _database.WriteAsync(async session =>
        {
            await session.LockShardAsync(StableHash.Shard(accountId, userId), wait: true, ct);
            if (await _requests.PersonAsync(session, accountId, userId, ct) is not { } person)
                return await _requests.ErasedAsync(session, accountId, userId, ct) ?? throw new NotFoundException($"There is no contact '{userId}'.");
            var now = await session.NowAsync(ct);
            var open = await _requests.OpenAsync(session, person, PrivacyRequest.Erasure, DateTimeOffset.FromUnixTimeMilliseconds(now), ct);
            await session.ExecuteAsync("UPDATE privacy_request SET begun_at = coalesce(begun_at, @now) WHERE id = @id", ct, ("now", now), ("id", open.Id));
            await StopAsync(session, person, now, ct);
            await Audit.RecordAsync(session, accountId, "contact.erase", open.Id.ToString(), ct);
            return open;
        }, ct);
        if (request.DoneAt is not null) return request;
        _faults.Reach("erasure.begun");
        _signal.Notify(StableHash.Shard(accountId, userId));
        await FinishAsync(new Open(request.Id, accountId, userId), ct);
        return await _requests.FindAsync(accountId, request.Id, ct) ?? request;
    }

    /// <summary>Goes on with every erasure that was begun; gives how many are done now.</summary>
    /// <exception cref="AggregateException">Some fail; they were passed over, and are tried again the next time.</exception>
    public async Task<int> RunOnceAsync(CancellationToken ct)
    {
        var open = await _database.ReadAsync(session => session.QueryAsync(
            "SELECT id, account_id, user_id FROM privacy_request WHERE done_at IS NULL AND kind = 'erasure' AND begun_at IS NOT NULL ORDER BY id LIMIT 1000",
            row => new Open(row.Uuid(0), row.Int(1), row.Text(2)), ct), ct);
        var done = 0;
        var failures = new List<Exception>();
        foreach (var request in open)
        {
            try
            {
                if (await FinishAsync(request, ct)) done++;
            }
            catch (Exception error) when (error is not OperationCanceledException && !_database.Dialect.IsTransient(error)) // those are everybody's
            {
                failures.Add(new InvalidOperationException($"The erasure {request.Id} cannot be finished: {error.Message}", error));
            }
        }
        return failures.Count == 0 ? done : throw new AggregateException(failures);
    }

    private async Task<bool> FinishAsync(Open request, CancellationToken ct)
    {
        var done = await _database.WriteAsync(async session =>
        {
            await session.LockShardAsync(StableHash.Shard(request.AccountId, request.UserId), wait: true, ct);
            await ErasureLock.TakeAsync(session, request.AccountId, ct);
            var now = await session.NowAsync(ct);
            if (await _requests.PersonAsync(session, request.AccountId, request.UserId, ct) is { } person)
            {
                foreach (var module in _modules)
                    if (!await module.IsAtRestAsync(session, person, ct))
                    {
                        // What has come since is stopped too.
                        await StopAsync(session, person, now, ct);
                        return false;
                    }
                await SuppressAsync(session, person, now, ct);
                foreach (var module in _modules) await module.EraseAsync(session, person, ct);
                await PrivacyRequests.OvertakenAsync(session, person, now, ct);
                await ErasureFacts.WriteAsync(session, person, request.Id, now, ct);
            }
            await PrivacyRequests.DoneAsync(session, request.Id, now, ct);
            _faults.Reach("erasure.finish.before-commit");
            return true;
        }, ct);
        if (!done) _signal.Notify(StableHash.Shard(request.AccountId, request.UserId));
        return done;
    }

    private async Task StopAsync(Session session, Person person, long now, CancellationToken ct)
    {
        await SuppressAsync(session, person, now, ct);
        foreach (var module in _modules) await module.StopAsync(session, person, ct);
    }

    /// <summary>By hashes, which say nothing to whoever reads them, and yet stop a mail when the address comes back.</summary>
    private async Task SuppressAsync(Session session, Person person, long now, CancellationToken ct) => await Suppressions.WriteAsync(session, person.AccountId,
        [.. (await _hashes.FormsAsync(session, person.AccountId, person.Addresses, ct)).DistinctBy(forms => forms.Hash).Select(forms => new Suppression(
            forms.Hash, SuppressionReason.Erased, Suppression.All, "erasure", DateTimeOffset.FromUnixTimeMilliseconds(now)))], ct);
}
