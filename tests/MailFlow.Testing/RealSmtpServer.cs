using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;

namespace MailFlow.Testing;

/// <summary>
/// A real SMTP server, npm's smtp-server under Node, on a free port of 127.0.0.1. It keeps every mail it takes, as
/// octets and as read by a MIME parser that is not ours.
/// </summary>
/// <remarks>
/// Installs nothing: where something is missing it throws and says which command puts it there. The server ends with
/// this object, or with the test process if that is killed.
/// </remarks>
public sealed class RealSmtpServer : IAsyncDisposable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private readonly Process _process;
    private readonly ConcurrentQueue<ReceivedMail> _mails = new();
    private readonly SemaphoreSlim _arrived = new(0);

    private RealSmtpServer(Process process, int port) => (_process, Port) = (process, port);

    /// <summary>Where it listens.</summary>
    public int Port { get; }

    /// <summary>The mails taken so far, in order. A mail is here shortly after its sender was told so; see <see cref="MailsAsync"/>.</summary>
    public IReadOnlyList<ReceivedMail> Mails => [.. _mails];

    /// <summary>Starts one.</summary>
    public static async Task<RealSmtpServer> StartAsync(RealSmtpServerOptions? options = null)
    {
        options ??= new RealSmtpServerOptions();
        var folder = Path.Combine(RepositoryRoot(), "tests", "MailFlow.Delivery.Tests", "SmtpServer");
        if (!Directory.Exists(Path.Combine(folder, "node_modules", "smtp-server")))
            throw new InvalidOperationException("The SMTP server of the tests is not installed. Run: npm ci --prefix tests/MailFlow.Delivery.Tests/SmtpServer");

        var start = new ProcessStartInfo("node") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder };
        start.ArgumentList.Add("server.mjs");
        start.ArgumentList.Add(JsonSerializer.Serialize(options, Json));
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new InvalidOperationException("Node 20 or later is needed for the SMTP server of the tests; there is no node on the PATH.", missing);
        }

        var errors = process.StandardError.ReadToEndAsync();
        var line = await process.StandardOutput.ReadLineAsync()
            ?? throw new InvalidOperationException($"The SMTP server of the tests did not start: {await errors}");
        var server = new RealSmtpServer(process, JsonDocument.Parse(line).RootElement.GetProperty("port").GetInt32());
        _ = server.ReadMailsAsync();
        return server;
    }

    /// <summary>Waits until at least so many mails have been taken and returns all of them.</summary>
    public async Task<IReadOnlyList<ReceivedMail>> MailsAsync(int count)
    {
        while (_mails.Count < count)
        {
            if (!await _arrived.WaitAsync(TimeSpan.FromSeconds(30)))
                throw new TimeoutException($"The SMTP server took {_mails.Count} mails where {count} were expected.");
        }

        return Mails;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _arrived.Dispose();
    }

    private async Task ReadMailsAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            _mails.Enqueue(JsonSerializer.Deserialize<ReceivedMail>(line, Json)!);
            _arrived.Release();
        }
    }

    private static string RepositoryRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "MailFlow.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException($"No MailFlow.sln above {AppContext.BaseDirectory}.");
    }
}

/// <summary>How the server behaves.</summary>
/// <param name="Tls"><c>none</c>, <c>starttls</c> or <c>implicit</c>.</param>
/// <param name="Key">PEM file of the private key, for TLS.</param>
/// <param name="Cert">PEM file of the certificate, for TLS.</param>
/// <param name="User">Asks for AUTH with this name where it is given.</param>
/// <param name="Password">The password that goes with <paramref name="User"/>.</param>
/// <param name="Size">Largest mail in octets, announced as SIZE.</param>
/// <param name="Hide">Extensions not to offer: PIPELINING, 8BITMIME, SMTPUTF8, PLAIN.</param>
public sealed record RealSmtpServerOptions(
    string Tls = "none", string? Key = null, string? Cert = null, string? User = null, string? Password = null, int? Size = null, IReadOnlyList<string>? Hide = null);

/// <summary>One mail the server took. The address <c>nobody@…</c> is refused with 550.</summary>
/// <param name="Session">The connection's id, by which mails on one connection are told from others.</param>
/// <param name="Secure">Whether it came over TLS.</param>
/// <param name="User">Who had signed in.</param>
/// <param name="Helo">What the client called itself.</param>
/// <param name="MailFrom">The envelope's sender; empty for the null reverse-path.</param>
/// <param name="RcptTo">The envelope's recipients.</param>
/// <param name="Raw">The octets as they stood between DATA and the dot, dots unstuffed.</param>
/// <param name="Subject">As decoded by the parser, like all that follows.</param>
/// <param name="Headers">Name in lower case and undecoded value, in order.</param>
public sealed record ReceivedMail(
    string Session, bool Secure, string? User, string Helo, string MailFrom, IReadOnlyList<string> RcptTo, byte[] Raw,
    string Subject, string FromName, string FromAddress, string ToName, string ToAddress, string Text, string Html,
    string MessageId, string Date, IReadOnlyList<IReadOnlyList<string>> Headers)
{
    /// <summary>The value of the first header of this name, or null.</summary>
    public string? Header(string name) =>
        Headers.FirstOrDefault(header => header[0].Equals(name, StringComparison.OrdinalIgnoreCase))?[1];
}
