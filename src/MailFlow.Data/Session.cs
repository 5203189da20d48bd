using System.Data.Common;
using System.Globalization;
using Npgsql;

namespace MailFlow.Data;

/// <summary>
/// One connection, in one transaction when it writes. A session serves one caller at a time: await each call
/// before the next.
/// </summary>
public sealed class Session
{
    private static readonly string[] Changes = ["INSERT", "UPDATE", "DELETE"];

    private readonly DbConnection _connection;
    private readonly DbTransaction? _transaction;
    private readonly Dictionary<string, DbCommand>? _prepared;
    private readonly int? _account;
    private readonly List<(NpgsqlBatchCommand Command, Func<DbDataReader, Task>? Read)> _queue = [];
    private bool _isWalled;
    private long _lastUsed;

    /// <param name="account">The one whose rows alone it may reach (<see cref="AccountWall"/>); null for all.</param>
    internal Session(Database database, DbConnection connection, DbTransaction? transaction, Dictionary<string, DbCommand>? prepared, int? account = null)
    {
        Database = database;
        _connection = connection;
        _transaction = transaction;
        _prepared = prepared;
        _account = account;
        _lastUsed = database.Time.GetTimestamp();
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
        if (wait)
        {
            await Dialect.LockShardAsync(this, shard, ct);
            return true;
        }
        var locked = await TryLockShardsAsync([shard], ct);
        await SendAsync(ct);
        return locked.Rows.Count > 0;
    }

    /// <summary>Takes the locks of those of these shards that nobody holds, until the transaction ends; gives which. Enqueued: what is enqueued after it reads from after the locks.</summary>
    public Task<Reply<int>> TryLockShardsAsync(IReadOnlyList<int> shards, CancellationToken ct) => Dialect.TryLockShardsAsync(this, shards, ct);

    /// <summary>The shards whose lock somebody holds at this moment. On SQLite none: there the write transaction is the lock.</summary>
    public async Task<IReadOnlySet<int>> LockedShardsAsync(CancellationToken ct) => !Dialect.IsPostgreSql ? new HashSet<int>() : (await QueryAsync("""
        SELECT objid::bigint FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND classid::bigint = @space AND objid::bigint < 64
        """,
        row => row.Int(0), ct, ("space", (long)unchecked((uint)Database.LockNamespace)))).ToHashSet();

    /// <summary>
    /// One change at a time, until the transaction ends, of what must agree over an account's tables: its routes with its sender and what is published, its endpoints with the facts they want. Of two, the
    /// later sees what the earlier did. Of several accounts, take them in order, and before any row that two changes could want.
    /// </summary>
    public async Task LockAccountAsync(int accountId, CancellationToken ct)
    {
        // On SQLite the write transaction is the lock. New rows of the account go on: their foreign key takes a weaker one.
        if (Dialect.IsPostgreSql) await ExecuteAsync("SELECT 1 FROM account WHERE id = @account FOR NO KEY UPDATE", ct, ("account", accountId));
    }

    /// <summary>
    /// Before work without statements that may take up to 0.8 of <see cref="Database.LongestIdle"/>: a transaction that has stood idle for a while begins to count anew.
    /// </summary>
    public async Task StayAwakeAsync(CancellationToken ct)
    {
        if (Dialect.IsPostgreSql && Database.Time.GetElapsedTime(_lastUsed) > Database.LongestIdle * 0.1) await ScalarAsync<int>("SELECT 1", ct);
    }

    /// <summary>Runs a statement; gives the number of rows it changed.</summary>
    public async Task<int> ExecuteAsync(string sql, CancellationToken ct, params (string Name, object? Value)[] parameters)
    {
        var command = Command(sql, parameters);
        try { return await RunAsync(command, null, ct); }
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
                return await RunAsync(command, null, ct);
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
            await RunAsync(command, reader => ReadAsync(reader, map, found, ct), ct);
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
                await RunAsync(command, reader => ReadAsync(reader, map, found, ct), ct);
                return found;
            }

            var first = command.Parameters.Count;
            for (var row = 0; row < rows.Count; row++)
            {
                SetRow(command, rows, row, first);
                await RunAsync(command, reader => ReadAsync(reader, map, found, ct), ct);
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
            T? first = default;
            await RunAsync(command, async reader => first = await reader.ReadAsync(ct) ? map(new Row(reader, Dialect)) : default, ct);
            return first;
        }
        finally { Release(command); }
    }

    /// <summary>The first column of the first row, or the type's default when there is none or it is NULL.</summary>
    public async Task<T?> ScalarAsync<T>(string sql, CancellationToken ct, params (string Name, object? Value)[] parameters)
    {
        var command = Command(sql, parameters);
        try
        {
            object? value = null;
            await RunAsync(command, async reader => value = await reader.ReadAsync(ct) ? reader.GetValue(0) : null, ct);
            if (value is null or DBNull) return default;
            return value is T same ? same : (T)Convert.ChangeType(value, Nullable.GetUnderlyingType(typeof(T)) ?? typeof(T));
        }
        finally { Release(command); }
    }

    /// <summary>
    /// For work that reaches its rows by their keys: until the transaction ends (outside of one, in the next statement) PostgreSQL reads no whole table. It plans by what it last knew of
    /// a table's size, and of an inbox that was empty then but holds a minute's dead rows now it would read all for each batch.
    /// </summary>
    public void AvoidScans()
    {
        if (Dialect.IsPostgreSql) _queue.Add((new NpgsqlBatchCommand(PostgreSqlDialect.AvoidScans), _ => Task.CompletedTask));
    }

    /// <summary>
    /// Has a statement that gives no rows run before whatever this session does next, its commit included: in order, and on PostgreSQL in the same round trip. What fails in it
    /// fails as that. Only in a transaction.
    /// </summary>
    public async Task EnqueueAsync(string sql, Rows rows, CancellationToken ct, params (string Name, object? Value)[] parameters)
    {
        if (sql.Contains("RETURNING", StringComparison.OrdinalIgnoreCase) || !Changes.Any(word => sql.StartsWith(word, StringComparison.OrdinalIgnoreCase)))
            throw new ArgumentException("Only an INSERT, UPDATE or DELETE without RETURNING: rows that nobody reads would stand in for the next query's. Say how they are mapped.", nameof(sql));
        if (!Dialect.IsPostgreSql) await ExecuteAsync(sql, rows, ct, parameters);
        else if (rows.Count > 0) Enqueue(sql, rows, null, parameters);
    }

    /// <summary>Has a query over a set of rows run before whatever this session does next, as the other does with a statement. Its answer is there once that is done.</summary>
    public async Task<Reply<T>> EnqueueAsync<T>(string sql, Rows rows, Func<Row, T> map, CancellationToken ct, params (string Name, object? Value)[] parameters) =>
        !Dialect.IsPostgreSql || rows.Count == 0 ? new Reply<T>(await QueryAsync(sql, rows, map, ct, parameters)) : Enqueue(sql, rows, map, parameters, ct);

    /// <summary>The same with a query of its own.</summary>
    public async Task<Reply<T>> EnqueueAsync<T>(string sql, Func<Row, T> map, CancellationToken ct, params (string Name, object? Value)[] parameters) =>
        !Dialect.IsPostgreSql ? new Reply<T>(await QueryAsync(sql, map, ct, parameters)) : Enqueue(sql, null, map, parameters, ct);

    /// <summary>Runs what is enqueued, so that nothing that comes next is blamed where it fails. Gives how many rows the last of it changed.</summary>
    public async Task<int> SendAsync(CancellationToken ct)
    {
        if (_queue.Count == 0) return 0;
        var sent = _queue.ToArray();
        _queue.Clear();
        await using var batch = new NpgsqlBatch((NpgsqlConnection)_connection, (NpgsqlTransaction?)_transaction);
        foreach (var (command, _) in sent) batch.BatchCommands.Add(command);
        await using (var reader = await batch.ExecuteReaderAsync(ct))
        {
            foreach (var (_, read) in sent)
            {
                if (read is null) continue;
                await read(reader); // it stands at the next statement that gives rows
                await reader.NextResultAsync(ct);
            }
            while (await reader.NextResultAsync(ct)) { }
        }
        _lastUsed = Database.Time.GetTimestamp();
        return sent[^1].Command.RecordsAffected;
    }

    /// <summary>Forgets what is enqueued: what it was for is undone.</summary>
    public void Discard() => _queue.Clear();

    internal async Task CommitAsync(CancellationToken ct)
    {
        await SendAsync(ct);
        await _transaction!.CommitAsync(ct);
    }

    private async Task ReadAsync<T>(DbDataReader reader, Func<Row, T> map, List<T> found, CancellationToken ct)
    {
        var row = new Row(reader, Dialect);
        if (Dialect.IsPostgreSql)
            while (await reader.ReadAsync(ct)) found.Add(map(row));
        else
            while (reader.Read()) found.Add(map(row));
    }

    /// <summary>Runs what is enqueued and then a command; gives how many rows that changed. Reads what it gives, if that is wanted.</summary>
    private async Task<int> RunAsync(DbCommand command, Func<DbDataReader, Task>? read, CancellationToken ct)
    {
        if (_queue.Count > 0 && command.CommandText.Contains("; ", StringComparison.Ordinal) && !command.CommandText.StartsWith(AccountWall.Enter, StringComparison.Ordinal))
            await SendAsync(ct); // several statements in one text are none of a batch's
        if (_queue.Count > 0)
        {
            Enqueue((NpgsqlCommand)command, read);
            return await SendAsync(ct);
        }
        if (read is null) return await command.ExecuteNonQueryAsync(ct);
        await using var reader = await command.ExecuteReaderAsync(ct);
        if (command.CommandText.StartsWith(AccountWall.Enter, StringComparison.Ordinal)) await reader.NextResultAsync(ct);
        await read(reader);
        return 0;
    }

    private Reply<T> Enqueue<T>(string sql, Rows? rows, Func<Row, T> map, (string Name, object? Value)[] parameters, CancellationToken ct)
    {
        var found = new List<T>();
        var reply = new Reply<T>();
        Enqueue(sql, rows, async reader =>
        {
            await ReadAsync(reader, map, found, ct);
            reply.Rows = found;
        }, parameters);
        return reply;
    }

    private void Enqueue(string sql, Rows? rows, Func<DbDataReader, Task>? read, (string Name, object? Value)[] parameters)
    {
        if (_transaction is null) throw new InvalidOperationException("Nothing can be enqueued outside a transaction: nothing might come after it.");
        using var command = (NpgsqlCommand)Command(rows?.Expand(sql, Dialect) ?? sql, parameters);
        if (rows is not null) AddArrays(command, rows);
        Enqueue(command, read);
    }

    private void Enqueue(NpgsqlCommand command, Func<DbDataReader, Task>? read)
    {
        var (sql, parameters) = (command.CommandText, command.Parameters.ToArray());
        command.Parameters.Clear(); // each belongs to one command
        if (sql.StartsWith(AccountWall.Enter, StringComparison.Ordinal))
        {
            _queue.Add((Of(AccountWall.Enter.TrimEnd(' ', ';'), parameters[..2]), _ => Task.CompletedTask));
            (sql, parameters) = (sql[AccountWall.Enter.Length..], parameters[2..]);
        }
        _queue.Add((Of(sql, parameters), read));

        static NpgsqlBatchCommand Of(string sql, NpgsqlParameter[] parameters)
        {
            var one = new NpgsqlBatchCommand(sql);
            foreach (var parameter in parameters) one.Parameters.Add(parameter);
            return one;
        }
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
        _lastUsed = Database.Time.GetTimestamp();
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
