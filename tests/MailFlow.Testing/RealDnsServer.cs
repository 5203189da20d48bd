using System.Diagnostics;

namespace MailFlow.Testing;

/// <summary>
/// A real DNS server, Debian's dnsmasq, on a free port of 127.0.0.1, by UDP and TCP. It knows the records it is given; of other names below <c>test</c>, <c>net</c>,
/// <c>com</c> and <c>arpa</c> it says that they do not exist, and all else it refuses to answer.
/// </summary>
/// <remarks>Installs nothing: where it is missing it throws and says what puts it there. It ends with this object.</remarks>
public sealed class RealDnsServer : IAsyncDisposable
{
    private const string Program = "/usr/sbin/dnsmasq";

    private readonly Process _process;
    private readonly string _file;

    private RealDnsServer(Process process, string file, int port) => (_process, _file, Port) = (process, file, port);

    /// <summary>Where it listens.</summary>
    public int Port { get; }

    /// <summary>Starts one.</summary>
    /// <param name="records">Lines of dnsmasq's configuration; see <see cref="Txt"/>.</param>
    public static async Task<RealDnsServer> StartAsync(params string[] records)
    {
        if (!File.Exists(Program)) throw new InvalidOperationException("The DNS server of the tests is not installed. As root on Debian: apt-get install dnsmasq-base");
        var file = Path.GetTempFileName();
        for (var attempt = 0; ; attempt++)
        {
            var port = FreePort.Take();
            string[] lines =
            [
                $"port={port}", "listen-address=127.0.0.1", "bind-interfaces", "no-resolv", "no-hosts", "keep-in-foreground", "log-facility=-", "pid-file=", $"user={Environment.UserName}",
                "local=/test/", "local=/net/", "local=/com/", "local=/arpa/", .. records,
            ];
            await File.WriteAllLinesAsync(file, lines);
            var process = Process.Start(new ProcessStartInfo(Program, $"--conf-file={file}") { RedirectStandardError = true })!;
            var said = "";
            while (await process.StandardError.ReadLineAsync() is { } line)
            {
                said += line + "\n";
                if (!line.Contains("started, version", StringComparison.Ordinal)) continue;
                _ = process.StandardError.ReadToEndAsync(); // so that it never waits for a reader
                return new RealDnsServer(process, file, port);
            }
            await process.WaitForExitAsync();
            process.Dispose();
            if (attempt == 4) throw new InvalidOperationException($"dnsmasq did not start: {said}"); // until then, another process may have taken the port
        }
    }

    /// <summary>A TXT record, cut into strings of 255 as DNS has it.</summary>
    public static string Txt(string name, string value) => $"txt-record={name},{string.Join(',', value.Chunk(255).Select(part => $"\"{new string(part)}\""))}";

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        File.Delete(_file);
    }
}
