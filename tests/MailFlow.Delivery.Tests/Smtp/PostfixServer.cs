using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Smtp;

/// <summary>
/// A real Postfix, Debian's, with configuration, queue and port of its own: it takes mail for anybody at <c>relay.example</c>, finds that there is nobody, and sends its report
/// to where all other mail goes too.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class PostfixServer : IAsyncDisposable
{
    private const string Program = "/usr/sbin/postfix";

    private readonly DirectoryInfo _folder;
    private readonly Process _process;
    private readonly StringBuilder _log = new();
    private bool _started;

    private PostfixServer(DirectoryInfo folder, Process process, int port) => (_folder, _process, Port) = (folder, process, port);

    /// <summary>Where it listens, on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>What it has logged.</summary>
    public string Log
    {
        get
        {
            lock (_log) return _log.ToString();
        }
    }

    /// <param name="next">The port of the server that gets all mail that is for elsewhere.</param>
    public static async Task<PostfixServer> StartAsync(int next)
    {
        if (!File.Exists(Program)) throw new InvalidOperationException("Postfix is not installed. On Debian: apt-get install postfix, with no configuration (test.sh does it).");
        // Its processes change to users of their own, which only root can have them do. A run that leaves this out is not a run of the tests.
        if (!Environment.IsPrivilegedProcess) throw new InvalidOperationException("Postfix runs for root only: run this test as root, in a container for instance.");
        for (var attempt = 1; ; attempt++)
        {
            // Another process may take the port between our look and Postfix's.
            var server = await TryStartAsync(FreePort.Take(), next);
            if (server._started) return server;
            await server.DisposeAsync();
            if (attempt == 5) throw new InvalidOperationException($"Postfix did not start: {server.Log}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        using (var stop = Process.Start(new ProcessStartInfo(Program, ["-c", Configuration, "stop"]) { RedirectStandardError = true, RedirectStandardOutput = true })!) await stop.WaitForExitAsync();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }

    private string Configuration => Path.Combine(_folder.FullName, "conf");

    private static async Task<PostfixServer> TryStartAsync(int port, int next)
    {
        var folder = Directory.CreateTempSubdirectory("mailflow-postfix-");
        // Its processes run as a user of their own, who must find the way.
        File.SetUnixFileMode(folder.FullName, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        foreach (var name in (string[])["conf", "queue", "data"]) folder.CreateSubdirectory(name);
        using (var chown = Process.Start("chown", ["postfix", Path.Combine(folder.FullName, "data")])) await chown.WaitForExitAsync();
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "conf", "main.cf"), $"""
            compatibility_level = 3.6
            queue_directory = {folder.FullName}/queue
            data_directory = {folder.FullName}/data
            command_directory = /usr/sbin
            daemon_directory = /usr/lib/postfix/sbin
            maillog_file = /dev/stdout
            myhostname = relay.example
            mydestination = relay.example
            mynetworks = 127.0.0.0/8
            inet_interfaces = 127.0.0.1
            inet_protocols = ipv4
            smtp_dns_support_level = disabled
            smtp_host_lookup = native
            relayhost = [127.0.0.1]:{next}
            local_recipient_maps =
            alias_maps =
            alias_database =
            smtpd_relay_restrictions = permit_mynetworks, reject

            """);
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "conf", "master.cf"), $"""
            127.0.0.1:{port} inet n - n - - smtpd
            cleanup unix n - n - 0 cleanup
            qmgr unix n - n 300 1 qmgr
            rewrite unix - - n - - trivial-rewrite
            bounce unix - - n - 0 bounce
            defer unix - - n - 0 bounce
            trace unix - - n - 0 bounce
            proxymap unix - - n - - proxymap
            smtp unix - - n - - smtp
            error unix - - n - - error
            retry unix - - n - - error
            local unix - n n - - local
            anvil unix - - n - 1 anvil
            scache unix - - n - 1 scache
            postlog unix-dgram n - n - 1 postlogd

            """);

        // In the foreground, and for no longer than a test may take: whatever becomes of us, it ends.
        var process = Process.Start(new ProcessStartInfo("timeout", ["300", Program, "-c", Path.Combine(folder.FullName, "conf"), "start-fg"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var server = new PostfixServer(folder, process, port);
        var started = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        process.ErrorDataReceived += (_, line) => server.Note(line.Data, started);
        process.OutputDataReceived += (_, line) => server.Note(line.Data, started);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        server._started = await started.Task.WaitAsync(TimeSpan.FromSeconds(60));
        return server;
    }

    private void Note(string? line, TaskCompletionSource<bool> started)
    {
        lock (_log) _log.AppendLine(line);
        if (line is null || line.Contains("fatal", StringComparison.Ordinal)) started.TrySetResult(false);
        else if (line.Contains("daemon started", StringComparison.Ordinal)) started.TrySetResult(true);
    }
}
