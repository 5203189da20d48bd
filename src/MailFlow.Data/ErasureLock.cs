namespace MailFlow.Data;

/// <summary>
/// Keeps apart the erasure of a person and whoever writes of a person by what it read before, without the lock of the contact's shard: what providers report of mail. On SQLite the write transaction is the
/// lock. An advisory one, and no row's: it is fair, so that an erasure has its turn however much is reported.
/// </summary>
public static class ErasureLock
{
    /// <summary>Until the transaction ends, nobody of these accounts is erased. Before the contacts are read; behind locks of shards, and before any other lock that an erasure takes.</summary>
    public static Task HoldOffAsync(Session session, IEnumerable<int> accountIds, CancellationToken ct) => !session.Dialect.IsPostgreSql ? Task.CompletedTask : session.QueryAsync(
        "SELECT pg_advisory_xact_lock_shared(@space, r.key) FROM {rows}", new Rows<int>([.. accountIds.Distinct().Order()]).Int("key", Key), _ => 0, ct, ("space", session.Database.LockNamespace));

    /// <summary>Until the transaction ends, nobody else writes of the account's people so; waits for those who do. Behind the lock of the shard, for which one may wait long, and before any row.</summary>
    public static Task TakeAsync(Session session, int accountId, CancellationToken ct) => !session.Dialect.IsPostgreSql ? Task.CompletedTask : session.ExecuteAsync(
        "SELECT pg_advisory_xact_lock(@space, @key)", ct, ("space", session.Database.LockNamespace), ("key", Key(accountId)));

    /// <summary>Above the shards'; those of <see cref="Database.AloneAsync"/> are below zero.</summary>
    private static int Key(int accountId) => accountId + 1_000;
}
