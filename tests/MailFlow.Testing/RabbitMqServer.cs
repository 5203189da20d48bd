using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;

namespace MailFlow.Testing;

/// <summary>
/// A real RabbitMQ, Debian's, with its management plugin, on free ports of 127.0.0.1 and in a temporary folder; <c>guest</c> signs in with <c>guest</c>. It can be stopped and
/// started again, and is gone with this object.
/// </summary>
/// <remarks>Installs nothing: where it is missing it throws and says what puts it there.</remarks>
public sealed class RabbitMqServer : IAsyncDisposable
{
    private const string Programs = "/usr/lib/rabbitmq/bin";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5), Moment = TimeSpan.FromMilliseconds(100);

    private readonly string _folder = Directory.CreateTempSubdirectory("mailflow-rabbitmq-").FullName;
    private readonly int _distribution = FreePort.Take(), _names = FreePort.Take();

    private Process? _process;

    private RabbitMqServer() { }

    /// <summary>Where AMQP is spoken.</summary>
    public int Port { get; } = FreePort.Take();

    /// <summary>Where AMQP is spoken over TLS, with a certificate for <c>localhost</c>.</summary>
    public int TlsPort { get; } = FreePort.Take();

    /// <summary>A PEM file: whom to trust, to trust <see cref="TlsPort"/>.</summary>
    public string AuthorityFile => $"{_folder}/certificate.pem";

    /// <summary>Where <c>rabbitmqadmin</c> asks.</summary>
    public int ManagementPort { get; } = FreePort.Take();

    /// <summary>Starts one.</summary>
    public static async Task<RabbitMqServer> StartAsync()
    {
        if (!File.Exists($"{Programs}/rabbitmq-server")) throw new InvalidOperationException("The RabbitMQ of the tests is not installed. As root on Debian: apt-get install rabbitmq-server");
        var server = new RabbitMqServer();
        try
        {
            await server.BeginAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    private async Task BeginAsync()
    {
        File.WriteAllText($"{_folder}/plugins", "[rabbitmq_management].");
        WriteCertificate();
        File.WriteAllText($"{_folder}/rabbitmq.conf", $"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {ManagementPort}\ncollect_statistics_interval = 200\ndisk_free_limit.absolute = 50MB\n"
            + $"listeners.ssl.1 = 127.0.0.1:{TlsPort}\nssl_options.certfile = {AuthorityFile}\nssl_options.keyfile = {_folder}/key.pem\nssl_options.verify = verify_none\nssl_options.fail_if_no_peer_cert = false\n");
        if (IsRoot) await RunAsync("chown", "-R", "rabbitmq", _folder);
        await StartAgainAsync();
    }

    /// <summary>Starts it where it was stopped, with all that it kept.</summary>
    public async Task StartAgainAsync()
    {
        _process?.Dispose();
        _process = Process.Start(Command("/bin/sh", "-c", $"exec {Programs}/rabbitmq-server >>{_folder}/out 2>&1 </dev/null"))!;
        var watch = Stopwatch.StartNew();
        while (!await ListensAsync(Port) || !await ListensAsync(ManagementPort))
        {
            if (_process.HasExited || watch.Elapsed > Patience) throw new InvalidOperationException($"RabbitMQ did not start: {File.ReadAllText($"{_folder}/out")}");
            await Task.Delay(Moment, TimeProvider.System);
        }
    }

    /// <summary>Stops it in order; what is durable is kept.</summary>
    public Task StopAsync() => RunAsync(Command($"{Programs}/rabbitmqctl", "shutdown"));

    /// <summary>Sends a message as <c>rabbitmqadmin</c> does, RabbitMQ's own tool.</summary>
    public Task PublishAsync(string exchange, string routingKey, string payload, string properties = "{}") =>
        AdminAsync("publish", $"exchange={exchange}", $"routing_key={routingKey}", $"payload={payload}", $"properties={properties}");

    /// <summary>Keeps what comes to a topic exchange by such a key, in a queue; makes both where they are not there.</summary>
    public async Task KeepAsync(string exchange, string key, string queue)
    {
        await AdminAsync("declare", "exchange", $"name={exchange}", "type=topic", "durable=true");
        await AdminAsync("declare", "queue", $"name={queue}", "durable=true");
        await AdminAsync("declare", "binding", $"source={exchange}", $"destination={queue}", $"routing_key={key}");
    }

    /// <summary>How many messages a queue holds, those under way included; null where it is not there.</summary>
    public async Task<int?> CountAsync(string queue) =>
        JsonNode.Parse(await AdminAsync("-f", "raw_json", "list", "queues", "name", "messages"))!.AsArray().SingleOrDefault(each => each!["name"]!.GetValue<string>() == queue)?["messages"]?.GetValue<int>();

    /// <summary>Takes what a queue holds: the payload and the headers of each message.</summary>
    public async Task<List<(string Payload, JsonObject Headers)>> TakeAsync(string queue)
    {
        var messages = JsonNode.Parse(await AdminAsync("-f", "raw_json", "get", $"queue={queue}", "count=1000", "ackmode=ack_requeue_false"))!.AsArray();
        return [.. messages.Select(message => (message!["payload"]!.GetValue<string>(), (message["properties"] as JsonObject)?["headers"] as JsonObject ?? []))];
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (await ListensAsync(Port)) await StopAsync();
            await RunAsync(Command("epmd", "-port", $"{_names}", "-kill"));
        }
        finally
        {
            if (_process is { HasExited: false }) _process.Kill(entireProcessTree: true);
            _process?.Dispose();
            Directory.Delete(_folder, recursive: true);
        }
    }

    /// <summary>Signed by itself: who trusts it trusts nothing else by that.</summary>
    private void WriteCertificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var certificate = request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        File.WriteAllText(AuthorityFile, certificate.ExportCertificatePem());
        File.WriteAllText($"{_folder}/key.pem", key.ExportPkcs8PrivateKeyPem());
    }

    private static bool IsRoot => Environment.UserName == "root";

    private Task<string> AdminAsync(params string[] arguments) => RunAsync(new ProcessStartInfo("rabbitmqadmin", ["--host=127.0.0.1", $"--port={ManagementPort}", .. arguments]));

    /// <summary>It will not run as root, and everything of it is in a folder of its own.</summary>
    private ProcessStartInfo Command(string program, params string[] arguments)
    {
        var start = IsRoot ? new ProcessStartInfo("runuser", ["-u", "rabbitmq", "--", program, .. arguments]) : new ProcessStartInfo(program, arguments);
        start.WorkingDirectory = _folder;
        foreach (var (name, value) in new Dictionary<string, string>
        {
            ["HOME"] = _folder,
            ["RABBITMQ_NODENAME"] = $"mailflow{Port}@localhost",
            ["RABBITMQ_NODE_IP_ADDRESS"] = "127.0.0.1",
            ["RABBITMQ_NODE_PORT"] = $"{Port}",
            ["RABBITMQ_DIST_PORT"] = $"{_distribution}",
            ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "-kernel inet_dist_use_interface {127,0,0,1}",
            ["RABBITMQ_MNESIA_BASE"] = $"{_folder}/mnesia",
            ["RABBITMQ_LOG_BASE"] = $"{_folder}/log",
            ["RABBITMQ_FEATURE_FLAGS_FILE"] = $"{_folder}/flags",
            ["RABBITMQ_ENABLED_PLUGINS_FILE"] = $"{_folder}/plugins",
            ["RABBITMQ_CONFIG_FILE"] = $"{_folder}/rabbitmq.conf",
            ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
            ["ERL_EPMD_PORT"] = $"{_names}",
        }) start.Environment[name] = value;
        return start;
    }

    private static Task<string> RunAsync(string program, params string[] arguments) => RunAsync(new ProcessStartInfo(program, arguments));

    private static async Task<string> RunAsync(ProcessStartInfo start)
    {
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        using var process = Process.Start(start)!;
        var said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? said[0] : throw new InvalidOperationException($"{start.FileName} {string.Join(' ', start.ArgumentList)} ended with {process.ExitCode}: {string.Concat(said)}");
    }

    private static async Task<bool> ListensAsync(int port)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
