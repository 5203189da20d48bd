using System.Data.Common;
using System.Diagnostics;
using System.Globalization;

namespace MailFlow.Data;

/// <summary>
/// One connection, in one transaction when it writes. A session serves one caller at a time: await each call
/// before the next.
/// </summary>
public sealed class Session
{
    private readonly DbConnection _connection;
    private readonly DbTransaction? _transaction;
    private readonly Dictionary<string, DbCommand>? _prepared;
    private readonly int? _account;
    private bool _isWalled;
    private long _lastUsed = Stopwatch.GetTimestamp();

    /// <param name="account">The one whose rows alone it may reach (<see cref="AccountWall"/>); null for all.</param>
    internal Session(Database database, DbConnection connection, DbTransaction? transaction, Dictionary<string, DbCommand>? prepared, int? account = null)
    {
        Database = database;
        _connection = connection;
        _transaction = transaction;
        _prepared = prepared;
        _account = account;
    }

    /// <summary>The database this session talks to.</summary>
    public Database Database { get; }

    /// <summary>Which of the two databases it is.</summary>
    public Dialect Dialect => Database.Dialect;

    /// <summary>
    /// The database's clock in Unix milliseconds: nodes' own clocks decide nothing. With a clock given by a test, that one.
    /// </summary>
    public async Task<long> NowAsync(CancellationToken ct) =>
        Dialect.NowSql is { } sql && Database.UsesSystemClock
            ? await ScalarAsync<long>(sql, ct)
            : Database.Time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>
    /// Takes the lock of a shard until the transaction ends. False (without <paramref name="wait"/>) when another holds it.
    /// Take it in a statement of its own before reading: a statement that waits for it would read from before the lock.
    /// </summary>
    public async Task<bool> LockShardAsync(int shard, bool wait, CancellationToken ct)
    {
        if (!wait) return (await TryLockShardsAsync([shard], ct)).Count > 0;
        await Dialect.LockShardAsync(this, shard, ct);
        return true;
    }

    /// <summary>Takes the locks of those of these shards that nobody holds, until the transaction ends; gives which. In a statement of its own, too.</summary>
    public Task<List<int>> TryLockShardsAsync(IReadOnlyList<int> shards, CancellationToken ct) => Dialect.TryLockShardsAsync(this, shards, ct);

    /// <summary>The shards whose lock somebody holds at this moment. On SQLite none: there the write transaction is the lock.</summary>
    public async Task<IReadOnlySet<int>> LockedShardsAsync(CancellationToken ct) => !Dialect.IsPostgreSql ? new HashSet<int>() : (await QueryAsync("""
        SELECT objid::bigint FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND classid::bigint = @space AND objid::bigint < 64
        """,
        row => row.Int(0), ct, ("space", (long)unchecked((uint)Database.LockNamespace)))).ToHashSet();

    /// <summary>
    /// Before work without statements that may take up to 0.8 of <see cref="Database.LongestIdle"/>: a transaction that has stood idle for a while begins to count anew.
    /// </summary>
    public async Task StayAwakeAsync(CancellationToken ct)
    {
        // The server's clock, of which a test's knows nothing.
        if (Dialect.IsPostgreSql && Stopwatch.GetElapsedTime(_lastUsed) > Database.LongestIdle * 0.1) await ScalarAsync<int>("SELECT 1", ct);
    }

    /// <summary>Runs a statement; gives the number of rows it changed.</summary>
    public async Task<int> ExecuteAsync(string sql, CancellationToken ct, params (string Name, object? Value)[] parameters)
    {
        var command = Command(sql, parameters);
        try { return await command.ExecuteNonQueryAsync(ct); }
        finally { Release(command); }
    }

    /// <summary>Runs a statement over a set of rows (see <see cref="Rows"/>); gives the number of rows it changed.</summary>
    public async Task<int> ExecuteAsync(string sql, Rows rows, CancellationToken ct, params (string Name, object? Value)[] parameters)
    {
        if (rows.Count == 0) return 0;
        sql = rows.Expand(sql, Dialect);
        var command = Command(sql, parameters);
        try
        {
            if (Dialect.IsPostgreSql)
            {
                AddArrays(command, rows);
                return await command.ExecuteNonQueryAsync(ct);
            }

            var changed = 0;
            var first = command.Parameters.Count;
            for (var row = 0; row < rows.Count; row++)
            {
                SetRow(command, rows, row, first);
                changed += command.ExecuteNonQuery();
            }
            return changed;
        }
        finally { Release(command); }
    }

    /// <summary>Runs a query and maps each row.</summary>
    public async Task<List<T>> QueryAsync<T>(string sql, Func<Row, T> map, CancellationToken ct, params (string Name, object? Value)[] parameters)
    {
        var found = new List<T>();
        var command = Command(sql, parameters);
        try
        {
            await ReadAsync(command, map, found, ct);
            return found;
        }
        finally { Release(command); }
    }

    /// <summary>Runs a query over a set of rows (see <see cref="Rows"/>) and maps each row found.</summary>
    public async Task<List<T>> QueryAsync<T>(string sql, Rows rows, Func<Row, T> map, CancellationToken ct, params (string Name, object? Value)[] parameters)
    {
        var found = new List<T>();
        if (rows.Count == 0) return found;
        sql = rows.Expand(sql, Dialect);
        var command = Command(sql, parameters);
        try
        {
            if (Dialect.IsPostgreSql)
            {
                AddArrays(command, rows);
                await ReadAsync(command, map, found, ct);
                return found;
            }

            var first = command.Parameters.Count;
            for (var row = 0; row < rows.Count; row++)
            {
                SetRow(command, rows, row, first);
                await ReadAsync(command, map, found, ct);
            }
            return found;
        }
        finally { Release(command); }
    }

    /// <summary>The first row of a query, mapped, or the type's default when there is none.</summary>
    public async Task<T?> FirstAsync<T>(string sql, Func<Row, T> map, CancellationToken ct, params (string Name, object? Value)[] parameters)
    {
        var command = Command(sql, parameters);
        try
        {
            await using var reader = await OpenAsync(command, ct);
            return await reader.ReadAsync(ct) ? map(new Row(reader, Dialect)) : default;
        }
        finally { Release(command); }
    }

    /// <summary>The first column of the first row, or the type's default when there is none or it is NULL.</summary>
    public async Task<T?> ScalarAsync<T>(string sql, CancellationToken ct, params (string Name, object? Value)[] parameters)
    {
        var command = Command(sql, parameters);
        try
        {
            await using var reader = await OpenAsync(command, ct);
            var value = await reader.ReadAsync(ct) ? reader.GetValue(0) : null;
            if (value is null or DBNull) return default;
            return value is T same ? same : (T)Convert.ChangeType(value, Nullable.GetUnderlyingType(typeof(T)) ?? typeof(T));
        }
        finally { Release(command); }
    }

    internal Task CommitAsync(CancellationToken ct) => _transaction!.CommitAsync(ct);

    private async Task ReadAsync<T>(DbCommand command, Func<Row, T> map, List<T> found, CancellationToken ct)
    {
        await using var reader = await OpenAsync(command, ct);
        var row = new Row(reader, Dialect);
        if (Dialect.IsPostgreSql)
            while (await reader.ReadAsync(ct)) found.Add(map(row));
        else
            while (reader.Read()) found.Add(map(row));
    }

    private static async Task<DbDataReader> OpenAsync(DbCommand command, CancellationToken ct)
    {
        var reader = await command.ExecuteReaderAsync(ct);
        if (command.CommandText.StartsWith(AccountWall.Enter, StringComparison.Ordinal)) await reader.NextResultAsync(ct);
        return reader;
    }

    private DbCommand Command(string sql, (string Name, object? Value)[] parameters)
    {
        if (_prepared is not null && _prepared.Remove(sql, out var command))
        {
            // Removed while in use: a mapping function that ran the same SQL would otherwise share its reader.
            command.Parameters.Clear();
        }
        else
        {
            command = _connection.CreateCommand();
            command.CommandText = sql;
        }
        command.Transaction = _transaction;
        if (_account is { } account && !_isWalled)
        {
            // In the same round trip. A transaction stays walled; without one, each statement is a transaction of its own.
            command.CommandText = AccountWall.Enter + sql;
            Dialect.AddParameter(command, "wall_role", Database.ApiRole);
            Dialect.AddParameter(command, "wall_account", account.ToString(CultureInfo.InvariantCulture));
            _isWalled = _transaction is not null;
        }
        foreach (var (name, value) in parameters) Dialect.AddParameter(command, name, value);
        return command;
    }

    /// <summary>SQLite's compiled statements are kept with the connection; PostgreSQL's driver keeps its own.</summary>
    private void Release(DbCommand command)
    {
        _lastUsed = Stopwatch.GetTimestamp();
        if (_prepared is not null && _prepared.TryAdd(command.CommandText, command))
        {
            command.Transaction = null;
            return;
        }
        command.Dispose();
    }

    private void AddArrays(DbCommand command, Rows rows)
    {
        for (var column = 0; column < rows.ColumnCount; column++)
            Dialect.AddParameter(command, rows.ColumnName(column), rows.Array(column));
    }

    private void SetRow(DbCommand command, Rows rows, int row, int first)
    {
        if (row == 0)
        {
            for (var column = 0; column < rows.ColumnCount; column++)
                Dialect.AddParameter(command, rows.ColumnName(column), rows.Value(0, column));
            return;
        }
        for (var column = 0; column < rows.ColumnCount; column++)
            command.Parameters[first + column].Value = SqliteDialect.Value(rows.Value(row, column));
    }
}
