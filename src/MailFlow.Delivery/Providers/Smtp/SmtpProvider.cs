using MailFlow.Data;
using MailFlow.Delivery.Deliverability.Dkim;

namespace MailFlow.Delivery.Providers.Smtp;

/// <summary>
/// Hands mail to a relay. SMTP knows no key and cannot be asked afterwards: whoever loses the reply to the final dot
/// never learns what became of the mail.
/// </summary>
internal sealed class SmtpProvider : IEmailProvider, IAsyncDisposable
{
    private const string MessageId = "Message-ID", ListUnsubscribe = "List-Unsubscribe", ListUnsubscribePost = "List-Unsubscribe-Post";

    private readonly SmtpClient _client;
    private readonly IMailSigner? _signer;

    /// <param name="options">Where the relay is.</param>
    /// <param name="time">The clock.</param>
    /// <param name="signer">Signs each mail for its From domain; null for a relay that does it itself.</param>
    public SmtpProvider(DeliveryOptions options, TimeProvider time, IMailSigner? signer = null)
    {
        _client = new SmtpClient(options.Smtp, time);
        _signer = signer;
        // Every lane has its share of the connections: what waits for one is in doubt after a crash, for nothing.
        Concurrency = Math.Max(1, options.Smtp.MaxConnections / options.Lanes);
        RequestTimeout = TimeSpan.FromSeconds(options.Smtp.ConnectTimeoutSeconds + (4 * options.Smtp.CommandTimeoutSeconds) + options.Smtp.FinalReplyTimeoutSeconds);
    }

    public string Name => "smtp";

    public ReplayPolicy Replay => ReplayPolicy.Neither;

    public int Concurrency { get; }

    public TimeSpan RequestTimeout { get; }

    public async Task<HandOver> SendAsync(OutgoingEmail email, CancellationToken ct)
    {
        byte[] octets;
        try
        {
            octets = MimeMessageWriter.Write(Message(email));
            if (_signer is not null) octets = await _signer.SignAsync(email.AccountId, email.From.Address.Domain, octets, email.At, ct);
        }
        catch (SecretLostException error)
        {
            // Unsigned, it would be filed as spam or refused: it waits until somebody has mended the key.
            return new HandOver.SenderFault($"the DKIM key of {email.From.Address.Domain} cannot be opened: {error.Message}", FaultScope.Domain);
        }
        catch (Exception error) when (error is MimeHeaderException or ArgumentException)
        {
            return new HandOver.Rejected($"the mail cannot be written: {error.Message}");
        }
        try
        {
            return Answer(await _client.SendAsync(new SmtpEnvelope(email.From.Address, email.To), octets, ct));
        }
        catch (ArgumentException error)
        {
            return new HandOver.Rejected(error.Message);
        }
        catch (OperationCanceledException)
        {
            // The client throws this only before the final dot.
            return new HandOver.Deferred("the relay did not take the mail in time");
        }
    }

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    private static MimeMessage Message(OutgoingEmail email)
    {
        var own = email.Headers.Where(header => header.Name is MessageId or ListUnsubscribe or ListUnsubscribePost).ToLookup(header => header.Name, header => header.Value);
        return new MimeMessage
        {
            MessageId = own[MessageId].First(),
            Date = email.At,
            From = email.From,
            To = [new Mailbox(email.To)],
            ReplyTo = email.ReplyTo is { } replyTo ? [replyTo] : [],
            Subject = email.Subject,
            Text = email.Text,
            Html = email.Html,
            ListUnsubscribe = [.. own[ListUnsubscribe].Select(address => address.Trim('<', '>'))],
            OneClickUnsubscribe = own[ListUnsubscribePost].Any(),
            Headers = [.. email.Headers.Where(header => !own.Contains(header.Name)).Select(header => KeyValuePair.Create(header.Name, header.Value))],
        };
    }

    private static HandOver Answer(SmtpResult result) => result switch
    {
        SmtpResult.Accepted accepted => new HandOver.Accepted(accepted.QueueId),
        SmtpResult.Rejected rejected => new HandOver.Rejected(Words(rejected.Code, rejected.EnhancedCode, rejected.Text)),
        SmtpResult.Deferred deferred => new HandOver.Deferred(Words(deferred.Code, deferred.EnhancedCode, deferred.Text)),
        SmtpResult.Unknown unknown => new HandOver.Unknown($"smtp: {unknown.Reason}"),
        _ => throw new InvalidOperationException($"'{result.GetType().Name}' is not an SMTP result."),
    };

    private static string Words(int? code, string? enhanced, string text) =>
        code is null ? text : text.StartsWith(enhanced ?? "?", StringComparison.Ordinal) || enhanced is null ? $"{code} {text}" : $"{code} {enhanced} {text}";
}
