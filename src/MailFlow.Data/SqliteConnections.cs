using System.Collections.Concurrent;
using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace MailFlow.Data;

/// <summary>One writing connection behind a first-in-first-out gate, and as many reading ones as are read from at once.</summary>
internal sealed class SqliteConnections(string file) : IDisposable
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly ConcurrentBag<Rented> _readers = [];
    private SqliteConnection? _anchor;
    private Rented? _writer;
    private bool _disposed;

    /// <summary>
    /// SQLite's own file system in memory, shared by the process under this name. Not its "shared cache", whose table locks fail where a file's would wait.
    /// It lasts as long as a connection to it is open, so one is held.
    /// </summary>
    public static SqliteConnections InMemory(string name)
    {
        var connections = new SqliteConnections($"file:/{name}?vfs=memdb");
        connections._anchor = connections.OpenNew();
        return connections;
    }

    /// <summary>One connection with its compiled statements; disposing it gives it back.</summary>
    internal sealed class Rented(SqliteConnection connection, Action<Rented> giveBack) : IDisposable
    {
        public SqliteConnection Connection => connection;

        public Dictionary<string, DbCommand> Prepared { get; } = [];

        public void Dispose() => giveBack(this);
    }

    public async Task<Rented> RentWriterAsync(CancellationToken ct)
    {
        await _gate.WaitAsync(ct);
        try
        {
            return _writer ??= new Rented(OpenNew(), _ => _gate.Release());
        }
        catch
        {
            _gate.Release();
            throw;
        }
    }

    public Rented RentReader() => _readers.TryTake(out var reader) ? reader : new Rented(OpenNew(), GiveBackReader);

    public SqliteConnection OpenNew()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var settings = new SqliteConnectionStringBuilder { DataSource = file, Pooling = false, DefaultTimeout = 30 };
        var connection = new SqliteConnection(settings.ConnectionString);
        connection.Open();
        using var command = connection.CreateCommand();
        // FULL: a commit that was answered survives a power cut, not only a crash of the process.
        command.CommandText = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=10000; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-65536; PRAGMA foreign_keys=ON;";
        command.ExecuteNonQuery();
        SqliteFunctions.Register(connection);
        return connection;
    }

    public void Dispose()
    {
        _disposed = true;
        if (_writer is { } writer) Close(writer);
        while (_readers.TryTake(out var reader)) Close(reader);
        _anchor?.Dispose();
        _gate.Dispose();
    }

    private void GiveBackReader(Rented reader)
    {
        if (_disposed) Close(reader);
        else _readers.Add(reader);
    }

    private static void Close(Rented rented)
    {
        foreach (var command in rented.Prepared.Values) command.Dispose();
        rented.Connection.Dispose();
    }
}
