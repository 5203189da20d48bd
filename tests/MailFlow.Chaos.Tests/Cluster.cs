using MailFlow.Testing;
using Npgsql;

namespace MailFlow.Chaos.Tests;

/// <summary>Several servers, each a process of its own, on one PostgreSQL and in one data directory.</summary>
internal sealed class Cluster(string connectionString) : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mailflow-nodes-").FullName;
    private readonly List<ServerProcess> _servers = [];

    /// <summary>The schema they work in.</summary>
    public string Schema { get; } = new NpgsqlConnectionStringBuilder(connectionString).SearchPath!;

    /// <summary>Starts one; its connections go by its name. A hand-over is given up soon enough for a test.</summary>
    public async Task<ServerProcess> StartAsync(string name, params (string Name, string Value)[] settings)
    {
        var connection = new NpgsqlConnectionStringBuilder(connectionString) { ApplicationName = $"{Schema} {name}" }.ConnectionString;
        var server = await ServerProcess.StartAsync(_folder, connection, [("MailFlow__Samples", "false"), ("MailFlow__Delivery__Lease", "00:00:02"), .. settings]);
        lock (_servers) _servers.Add(server);
        return server;
    }

    /// <summary>The first column of the first row.</summary>
    public async Task<T> AskAsync<T>(string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>How many shards a server holds the locks of, by the sight of PostgreSQL.</summary>
    public Task<long> ShardsHeldByAsync(string name) => AskAsync<long>($"""
        SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
        WHERE a.application_name = '{Schema} {name}' AND l.locktype = 'advisory' AND l.granted AND l.objid::bigint < 64
        """);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers) await server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
