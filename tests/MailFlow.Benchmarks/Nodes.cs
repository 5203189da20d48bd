using System.Diagnostics;
using MailFlow.Testing;

namespace MailFlow.Benchmarks;

/// <summary>
/// What one more node costs or brings on one machine: the same backlog worked off by one process, then by two, on an empty PostgreSQL of its own each time. A third process, which only
/// answers the API, takes the events first and is asked how far it is.
/// </summary>
internal static class Nodes
{
    public static async Task<int> RunAsync(Arguments arguments)
    {
        var contacts = arguments.Contacts > 0 ? arguments.Contacts : 200_000;
        var one = await RateAsync(1, contacts);
        var two = await RateAsync(2, contacts);
        Report.Line("two against one", $"{two / one:P0}");
        return Report.ExitCode;
    }

    /// <summary>Transitions a second, from the first contact that was seen to have entered to the last that completed.</summary>
    private static async Task<double> RateAsync(int nodes, int contacts)
    {
        using var postgres = OwnPostgres.Start(durable: true);
        var folder = Directory.CreateTempSubdirectory("mailflow-bench-").FullName;
        await using var api = await ServerProcess.StartAsync(folder, postgres.ConnectionString, ("MailFlow__Samples", "false"), ("MailFlow__Roles", "api"));
        await Backlog.PublishAsync(api);
        await Backlog.PostAsync(api, contacts);

        var workers = await Task.WhenAll(Enumerable.Range(0, nodes).Select(node =>
            ServerProcess.StartAsync(folder, postgres.ConnectionString, ("MailFlow__Samples", "false"), ("MailFlow__Roles", "worker"), ("MailFlow__Delivery__Node", $"node-{node}"))));
        var watch = Stopwatch.StartNew();
        var before = await Backlog.EnteredAsync(api);
        await Backlog.CompletedAsync(api, contacts);
        var (through, elapsed) = (contacts - before, watch.Elapsed);
        Report.Rate($"transitions, {nodes} {(nodes == 1 ? "node" : "nodes")}", through * Backlog.Transitions, elapsed);
        foreach (var worker in workers) await worker.StopAsync();
        foreach (var worker in workers) await worker.DisposeAsync();
        await api.StopAsync();
        Directory.Delete(folder, recursive: true);
        return through * Backlog.Transitions / elapsed.TotalSeconds;
    }
}
