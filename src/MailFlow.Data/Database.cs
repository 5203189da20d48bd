using System.Data.Common;
using Npgsql;

namespace MailFlow.Data;

/// <summary>
/// The one door to the database: SQLite in a file, or PostgreSQL. All writing goes through <see cref="WriteAsync{T}"/>,
/// which on SQLite passes one first-in-first-out gate, because SQLite has one writer at a time.
/// </summary>
public sealed class Database : IAsyncDisposable
{
    private static readonly TimeSpan DefaultLongestIdle = TimeSpan.FromSeconds(10), ClockStands = TimeSpan.FromMinutes(1);

    private static int _inMemory;

    private readonly NpgsqlDataSource? _postgres;
    private readonly SqliteConnections? _sqlite;
    private readonly AsyncLocal<bool> _writing = new();
    private ClockReading? _clock;

    private HashSet<(int Pid, long Since)> _stalled = [];

    private Database(Dialect dialect, TimeProvider time, NpgsqlDataSource? postgres, SqliteConnections? sqlite, string schema, TimeSpan longestIdle, bool isInMemory = false)
    {
        IsInMemory = isInMemory;
        (Dialect, Time, _postgres, _sqlite, Schema, LongestIdle) = (dialect, time, postgres, sqlite, schema, longestIdle);
        LockNamespace = unchecked((int)StableHash.Of(schema));
    }

    /// <summary>Which database this is.</summary>
    public Dialect Dialect { get; }

    /// <summary>The clock: the system's, or a test's.</summary>
    public TimeProvider Time { get; }

    /// <summary>The PostgreSQL schema that holds the tables, or the SQLite file.</summary>
    public string Schema { get; }

    /// <summary>
    /// How long a transaction may stand idle: PostgreSQL ends it then, so that a frozen holder of a shard does not block it for long. Whoever works inside of
    /// one between two statements takes his deadline from this.
    /// </summary>
    public TimeSpan LongestIdle { get; }

    /// <summary>Whether it is gone with its process: a simulation's, whose doings are neither counted nor traced.</summary>
    public bool IsInMemory { get; }

    internal int LockNamespace { get; }

    /// <summary>The role of walled sessions, once <see cref="AccountWall.BuildAsync"/> has built the wall.</summary>
    internal string? ApiRole { get; set; }

    /// <summary>The account that a session begun now is walled in with.</summary>
    private int? Walled => ApiRole is null ? null : AccountWall.Account;

    internal bool UsesSystemClock => ReferenceEquals(Time, TimeProvider.System);

    /// <summary>Opens PostgreSQL. The first schema of the connection string's "Search Path" (default "public") holds the tables.</summary>
    /// <param name="connectionString">Npgsql's.</param>
    /// <param name="time">The clock.</param>
    /// <param name="longestIdle">A test's <see cref="LongestIdle"/>.</param>
    public static Database OpenPostgreSql(string connectionString, TimeProvider time, TimeSpan? longestIdle = null)
    {
        var idle = longestIdle ?? DefaultLongestIdle;
        var settings = new NpgsqlConnectionStringBuilder(Guard(connectionString, idle));
        if (settings.MaxAutoPrepare == 0) settings.MaxAutoPrepare = 200;
        if (settings.AutoPrepareMinUsages == 5) settings.AutoPrepareMinUsages = 2;
        var schema = settings.SearchPath!.Split(',')[0].Trim().Trim('"');
        return new Database(Dialect.PostgreSql, time, new NpgsqlDataSourceBuilder(settings.ConnectionString).Build(), null, schema, idle);
    }

    /// <summary>
    /// What every connection to PostgreSQL keeps to, also those that a library opens by itself: one whose process is frozen or whose machine is gone holds its locks for <see cref="LongestIdle"/> and not for ever.
    /// </summary>
    /// <param name="connectionString">Npgsql's.</param>
    public static string Guard(string connectionString) => Guard(connectionString, DefaultLongestIdle);

    private static string Guard(string connectionString, TimeSpan idle)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        if (string.IsNullOrWhiteSpace(settings.SearchPath)) settings.SearchPath = "public";
        if (settings.KeepAlive == 0) settings.TcpKeepAlive = true;
        if (string.IsNullOrEmpty(settings.ApplicationName)) settings.ApplicationName = "mailflow";
        // A planner that expects few rows of an unnest keeps to the indexes. Who does not read for so long what was asked for is frozen or gone, and no idle transaction yet. Whose machine is gone answers no
        // probe either; for who stands still amid what it sends, see EndStalledAsync.
        settings.Options = $"{settings.Options} -c idle_in_transaction_session_timeout={idle.TotalMilliseconds:0} -c tcp_user_timeout={3 * idle.TotalMilliseconds:0} -c tcp_keepalives_idle={Seconds(idle)} -c tcp_keepalives_interval={Seconds(idle / 2)} -c tcp_keepalives_count=3 -c jit=off".Trim();
        return settings.ConnectionString;

        static int Seconds(TimeSpan span) => Math.Max(1, (int)span.TotalSeconds); // as whole seconds are what TCP takes
    }

    /// <summary>Opens SQLite in a file, made when it is not there.</summary>
    public static Database OpenSqlite(string file, TimeProvider time) =>
        new(Dialect.Sqlite, time, null, new SqliteConnections(Path.GetFullPath(file)), Path.GetFullPath(file), DefaultLongestIdle);

    /// <summary>Opens an empty SQLite database in memory, gone when it is disposed of: nothing of it ever reaches a disk.</summary>
    public static Database OpenInMemory(TimeProvider time)
    {
        var name = $"mailflow-{Interlocked.Increment(ref _inMemory)}";
        return new(Dialect.Sqlite, time, null, SqliteConnections.InMemory(name), name, DefaultLongestIdle, isInMemory: true);
    }

    /// <summary>The database's clock without a session at hand: read once a minute, and the span since then measured, so that a node's own clock decides nothing.</summary>
    public async Task<DateTimeOffset> NowAsync(CancellationToken ct)
    {
        if (_clock is not { } clock || Time.GetElapsedTime(clock.Stamp) >= ClockStands)
            _clock = clock = new(DateTimeOffset.FromUnixTimeMilliseconds(await ReadAsync(session => session.NowAsync(ct), ct)), Time.GetTimestamp());
        return clock.At + Time.GetElapsedTime(clock.Stamp);
    }

    /// <summary>Reads outside any transaction. On SQLite readers neither wait for the writer nor hold it up.</summary>
    public async Task<T> ReadAsync<T>(Func<Session, Task<T>> read, CancellationToken ct)
    {
        if (_sqlite is not null)
        {
            using var reader = _sqlite.RentReader();
            return await read(new Session(this, reader.Connection, null, reader.Prepared));
        }
        await using var connection = await _postgres!.OpenConnectionAsync(ct);
        return await read(new Session(this, connection, null, null, Walled));
    }

    /// <summary>
    /// Runs <paramref name="write"/> in one transaction (READ COMMITTED on PostgreSQL) and commits it; an exception rolls it back.
    /// Do not start another write inside: on SQLite it would wait for itself, so it throws.
    /// </summary>
    public async Task<T> WriteAsync<T>(Func<Session, Task<T>> write, CancellationToken ct)
    {
        if (_writing.Value) throw new InvalidOperationException("A write was started inside a write: use the session at hand.");
        _writing.Value = true; // seen by what this calls, not by its caller
        if (_sqlite is not null)
        {
            using var writer = await _sqlite.RentWriterAsync(ct);
            await using var transaction = writer.Connection.BeginTransaction(deferred: false);
            return await RunAsync(new Session(this, writer.Connection, transaction, writer.Prepared));
        }

        await using var connection = await _postgres!.OpenConnectionAsync(ct);
        await using var begun = await connection.BeginTransactionAsync(ct);
        return await RunAsync(new Session(this, connection, begun, null, Walled));

        async Task<T> RunAsync(Session session)
        {
            var result = await write(session);
            await session.CommitAsync(ct);
            return result;
        }
    }

    /// <inheritdoc cref="WriteAsync{T}"/>
    public Task WriteAsync(Func<Session, Task> write, CancellationToken ct) =>
        WriteAsync(async session => { await write(session); return true; }, ct);

    /// <summary>
    /// Ends transactions of frozen nodes that PostgreSQL does not count as idle: they stopped in the middle of what they were sending, and for the rest of it the server would wait for ever, their locks held.
    /// Only those with locks in this schema, and only what looked the same at the last call. Gives how many. (On SQLite none.)
    /// </summary>
    public async Task<int> EndStalledAsync(CancellationToken ct) => _postgres is null ? 0 : await ReadAsync(async session =>
    {
        var stalled = await session.QueryAsync("""
            SELECT pid, (extract(epoch FROM state_change) * 1000000)::bigint FROM pg_stat_activity a
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL AND state = 'active' AND wait_event = 'ClientRead'
              AND state_change < clock_timestamp() - @longest * interval '1 millisecond'
              AND EXISTS (SELECT 1 FROM pg_locks l LEFT JOIN pg_class c ON c.oid = l.relation WHERE l.pid = a.pid AND l.granted
                AND (l.locktype = 'advisory' AND l.classid::bigint = @space OR c.relnamespace = to_regnamespace(quote_ident(@schema))))
            """, row => (Pid: row.Int(0), Since: row.Long(1)), ct, ("longest", LongestIdle.TotalMilliseconds), ("space", (long)unchecked((uint)LockNamespace)), ("schema", Schema));
        var again = stalled.FindAll(_stalled.Contains);
        _stalled = [.. stalled];
        return again.Count == 0 ? 0 : (await session.QueryAsync(
            "SELECT pg_terminate_backend(a.pid) FROM {rows} JOIN pg_stat_activity a ON a.pid = r.pid AND (extract(epoch FROM a.state_change) * 1000000)::bigint = r.since",
            new Rows<(int Pid, long Since)>(again).Int("pid", each => each.Pid).Long("since", each => each.Since), row => row.Bool(0), ct)).Count(ended => ended);
    }, ct);

    /// <summary>Whether PostgreSQL is not there, or does not let this user in: what an operator can mend.</summary>
    public static bool IsOutOfReach(Exception error) => error is PostgresException refusal
        ? refusal.SqlState is ['0', '8', ..] or ['2', '8', ..] or ['3', 'D', ..] or ['5', '3', ..] or "57P03"
        : error is NpgsqlException;

    /// <summary>
    /// Runs what only one process on this database may do at a time; others wait. Held by a connection of its own, so it ends with its process. (On SQLite there is one process.)
    /// </summary>
    /// <param name="what">What it is: each has a lock of its own.</param>
    /// <param name="work">Does it.</param>
    /// <param name="ct">Stops the waiting.</param>
    /// <param name="waits">Told once when another is at it, before the wait.</param>
    public async Task<T> AloneAsync<T>(string what, Func<Task<T>> work, CancellationToken ct, Action? waits = null)
    {
        if (_postgres is null) return await work();
        await using var connection = await _postgres.OpenConnectionAsync(ct);
        var key = $"{LockNamespace}, {unchecked((int)StableHash.Of(what)) | int.MinValue}"; // below zero: no shard's
        await using var command = new NpgsqlCommand($"SELECT pg_try_advisory_lock({key})", connection) { CommandTimeout = 0 };
        if (!(bool)(await command.ExecuteScalarAsync(ct))!)
        {
            waits?.Invoke();
            command.CommandText = $"SELECT pg_advisory_lock({key})";
            await command.ExecuteNonQueryAsync(ct);
        }
        try
        {
            return await work();
        }
        finally
        {
            try
            {
                command.CommandText = $"SELECT pg_advisory_unlock({key})";
                await command.ExecuteNonQueryAsync(CancellationToken.None);
            }
            catch (NpgsqlException)
            {
                // A connection that is gone has let go by itself; what the work said of it counts.
            }
        }
    }

    /// <summary>A connection of its own, for the migrator: PostgreSQL's script runs outside the pool's prepared statements.</summary>
    internal async Task<DbConnection> OpenConnectionAsync(CancellationToken ct)
    {
        if (_sqlite is not null) return _sqlite.OpenNew();
        return await _postgres!.OpenConnectionAsync(ct);
    }

    /// <summary>Closes every connection.</summary>
    public async ValueTask DisposeAsync()
    {
        _sqlite?.Dispose();
        if (_postgres is not null) await _postgres.DisposeAsync();
    }

    private sealed record ClockReading(DateTimeOffset At, long Stamp);
}
