using System.Diagnostics;
using System.Globalization;
using MailFlow.Testing;

namespace MailFlow.Benchmarks;

/// <summary>
/// The whole server with more to do than it can: transitions a second, by its own metrics, before PostgreSQL is stopped without a word and started again, and how long after the
/// start they are back at 95 % of that, over three seconds. Then all that was accepted must have been worked, once.
/// </summary>
internal static class Recovery
{
    private const int Step = 500, Window = 3_000, Before = 9_000;
    private const double Share = 0.95;

    public static async Task<int> RunAsync(Arguments arguments)
    {
        var contacts = arguments.Contacts > 0 ? arguments.Contacts : 400_000;
        using var postgres = OwnPostgres.Start(durable: true);
        var folder = Directory.CreateTempSubdirectory("mailflow-bench-").FullName;
        await using (var server = await ServerProcess.StartAsync(folder, postgres.ConnectionString, ("MailFlow__Samples", "false")))
        {
            await Backlog.PublishAsync(server);
            await Backlog.PostAsync(server, contacts);

            var watch = Stopwatch.StartNew();
            var seen = new List<(long At, double Transitions)>();
            await LookUntilAsync(server, watch, seen, () => seen.Count > 0 && seen[^1].At - seen[0].At >= Before);
            var usual = RateOver(seen, Before);
            Report.Line("transitions before", string.Create(CultureInfo.InvariantCulture, $"{usual,10:N0}/s"));

            postgres.StopImmediately();
            var down = watch.ElapsedMilliseconds;
            postgres.Start();
            var up = watch.ElapsedMilliseconds;
            Report.Line("PostgreSQL away", $"{up - down:N0} ms, its recovery included");

            seen.Clear();
            await LookUntilAsync(server, watch, seen, () => seen.Count > 0 && (RateOver(seen, Window) >= Share * usual || watch.ElapsedMilliseconds - up > 60_000));
            if (RateOver(seen, Window) < Share * usual && await Backlog.EnteredAsync(server) >= contacts) Report.Void("all contacts were through before the rate was back: give it more of them");
            Report.Bar("back within 15 s", seen[^1].At - up <= 15_000 && RateOver(seen, Window) >= Share * usual);
            Report.Line("back at 95 %", $"{seen[^1].At - up:N0} ms after its start, {RateOver(seen, Window):N0}/s over {Window / 1_000} s");

            await Backlog.CompletedAsync(server, contacts);
        }
        Directory.Delete(folder, recursive: true);
        return Report.ExitCode;
    }

    /// <summary>Looks at the counter twice a second.</summary>
    private static async Task LookUntilAsync(ServerProcess server, Stopwatch watch, List<(long At, double Transitions)> seen, Func<bool> done)
    {
        while (!done())
        {
            var metrics = await server.Client.GetStringAsync("/metrics"); // given while the database is away, too
            seen.Add((watch.ElapsedMilliseconds, metrics.Split('\n').Where(line => line.StartsWith("mailflow_transitions_total", StringComparison.Ordinal))
                .Sum(line => double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture))));
            await Task.Delay(TimeSpan.FromMilliseconds(Step), TimeProvider.System);
        }
    }

    /// <summary>A second, over the last so many milliseconds; 0 while so many have not been seen.</summary>
    private static double RateOver(List<(long At, double Transitions)> seen, int milliseconds)
    {
        var first = seen.FindLastIndex(each => each.At <= seen[^1].At - milliseconds);
        return first < 0 ? 0 : (seen[^1].Transitions - seen[first].Transitions) / (seen[^1].At - seen[first].At) * 1_000;
    }
}
