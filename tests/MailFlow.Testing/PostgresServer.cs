using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace MailFlow.Testing;

/// <summary>
/// A real PostgreSQL for the tests of one process: the one that <c>test.sh</c> started (<c>MAILFLOW_TEST_POSTGRES</c> holds its
/// connection string), or one of our own in a temporary folder, stopped when the process ends. Never skipped:
/// where neither can be had, the test fails and says what to install.
/// </summary>
public static class PostgresServer
{
    private static readonly Lazy<string> Running = new(Start);
    private static bool _durable;

    /// <summary>Where it listens.</summary>
    public static string ConnectionString => Running.Value;

    /// <summary>Before the first use: a server of our own that waits for the disk at every commit, as a benchmark must have it.</summary>
    public static void UseDurable() => _durable = true;

    private static string Start()
    {
        if (!_durable && Environment.GetEnvironmentVariable("MAILFLOW_TEST_POSTGRES") is { Length: > 0 } given) return given;
        var binaries = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).Where(bin => File.Exists(Path.Combine(bin, "initdb"))).Max()
            : null;
        if (binaries is null)
            throw new InvalidOperationException("PostgreSQL is needed for this test: run ./test.sh once, install Debian's package postgresql, or set MAILFLOW_TEST_POSTGRES to a connection string.");

        var folder = Directory.CreateTempSubdirectory("mailflow-pg-").FullName;
        var port = FreePort();
        var root = Environment.UserName == "root";
        if (root) Run("chown", "postgres", folder); // PostgreSQL will not run as root.
        Run(root, Path.Combine(binaries, "initdb"), "-D", folder + "/data", "-U", "mailflow", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync");
        Run(root, Path.Combine(binaries, "pg_ctl"), "-D", folder + "/data", "-l", folder + "/log", "-w", "start", "-o",
            $"-c listen_addresses=127.0.0.1 -p {port} -c unix_socket_directories={folder} -c max_connections=300 {(_durable ? "-c shared_buffers=2GB -c max_wal_size=4GB" : "-c fsync=off")}");
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            Run(root, Path.Combine(binaries, "pg_ctl"), "-D", folder + "/data", "-m", "immediate", "stop");
            Directory.Delete(folder, recursive: true);
        };
        return new NpgsqlConnectionStringBuilder { Host = "127.0.0.1", Port = port, Username = "mailflow", Database = "postgres" }.ConnectionString;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static void Run(bool root, string program, params string[] arguments)
    {
        if (root) Run("runuser", ["-u", "postgres", "--", program, .. arguments]);
        else Run(program, arguments);
    }

    private static void Run(string program, params string[] arguments)
    {
        // Output goes nowhere: pg_ctl hands its pipes to the server, and reading them to the end would wait for ever.
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "exec \"$@\" >/dev/null 2>&1", "sh", program, .. arguments]) { WorkingDirectory = "/" })!;
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}.");
    }
}
