using System.Diagnostics;
using Npgsql;

namespace MailFlow.Testing;

/// <summary>A PostgreSQL of one's own in a temporary folder, which a test can break. Gone when disposed of.</summary>
public sealed class OwnPostgres : IDisposable
{
    private static readonly bool AsPostgres = Environment.UserName == "root"; // PostgreSQL will not run as root

    private readonly string _folder, _binaries, _options;

    private OwnPostgres(string folder, string binaries, string options, string connectionString) =>
        (_folder, _binaries, _options, ConnectionString) = (folder, binaries, options, connectionString);

    /// <summary>Where it listens.</summary>
    public string ConnectionString { get; }

    /// <summary>Makes and starts one. Fails, and says what to install, where there is none.</summary>
    /// <param name="durable">Whether it waits for the disk at every commit.</param>
    public static OwnPostgres Start(bool durable)
    {
        var binaries = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).Where(bin => File.Exists(Path.Combine(bin, "initdb"))).Max()
            : null;
        if (binaries is null)
            throw new InvalidOperationException("PostgreSQL is needed for this test: run ./test.sh once, install Debian's package postgresql, or set MAILFLOW_TEST_POSTGRES to a connection string.");

        var folder = Directory.CreateTempSubdirectory("mailflow-pg-").FullName;
        var port = FreePort.Take();
        if (AsPostgres) Run("chown", "postgres", folder);
        var server = new OwnPostgres(folder, binaries,
            $"-c listen_addresses=127.0.0.1 -p {port} -c unix_socket_directories={folder} -c max_connections=300 {(durable ? "-c shared_buffers=2GB -c max_wal_size=4GB" : "-c fsync=off")}",
            new NpgsqlConnectionStringBuilder { Host = "127.0.0.1", Port = port, Username = "mailflow", Database = "postgres", CommandTimeout = durable ? 600 : 30 }.ConnectionString);
        server.RunAsOwner("initdb", "-D", server.Data, "-U", "mailflow", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync");
        server.Start();
        return server;
    }

    /// <summary>Starts it again.</summary>
    public void Start() => RunAsOwner("pg_ctl", "-D", Data, "-l", _folder + "/log", "-w", "start", "-o", _options);

    /// <summary>Ends all its processes at once, as a power cut does; the next start recovers from the log.</summary>
    public void StopImmediately() => RunAsOwner("pg_ctl", "-D", Data, "-m", "immediate", "stop");

    /// <inheritdoc/>
    public void Dispose()
    {
        if (File.Exists(Data + "/postmaster.pid")) StopImmediately();
        Directory.Delete(_folder, recursive: true);
    }

    private string Data => _folder + "/data";

    private void RunAsOwner(string program, params string[] arguments)
    {
        program = Path.Combine(_binaries, program);
        if (AsPostgres) Run("runuser", ["-u", "postgres", "--", program, .. arguments]);
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
