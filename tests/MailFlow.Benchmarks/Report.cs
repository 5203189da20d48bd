using System.Diagnostics;
using System.Globalization;

namespace MailFlow.Benchmarks;

/// <summary>Prints what was measured with what one must know to believe it.</summary>
internal static class Report
{
    /// <summary>1 once a check of the ledger has failed: the run is void.</summary>
    public static int ExitCode { get; private set; }

    public static void Machine(string scenario, Arguments arguments)
    {
        Line("scenario", $"{scenario}, {arguments.Database}, {arguments.Workers} workers");
        Line("machine", $"{Environment.ProcessorCount} cores, {Read("/proc/cpuinfo", "model name")}, {Environment.OSVersion.VersionString}, .NET {Environment.Version}");
        Line("load before", File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Trim() : "unknown");
    }

    public static async Task DatabaseAsync(BenchHost host)
    {
        if (!host.Database.Dialect.IsPostgreSql)
        {
            Line("database", "SQLite, WAL, synchronous=FULL");
            return;
        }
        var settings = await host.Database.ReadAsync(session => session.QueryAsync(
            "SELECT name, setting FROM pg_settings WHERE name IN ('server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_wal_size') ORDER BY name",
            row => $"{row.Text(0)}={row.Text(1)}", default), default);
        Line("database", "PostgreSQL, " + string.Join(", ", settings));
    }

    public static void Line(string name, string value) => Console.WriteLine($"{name,-28} {value}");

    public static void Rate(string name, long count, TimeSpan elapsed) =>
        Line(name, string.Create(CultureInfo.InvariantCulture, $"{count / elapsed.TotalSeconds,10:N0}/s  ({count:N0} in {elapsed.TotalSeconds:N2} s)"));

    public static void Check(string name, long expected, long found)
    {
        var ok = expected == found;
        if (!ok) ExitCode = 1;
        Line("check " + name, ok ? $"{found:N0}, as expected" : $"VOID: {found:N0} where {expected:N0} were expected");
    }

    /// <summary>Nothing was measured, for this reason.</summary>
    public static void Void(string why)
    {
        ExitCode = 1;
        Line("check", $"VOID: {why}");
    }

    /// <summary>Whether what is promised holds.</summary>
    public static void Bar(string name, bool holds)
    {
        if (!holds) ExitCode = 1;
        Line("bar " + name, holds ? "holds" : "DOES NOT HOLD");
    }

    public static string Bytes(double bytes) => bytes >= 1e9 ? $"{bytes / 1e9:N2} GB" : bytes >= 1e6 ? $"{bytes / 1e6:N1} MB" : $"{bytes:N0} B";

    /// <summary>Measures the processors' time of this process and of PostgreSQL's, and the write-ahead log.</summary>
    public static async Task<Cost> StartAsync(BenchHost host) => new(host, Stopwatch.StartNew(), Process.GetCurrentProcess().TotalProcessorTime, DatabaseCpu(), await WalAsync(host));

    private static string Read(string file, string name) =>
        File.Exists(file) ? File.ReadLines(file).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "" : "";

    private static async Task<long> WalAsync(BenchHost host) => host.Database.Dialect.IsPostgreSql
        ? await host.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint", default), default)
        : 0;

    /// <summary>Of those of its processes that have ended, too: their parent has their time.</summary>
    private static TimeSpan DatabaseCpu()
    {
        const double TicksASecond = 100;
        var ticks = 0L;
        // Read here: the runtime takes the title that PostgreSQL gives each of its processes ("postgres: mailflow …") for a name of its own.
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(folder => char.IsAsciiDigit(Path.GetFileName(folder)[0])))
        {
            try
            {
                // utime, stime, cutime and cstime: see proc(5). The name before them is in brackets.
                var stat = File.ReadAllText(process + "/stat");
                if (stat.Contains(" (postgres) ", StringComparison.Ordinal)) ticks += stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[11..15].Sum(long.Parse);
            }
            catch (IOException)
            {
                // It has ended meanwhile.
            }
        }
        return TimeSpan.FromSeconds(ticks / TicksASecond);
    }

    internal sealed record Cost(BenchHost Host, Stopwatch Watch, TimeSpan App, TimeSpan Postgres, long Wal)
    {
        public async Task PrintAsync(string unit, long count)
        {
            var app = Process.GetCurrentProcess().TotalProcessorTime - App;
            var postgres = DatabaseCpu() - Postgres;
            var wal = await WalAsync(Host) - Wal;
            Line($"processor time a {unit}", $"{app.TotalMicroseconds / count:N1} µs application, {postgres.TotalMicroseconds / count:N1} µs PostgreSQL");
            if (wal > 0) Line($"write-ahead log a {unit}", $"{wal / (double)count:N0} B");
        }
    }
}
