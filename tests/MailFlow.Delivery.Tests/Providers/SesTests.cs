using System.Text;
using System.Text.Json;
using MailFlow.Data;
using MailFlow.Delivery.Providers.AmazonSes;

namespace MailFlow.Delivery.Tests.Providers;

public sealed class SesTests : HttpContract
{
    private protected override (string Kind, Dictionary<string, string> Settings) Connection =>
        ("ses", new() { ["region"] = "eu-central-1", ["access_key_id"] = "AKIDEXAMPLE", ["secret_access_key"] = Secret, ["configuration_set"] = "mailflow" });

    private protected override ApiAnswer Answer(StubRequest request)
    {
        if (request.Path != "/v2/email/outbound-emails") return Error(404, "NotFoundException", "no such path");
        // Signed anew from what came over the wire.
        var url = new Uri($"http://{request.Headers["Host"]}{request.Path}");
        var at = DateTimeOffset.ParseExact(request.Headers["X-Amz-Date"], "yyyyMMdd'T'HHmmss'Z'", null, System.Globalization.DateTimeStyles.AssumeUniversal);
        var right = SigV4.Sign(new AwsCredentials("AKIDEXAMPLE", Secret, null), "eu-central-1", "ses", "POST", url, [("Content-Type", request.Headers["Content-Type"])], request.Body, at);
        if (right.Single(header => header.Name == "Authorization").Value != request.Headers.GetValueOrDefault("Authorization")) return Error(403, "SignatureDoesNotMatch", "The request signature we calculated does not match");
        return new ApiAnswer(200, """{"MessageId":"010701942f6b-7c9a-000000"}""");
    }

    private protected override IEnumerable<TakenByProvider> Taken(StubRequest request)
    {
        using var json = JsonDocument.Parse(request.Body);
        var root = json.RootElement;
        var mime = Encoding.UTF8.GetString(root.GetProperty("Content").GetProperty("Raw").GetProperty("Data").GetBytesFromBase64());
        Assert.Equal("mailflow", root.GetProperty("ConfigurationSetName").GetString());
        var (headers, html, text) = ReadMime.Of(mime);
        var tag = root.GetProperty("EmailTags")[0];
        yield return new TakenByProvider(
            root.GetProperty("Destination").GetProperty("ToAddresses")[0].GetString()!, headers["From"], headers["Subject"], html, text,
            tag.GetProperty("Name").GetString() == "mf_msg" ? tag.GetProperty("Value").GetGuid() : null, headers);
    }

    [Theory]
    [InlineData(400, "MessageRejected", "Email address is not verified. The following identities failed the check in region EU-CENTRAL-1: news@shop.example", typeof(HandOver.SenderFault), FaultScope.Domain)]
    [InlineData(400, "MessageRejected", "Message contains a virus", typeof(HandOver.Rejected), null)]
    [InlineData(400, "MailFromDomainNotVerifiedException", "", typeof(HandOver.SenderFault), FaultScope.Domain)]
    [InlineData(400, "AccountSuspendedException", "", typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData(400, "SendingPausedException", "Sending is paused for this account", typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData(404, "NotFoundException", "Configuration set <mailflow> does not exist", typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData(400, "BadRequestException", "Missing final '@domain'", typeof(HandOver.Rejected), null)]
    [InlineData(429, "TooManyRequestsException", "Maximum sending rate exceeded.", typeof(HandOver.Deferred), null)]
    [InlineData(400, "LimitExceededException", "Daily message quota exceeded.", typeof(HandOver.Deferred), null)]
    [InlineData(400, "ThrottlingException", "Rate exceeded", typeof(HandOver.Deferred), null)]
    [InlineData(403, "SignatureDoesNotMatch", "", typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData(403, "InvalidClientTokenId", "", typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData(403, "ExpiredTokenException", "", typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData(403, "AccessDeniedException", "User is not authorized to perform: ses:SendRawEmail", typeof(HandOver.SenderFault), FaultScope.Connection)]
    [InlineData(400, "RequestExpired", "", typeof(HandOver.Deferred), null)]
    [InlineData(400, "ValidationError", "", typeof(HandOver.Rejected), null)]
    [InlineData(500, "InternalFailure", "", typeof(HandOver.Unknown), null)]
    [InlineData(503, "ServiceUnavailable", "", typeof(HandOver.Deferred), null)]
    public async Task Each_documented_answer_is_told(int status, string error, string message, Type expected, FaultScope? stops)
    {
        foreach (var answer in new[]
        {
            Error(status, error, message),
            new ApiAnswer(status, JsonSerializer.Serialize(new { message }), ("x-amzn-ErrorType", $"{error}:http://internal.amazon.com/coral/")),
            new ApiAnswer(status, JsonSerializer.Serialize(new { __type = $"com.amazonaws.sesv2#{error}", Message = message })),
        })
        {
            var told = await AnsweredAsync(answer);
            Assert.Equal((expected, stops), (told.GetType(), (told as HandOver.SenderFault)?.Stops));
        }
    }

    [Theory]
    [InlineData(Trouble.InvalidJson)]
    [InlineData(Trouble.TornAnswer)]
    public async Task A_success_without_its_words_is_believed_by_nobody(Trouble trouble)
    {
        await using var rig = await StartAsync(trouble);
        Assert.IsType<HandOver.Unknown>(await rig.Provider.SendAsync(Mails.Marketing(), default));
    }

    [Fact]
    public async Task A_session_token_goes_along_and_is_signed()
    {
        await using var rig = await StartAsync();
        var provider = ProviderKinds.Of("ses", options: new DeliveryOptions { ProviderEndpoints = new Dictionary<string, string> { ["ses"] = Api.Address } })
            .Open(new ConnectionSettings(new Dictionary<string, string>(Connection.Settings) { ["session_token"] = "TOKEN==" }));
        await provider.SendAsync(Mails.Marketing(), default);
        var request = Api.Requests.Single();
        Assert.Equal("TOKEN==", request.Headers["X-Amz-Security-Token"]);
        Assert.Contains("SignedHeaders=content-type;host;x-amz-date;x-amz-security-token", request.Headers["Authorization"]);
    }

    [Theory]
    [InlineData("region", "evil.example/")]
    [InlineData("region", "eu-central-1.evil.example#")]
    [InlineData("topic_arns", "arn:aws:sqs:eu-central-1:123456789012:mail")]
    [InlineData("access_key_id", "AKID\r\nX: y")]
    public void A_setting_that_cannot_be_used_is_named(string name, string value) => Assert.Equal(name, Assert.Throws<InvalidInputException>(
        () => ProviderKinds.Of("ses").Open(new ConnectionSettings(new Dictionary<string, string>(Connection.Settings) { [name] = value }))).Field);

    /// <summary>AWS's published test suite for Signature Version 4, and the example of its documentation.</summary>
    [Theory]
    [InlineData("GET", "https://example.amazonaws.com/", "", "", "service", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")]
    [InlineData("POST", "https://example.amazonaws.com/", "", "", "service", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")]
    [InlineData("GET", "https://example.amazonaws.com/?Param2=value2&Param1=value1", "", "", "service", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500")]
    [InlineData("POST", "https://example.amazonaws.com/?Param1=value1", "", "", "service", "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11")]
    [InlineData("GET", "https://example.amazonaws.com/%E1%88%B4", "", "", "service", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85")]
    [InlineData("POST", "https://example.amazonaws.com/", "application/x-www-form-urlencoded", "Param1=value1", "service", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a")]
    [InlineData("GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", "application/x-www-form-urlencoded; charset=utf-8", "", "iam", "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")]
    public void Requests_are_signed_as_AWS_publishes(string method, string url, string contentType, string body, string service, string signature)
    {
        var signed = SigV4.Sign(
            new AwsCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", null), "us-east-1", service, method, new Uri(url), contentType.Length > 0 ? [("Content-Type", contentType)] : [],
            Encoding.UTF8.GetBytes(body), new DateTimeOffset(2015, 8, 30, 12, 36, 0, TimeSpan.Zero));
        Assert.EndsWith($"Signature={signature}", signed.Single(header => header.Name == "Authorization").Value);
    }

    /// <summary>post-sts-header-before of the suite: the token is part of what is signed.</summary>
    [Fact]
    public void A_session_token_is_signed_as_AWS_publishes()
    {
        const string Token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
        var signed = SigV4.Sign(
            new AwsCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", Token), "us-east-1", "service", "POST", new Uri("https://example.amazonaws.com/"), [], [],
            new DateTimeOffset(2015, 8, 30, 12, 36, 0, TimeSpan.Zero));
        Assert.EndsWith("Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead", signed.Single(header => header.Name == "Authorization").Value);
    }

    private static ApiAnswer Error(int status, string error, string message) => new(status, JsonSerializer.Serialize(new { message }), ("x-amzn-ErrorType", error));
}
