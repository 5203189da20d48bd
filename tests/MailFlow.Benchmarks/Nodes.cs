using System.Diagnostics;
using MailFlow.Testing;

namespace MailFlow.Benchmarks;

/// <summary>
/// What one more node costs or brings on one machine: the same backlog worked off by one process and by two, twice each, on an empty PostgreSQL of its own each time. A third process, which only
/// answers the API, takes the events first and is asked how far it is.
/// </summary>
internal static class Nodes
{
    public static async Task<int> RunAsync(Arguments arguments)
    {
        var contacts = arguments.Contacts > 0 ? arguments.Contacts : 200_000;
        var (one, two) = (0.0, 0.0);
        foreach (var nodes in new[] { 1, 2, 2, 1 }) // so that neither is always the first
            if (nodes == 1) one += await RateAsync(nodes, contacts);
            else two += await RateAsync(nodes, contacts);
        Report.Line("two against one", $"{two / one:P0}");
        Report.Bar("two nodes are not slower than one, within 10 %", two >= 0.9 * one);
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
