namespace MailFlow.Testing;

/// <summary>
/// A real PostgreSQL for the tests of one process: the one that <c>test.sh</c> started (<c>MAILFLOW_TEST_POSTGRES</c> holds its
/// connection string), or one of our own (<see cref="OwnPostgres"/>), stopped when the process ends. Never skipped:
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
        var server = OwnPostgres.Start(_durable);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.Dispose();
        return server.ConnectionString;
    }
}
