using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace MailFlow.Testing;

/// <summary>The real server as a process of its own, on 127.0.0.1 and a free port, which a test can kill as a power cut would.</summary>
public sealed class ServerProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Queue<string> _said;

    private ServerProcess(Process process, HttpClient client, Queue<string> said) => (_process, Client, _said) = (process, client, said);

    /// <summary>Speaks to it with the administrator's key.</summary>
    public HttpClient Client { get; }

    /// <summary>The last 200 lines that it wrote.</summary>
    public IReadOnlyList<string> Said
    {
        get
        {
            lock (_said) return [.. _said];
        }
    }

    /// <summary>Its number among the machine's processes.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Whether it has ended, by itself or by somebody's hand.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Waits until it has.</summary>
    public Task WaitForExitAsync() => _process.WaitForExitAsync();

    /// <summary>Starts it and waits until it is ready.</summary>
    /// <param name="dataDirectory">Its data directory; the same one again continues where the last process stopped.</param>
    /// <param name="postgres">Null for SQLite.</param>
    /// <param name="settings">Further environment variables.</param>
    public static Task<ServerProcess> StartAsync(string dataDirectory, string? postgres, params (string Name, string Value)[] settings) => StartAsync(dataDirectory, postgres, _ => { }, settings);

    /// <summary>The same, heard line by line.</summary>
    public static async Task<ServerProcess> StartAsync(string dataDirectory, string? postgres, Action<string> hear, params (string Name, string Value)[] settings)
    {
        var port = FreePort.Take();
        var process = Start(dataDirectory, postgres, [], [("ASPNETCORE_URLS", $"http://127.0.0.1:{port}"), .. settings]);
        var said = new Queue<string>();
        DataReceivedEventHandler keep = (_, line) =>
        {
            lock (said)
            {
                hear(line.Data ?? "");
                said.Enqueue(line.Data ?? "");
                if (said.Count > 200) said.Dequeue();
            }
        };
        process.OutputDataReceived += keep;
        process.ErrorDataReceived += keep;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();

        var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromSeconds(60) };
        var server = new ServerProcess(process, client, said);
        try
        {
            var watch = Stopwatch.StartNew();
            while (!await IsReadyAsync(client))
            {
                if (process.HasExited || watch.Elapsed > TimeSpan.FromSeconds(120)) throw new InvalidOperationException($"The server did not become ready:\n{string.Join('\n', server.Said)}");
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
            }
            var key = (await File.ReadAllTextAsync(Path.Combine(dataDirectory, "admin.key"))).Trim();
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts one that is not to come up; gives its exit code and what it said, line by line.</summary>
    /// <param name="dataDirectory">Its data directory.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="settings">Environment variables.</param>
    public static async Task<(int ExitCode, string[] Said)> RunToItsEndAsync(string dataDirectory, string[] arguments, params (string Name, string Value)[] settings)
    {
        using var process = Start(dataDirectory, null, arguments, [("ASPNETCORE_URLS", $"http://127.0.0.1:{FreePort.Take()}"), .. settings]);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        try
        {
            var said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(patience.Token), process.StandardError.ReadToEndAsync(patience.Token));
            await process.WaitForExitAsync(patience.Token);
            return (process.ExitCode, string.Concat(said).Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }
        finally
        {
            if (!process.HasExited) process.Kill(); // it came up after all
        }
    }

    /// <summary>Kills it with SIGKILL: nothing of it runs any more.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>Asks it to stop, as an operator does, and waits; gives its exit code.</summary>
    public async Task<int> StopAsync()
    {
        Signal("TERM");
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    /// <summary>Stops its clockwork in mid-step (SIGSTOP), its connections standing; a virtual machine that is moved does as much.</summary>
    public void Freeze() => Signal("STOP");

    /// <summary>Has a frozen one go on where it stood.</summary>
    public void Thaw() => Signal("CONT");

    /// <summary>Everything in a list of the API.</summary>
    public async Task<List<JsonNode>> ListAsync(string path)
    {
        var items = new List<JsonNode>();
        string? next = null;
        do
        {
            var page = (await Client.GetFromJsonAsync<JsonNode>($"{path}{(path.Contains('?') ? '&' : '?')}limit=1000{(next is null ? "" : "&cursor=" + Uri.EscapeDataString(next))}"))!;
            items.AddRange(page["items"]!.AsArray()!);
            next = page["next"]?.GetValue<string>();
        }
        while (next is not null);
        return items;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) Kill();
        await Task.CompletedTask;
        _process.Dispose();
        Client.Dispose();
    }

    private void Signal(string name)
    {
        using var sent = Process.Start("kill", [$"-{name}", _process.Id.ToString()]);
        sent.WaitForExit();
    }

    private static Process Start(string dataDirectory, string? postgres, string[] arguments, (string Name, string Value)[] settings)
    {
        // Beside this test's own output: artifacts/bin/<project>/<configuration>.
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var server = Path.Combine(output.Parent!.Parent!.FullName, "MailFlow.Server", output.Name, "MailFlow.Server.dll");
        var start = new ProcessStartInfo("dotnet", [server, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["MailFlow__DataDirectory"] = dataDirectory;
        start.Environment["ConnectionStrings__MailFlow"] = postgres ?? "";
        foreach (var (name, value) in settings) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private static async Task<bool> IsReadyAsync(HttpClient client)
    {
        try
        {
            return (await client.GetAsync("/health/ready")).IsSuccessStatusCode;
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }
}
