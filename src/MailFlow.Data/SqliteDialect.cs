using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace MailFlow.Data;

internal sealed class SqliteDialect : Dialect
{
    private const int Busy = 5, Locked = 6, IoError = 10, Full = 13, CannotOpen = 14, Constraint = 19;
    private const int PrimaryKeyViolated = 1555, UniqueViolated = 2067;

    public override string Name => "sqlite";

    public override string LowerAscii(string text) => $"lower({text})";

    /// <summary>SQLite lives in this process: the process's clock is the database's.</summary>
    internal override string? NowSql => null;

    public override bool IsTransient(Exception error) =>
        error is SqliteException { SqliteErrorCode: Busy or Locked or IoError or Full or CannotOpen };

    public override bool IsDuplicate(Exception error) =>
        error is SqliteException { SqliteErrorCode: Constraint, SqliteExtendedErrorCode: PrimaryKeyViolated or UniqueViolated };

    internal override Task LockShardAsync(Session session, int shard, CancellationToken ct) => Task.CompletedTask;

    internal override Task<Reply<int>> TryLockShardsAsync(Session session, IReadOnlyList<int> shards, CancellationToken ct) => Task.FromResult(new Reply<int>([.. shards]));

    internal override void AddParameter(DbCommand command, string name, object? value) =>
        command.Parameters.Add(new SqliteParameter(name, Value(value)));

    internal override Guid ReadUuid(DbDataReader reader, int ordinal) => new(reader.GetFieldValue<byte[]>(ordinal), bigEndian: true);

    /// <summary>The one mapping of values: instants are BIGINT milliseconds, UUIDs big-endian BLOBs, booleans 0 and 1.</summary>
    internal static object Value(object? value) => value switch
    {
        null => DBNull.Value,
        Guid id => id.ToByteArray(bigEndian: true),
        DateTimeOffset instant => instant.ToUnixTimeMilliseconds(),
        bool flag => flag ? 1L : 0L,
        Enum number => Convert.ToInt64(number),
        JsonText json => json.Text,
        _ => value,
    };
}
