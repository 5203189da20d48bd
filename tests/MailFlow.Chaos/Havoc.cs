using MailFlow.Chaos.Esp;
using MailFlow.Chaos.Seam;
using MailFlow.Testing;
using Npgsql;

namespace MailFlow.Chaos;

/// <summary>Has the faults of a plan happen, and puts right what does not come right by itself.</summary>
internal sealed class Havoc(
    IReadOnlyList<Node> nodes, OwnPostgres postgres, RealRedisServer redis, RabbitMqServer? rabbit, KafkaProcess? kafka, EspProcess esp, string folder, Action<string> say) : IAsyncDisposable
{
    private const double Resets = 0.2, Stalls = 0.05, Refusals = 0.9;
    private const int Attempts = 500; // of a call that a node that is up answers sooner or later
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(300);

    private readonly SemaphoreSlim _servers = new(1), _espMood = new(1), _journey = new(1);
    private readonly Dictionary<int, DateTimeOffset> _frozen = [];
    private readonly CancellationTokenSource _over = new();
    private Task _thawing = Task.CompletedTask;

    /// <summary>How many of each kind there were.</summary>
    public Dictionary<string, int> Done { get; } = [];

    /// <summary>
    /// Runs the plan to its end; at its end all is well again, but for clocks, which stay as they were set. Thawing goes on until this is disposed of: a node that has taken an order up may come
    /// to its point, and stop there, long after the last fault.
    /// </summary>
    public async Task RunAsync(IReadOnlyList<Fault> plan, DateTimeOffset begin)
    {
        _thawing = ThawAsync(plan.Where(fault => fault.Kind.StartsWith("freeze", StringComparison.Ordinal)).Select(fault => fault.Span).DefaultIfEmpty(TimeSpan.FromSeconds(12)).Min(), _over.Token);
        var running = new List<Task>();
        foreach (var fault in plan)
        {
            var wait = begin + fault.At - TimeProvider.System.GetUtcNow();
            if (wait > TimeSpan.Zero) await Task.Delay(wait, TimeProvider.System);
            running.Add(Task.Run(() => StrikeAsync(fault)));
        }
        await Task.WhenAll(running);
        foreach (var node in nodes) File.Delete(node.Orders);
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _thawing;
        _over.Dispose();
    }

    private async Task StrikeAsync(Fault fault)
    {
        say(fault.ToString());
        switch (fault.Kind)
        {
            case "kill": if (Target(fault) is { Up: { } victim }) victim.Kill(); break;
            case "freeze": Target(fault)?.Up?.Freeze(); break;
            case "kill-at": if (Target(fault) is { } dies) OrderedFaults.Give(dies.Orders, "KILL", fault.Point, fault.Arrival); break;
            case "freeze-at": if (Target(fault) is { } stops) OrderedFaults.Give(stops.Orders, "STOP", fault.Point, fault.Arrival); break;
            case Plan.ClockStep: nodes[fault.Node].Clock!.Set(fault.Ahead); break; // a node that is down comes up with it
            case "postgres-terminate": await TerminateAsync(); break;
            case "postgres-restart": await OneAtATimeAsync(_servers, fault.Span, () => Sync(postgres.StopImmediately), () => Sync(postgres.Start)); break;
            case "redis-restart": await OneAtATimeAsync(_servers, fault.Span, redis.KillAsync, redis.RestartAsync); break;
            case "rabbitmq-restart" when rabbit is not null: await OneAtATimeAsync(_servers, fault.Span, rabbit.StopAsync, rabbit.StartAgainAsync); break;
            case "kafka-broker" when kafka is not null: await OneAtATimeAsync(_servers, fault.Span, () => kafka.DownAsync(1), () => kafka.UpAsync(1)); break;
            case "esp-resets": await MoodAsync(fault.Span, new StubTroubles(Resets: Resets)); break;
            case "esp-stalls": await MoodAsync(fault.Span, new StubTroubles(Stalls: Stalls)); break;
            case "esp-429": await MoodAsync(fault.Span, new StubTroubles(Refusals: Refusals)); break;
            case "pause": await OneAtATimeAsync(_journey, fault.Span, () => AskAsync(Journey.PauseAsync), () => AskAsync(Journey.ResumeAsync)); break;
            default: return;
        }
        lock (Done) Done[fault.Kind] = Done.GetValueOrDefault(fault.Kind) + 1;
    }

    private Task MoodAsync(TimeSpan span, StubTroubles troubles) => OneAtATimeAsync(_espMood, span, () => esp.BehaveAsync(troubles), () => esp.BehaveAsync(new StubTroubles()));

    private static async Task OneAtATimeAsync(SemaphoreSlim gate, TimeSpan span, Func<Task> begin, Func<Task> end)
    {
        await gate.WaitAsync();
        try
        {
            await begin();
            await Task.Delay(span, TimeProvider.System);
            await end();
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>Of a node that is up, again and again until one has said that it is done.</summary>
    private async Task AskAsync(Func<HttpClient, CancellationToken, Task> call)
    {
        for (var attempt = 0; ; attempt++)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            try
            {
                if (nodes.Where(node => node.TakesHttp).Select(node => node.Up).FirstOrDefault(up => up is not null) is { } up)
                {
                    await call(up.Client, patience.Token);
                    return;
                }
            }
            catch (Exception error) when (attempt < Attempts && error is HttpRequestException or OperationCanceledException)
            {
                // It went away, or its database did.
            }
            await Task.Delay(Look, TimeProvider.System);
        }
    }

    private static Task Sync(Action action)
    {
        action();
        return Task.CompletedTask;
    }

    /// <summary>The node it is about, or the next that is up; null when none is.</summary>
    private Node? Target(Fault fault) => Enumerable.Range(fault.Node, nodes.Count).Select(number => nodes[number % nodes.Count]).FirstOrDefault(node => node.Up is not null);

    /// <summary>Every connection at once, in the middle of whatever.</summary>
    private async Task TerminateAsync()
    {
        try
        {
            await using var connection = new NpgsqlConnection(postgres.ConnectionString + ";Pooling=false");
            await connection.OpenAsync();
            await using var command = new NpgsqlCommand("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'", connection);
            await command.ExecuteNonQueryAsync();
        }
        catch (NpgsqlException)
        {
            // It is down just now: they are ended all the same.
        }
    }

    /// <summary>Has those go on that have been stopped for so long, by whom ever: by us, or by themselves at a point.</summary>
    private async Task ThawAsync(TimeSpan after, CancellationToken over)
    {
        while (true)
        {
            var last = over.IsCancellationRequested;
            var now = TimeProvider.System.GetUtcNow();
            var stopped = Stopped();
            foreach (var gone in _frozen.Keys.Except(stopped).ToList()) _frozen.Remove(gone);
            foreach (var process in stopped)
                if (_frozen.TryAdd(process, now)) say($"process {process} is frozen");
                else if (now - _frozen[process] >= after)
                {
                    using var sent = System.Diagnostics.Process.Start("kill", ["-CONT", $"{process}"]);
                    await sent.WaitForExitAsync(CancellationToken.None);
                    say($"process {process} goes on");
                }
            if (last && stopped.Count == 0) return;
            await Task.Delay(Look, TimeProvider.System, CancellationToken.None);
        }
    }

    /// <summary>The nodes that are stopped, known by the folder in their environment: one that has not come up yet has told nobody its number.</summary>
    private List<int> Stopped()
    {
        var found = new List<int>();
        foreach (var entry in Directory.EnumerateDirectories("/proc").Select(Path.GetFileName))
            if (int.TryParse(entry, out var process))
                try
                {
                    var state = File.ReadAllText($"/proc/{process}/stat");
                    if (state[(state.LastIndexOf(')') + 2)..][0] == 'T' && File.ReadAllText($"/proc/{process}/environ").Contains(folder, StringComparison.Ordinal)) found.Add(process);
                }
                catch (Exception error) when (error is IOException or UnauthorizedAccessException)
                {
                    // It has ended, or is none of ours.
                }
        return found;
    }
}
