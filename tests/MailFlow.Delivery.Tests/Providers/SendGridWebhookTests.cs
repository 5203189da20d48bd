using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using static MailFlow.Delivery.Tests.Providers.Calls;

namespace MailFlow.Delivery.Tests.Providers;

public sealed class SendGridWebhookTests
{
    private const string SignatureHeader = "X-Twilio-Email-Event-Webhook-Signature", TimestampHeader = "X-Twilio-Email-Event-Webhook-Timestamp";
    private const string Body = "[{\"email\":\"ada@example.org\",\"event\":\"delivered\",\"reason\":\"Grüße\"}]\r\n";

    private static readonly string Timestamp = Now.AddMinutes(-1).ToUnixTimeSeconds().ToString();
    private readonly IProviderWebhook _webhook = ProviderKinds.Of("sendgrid").Webhook!;

    [Fact]
    public async Task What_the_vendors_library_signs_is_verified_and_whatever_was_changed_is_not()
    {
        using var signed = JsonDocument.Parse(await VendorAsync(new { timestamp = Timestamp, body = Body }));
        var (key, signature) = (signed.RootElement.GetProperty("publicKey").GetString()!, signed.RootElement.GetProperty("signature").GetString()!);
        var bare = string.Concat(key.Split('\n').Where(line => !line.StartsWith('-')));
        foreach (var form in new[] { key, bare })
            Assert.True(await IsVerifiedAsync(form, signature, Timestamp, Body));

        Assert.False(await IsVerifiedAsync(bare, signature, Timestamp, Body.Replace("delivered", "bounced", StringComparison.Ordinal)));
        Assert.False(await IsVerifiedAsync(bare, signature, Timestamp, Body.TrimEnd()));
        Assert.False(await IsVerifiedAsync(bare, signature, Timestamp, Body + " "));
        Assert.False(await IsVerifiedAsync(bare, signature, (long.Parse(Timestamp) + 1).ToString(), Body));
        // What is moved from the timestamp into the body is the same row of characters, but no instant.
        Assert.False(await IsVerifiedAsync(bare, signature, Timestamp[..^1], Timestamp[^1] + Body));
        var octets = Convert.FromBase64String(signature);
        octets[^1] ^= 1;
        Assert.False(await IsVerifiedAsync(bare, Convert.ToBase64String(octets), Timestamp, Body));
        foreach (var nonsense in new[] { "", "not base64!", "AAAA", Convert.ToBase64String(new byte[64]) })
            Assert.False(await IsVerifiedAsync(bare, nonsense, Timestamp, Body));
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.False(await IsVerifiedAsync(Convert.ToBase64String(other.ExportSubjectPublicKeyInfo()), signature, Timestamp, Body));
    }

    [Fact]
    public async Task What_we_take_for_signed_the_vendors_library_takes_too_and_no_more()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var publicKey = Convert.ToBase64String(key.ExportSubjectPublicKeyInfo());
        var pem = key.ExportSubjectPublicKeyInfoPem();
        var signature = Sign(key, Timestamp + Body);
        Assert.True(await IsVerifiedAsync(publicKey, signature, Timestamp, Body));
        Assert.Equal("true", await VendorAsync(new { timestamp = Timestamp, body = Body, publicKey = pem, signature }));
        Assert.Equal("false", await VendorAsync(new { timestamp = Timestamp, body = Body.Replace("delivered", "bounced", StringComparison.Ordinal), publicKey = pem, signature }));
    }

    [Fact]
    public async Task A_call_of_yesterday_is_a_retry_and_one_of_the_day_before_is_a_replay()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var publicKey = Convert.ToBase64String(key.ExportSubjectPublicKeyInfo());
        foreach (var (hours, expected) in new[] { (-24, true), (-27, false), (1, false) })
        {
            var at = Now.AddHours(hours).ToUnixTimeSeconds().ToString();
            Assert.Equal(expected, await IsVerifiedAsync(publicKey, Sign(key, at + Body), at, Body));
        }
    }

    [Fact]
    public async Task Without_a_key_or_a_signature_nothing_is_taken()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var call = Of(Body, (SignatureHeader, Sign(key, Timestamp + Body)), (TimestampHeader, Timestamp));
        Assert.False(await _webhook.IsVerifiedAsync(call, Settings()));
        Assert.False(await _webhook.IsVerifiedAsync(Of(Body), Settings(("webhook_public_key", Convert.ToBase64String(key.ExportSubjectPublicKeyInfo())))));
        // A key of another curve is another agreement.
        using var larger = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        Assert.False(await IsVerifiedAsync(Convert.ToBase64String(larger.ExportSubjectPublicKeyInfo()), Sign(larger, Timestamp + Body), Timestamp, Body));
    }

    [Fact]
    public void Each_kind_of_event_is_read_and_what_is_none_of_our_business_is_left_out()
    {
        // In the shape of SendGrid's documentation: one call, several mails and recipients.
        var events = _webhook.Read(Utf8($$$"""
            [
              {"email":"a@example.org","timestamp":1767603600,"smtp-id":"<14c5@ismtpd-555>","event":"processed","category":["welcome"],"sg_event_id":"e1","sg_message_id":"14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0","mf_msg":"{{{Key}}}"},
              {"email":"b@example.org","timestamp":1767603600,"event":"deferred","category":"welcome","sg_event_id":"e2","sg_message_id":"14c5d75ce93.x","response":"400 try again later","attempt":"5"},
              {"email":"c@example.org","timestamp":1767603600,"event":"delivered","sg_event_id":"e3","sg_message_id":"14c5d75ce93.x","response":"250 OK"},
              {"email":"d@example.org","timestamp":1767603600,"event":"open","sg_event_id":"e4","sg_message_id":"14c5d75ce93.x","useragent":"Mozilla/4.0","ip":"192.0.2.9","sg_machine_open":true},
              {"email":"e@example.org","timestamp":1767603600,"event":"click","sg_event_id":"e5","sg_message_id":"14c5d75ce93.x","useragent":"Mozilla/5.0","ip":"192.0.2.10","url":"https://shop.example/a","url_offset":{"index":0,"type":"html"}},
              {"email":"f@example.org","timestamp":1767603600,"event":"bounce","sg_event_id":"e6","sg_message_id":"14c5d75ce93.x","reason":"550 5.1.1 The email account that you tried to reach does not exist.","status":"5.1.1","type":"bounce","bounce_classification":"Invalid Address"},
              {"email":"g@example.org","timestamp":1767603600,"event":"bounce","sg_event_id":"e7","sg_message_id":"14c5d75ce93.x","reason":"550 5.7.515 Access denied, sending domain does not meet the required authentication level","status":"5.7.515","type":"blocked","bounce_classification":"Reputation"},
              {"email":"h@example.org","timestamp":1767603600,"event":"dropped","sg_event_id":"e8","sg_message_id":"14c5d75ce93.x","reason":"Bounced Address","status":"5.0.0"},
              {"email":"i@example.org","timestamp":1767603600,"event":"spamreport","sg_event_id":"e9","sg_message_id":"14c5d75ce93.x"},
              {"email":"j@example.org","timestamp":1767603600,"event":"unsubscribe","sg_event_id":"e10","sg_message_id":"14c5d75ce93.x"},
              {"email":"k@example.org","timestamp":1767603600,"event":"group_unsubscribe","sg_event_id":"e11","sg_message_id":"14c5d75ce93.x","asm_group_id":10},
              {"email":"l@example.org","timestamp":1767603600,"event":"group_resubscribe","sg_event_id":"e12","sg_message_id":"14c5d75ce93.x","asm_group_id":10},
              {"event":"account_status_change","timestamp":1767603600,"sg_event_id":"e13"},
              {"email":"m@example.org","timestamp":1767603600,"event":"somethingnew","sg_event_id":"e14"}
            ]
            """));
        Assert.Equal(
            [FeedbackKind.Accepted, FeedbackKind.Delayed, FeedbackKind.Delivered, FeedbackKind.Opened, FeedbackKind.Clicked, FeedbackKind.Bounced, FeedbackKind.Bounced, FeedbackKind.Dropped,
                FeedbackKind.Complained, FeedbackKind.Unsubscribed, FeedbackKind.Unsubscribed],
            events.Select(one => one.Kind));
        Assert.Equal(Enumerable.Range(1, 11).Select(i => $"e{i}"), events.Select(one => one.Key));
        Assert.Equal((ListedFor.HardBounce, 1), (events[7].Listed, events.Count(one => one.Listed is not null)));
        Assert.Equal("abcdefghijk", string.Concat(events.Select(one => one.Email![0])));
        Assert.Equal((Key, "14c5d75ce93", DateTimeOffset.FromUnixTimeSeconds(1767603600)), (events[0].MessageId, events[0].ProviderId, events[0].At));
        Assert.Equal((true, "Mozilla/4.0", "192.0.2.9"), (events[3].IsMachine, events[3].UserAgent, events[3].IpAddress));
        Assert.Equal((null, "https://shop.example/a"), (events[4].IsMachine, events[4].Url));
        Assert.Equal((BounceKind.Hard, BounceKind.SenderFault), (events[5].Bounce, events[6].Bounce));
        Assert.Equal("Bounced Address", events[7].Reason);
    }

    [Theory]
    [InlineData("bounce", "Invalid Address", BounceKind.Hard)]
    [InlineData("bounce", null, BounceKind.Hard)]
    [InlineData("blocked", null, BounceKind.MessageSoft)]
    [InlineData("blocked", "Unclassified", BounceKind.MessageSoft)]
    [InlineData("blocked", "Technical Failure", BounceKind.RecipientSoft)]
    [InlineData("blocked", "Mailbox Unavailable", BounceKind.RecipientSoft)]
    [InlineData("blocked", "Content", BounceKind.MessageSoft)]
    [InlineData("blocked", "Reputation", BounceKind.SenderFault)]
    public void Where_the_server_said_nothing_SendGrids_own_reading_counts(string type, string? classification, BounceKind expected) => Assert.Equal(expected, _webhook.Read(Utf8(
        JsonSerializer.Serialize(new[] { new { @event = "bounce", email = "a@example.org", timestamp = 1767603600, sg_event_id = "e", type, bounce_classification = classification, status = "5.0.0", reason = "" } })))
        .Single().Bounce);

    [Theory]
    [InlineData("nonsense")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("""[{"timestamp":1,"email":"a@b.example"}]""")]
    [InlineData("""[{"event":"open"}]""")]
    [InlineData("""[{"event":"open","timestamp":"soon"}]""")]
    public void What_cannot_be_understood_says_so(string body) => Assert.Throws<FormatException>(() => _webhook.Read(Utf8(body)));

    [Fact]
    public void An_event_without_an_id_has_the_same_key_each_time_it_comes()
    {
        const string One = """[{"event":"open","timestamp":1767603600,"email":"a@example.org"},{"event":"open","timestamp":1767603601,"email":"a@example.org"}]""";
        var (first, again) = (_webhook.Read(Utf8(One)), _webhook.Read(Utf8(One)));
        Assert.Equal(first.Select(one => one.Key), again.Select(one => one.Key));
        Assert.NotEqual(first[0].Key, first[1].Key);
    }

    private Task<bool> IsVerifiedAsync(string publicKey, string signature, string timestamp, string body) =>
        _webhook.IsVerifiedAsync(Of(body, (SignatureHeader.ToLowerInvariant(), signature), (TimestampHeader, timestamp)), Settings(("webhook_public_key", publicKey)));

    private static string Sign(ECDsa key, string text) => Convert.ToBase64String(key.SignData(Encoding.UTF8.GetBytes(text), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));

    /// <summary>Runs npm's @sendgrid/eventwebhook.</summary>
    private static async Task<string> VendorAsync(object question)
    {
        var folder = Path.Combine(RepositoryFolder.Path, "tests", "MailFlow.Delivery.Tests", "SendGridSigner");
        Assert.True(Directory.Exists(Path.Combine(folder, "node_modules")), "SendGrid's library is not installed. Run: npm ci --prefix tests/MailFlow.Delivery.Tests/SendGridSigner");
        var start = new ProcessStartInfo("node") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder };
        start.ArgumentList.Add("vendor.mjs");
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(JsonSerializer.Serialize(question));
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var answer = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await errors);
        return answer;
    }
}
