using System.Text.Json;
using MailFlow.Delivery.Providers.Http;
using MailFlow.Delivery.Providers.Smtp;

namespace MailFlow.Delivery.Providers.AmazonSes;

/// <summary>
/// Sends by <c>SendEmail</c> of API v2 with the whole MIME mail, so that each header is ours; SES signs it with DKIM. There is no idempotency key and nothing to
/// search: a lost answer is settled by the events, which give the tag back.
/// </summary>
internal sealed class SesSender(ProviderHttp http, Uri address, string region, AwsCredentials credentials, string? configurationSet) : IEmailProvider
{
    private const string DisplayName = "Amazon SES", TagName = "Name", ContentType = "application/json";

    public string Name => SesType.Key;

    public ReplayPolicy Replay => ReplayPolicy.Neither;

    public int Concurrency => 16;

    public TimeSpan RequestTimeout => ProviderHttp.Limit + TimeSpan.FromSeconds(5);

    public async Task<HandOver> SendAsync(OutgoingEmail email, CancellationToken ct)
    {
        if (MailText.WhyNot(email) is { } reason) return reason;
        byte[] mail;
        try
        {
            mail = MimeMessageWriter.Write(MimeMessage.Of(email));
        }
        catch (Exception error) when (error is MimeHeaderException or ArgumentException)
        {
            return new HandOver.Rejected($"the mail cannot be written: {error.Message}");
        }
        var body = Body(email, mail);
        var headers = SigV4.Sign(credentials, region, "ses", "POST", address, [("Content-Type", ContentType)], body, http.Now);
        var outcome = await http.PostAsync(address, body, ContentType, headers, ct);
        return outcome.HandOver(DisplayName, http.Now, Read);
    }

    private byte[] Body(OutgoingEmail email, byte[] mail)
    {
        using var target = new MemoryStream((mail.Length * 4 / 3) + 500);
        using (var json = new Utf8JsonWriter(target))
        {
            json.WriteStartObject();
            json.WriteStartObject("Content");
            json.WriteStartObject("Raw");
            json.WriteBase64String("Data", mail);
            json.WriteEndObject();
            json.WriteEndObject();
            // The envelope; without, SES would take every address that stands in a header.
            json.WriteStartObject("Destination");
            json.WriteStartArray("ToAddresses");
            json.WriteStringValue(email.To.ToString());
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteStartArray("EmailTags");
            json.WriteStartObject();
            json.WriteString(TagName, MailText.KeyName);
            json.WriteString("Value", email.MessageId);
            json.WriteEndObject();
            json.WriteEndArray();
            if (configurationSet is not null) json.WriteString("ConfigurationSetName", configurationSet);
            json.WriteEndObject();
        }
        return target.ToArray();
    }

    /// <summary>The errors of SendEmail and those common to all of AWS, by their names; the status alone says little (throttling comes as 400 or as 429).</summary>
    private HandOver? Read(HttpOutcome.Answered answered)
    {
        if (answered.Status == 200) return answered.Text("MessageId") is { Length: > 0 } id ? new HandOver.Accepted(id) : null;
        var error = Error(answered);
        var said = answered.Text("message") ?? answered.Text("Message");
        var words = HttpOutcome.OneLine($"{DisplayName}: {answered.Status} {error} {said ?? answered.Words}");
        return error switch
        {
            "TooManyRequestsException" or "Throttling" or "ThrottlingException" or "RequestThrottled" or "RequestThrottledException" or "LimitExceededException" =>
                new HandOver.Deferred(words, answered.RetryAfter(http.Now), IsProviders: true),
            "ServiceUnavailable" or "ServiceUnavailableException" => new HandOver.Deferred(words, answered.RetryAfter(http.Now), IsProviders: true),
            "AccountSuspendedException" or "SendingPausedException" or "AccountSendingPausedException" or "ConfigurationSetSendingPausedException" => new HandOver.SenderFault(words, FaultScope.Connection),
            // The configuration set that is named does not exist.
            "NotFoundException" or "ConfigurationSetDoesNotExistException" => new HandOver.SenderFault(words, FaultScope.Connection),
            "MailFromDomainNotVerifiedException" => new HandOver.SenderFault(words, FaultScope.Domain),
            "MessageRejected" when said?.Contains("not verified", StringComparison.OrdinalIgnoreCase) == true => new HandOver.SenderFault(words, FaultScope.Domain),
            "AccessDenied" or "AccessDeniedException" or "NotAuthorized" or "ExpiredToken" or "ExpiredTokenException" or "InvalidClientTokenId" or "UnrecognizedClientException"
                or "SignatureDoesNotMatch" or "InvalidSignatureException" or "IncompleteSignature" or "IncompleteSignatureException" or "MissingAuthenticationToken"
                or "MissingAuthenticationTokenException" or "OptInRequired" => new HandOver.SenderFault(words, FaultScope.Connection),
            // Our clock is off, or the request was long on its way.
            "RequestExpired" => new HandOver.Deferred(words, IsProviders: true),
            "MessageRejected" or "BadRequestException" or "ValidationError" or "ValidationException" or "InvalidParameterValue" => new HandOver.Rejected(words),
            _ when answered.Status == 503 => new HandOver.Deferred(words, answered.RetryAfter(http.Now), IsProviders: true),
            _ => null,
        };
    }

    /// <summary>In a header, or in the body; each with a namespace before it or an address behind it.</summary>
    private static string Error(HttpOutcome.Answered answered)
    {
        var name = answered.Headers.TryGetValues("x-amzn-ErrorType", out var values) ? values.First() : answered.Text("__type") ?? answered.Text("code") ?? "";
        return HttpOutcome.OneLine(name.Split(':')[0].Split('#')[^1]);
    }
}
