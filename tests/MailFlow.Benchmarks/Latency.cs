using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailFlow.Testing;

namespace MailFlow.Benchmarks;

/// <summary>
/// The whole server as its users run it: start-up time, and the time from an event's posting to its mail's hand-over at five events a
/// second, open loop.
/// </summary>
internal static class Latency
{
    public static async Task<int> RunAsync(Arguments arguments)
    {
        const int PerSecond = 5;
        var events = arguments.Contacts > 0 ? arguments.Contacts : 100;
        if (arguments.Database == DatabaseKind.PostgreSql) PostgresServer.UseDurable();
        await using var test = await TestDatabase.CreateAsync(arguments.Database, TimeProvider.System);
        var folder = Directory.CreateTempSubdirectory("mailflow-bench-").FullName;
        await using var server = await ServerProcess.StartAsync(folder, test.ConnectionString);
        await SignUpAsync(server, "warm-up");
        await Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System);

        var sent = new Dictionary<string, DateTimeOffset>();
        var watch = System.Diagnostics.Stopwatch.StartNew();
        for (var i = 0; i < events; i++)
        {
            var ahead = TimeSpan.FromSeconds(i / (double)PerSecond) - watch.Elapsed;
            if (ahead > TimeSpan.Zero) await Task.Delay(ahead, TimeProvider.System);
            sent[$"user-{i}"] = TimeProvider.System.GetUtcNow();
            await SignUpAsync(server, $"user-{i}");
        }
        await Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System);

        var mails = (await server.ListAsync("/api/v1/sandbox/messages")).Where(mail => sent.ContainsKey(mail["user_id"]!.GetValue<string>())).ToList();
        var times = mails.Select(mail => (mail["at"]!.GetValue<DateTimeOffset>() - sent[mail["user_id"]!.GetValue<string>()]).TotalMilliseconds).Order().ToList();
        Report.Check("mails", events, mails.Count);
        Report.Line("event to hand-over", $"p50 {times[times.Count / 2]:N0} ms, p99 {times[(int)(times.Count * 0.99)]:N0} ms, most {times[^1]:N0} ms at {PerSecond} events/s");
        await server.StopAsync();

        watch.Restart();
        await using var again = await ServerProcess.StartAsync(folder, test.ConnectionString);
        Report.Line("start-up to ready", $"{watch.Elapsed.TotalMilliseconds:N0} ms");
        await again.StopAsync();
        Directory.Delete(folder, recursive: true);
        return Report.ExitCode;
    }

    private static async Task SignUpAsync(ServerProcess server, string user)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var answer = await server.Client.PostAsJsonAsync("/api/v1/events", JsonNode.Parse($$"""
            {"event_id":"sign-up-{{user}}","event_type":"user_signed_up","user_id":"{{user}}","timestamp":{{now}},
             "payload":{"contact":{"email":"{{user}}@example.org","first_name":"Ada","consents":{"newsletter":true,"product_updates":true,"onboarding":true} } } }
            """));
        answer.EnsureSuccessStatusCode();
    }
}
