using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailFlow.Delivery.Tests.Smtp;

/// <summary>
/// An SMTP server on 127.0.0.1 that does at each step what its script says. A step is named by its verb: GREETING,
/// EHLO, AUTH, MAIL, RCPT, DATA, DOT, RSET, QUIT. What the script does not name gets the usual answer.
/// </summary>
internal sealed class ScriptedSmtpServer : IAsyncDisposable
{
    /// <summary>In place of a reply: close at once. After DATA's 354 it closes when the first line of the mail arrives.</summary>
    public const string Drop = "(drop)";

    /// <summary>In place of a reply: say nothing more.</summary>
    public const string Stall = "(stall)";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Dictionary<string, Queue<string>> _script;
    private readonly ConcurrentBag<TcpClient> _clients = [];
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _reached = new();
    private readonly Task _accepting;

    /// <param name="script">Step and reply, in the order in which the step comes by. The last reply given for a step is repeated.</param>
    public ScriptedSmtpServer(params (string Step, string Reply)[] script)
    {
        _script = script.GroupBy(line => line.Step).ToDictionary(step => step.Key, step => new Queue<string>(step.Select(line => line.Reply)));
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>Every command in the order of arrival, all connections together.</summary>
    public ConcurrentQueue<string> Commands { get; } = new();

    /// <summary>The mails that reached their dot, as sent: dots still stuffed.</summary>
    public ConcurrentQueue<string> Mails { get; } = new();

    public int Connections => _clients.Count;

    /// <summary>Completes when the server has come to this step, before it answers.</summary>
    public Task ReachedAsync(string step) => Signal(step).Task.WaitAsync(TimeSpan.FromSeconds(30));

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        foreach (var client in _clients)
            client.Dispose();
        await _accepting;
    }

    private TaskCompletionSource Signal(string step) =>
        _reached.GetOrAdd(step, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

    private async Task AcceptAsync()
    {
        var conversations = new List<Task>();
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync();
                _clients.Add(client);
                conversations.Add(ConverseAsync(client));
            }
        }
        catch (Exception stopped) when (stopped is SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(conversations);
        }
    }

    private async Task ConverseAsync(TcpClient client)
    {
        var last = "";
        try
        {
            var stream = client.GetStream();
            using var reader = new StreamReader(stream, Encoding.Latin1);
            if (!await AnswerAsync("GREETING", "220 scripted ESMTP"))
                return;
            while (await reader.ReadLineAsync() is { } line)
            {
                Commands.Enqueue(line);
                var step = line.Split(' ', ':')[0].ToUpperInvariant();
                var reply = step switch
                {
                    "EHLO" => "250-scripted\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 AUTH PLAIN LOGIN",
                    "AUTH" => "235 2.7.0 welcome",
                    "DATA" => "354 go on",
                    "QUIT" => "221 bye",
                    _ => "250 2.0.0 fine",
                };
                if (!await AnswerAsync(step, reply))
                    return;
                if (step == "DATA" && Next("BODY") is { } body)
                {
                    await reader.ReadLineAsync();
                    if (body == Drop)
                        return;
                }
                else if (step == "DATA" && last.StartsWith("354", StringComparison.Ordinal))
                {
                    var mail = new StringBuilder();
                    while (await reader.ReadLineAsync() is { } text && text != ".")
                        mail.Append(text).Append("\r\n");
                    Mails.Enqueue(mail.ToString());
                    if (!await AnswerAsync("DOT", "250 2.0.0 Ok: queued as 4F2A9C"))
                        return;
                }
            }

            async Task<bool> AnswerAsync(string step, string usual)
            {
                var reply = last = Next(step) ?? usual;
                Signal(step).TrySetResult();
                if (reply == Drop)
                    return false;
                if (reply == Stall)
                {
                    while (await reader.ReadLineAsync() is not null)
                    {
                    }

                    return false;
                }

                await stream.WriteAsync(Encoding.UTF8.GetBytes(reply + "\r\n"));
                return true;
            }
        }
        catch (Exception gone) when (gone is IOException or SocketException or ObjectDisposedException)
        {
            // The client left, or the test is over.
        }
        finally
        {
            client.Dispose();
        }
    }

    private string? Next(string step)
    {
        if (!_script.TryGetValue(step, out var replies))
            return null;
        lock (replies)
            return replies.Count > 1 ? replies.Dequeue() : replies.Peek();
    }
}
