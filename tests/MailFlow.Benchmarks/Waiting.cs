using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using MailFlow.Engine.Storage;

namespace MailFlow.Benchmarks;

/// <summary>
/// What many waiting instances cost: bytes on disk with all indexes, the time until a fresh process has found what is due, and how late timers
/// are at half load while all the others wait. A thousand instances are made by the engine; their rows are then copied in the database.
/// </summary>
internal static class Waiting
{
    private const int Made = 1_000;
    private const int Slice = 50; // milliseconds from one call of contacts to the next: so many a second are a multiple of twenty
    private const long Day = 24L * 3_600_000, Year = 365 * Day;

    /// <summary>Half of the contacts a second that <c>transitions</c> takes through on this machine at this hour: one that is shared bears twice as much in some as in others.</summary>
    public static async Task<int> HalfLoadAsync(BenchHost host, Arguments arguments)
    {
        var half = (int)(await Transitions.RunAsync(host, arguments with { Contacts = 0 }) / 2);
        half -= half % (1000 / Slice);
        Report.Line("half load", $"{half:N0} contacts a second that enter and are woken");
        return half;
    }

    public static async Task RunAsync(BenchHost host, Arguments arguments)
    {
        var waiting = arguments.Contacts > 0 ? arguments.Contacts : 1_000_000;
        await host.PublishAsync();
        await host.SignUpAsync(Made);
        await host.DrainAsync(arguments.Workers);
        await CopyContactsAsync(host, waiting / Made);
        await CopyAsync(host, waiting / Made, later: Year);
        await SettleAsync(host);
        var count = await host.CountAsync("SELECT count(*) FROM instance WHERE status = 0 AND due_at IS NOT NULL");
        Report.Check("waiting instances", waiting, count);
        await SizeAsync(host, count);

        var watch = Stopwatch.StartNew();
        await host.Worker.ShardsWithWorkAsync(default);
        Report.Line("first look for due work", $"{watch.Elapsed.TotalMilliseconds:N1} ms with {count:N0} waiting");
        var lags = await LagAsync(host, account: 1, arguments.PerSecond!.Value, seconds: 60);
        Report.Bar("p99 under 250 ms", Percentile(lags, 0.99) < 250);
    }

    /// <summary>One account's million timers are due at once; another account's few must not wait for them.</summary>
    public static async Task FairnessAsync(BenchHost host, Arguments arguments)
    {
        var due = arguments.Contacts > 0 ? arguments.Contacts : 1_000_000;
        await host.PublishAsync();
        await host.SignUpAsync(Made);
        await host.DrainAsync(arguments.Workers);
        await CopyContactsAsync(host, due / Made);
        await CopyAsync(host, due / Made, later: -Day);
        await SettleAsync(host);
        Report.Line("due at once", $"{await DueAsync():N0} timers of account 1");
        var lags = await LagAsync(host, account: 2, arguments.PerSecond ?? 100, seconds: 40);
        Report.Bar("none 5 s late", lags[^1] < 5_000);
        Report.Line("still due at the end", $"{await DueAsync():N0} timers of account 1"); // with none left, the last of account 2 had nobody to wait for

        Task<long> DueAsync() => host.CountAsync($"SELECT count(*) FROM instance WHERE account_id = 1 AND status = 0 AND due_at <= {host.Time.GetUtcNow().ToUnixTimeMilliseconds()}");
    }

    /// <summary>The copies' waits end so many milliseconds later: in a year, so that only what the test makes due is due, or before now. Each keeps the size of its original.</summary>
    private static async Task CopyAsync(BenchHost host, int copies, long later)
    {
        var postgres = host.Database.Dialect.IsPostgreSql;
        // A second later each: rows come in the order of time, as they do from the engine, and fill the indexes as they do there.
        var id = postgres
            ? "(lpad(to_hex(('x' || substr(replace(id::text, '-', ''), 1, 12))::bit(48)::bigint + n * 1000), 12, '0') || substr(replace(id::text, '-', ''), 13))::uuid"
            : "substr(id, 1, 12) || unhex(printf('%08X', n))";
        var series = Series(host, copies);
        await host.Database.WriteAsync(async session =>
        {
            await session.ExecuteAsync($"""
                INSERT INTO instance (id, contact_id, version_id, due_at, parked_at, updated_at, account_id, journey_id, ver, shard, status, format, state)
                SELECT {id}, contact_id + CAST(n AS BIGINT) * 10000000, version_id, due_at + {later} + n * 1000, parked_at, updated_at, account_id, journey_id, ver, shard, status, format, state FROM instance, {series} ORDER BY n
                """, default);
            await session.ExecuteAsync($"""
                INSERT INTO entry (journey_id, contact_id, account_id, entries, entered_at) SELECT journey_id, contact_id + CAST(n AS BIGINT) * 10000000, account_id, entries, entered_at FROM entry, {series} ORDER BY n
                """, default);
        }, default);
    }

    /// <summary>The contacts of copies that are not only to wait.</summary>
    private static Task<int> CopyContactsAsync(BenchHost host, int copies) => host.Database.WriteAsync(session => session.ExecuteAsync($"""
        INSERT INTO contact (id, account_id, shard, user_id, email, first_name, last_name, time_zone, attributes, tags, created_at, updated_at)
        SELECT id + CAST(n AS BIGINT) * 10000000, account_id, shard, user_id || '-' || n, n || '-' || email, first_name, last_name, time_zone, attributes, tags, created_at, updated_at
        FROM contact, {Series(host, copies)} ORDER BY n
        """, default), default);

    private static string Series(BenchHost host, int copies) => host.Database.Dialect.IsPostgreSql
        ? $"generate_series(1, {copies - 1}) AS n"
        : $"(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {copies - 1}) SELECT n FROM s)";

    /// <summary>What copying so much leaves PostgreSQL to do is not what is measured.</summary>
    private static async Task SettleAsync(BenchHost host)
    {
        if (!host.Database.Dialect.IsPostgreSql) return;
        // A checkpoint that a server has every five minutes is to fall into the one that is measured: begun every half, and spread over it as ever.
        foreach (var statement in new[] { "VACUUM ANALYZE", "CHECKPOINT", "ALTER SYSTEM SET checkpoint_timeout = '30s'", "SELECT pg_reload_conf()" }) await RunAsync(host, statement);
    }

    private static async Task SizeAsync(BenchHost host, long count)
    {
        if (host.Database.Dialect.IsPostgreSql)
        {
            foreach (var table in new[] { "instance", "entry" })
            {
                var total = await host.CountAsync($"SELECT pg_total_relation_size('{table}')");
                Report.Line($"table {table}, all indexes", $"{Report.Bytes(total)}, {total / (double)count:N0} B a waiting instance; 10 million: {Report.Bytes(total / (double)count * 1e7)}");
            }
            return;
        }
        var size = await host.CountAsync("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()");
        Report.Line("whole database file", $"{Report.Bytes(size)}, {size / (double)count:N0} B a waiting instance; 10 million: {Report.Bytes(size / (double)count * 1e7)}");
    }

    /// <summary>
    /// Open loop, by the workers that the server runs: contacts enter at a fixed rate and wait five seconds each, so that from then on as many enter as are woken. Lag is the engine's own
    /// measure, from the instant a wait was over to its commit. What has waited for an hour is the other account's.
    /// </summary>
    private static async Task<List<double>> LagAsync(BenchHost host, int account, int perSecond, int seconds)
    {
        const int Part = 5; // seconds
        await host.PublishAsync("lag", File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "lag-journey.json")), account);
        var total = perSecond * seconds;
        var (lags, durations) = (new ConcurrentBag<(double Ms, double At)>(), new ConcurrentBag<double>());
        var watch = new Stopwatch();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, meters) =>
            {
                if (instrument.Name is "mailflow.lag" or "mailflow.batch.duration") meters.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<double>((instrument, seconds, tags, _) =>
        {
            if (instrument.Name == "mailflow.batch.duration") durations.Add(seconds * 1_000);
            else if (seconds < 3_600 && tags is [{ Value: "timer" }]) lags.Add((seconds * 1_000, watch.Elapsed.TotalSeconds));
        });
        listener.Start();
        var cost = await Report.StartAsync(host);
        using var disk = new DiskProbe(watch);
        await using (await host.WorkAsync())
        {
            watch.Start();
            disk.Start();
            for (var sent = 0; sent < total; sent += perSecond * Slice / 1000)
            {
                var ahead = TimeSpan.FromMilliseconds(sent * 1000.0 / perSecond) - watch.Elapsed;
                if (ahead > TimeSpan.Zero) await Task.Delay(ahead, TimeProvider.System);
                await host.Get<EventIntake>().AcceptAsync(account, [.. Enumerable.Range(sent, perSecond * Slice / 1000).Select(i => host.Event("lag_started", 20_000_000 + i))], default);
            }
            Report.Rate("entered", total, watch.Elapsed);
            Report.Check("entered at the rate, in per cent", 100, (long)Math.Round(100 * total / watch.Elapsed.TotalSeconds / perSecond));
            for (var patience = 0; patience < 120 && lags.Count < total; patience++) await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System);
        }

        List<double> batches = [.. durations.Order()];
        Report.Line("batches", $"{batches.Count:N0} of {2.0 * total / batches.Count:N0} waits and events, p50 {Percentile(batches, 0.5):N1} ms, p99 {Percentile(batches, 0.99):N1} ms");
        await cost.PrintAsync("batch", batches.Count);

        var writes = disk.Stop();
        foreach (var part in lags.GroupBy(lag => (int)lag.At / Part).OrderBy(part => part.Key))
            Report.Line($"lag from second {Part * part.Key}", $"{Described(Sorted(part))}; the disk's worst write {writes.Where(write => (int)write.At / Part == part.Key).Max(write => (double?)write.Ms):N0} ms");
        Report.Line("8 kB to the disk, durable", Described(Sorted(writes)));
        var sorted = Sorted(lags);
        Report.Check("timers fired", total, sorted.Count);
        Report.Check("timers fired early", 0, sorted.Count(lag => lag < 0));
        Report.Check("instances completed", total, await FinishedAsync(host));
        Report.Line($"lag at {perSecond:N0} timers/s", Described(sorted));
        return sorted;

        static List<double> Sorted(IEnumerable<(double Ms, double At)> lags) => [.. lags.Select(lag => lag.Ms).Order()];
        static string Described(List<double> lags) => $"p50 {Percentile(lags, 0.5):N0} ms, p99 {Percentile(lags, 0.99):N0} ms, most {lags[^1]:N0} ms";
    }

    private static Task<long> FinishedAsync(BenchHost host) =>
        host.CountAsync("SELECT count(*) FROM instance WHERE status = 1 AND journey_id = (SELECT id FROM journey WHERE definition_id = 'lag')");

    private static Task<int> RunAsync(BenchHost host, string sql) => host.Database.ReadAsync(session => session.ExecuteAsync(sql, default), default);

    private static double Percentile(List<double> sorted, double part) => sorted.Count == 0 ? double.NaN : sorted[Math.Min(sorted.Count - 1, (int)(sorted.Count * part))];
}
