using System.Diagnostics;

namespace MailFlow.Testing;

/// <summary>A real Redis, Debian's, on a free port of 127.0.0.1, in memory alone. It can be killed and started again, empty, on the same port.</summary>
/// <remarks>Installs nothing: where it is missing it throws and says what puts it there. It ends with this object.</remarks>
public sealed class RealRedisServer : IAsyncDisposable
{
    private const string Program = "/usr/bin/redis-server";

    private Process _process;

    private RealRedisServer(Process process, int port) => (_process, Port) = (process, port);

    /// <summary>Where it listens.</summary>
    public int Port { get; }

    /// <summary>For StackExchange.Redis.</summary>
    public string ConnectionString => $"127.0.0.1:{Port}";

    /// <summary>Starts one.</summary>
    public static async Task<RealRedisServer> StartAsync()
    {
        if (!File.Exists(Program)) throw new InvalidOperationException("Redis is needed for this test. As root on Debian: apt-get install redis-server");
        for (var attempt = 0; ; attempt++)
        {
            var port = FreePort.Take();
            if (await TryStartAsync(port) is { } process) return new RealRedisServer(process, port);
            if (attempt == 4) throw new InvalidOperationException("redis-server did not start."); // until then, another process may have taken the port
        }
    }

    /// <summary>Ends it at once, as a crash does; what it held is gone.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Starts it again after <see cref="KillAsync"/>.</summary>
    public async Task RestartAsync()
    {
        _process.Dispose();
        _process = await TryStartAsync(Port) ?? throw new InvalidOperationException("redis-server did not start again.");
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }

    private static async Task<Process?> TryStartAsync(int port)
    {
        var process = Process.Start(new ProcessStartInfo(Program, ["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", Path.GetTempPath()]) { RedirectStandardOutput = true })!;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (!line.Contains("Ready to accept connections", StringComparison.Ordinal)) continue;
            _ = process.StandardOutput.ReadToEndAsync(); // so that it never waits for a reader
            return process;
        }
        await process.WaitForExitAsync();
        process.Dispose();
        return null;
    }
}
