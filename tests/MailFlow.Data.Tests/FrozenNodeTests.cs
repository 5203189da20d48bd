using System.Net;
using System.Net.Sockets;
using MailFlow.Testing;
using Npgsql;

namespace MailFlow.Data.Tests;

/// <summary>A node that stands still in a transaction, its connections open.</summary>
public sealed class FrozenNodeTests
{
    /// <summary>Passes octets on until it stands still: then nothing goes to the server any more, and no connection ends, as with a process that is stopped.</summary>
    private sealed class Line : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly string _host;
        private readonly int _port;
        private readonly List<TcpClient> _all = [];
        private long _left = long.MaxValue;

        public Line(string host, int port)
        {
            (_host, _port) = (host, port);
            _listener.Start();
            _ = AcceptAsync();
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public void StandStillAfter(long octets) => Interlocked.Exchange(ref _left, octets);

        private async Task AcceptAsync()
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync();
                var server = new TcpClient();
                await server.ConnectAsync(_host, _port);
                lock (_all) _all.AddRange([client, server]);
                _ = ForthAsync(client.GetStream(), server.GetStream());
                _ = server.GetStream().CopyToAsync(client.GetStream());
            }
        }

        private async Task ForthAsync(NetworkStream from, NetworkStream to)
        {
            var buffer = new byte[65_536];
            while (await from.ReadAsync(buffer) is > 0 and var count)
            {
                var pass = (int)Math.Min(count, Interlocked.Read(ref _left));
                await to.WriteAsync(buffer.AsMemory(0, pass));
                if (Interlocked.Read(ref _left) != long.MaxValue && Interlocked.Add(ref _left, -pass) <= 0) return; // stands still, open
            }
        }

        public ValueTask DisposeAsync()
        {
            _listener.Stop();
            lock (_all) foreach (var one in _all) one.Dispose();
            return ValueTask.CompletedTask;
        }
    }

    [Theory]
    [InlineData(0)] // between two statements: PostgreSQL ends it
    [InlineData(30_000)] // in the middle of what it sends. Seen red: held for as long as anybody waited
    public async Task A_node_that_stands_still_loses_its_shard(int octets)
    {
        await using var test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, TimeProvider.System);
        await test.Database.WriteAsync(s => s.ExecuteAsync("CREATE TABLE t (n INT PRIMARY KEY, x TEXT)", default), default);
        var settings = new NpgsqlConnectionStringBuilder(test.ConnectionString!);
        await using var line = new Line(settings.Host!, settings.Port);
        (settings.Host, settings.Port, settings.CommandTimeout, settings.SslMode) = ("127.0.0.1", line.Port, 0, SslMode.Disable);
        var longestIdle = TimeSpan.FromSeconds(1);
        await using var frozen = Database.OpenPostgreSql(settings.ConnectionString, TimeProvider.System, longestIdle);
        await using var other = Database.OpenPostgreSql(test.ConnectionString!, TimeProvider.System, longestIdle);
        var locked = new TaskCompletionSource();
        var batch = Task.Run(() => frozen.WriteAsync(async s =>
        {
            await s.LockShardAsync(7, wait: true, default);
            line.StandStillAfter(octets);
            locked.SetResult();
            await s.EnqueueAsync("INSERT INTO t (n, x) SELECT r.n, r.x FROM {rows}", new Rows<int>([.. Enumerable.Range(0, 1_000)]).Int("n", n => n).Text("x", _ => new string('x', 500)), default);
            await s.SendAsync(default);
        }, default));
        await locked.Task;

        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!await other.WriteAsync(s => s.LockShardAsync(7, wait: false, default), default))
        {
            patience.Token.ThrowIfCancellationRequested();
            await other.EndStalledAsync(default);
        }

        await line.DisposeAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => batch);
        Assert.Equal(0, await test.Database.ReadAsync(s => s.ScalarAsync<long>("SELECT count(*) FROM t", default), default));
    }
}
