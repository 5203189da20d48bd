using System.Data.Common;
using Npgsql;
using NpgsqlTypes;

namespace MailFlow.Data;

internal sealed class PostgreSqlDialect : Dialect
{
    internal const string AvoidScans = "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_material', 'off', true)";

    public override string Name => "postgres";

    public override string LowerAscii(string text) => $"lower({text} COLLATE \"C\")";

    internal override string NowSql => "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";

    public override bool IsTransient(Exception error) => error switch
    {
        // Class 08 connection, 40 rollback and deadlock, 53 resources, 55 lock not available, 57 operator intervention,
        // 58 system error (disk), 25P03 idle in transaction; 25006 read-only after a failover.
        PostgresException { SqlState: var state } => state[..2] is "08" or "40" or "53" or "55" or "57" or "58"
            || state is "25P03" or "25006",
        // The connection's own troubles come wrapped in this. Others' time-outs and sockets, such as an activity's, are not the database's.
        NpgsqlException => true,
        _ => error.InnerException is NpgsqlException inner && IsTransient(inner),
    };

    public override bool IsDuplicate(Exception error) => error is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation };

    // Advisory locks are database-wide: the first key is a hash of the schema, so that two installations
    // in one database do not lock each other out.
    internal override Task LockShardAsync(Session session, int shard, CancellationToken ct) =>
        session.ExecuteAsync("SELECT pg_advisory_xact_lock(@key, @shard)", ct, ("key", session.Database.LockNamespace), ("shard", shard));

    internal override Task<Reply<int>> TryLockShardsAsync(Session session, IReadOnlyList<int> shards, CancellationToken ct) => session.EnqueueAsync(
        "SELECT r.shard FROM {rows} WHERE pg_try_advisory_xact_lock(@key, r.shard)",
        new Rows<int>(shards).Int("shard", shard => shard), row => row.Int(0), ct, ("key", session.Database.LockNamespace));

    internal override void AddParameter(DbCommand command, string name, object? value)
    {
        var parameter = value switch
        {
            null => new NpgsqlParameter(name, DBNull.Value),
            JsonText json => new NpgsqlParameter(name, NpgsqlDbType.Jsonb) { Value = json.Text },
            DateTimeOffset instant => new NpgsqlParameter(name, NpgsqlDbType.Bigint) { Value = instant.ToUnixTimeMilliseconds() },
            Enum number => new NpgsqlParameter(name, NpgsqlDbType.Integer) { Value = Convert.ToInt32(number) },
            ColumnArray array => new NpgsqlParameter(name, NpgsqlDbType.Array | array.Type) { Value = array.Values },
            _ => new NpgsqlParameter(name, value),
        };
        command.Parameters.Add(parameter);
    }

    internal override Guid ReadUuid(DbDataReader reader, int ordinal) => reader.GetGuid(ordinal);
}

/// <summary>One column of a set of rows, as PostgreSQL takes it.</summary>
internal sealed record ColumnArray(NpgsqlDbType Type, Array Values);
