using System.Globalization;
using MailFlow.Testing;

namespace MailFlow.Chaos;

/// <summary>One node of the cluster: a real server, started again whenever it is gone, until the run is over.</summary>
internal sealed class Node(string name, bool takesHttp, string folder, string postgres, NodeClock? clock, (string Name, string Value)[] settings, Action<string> say) : IAsyncDisposable
{
    /// <summary>What a worker says when an instance changed under its hands: the lock was not one.</summary>
    private const string Conflict = "were changed by another while their shard was locked";

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly CancellationTokenSource _over = new();
    private readonly StreamWriter _log = new(Path.Combine(folder, $"{name}.log")) { AutoFlush = true };
    private readonly List<string> _conflicts = [];
    private ServerProcess? _process;
    private Task _running = Task.CompletedTask;

    /// <summary>The file that the seam in it takes its orders from.</summary>
    public string Orders { get; } = Path.Combine(folder, $"{name}.orders");

    /// <summary>The clock that it goes by, where that may be stepped.</summary>
    public NodeClock? Clock => clock;

    /// <summary>Whether it answers the API and webhooks.</summary>
    public bool TakesHttp => takesHttp;

    /// <summary>How often it was started.</summary>
    public int Starts { get; private set; }

    /// <summary>The process, where it is up.</summary>
    public ServerProcess? Up => Volatile.Read(ref _process) is { HasExited: false } process ? process : null;

    /// <summary>Signs that somebody else had its shard, too.</summary>
    public IReadOnlyList<string> Conflicts
    {
        get
        {
            lock (_conflicts) return [.. _conflicts];
        }
    }

    /// <summary>Starts it, waits until it is ready, and keeps it so.</summary>
    public async Task StartAsync()
    {
        Volatile.Write(ref _process, await StartOnceAsync());
        _running = Task.Run(KeepUpAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        if (Up is { } process) process.Kill();
        await _running;
        if (_process is not null) await _process.DisposeAsync();
        await _log.DisposeAsync();
        _over.Dispose();
    }

    private Task<ServerProcess> StartOnceAsync()
    {
        Starts++;
        File.Delete(Orders); // those of the one that is gone
        return ServerProcess.StartAsync(folder, postgres, Hear, settings);
    }

    private async Task KeepUpAsync()
    {
        while (!_over.IsCancellationRequested)
            try
            {
                if (_process is { } process)
                {
                    await process.WaitForExitAsync();
                    if (_over.IsCancellationRequested) return;
                    say($"{name} is gone; it starts again");
                }
                var started = await StartOnceAsync();
                Volatile.Write(ref _process, started);
                if (_over.IsCancellationRequested) started.Kill();
                else say($"{name} is up");
            }
            catch (InvalidOperationException) when (!_over.IsCancellationRequested)
            {
                say($"{name} did not come up; again"); // its log says why: without its database it does not
                await Task.Delay(Pause, TimeProvider.System);
            }
    }

    private void Hear(string line)
    {
        lock (_conflicts)
        {
            if (line.Contains(Conflict, StringComparison.Ordinal)) _conflicts.Add($"{name}: {line.Trim()}");
            _log.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{TimeProvider.System.GetUtcNow():HH:mm:ss.fff} {line}"));
        }
    }
}
