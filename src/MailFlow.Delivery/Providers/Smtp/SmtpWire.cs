using System.Text;

namespace MailFlow.Delivery.Providers.Smtp;

/// <summary>The connection broke, closed, timed out or spoke no SMTP: no reply came.</summary>
internal sealed class SmtpLostException(string message, Exception? inner = null) : IOException(message, inner);

/// <summary>Lines in, commands out, over one stream; each call with a deadline of its own.</summary>
internal sealed class SmtpWire(Stream stream, TimeProvider time) : IAsyncDisposable
{
    private const int LongestLine = 8192;
    private const int MostLines = 200;

    private readonly byte[] _buffer = new byte[LongestLine];
    private int _start;
    private int _end;

    public Stream Stream { get; } = stream;

    /// <summary>Octets that were read and belong to no reply yet. After STARTTLS there must be none (RFC 3207 §4.2).</summary>
    public bool HasUnread => _end > _start;

    public ValueTask WriteAsync(string commands, TimeSpan limit, CancellationToken ct) =>
        WriteAsync(Encoding.UTF8.GetBytes(commands), limit, ct);

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> octets, TimeSpan limit, CancellationToken ct) =>
        await WithinAsync(limit, async within =>
        {
            await Stream.WriteAsync(octets, within);
            await Stream.FlushAsync(within);
            return true;
        }, ct);

    /// <summary>Writes a command and reads the (first) reply, both within the limit.</summary>
    public Task<SmtpReply> ExchangeAsync(string commands, TimeSpan limit, CancellationToken ct) => WithinAsync(limit, async within =>
    {
        await Stream.WriteAsync(Encoding.UTF8.GetBytes(commands), within);
        await Stream.FlushAsync(within);
        return await ReadReplyAsync(within);
    }, ct);

    public Task<SmtpReply> ReadReplyAsync(TimeSpan limit, CancellationToken ct) => WithinAsync(limit, ReadReplyAsync, ct);

    /// <summary>Runs one piece of the conversation; every way in which it can break is a <see cref="SmtpLostException"/>, only the caller's own cancellation is not.</summary>
    private async Task<T> WithinAsync<T>(TimeSpan limit, Func<CancellationToken, Task<T>> work, CancellationToken ct)
    {
        using var deadline = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, ct);
        try
        {
            return await work(either.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new SmtpLostException($"no answer within {limit.TotalSeconds:0} s");
        }
        catch (Exception broken) when (broken is IOException and not SmtpLostException or System.Net.Sockets.SocketException or ObjectDisposedException)
        {
            ct.ThrowIfCancellationRequested();
            throw new SmtpLostException($"the connection broke: {broken.Message}", broken);
        }
    }

    public ValueTask DisposeAsync() => Stream.DisposeAsync();

    private async Task<SmtpReply> ReadReplyAsync(CancellationToken ct)
    {
        var lines = new List<string>();
        var first = 0;
        while (true)
        {
            var line = await ReadLineAsync(ct);
            if (!SmtpReply.TryLine(line, out var code, out var more, out var text) || (lines.Count > 0 && code != first))
                throw new SmtpLostException("the server's answer is not an SMTP reply");
            first = code;
            lines.Add(text);
            if (!more)
                return SmtpReply.Of(code, lines);
            if (lines.Count == MostLines)
                throw new SmtpLostException($"the server's reply has more than {MostLines} lines");
        }
    }

    private async ValueTask<string> ReadLineAsync(CancellationToken ct)
    {
        while (true)
        {
            var feed = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
            if (feed >= 0)
            {
                var line = Encoding.UTF8.GetString(_buffer, _start, feed).TrimEnd('\r');
                _start += feed + 1;
                return line;
            }

            if (_start > 0)
            {
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                (_start, _end) = (0, _end - _start);
            }

            if (_end == _buffer.Length)
                throw new SmtpLostException("the server's reply has a line that is too long");
            var read = await Stream.ReadAsync(_buffer.AsMemory(_end), ct);
            if (read == 0)
                throw new SmtpLostException("the server closed the connection");
            _end += read;
        }
    }
}
