using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using MailFlow.Data;

namespace MailFlow.Delivery.Providers.Smtp;

/// <summary>One signed-in connection to a relay, used for one mail after another.</summary>
/// <remarks>
/// Life: connect, greeting, [TLS], EHLO, [STARTTLS, EHLO], [AUTH], then for each mail MAIL, RCPT, DATA, octets, dot.
/// Once <see cref="IsUsable"/> is false it can only be disposed of.
/// </remarks>
internal sealed class SmtpConnection : IAsyncDisposable
{
    /// <summary>How long a cancelled sender still waits for the reply to a dot it has written: a stop must not make unknowns.</summary>
    internal static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(2);

    private readonly SmtpOptions _options;
    private readonly TimeProvider _time;
    private readonly TimeSpan _commandLimit;
    private SmtpWire _wire;
    private SmtpExtensions _extensions = SmtpExtensions.None;
    private bool _needsReset;

    private SmtpConnection(SmtpOptions options, TimeProvider time, Stream stream)
    {
        (_options, _time) = (options, time);
        _commandLimit = TimeSpan.FromSeconds(options.CommandTimeoutSeconds);
        _wire = new SmtpWire(stream, time);
    }

    public bool IsUsable { get; private set; } = true;

    /// <summary>Mails handed over or refused on this connection.</summary>
    public int Mails { get; private set; }

    public DateTimeOffset IdleSince { get; private set; }

    /// <summary>Opens a connection up to the point where mail can be given to it.</summary>
    /// <exception cref="SmtpRefusal">It could not be opened; the mail in hand is deferred.</exception>
    public static async Task<SmtpConnection> OpenAsync(SmtpOptions options, TimeProvider time, CancellationToken ct)
    {
        var stage = SmtpStage.Connect;
        SmtpConnection? connection = null;
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(options.ConnectTimeoutSeconds), time);
        using var within = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, ct);
        try
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                if (options.OnlyPublicAddresses)
                    await socket.ConnectAsync(await PublicAddressesAsync(options.Host, within.Token), options.Port, within.Token);
                else
                    await socket.ConnectAsync(options.Host, options.Port, within.Token);
                connection = new SmtpConnection(options, time, new NetworkStream(socket, ownsSocket: true));
            }
            catch
            {
                socket.Dispose();
                throw;
            }

            if (options.Tls == SmtpTls.Implicit)
                await connection.SecureAsync(within.Token);
            stage = SmtpStage.Greeting;
            Demand(stage, await connection.ReplyAsync(within.Token), 220);
            stage = SmtpStage.Hello;
            await connection.HelloAsync(socket.LocalEndPoint, within.Token);
            if (options.Tls == SmtpTls.StartTls)
            {
                stage = SmtpStage.StartTls;
                await connection.StartTlsAsync(within.Token);
                stage = SmtpStage.Hello;
                await connection.HelloAsync(socket.LocalEndPoint, within.Token);
            }

            if (!string.IsNullOrEmpty(options.UserName))
            {
                stage = SmtpStage.Authenticate;
                await connection.AuthenticateAsync(within.Token);
            }

            return connection;
        }
        catch (Exception failure)
        {
            if (connection is not null)
                await connection.DisposeAsync();
            ct.ThrowIfCancellationRequested();
            throw failure switch
            {
                SmtpRefusal => failure,
                OperationCanceledException => new SmtpRefusal(stage, null, $"no answer within {options.ConnectTimeoutSeconds} s of connecting"),
                System.Security.Authentication.AuthenticationException => new SmtpRefusal(SmtpStage.StartTls, null, $"TLS failed: {failure.Message}"),
                IOException or SocketException => new SmtpRefusal(stage, null, failure.Message),
                _ => new SmtpRefusal(stage, null, $"{failure.GetType().Name}: {failure.Message}"),
            };
        }
    }

    /// <summary>The addresses that are dialled, and no others: the name is not looked up again.</summary>
    private static async Task<IPAddress[]> PublicAddressesAsync(string host, CancellationToken ct)
    {
        var all = IPAddress.TryParse(host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host, ct);
        var found = all.Select(address => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).Where(address => PublicAddress.WhyNot(address) is null).ToArray();
        return found.Length > 0 ? found : throw new SmtpRefusal(SmtpStage.Connect, null, NotPublic(host));
    }

    /// <summary>Why a relay is not dialled, and who may have it dialled.</summary>
    internal static string NotPublic(string host) => $"{host} is not on the public internet; the server's operator allows such relays by MailFlow__Delivery__AllowPrivateRelays=true";

    /// <summary>Sends one mail. The octets were checked by <see cref="MailData.WhyNot"/>.</summary>
    /// <exception cref="SmtpRefusal">The connection failed, or we were told to go, before this mail got any answer.</exception>
    /// <exception cref="OperationCanceledException">Cancelled before the final dot: the mail was not taken.</exception>
    public async Task<SmtpResult> SendAsync(SmtpEnvelope envelope, ReadOnlyMemory<byte> mail, CancellationToken ct)
    {
        var stage = SmtpStage.MailFrom;
        var done = false;
        try
        {
            if (_extensions.WhyNot(envelope, mail.Span) is { } unsendable)
            {
                done = true;
                return unsendable;
            }

            Mails++;
            if (_needsReset && !(await CommandAsync("RSET\r\n", ct)).IsPositive)
                throw new SmtpRefusal(stage, null, "the server did not reset");
            _needsReset = true;

            var from = $"MAIL FROM:<{envelope.From}>{_extensions.MailParameters(envelope, mail.Span)}\r\n";
            var to = $"RCPT TO:<{envelope.To}>\r\n";
            // Both in one packet where that is allowed: a round trip less for every mail (RFC 2920).
            var reply = await CommandAsync(_extensions.Pipelining ? from + to : from, ct);
            if (reply.Code == 421)
                throw new SmtpRefusal(stage, reply, reply.Text);
            if (!reply.IsPositive)
            {
                var refused = Answered(stage, reply);
                if (_extensions.Pipelining)
                    await SkipReplyAsync(ct);
                return refused;
            }

            stage = SmtpStage.Recipient;
            reply = _extensions.Pipelining ? await ReplyAsync(ct) : await CommandAsync(to, ct);
            if (!reply.IsPositive)
                return Answered(stage, reply);

            stage = SmtpStage.Data;
            reply = await CommandAsync("DATA\r\n", ct);
            if (reply.Code != 354)
            {
                // A 2yz here leaves the two sides of different minds about what comes next.
                IsUsable &= !reply.IsPositive;
                return Answered(stage, reply);
            }

            await _wire.WriteAsync(MailData.Stuffed(mail), _commandLimit, ct);
            ct.ThrowIfCancellationRequested();
            stage = SmtpStage.FinalDot;
            return await FinishAsync(ct);

            SmtpResult Answered(SmtpStage at, SmtpReply answer)
            {
                done = answer.Code != 421;
                return answer.IsPermanent
                    ? new SmtpResult.Rejected(at, answer.Code, answer.EnhancedCode, answer.Text)
                    : new SmtpResult.Deferred(at, answer.Code, answer.EnhancedCode, answer.Text);
            }

            async Task<SmtpResult> FinishAsync(CancellationToken stop)
            {
                using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(_options.FinalReplyTimeoutSeconds), _time);
                await using var hurry = stop.UnsafeRegister(state => ((CancellationTokenSource)state!).CancelAfter(Grace), patience);
                SmtpReply final;
                try
                {
                    // From the first octet of the dot on the mail may be taken, whatever this call reports.
                    await _wire.Stream.WriteAsync(".\r\n"u8.ToArray(), patience.Token);
                    await _wire.Stream.FlushAsync(patience.Token);
                    final = await _wire.ReadReplyAsync(Timeout.InfiniteTimeSpan, patience.Token);
                }
                catch (OperationCanceledException)
                {
                    return new SmtpResult.Unknown(stop.IsCancellationRequested
                        ? "stopped while the server had not yet answered the final dot"
                        : $"no answer to the final dot within {_options.FinalReplyTimeoutSeconds} s");
                }
                catch (Exception lost) when (lost is IOException or SocketException or ObjectDisposedException)
                {
                    return new SmtpResult.Unknown($"after the final dot: {lost.Message}");
                }

                if (final.IsPositive)
                {
                    (done, _needsReset) = (true, false);
                    return new SmtpResult.Accepted(final.ToString(), final.QueueId);
                }

                // 3yz answers no dot: the reply belongs to something else.
                return final.IsTransient || final.IsPermanent
                    ? Answered(SmtpStage.FinalDot, final)
                    : new SmtpResult.Unknown($"the server answered the final dot with {final}");
            }
        }
        catch (SmtpLostException lost) when (stage == SmtpStage.MailFrom)
        {
            throw new SmtpRefusal(stage, null, lost.Message);
        }
        catch (SmtpLostException lost)
        {
            return new SmtpResult.Deferred(stage, null, null, $"before the final dot: {lost.Message}");
        }
        finally
        {
            IsUsable &= done;
            IdleSince = _time.GetUtcNow();
        }
    }

    /// <summary>Says good-bye, briefly, and closes.</summary>
    public async ValueTask QuitAsync()
    {
        try
        {
            if (IsUsable)
                await _wire.WriteAsync("QUIT\r\n", Farewell, CancellationToken.None);
        }
        catch (SmtpLostException)
        {
            // It is closed already, which is what was wanted.
        }

        await DisposeAsync();
    }

    public ValueTask DisposeAsync()
    {
        IsUsable = false;
        return _wire.DisposeAsync();
    }

    private async Task HelloAsync(EndPoint? local, CancellationToken ct)
    {
        var reply = await CommandAsync($"EHLO {_options.HeloName ?? Literal(local)}\r\n", ct);
        if (reply.Code is 500 or 502 or 504)
        {
            Demand(SmtpStage.Hello, await CommandAsync($"HELO {_options.HeloName ?? Literal(local)}\r\n", ct), 250);
            _extensions = SmtpExtensions.None;
            return;
        }

        Demand(SmtpStage.Hello, reply, 250);
        _extensions = SmtpExtensions.Parse(reply.Lines.Skip(1));
    }

    private async Task StartTlsAsync(CancellationToken ct)
    {
        if (!_extensions.StartTls)
            throw new SmtpRefusal(SmtpStage.StartTls, null, "the server offers no STARTTLS, which is required");
        Demand(SmtpStage.StartTls, await CommandAsync("STARTTLS\r\n", ct), 220);
        if (_wire.HasUnread)
            throw new SmtpRefusal(SmtpStage.StartTls, null, "the server spoke on in the clear after STARTTLS");
        await SecureAsync(ct);
    }

    private async Task SecureAsync(CancellationToken ct)
    {
        var secure = new SslStream(_wire.Stream, leaveInnerStreamOpen: false);
        await secure.AuthenticateAsClientAsync(SmtpTrust.For(_options), ct);
        _wire = new SmtpWire(secure, _time);
    }

    private async Task AuthenticateAsync(CancellationToken ct)
    {
        SmtpReply reply;
        if (_extensions.Mechanisms.Contains("PLAIN"))
        {
            reply = await CommandAsync($"AUTH PLAIN {Base64($"\0{_options.UserName}\0{_options.Password}")}\r\n", ct);
        }
        else if (_extensions.Mechanisms.Contains("LOGIN"))
        {
            reply = await CommandAsync("AUTH LOGIN\r\n", ct);
            if (reply.Code == 334)
                reply = await CommandAsync(Base64(_options.UserName!) + "\r\n", ct);
            if (reply.Code == 334)
                reply = await CommandAsync(Base64(_options.Password!) + "\r\n", ct);
        }
        else
        {
            throw new SmtpRefusal(SmtpStage.Authenticate, null, "the server offers neither AUTH PLAIN nor AUTH LOGIN");
        }

        Demand(SmtpStage.Authenticate, reply, 235);
    }

    private Task<SmtpReply> CommandAsync(string command, CancellationToken ct) => _wire.ExchangeAsync(command, _commandLimit, ct);

    /// <summary>Reads the answer to a command that an earlier answer made pointless.</summary>
    private async Task SkipReplyAsync(CancellationToken ct)
    {
        try
        {
            await ReplyAsync(ct);
        }
        catch (SmtpLostException)
        {
            IsUsable = false;
        }
    }

    private Task<SmtpReply> ReplyAsync(CancellationToken ct) => _wire.ReadReplyAsync(_commandLimit, ct);

    private static void Demand(SmtpStage stage, SmtpReply reply, int code)
    {
        if (reply.Code != code)
            throw new SmtpRefusal(stage, reply, reply.Text);
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static string Literal(EndPoint? local) => local is IPEndPoint { Address: var address }
        ? address.IsIPv4MappedToIPv6 || address.AddressFamily == AddressFamily.InterNetwork
            ? $"[{address.MapToIPv4()}]"
            : $"[IPv6:{new IPAddress(address.GetAddressBytes())}]"
        : "localhost";
}
