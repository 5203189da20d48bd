using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace MailFlow.Delivery.Deliverability.Dns;

/// <summary>
/// A stub resolver: it asks the configured recursive servers and keeps nothing, so that a person who mended a record and checks again sees it as soon as their server does.
/// </summary>
/// <remarks>
/// Each question has a random id and a socket, and so a source port, of its own; what comes from elsewhere, or answers another question, is passed over, and the
/// wait goes on. A reply that was cut short is asked for again by TCP.
/// </remarks>
internal sealed class DnsResolver(DnsOptions options, TimeProvider time) : IDnsResolver
{
    private const int MostAliases = 8;

    private readonly IReadOnlyList<IPEndPoint> _servers = options.Endpoints();

    public async Task<DnsAnswer> QueryAsync(string name, DnsType type, CancellationToken ct)
    {
        var wanted = DnsMessage.Normalise(name);
        var aliases = 0;
        while (true)
        {
            var (reply, outcome) = await AskAsync(wanted, type, ct);
            if (reply is null) return new DnsAnswer(outcome, [], wanted);

            var asked = wanted;
            while (type != DnsType.Cname && reply.Answers.FirstOrDefault(record => record.Type == DnsType.Cname && record.Name == wanted) is { } alias)
            {
                if (++aliases > MostAliases) return new DnsAnswer(DnsOutcome.ServerFailure, [], wanted);
                wanted = alias.Text;
            }
            var found = reply.Answers.Where(record => record.Type == type && record.Name == wanted).ToList();
            if (found.Count > 0) return new DnsAnswer(DnsOutcome.Found, found, wanted);
            if (reply.Code == DnsMessage.NoSuchName) return new DnsAnswer(DnsOutcome.NoSuchName, [], wanted);
            if (wanted == asked) return new DnsAnswer(DnsOutcome.NoData, [], wanted);
            if (!IsName(wanted)) return new DnsAnswer(DnsOutcome.ServerFailure, [], wanted);
            // The server followed the alias and found nothing, or left following it to us.
        }
    }

    private static bool IsName(string name)
    {
        try
        {
            return DnsMessage.Normalise(name) == name && !name.Contains('\\');
        }
        catch (FormatException)
        {
            return false;
        }
    }

    /// <summary>Asks each server in turn, round by round, until one gives an answer.</summary>
    private async Task<(DnsReply?, DnsOutcome)> AskAsync(string name, DnsType type, CancellationToken ct)
    {
        var outcome = DnsOutcome.TimedOut;
        for (var round = 0; round < options.Rounds; round++)
        {
            foreach (var server in _servers)
            {
                using var timeout = new CancellationTokenSource(options.Timeout, time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, ct);
                try
                {
                    var reply = await AskAsync(server, name, type, edns: true, either.Token);
                    if (reply?.Code is DnsMessage.FormatError or DnsMessage.NotImplemented) reply = await AskAsync(server, name, type, edns: false, either.Token); // knows no EDNS
                    if (reply?.Code is DnsMessage.NoError or DnsMessage.NoSuchName) return (reply, DnsOutcome.Found);
                    outcome = DnsOutcome.ServerFailure;
                }
                catch (OperationCanceledException) when (!ct.IsCancellationRequested)
                {
                    // Silence: the next one.
                }
                catch (Exception error) when (error is SocketException or IOException)
                {
                    outcome = outcome == DnsOutcome.TimedOut ? DnsOutcome.ServerFailure : outcome; // nobody listens there, or the connection broke
                }
            }
        }
        return (null, outcome);
    }

    private static async Task<DnsReply?> AskAsync(IPEndPoint server, string name, DnsType type, bool edns, CancellationToken ct)
    {
        var id = (ushort)RandomNumberGenerator.GetInt32(65536);
        var question = DnsMessage.Question(id, name, type, edns);
        using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(server, ct); // only what comes from this server reaches us; the port is the system's to draw
        await socket.SendAsync(question, SocketFlags.None, ct);
        var buffer = new byte[65535];
        while (true)
        {
            var size = await socket.ReceiveAsync(buffer, SocketFlags.None, ct);
            if (DnsMessage.Read(buffer.AsSpan(0, size), id, name, type) is { } reply) return reply.Truncated ? await AskByTcpAsync(server, question, id, name, type, ct) : reply;
        }
    }

    private static async Task<DnsReply?> AskByTcpAsync(IPEndPoint server, byte[] question, ushort id, string name, DnsType type, CancellationToken ct)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server, ct);
        await using var stream = new NetworkStream(socket);
        var framed = new byte[question.Length + 2];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)question.Length);
        question.CopyTo(framed, 2);
        await stream.WriteAsync(framed, ct);

        var length = new byte[2];
        await stream.ReadExactlyAsync(length, ct);
        var message = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
        await stream.ReadExactlyAsync(message, ct);
        var reply = DnsMessage.Read(message, id, name, type);
        return reply is { Truncated: false } ? reply : null; // cut short even here: the server's trouble
    }
}
