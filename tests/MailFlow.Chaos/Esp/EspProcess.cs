using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using MailFlow.Delivery;

namespace MailFlow.Chaos.Esp;

/// <summary>The <see cref="StubEsp"/>, started as a process of its own.</summary>
internal sealed class EspProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly HttpClient _http;
    private readonly string _log;

    private EspProcess(Process process, Uri address, string log) => (_process, Address, _http, _log) = (process, address, new HttpClient { BaseAddress = address }, log);

    public Uri Address { get; }

    public static async Task<EspProcess> StartAsync(ReplayPolicy mode, string log, int seed)
    {
        var process = Itself.Start("esp", mode.ToString(), log, $"{seed}");
        var address = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The stub ESP did not start.");
        return new EspProcess(process, new Uri(address), log);
    }

    public Task BehaveAsync(StubTroubles troubles) => PutAsync("troubles", troubles);

    public Task ReportToAsync(StubReportsTo to) => PutAsync("reports-to", to);

    public async Task<StubState> StateAsync() => (await _http.GetFromJsonAsync<StubState>("state"))!;

    public Task<string> PublicKeyAsync() => _http.GetStringAsync("public-key");

    public IReadOnlyList<TakenLine> ReadLog()
    {
        using var reader = new StreamReader(new FileStream(_log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        var lines = new List<TakenLine>();
        while (reader.ReadLine() is { } line) lines.Add(JsonSerializer.Deserialize<TakenLine>(line)!);
        return lines;
    }

    public async ValueTask DisposeAsync()
    {
        await Itself.EndAsync(_process);
        _http.Dispose();
    }

    private async Task PutAsync<T>(string path, T value)
    {
        using var answer = await _http.PutAsJsonAsync(path, value);
        answer.EnsureSuccessStatusCode();
    }
}
