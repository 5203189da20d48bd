using System.Data.Common;

namespace MailFlow.Data;

/// <summary>
/// What truly differs between the two databases, and nothing more. SQL is written to be portable; where a query would
/// be bent out of shape by that, its method asks <see cref="Name"/> and has two bodies.
/// </summary>
public abstract class Dialect
{
    /// <summary>PostgreSQL 14 or newer.</summary>
    public static Dialect PostgreSql { get; } = new PostgreSqlDialect();

    /// <summary>SQLite 3.44 or newer, in WAL mode.</summary>
    public static Dialect Sqlite { get; } = new SqliteDialect();

    /// <summary>"postgres" or "sqlite": also the folder of the schema files.</summary>
    public abstract string Name { get; }

    /// <summary>Whether this is PostgreSQL.</summary>
    public bool IsPostgreSql => ReferenceEquals(this, PostgreSql);

    /// <summary>Whether the failure is the database's or the network's and the same work may succeed when tried again.</summary>
    public abstract bool IsTransient(Exception error);

    /// <summary>Whether the failure is a violated UNIQUE or PRIMARY KEY constraint.</summary>
    public abstract bool IsDuplicate(Exception error);

    /// <summary>A text with the ASCII letters small and no other changed, as the key of a mailbox has it.</summary>
    public abstract string LowerAscii(string text);

    /// <summary>The database's own clock, in Unix milliseconds; null where the process's clock is the database's.</summary>
    internal abstract string? NowSql { get; }

    /// <summary>
    /// Waits for the transaction's lock on a shard. It dies with the connection, so a killed holder blocks nobody.
    /// On SQLite the write transaction is itself the lock.
    /// </summary>
    internal abstract Task LockShardAsync(Session session, int shard, CancellationToken ct);

    /// <summary>Takes those of these shards' locks that nobody holds; gives which. Enqueued.</summary>
    internal abstract Task<Reply<int>> TryLockShardsAsync(Session session, IReadOnlyList<int> shards, CancellationToken ct);

    /// <summary>Adds one named parameter to a command.</summary>
    internal abstract void AddParameter(DbCommand command, string name, object? value);

    /// <summary>Reads a UUID column.</summary>
    internal abstract Guid ReadUuid(DbDataReader reader, int ordinal);
}
