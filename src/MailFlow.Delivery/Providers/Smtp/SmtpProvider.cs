using MailFlow.Data;
using MailFlow.Delivery.Deliverability.Dkim;

namespace MailFlow.Delivery.Providers.Smtp;

/// <summary>
/// Hands mail to a relay. SMTP knows no key and cannot be asked afterwards: whoever loses the reply to the final dot
/// never learns what became of the mail.
/// </summary>
internal sealed class SmtpProvider : IEmailProvider, IAsyncDisposable, IDisposable
{
    /// <summary>Holds the signature of the mail's key, for reports that are not sent to the return path.</summary>
    public const string ProofHeader = "X-MailFlow-Proof";

    private readonly SmtpClient _client;
    private readonly EmailAddress? _returnPath;
    private readonly IMailSigner? _signer;

    /// <param name="options">Where the relay is.</param>
    /// <param name="time">The clock.</param>
    /// <param name="signer">Signs each mail for its From domain; null for a relay that does it itself.</param>
    public SmtpProvider(DeliveryOptions options, TimeProvider time, IMailSigner? signer = null) : this(options.Smtp, options.Lanes, time, signer, null) { }

    /// <param name="smtp">The relay.</param>
    /// <param name="lanes">How many senders share its connections.</param>
    /// <param name="time">The clock.</param>
    /// <param name="signer">Signs each mail for its From domain; null for a relay that does it itself.</param>
    /// <param name="returnPath">Where bounces go, the message's id and its signature added; null for the sender's address.</param>
    internal SmtpProvider(SmtpOptions smtp, int lanes, TimeProvider time, IMailSigner? signer, EmailAddress? returnPath)
    {
        (_client, _signer, _returnPath) = (new SmtpClient(smtp, time), signer, returnPath);
        // Every lane has its share of the connections: what waits for one is in doubt after a crash, for nothing.
        Concurrency = Math.Max(1, smtp.MaxConnections / lanes);
        RequestTimeout = TimeSpan.FromSeconds(smtp.ConnectTimeoutSeconds + (4 * smtp.CommandTimeoutSeconds) + smtp.FinalReplyTimeoutSeconds);
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
            octets = MimeMessageWriter.Write(MimeMessage.Of(email.ReturnTag is { } tag ? email with { Headers = [.. email.Headers, (ProofHeader, tag)] } : email));
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
            return Answer(await _client.SendAsync(new SmtpEnvelope(ReturnPath(email), email.To), octets, ct));
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

    /// <summary>Without waiting until the relay has been told good-bye.</summary>
    public void Dispose() => _ = _client.DisposeAsync().AsTask();

    /// <summary>Each mail has a return path of its own: whatever a receiver leaves out of its report, it must be sent there.</summary>
    private EmailAddress ReturnPath(OutgoingEmail email) =>
        _returnPath is { } path ? EmailAddress.Parse($"{path.LocalPart}+{email.MessageId:n}{email.ReturnTag}@{path.Domain}") : email.From.Address;

    private static HandOver Answer(SmtpResult result) => result switch
    {
        SmtpResult.Accepted accepted => new HandOver.Accepted(accepted.QueueId),
        SmtpResult.Rejected rejected => Refused(rejected.Code, rejected.EnhancedCode, rejected.Text, rejected.Stage),
        SmtpResult.Deferred { Code: { } code and >= 500, Stage: <= SmtpStage.Authenticate } deferred => Refused(code, deferred.EnhancedCode, deferred.Text, deferred.Stage),
        // Without a reply, before the mail was offered, or with a 421, it is the relay's trouble; any other 4yz is about this mail or its recipient.
        SmtpResult.Deferred deferred => new HandOver.Deferred(
            Words(deferred.Code, deferred.EnhancedCode, deferred.Text), IsProviders: deferred.Code is null or 421 || deferred.Stage <= SmtpStage.Authenticate),
        SmtpResult.Unknown unknown => new HandOver.Unknown($"smtp: {unknown.Reason}"),
        _ => throw new InvalidOperationException($"'{result.GetType().Name}' is not an SMTP result."),
    };

    private static HandOver Refused(int code, string? enhanced, string text, SmtpStage stage) => (BounceClassifier.Own(enhanced ?? $"{code}", text, stage), Words(code, enhanced, text)) switch
    {
        // A quota or a rate: the same mail is taken later.
        ({ Passes: true }, var words) => new HandOver.Deferred(words, IsProviders: true),
        (_, var words) when stage <= SmtpStage.Authenticate => new HandOver.SenderFault(words, FaultScope.Connection),
        // A refusal of ours rather than of this mail or its recipient would be the same for the next mail too.
        ({ Stops: { } stops }, var words) => new HandOver.SenderFault(words, stops),
        (var cause, var words) => new HandOver.Rejected(words, cause?.Kind),
    };

    private static string Words(int? code, string? enhanced, string text) =>
        code is null ? text : text.StartsWith(enhanced ?? "?", StringComparison.Ordinal) || enhanced is null ? $"{code} {text}" : $"{code} {enhanced} {text}";
}
