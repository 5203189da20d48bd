using MailFlow.Data;

namespace MailFlow.Engine.Storage;

/// <summary>Something that was accepted and could not be worked on.</summary>
/// <param name="Id">Names it.</param>
/// <param name="At">When it was laid aside.</param>
/// <param name="UserId">The contact; null for a command to a whole journey.</param>
/// <param name="What">What it asked for, in plain words.</param>
/// <param name="Reason">The error that it was laid aside for.</param>
public sealed record DeadLetter(Guid Id, DateTimeOffset At, string? UserId, string What, string Reason);

/// <summary>What was laid aside, for people to look at and to put back.</summary>
public sealed class DeadLetters
{
    private readonly Database _database;
    private readonly WorkSignal _signal;

    internal DeadLetters(Database database, WorkSignal signal) => (_database, _signal) = (database, signal);

    /// <summary>A page of an account's dead letters, the latest first.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="cursor">Where to go on; null to begin.</param>
    /// <param name="limit">1 to 1,000.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<Page<DeadLetter>> ListAsync(int accountId, string? cursor, int limit, CancellationToken ct)
    {
        var before = Cursor.Read(cursor) is not { } key ? Guid.AllBitsSet : Guid.TryParse(key, out var id) ? id : throw Cursor.Unknown();
        var found = await _database.ReadAsync(session => session.QueryAsync("""
            SELECT id, at, user_id, kind, body, error FROM dead_letter WHERE account_id = @account AND id < @before ORDER BY id DESC LIMIT @limit
            """,
            row => new DeadLetter(row.Uuid(0), row.Instant(1), row.TextOrNull(2), DeadLetterStore.Words((InboxKind)row.Int(3), row.Text(4)), row.Text(5)),
            ct, ("account", accountId), ("before", before), ("limit", limit + 1)), ct);
        return Cursor.Page(found, limit, last => last.Id.ToString());
    }

    /// <summary>Puts one back into the inbox, as if it had been accepted now. What fails again becomes another dead letter.</summary>
    /// <exception cref="NotFoundException">There is no such dead letter.</exception>
    /// <exception cref="ConflictException">It is of no contact and from a version that did not keep its shard.</exception>
    public async Task ReplayAsync(int accountId, Guid id, CancellationToken ct)
    {
        var shard = await _database.WriteAsync(async session =>
        {
            var found = await session.QueryAsync("SELECT kind, key, user_id, body, shard FROM dead_letter WHERE account_id = @account AND id = @id",
                row => (Kind: (InboxKind)row.Int(0), Key: row.Uuid(1), User: row.TextOrNull(2), Body: row.Text(3), Shard: row.LongOrNull(4)),
                ct, ("account", accountId), ("id", id));
            // Whoever deletes it replays it: two at once put it back once.
            if (found is not [var letter] || await session.ExecuteAsync("DELETE FROM dead_letter WHERE account_id = @account AND id = @id", ct, ("account", accountId), ("id", id)) == 0)
                throw new NotFoundException($"There is no dead letter {id}.");
            var shard = (int?)letter.Shard ?? (letter.User is { } user ? StableHash.Shard(accountId, user) : throw new ConflictException("The dead letter is from before they could be replayed."));
            await Inbox.PostAsync(session, [new InboxItem(accountId, shard, letter.Kind, letter.Key, letter.User, letter.Body)], ct);
            await Audit.RecordAsync(session, accountId, "dead_letter.replay", id.ToString(), ct,
                ("what", DeadLetterStore.Words(letter.Kind, letter.Body)), ("user_id", letter.User));
            return shard;
        }, ct);
        _signal.Notify(shard);
    }
}
