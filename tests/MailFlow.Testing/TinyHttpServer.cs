using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailFlow.Testing;

/// <summary>Speaks HTTP/1.1 on a free port of 127.0.0.1, one request a connection, and keeps what it was sent.</summary>
public sealed class TinyHttpServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<TcpClient> _clients = [];
    private readonly Func<string, string?> _answer;
    private readonly Task _accepting;

    /// <param name="answer">From a path to a whole HTTP response; null is silence.</param>
    public TinyHttpServer(Func<string, string?> answer)
    {
        _answer = answer;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public int Port { get; }

    /// <summary>What it was sent, in order.</summary>
    public ConcurrentQueue<(string Head, string Body)> Requests { get; } = new();

    /// <summary>Done when the first whole request has come.</summary>
    public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>How many connections there have been.</summary>
    public int Connections => _clients.Count;

    /// <summary>A 200.</summary>
    public static string Ok(string body = "") => $"HTTP/1.1 200 OK\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\nConnection: close\r\n\r\n{body}";

    /// <summary>A redirect.</summary>
    public static string Redirect(int status, string location) => $"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

    /// <summary>An address at this server.</summary>
    public Uri Url(string path, string host = "127.0.0.1") => new($"http://{host}:{Port}{path}");

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        foreach (var client in _clients)
            client.Dispose();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        var served = new List<Task>();
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync();
                _clients.Add(client);
                served.Add(ServeAsync(client));
            }
        }
        catch (Exception stopped) when (stopped is SocketException or ObjectDisposedException or InvalidOperationException) // the last where it stops between two connections
        {
            await Task.WhenAll(served);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using var reader = new StreamReader(client.GetStream(), Encoding.Latin1);
            var head = new StringBuilder();
            var length = 0;
            while (await reader.ReadLineAsync() is { Length: > 0 } line)
            {
                head.Append(line).Append('\n');
                if (line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
                    length = int.Parse(line["Content-Length:".Length..], null);
            }

            if (head.Length == 0)
                return;
            var body = new char[length];
            // Reading nothing would still wait for something to come.
            if (length > 0)
                await reader.ReadBlockAsync(body);
            Requests.Enqueue((head.ToString(), new string(body)));
            Reached.TrySetResult();
            if (_answer(head.ToString().Split(' ')[1]) is { } answer)
                await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes(answer));
            else
                await reader.ReadLineAsync();
        }
        catch (Exception gone) when (gone is IOException or SocketException or ObjectDisposedException)
        {
            // The caller left, or the test is over.
        }
        finally
        {
            client.Dispose();
        }
    }
}
