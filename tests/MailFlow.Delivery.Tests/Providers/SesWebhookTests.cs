using System.Net;
using System.Text.Json.Nodes;
using static MailFlow.Delivery.Tests.Providers.Calls;

namespace MailFlow.Delivery.Tests.Providers;

public sealed class SesWebhookTests
{
    private static readonly ConnectionSettings Topics = Settings(("topic_arns", $"arn:aws:sns:eu-central-1:123456789012:other, {SnsTestAuthority.Topic}"));

    private readonly SnsTestAuthority _sns = new();

    [Theory]
    [InlineData("1")]
    [InlineData("2")]
    public async Task A_notification_of_either_signature_is_verified(string version)
    {
        Assert.True(await IsVerifiedAsync(_sns.Envelope("{}", version: version)));
        Assert.True(await IsVerifiedAsync(_sns.Envelope("{}", version: version, change: envelope => envelope["Subject"] = "Amazon SES Email Event Notification")));
        // The certificate is fetched once.
        Assert.Equal([SnsTestAuthority.CertificateUrl], _sns.Asked);
    }

    [Theory]
    [InlineData("Message", "{\"eventType\":\"Complaint\"}")]
    [InlineData("MessageId", "22b80b92-0000-4c2c-8f9d-bdfb0c7bf324")]
    [InlineData("Timestamp", "2026-01-05T08:58:00.000Z")]
    [InlineData("Subject", "added")]
    [InlineData("SignatureVersion", "1")]
    [InlineData("SignatureVersion", "3")]
    [InlineData("Signature", "AAAA")]
    [InlineData("Signature", "not base64")]
    [InlineData("TopicArn", "arn:aws:sns:eu-central-1:123456789012:other")]
    public async Task What_was_changed_is_refused(string member, string value)
    {
        var envelope = _sns.Envelope("{}");
        envelope[member] = value;
        Assert.False(await IsVerifiedAsync(envelope));
    }

    [Theory]
    [InlineData("http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0011aabb.pem")]
    [InlineData("https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0011aabb.pem?1")]
    [InlineData("https://sns.eu-central-1.amazonaws.com.evil.example/SimpleNotificationService-0011aabb.pem")]
    [InlineData("https://evil.example/sns.eu-central-1.amazonaws.com/SimpleNotificationService-0011aabb.pem")]
    [InlineData("https://sns.eu-central-1.amazonaws.com@evil.example/SimpleNotificationService-0011aabb.pem")]
    [InlineData("https://sns.eu-central-1.amazonaws.com:8443/SimpleNotificationService-0011aabb.pem")]
    [InlineData("https://sns.eu-central-1.amazonaws.com/evil.pem")]
    [InlineData("https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-../evil.pem")]
    [InlineData("https://s3.eu-central-1.amazonaws.com/SimpleNotificationService-0011aabb.pem")]
    [InlineData("https://169.254.169.254/latest/meta-data/")]
    [InlineData("file:///etc/passwd")]
    [InlineData("")]
    public async Task A_certificate_from_anywhere_but_SNS_is_not_even_asked_for(string url)
    {
        _sns.Serve(url, "sns.amazonaws.com");
        Assert.False(await IsVerifiedAsync(_sns.Envelope("{}", certificateUrl: url)));
        Assert.Empty(_sns.Asked);
    }

    [Theory]
    [InlineData("sns.amazonaws.com", false)]
    [InlineData("s3.amazonaws.com", true)]
    [InlineData("sns.us-east-1.amazonaws.com", true)]
    public async Task A_certificate_that_is_another_hosts_or_nobody_vouches_for_is_refused(string name, bool trusted)
    {
        const string Url = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-ffff.pem";
        _sns.Serve(Url, name, trusted);
        Assert.False(await IsVerifiedAsync(_sns.Envelope("{}", certificateUrl: Url)));
    }

    [Fact]
    public async Task A_topic_that_is_not_the_connections_is_refused_however_well_signed()
    {
        Assert.False(await IsVerifiedAsync(_sns.Envelope("{}", topic: "arn:aws:sns:eu-central-1:999999999999:mail")));
        Assert.False(await _sns.Webhook.IsVerifiedAsync(Of(_sns.Envelope("{}").ToJsonString()), Settings()));
        Assert.Empty(_sns.Asked);
    }

    [Theory]
    [InlineData("2026-01-03T08:00:00.000Z")]
    [InlineData("2026-01-05T10:00:00.000Z")]
    public async Task A_call_of_another_day_is_a_replay(string timestamp) => Assert.False(await IsVerifiedAsync(_sns.Envelope("{}", change: envelope => envelope["Timestamp"] = timestamp)));

    [Theory]
    [InlineData("nonsense")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"Type":"Something"}""")]
    public async Task What_is_no_envelope_is_refused(string body) => Assert.False(await _sns.Webhook.IsVerifiedAsync(Of(body), Topics));

    [Fact]
    public async Task A_subscription_of_the_connections_topic_is_confirmed_and_nothing_is_stored()
    {
        Assert.IsType<WebhookVerdict.Handled>(await VerdictAsync(_sns.Envelope("You have chosen to subscribe", "SubscriptionConfirmation")));
        Assert.Equal([SnsTestAuthority.CertificateUrl, $"https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={SnsTestAuthority.Topic}&Token=2336412f37"], _sns.Asked);
        Assert.IsType<WebhookVerdict.Handled>(await VerdictAsync(_sns.Envelope("You have been unsubscribed", "UnsubscribeConfirmation")));
        Assert.Equal(2, _sns.Asked.Count);
        _sns.ConfirmationAnswer = HttpStatusCode.InternalServerError;
        Assert.IsType<WebhookVerdict.Refused>(await VerdictAsync(_sns.Envelope("You have chosen to subscribe", "SubscriptionConfirmation")));
    }

    [Theory]
    [InlineData("http://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={0}&Token=1")]
    [InlineData("https://evil.example/?Action=ConfirmSubscription&TopicArn={0}&Token=1")]
    [InlineData("https://127.0.0.1/?Action=ConfirmSubscription&TopicArn={0}&Token=1")]
    [InlineData("https://sns.eu-central-1.amazonaws.com.evil.example/?Action=ConfirmSubscription&TopicArn={0}&Token=1")]
    [InlineData("https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={0}&Token=1")]
    [InlineData("https://sns.eu-central-1.amazonaws.com/?Action=DeleteTopic&TopicArn={0}&Token=1")]
    [InlineData("https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Action=DeleteTopic&TopicArn={0}&Token=1")]
    [InlineData("https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:eu-central-1:999999999999:mail&Token=1")]
    [InlineData("https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={0}")]
    [InlineData("https://sns.eu-central-1.amazonaws.com/somewhere?Action=ConfirmSubscription&TopicArn={0}&Token=1")]
    public async Task A_confirmation_that_leads_elsewhere_is_not_followed(string url)
    {
        var envelope = _sns.Envelope("subscribe?", "SubscriptionConfirmation", change: envelope => envelope["SubscribeURL"] = string.Format(url, SnsTestAuthority.Topic));
        Assert.IsType<WebhookVerdict.Refused>(await VerdictAsync(envelope));
        Assert.Equal([SnsTestAuthority.CertificateUrl], _sns.Asked);
    }

    [Fact]
    public async Task A_confirmation_that_redirects_is_not_followed_further()
    {
        _sns.ConfirmationAnswer = HttpStatusCode.Redirect;
        Assert.IsType<WebhookVerdict.Refused>(await VerdictAsync(_sns.Envelope("subscribe?", "SubscriptionConfirmation")));
        Assert.Equal(2, _sns.Asked.Count);
    }

    [Theory]
    [InlineData("bounce", "bounceSubType", "Suppressed", ListedFor.HardBounce)]
    [InlineData("bounce", "bounceSubType", "OnAccountSuppressionList", ListedFor.HardBounce)]
    [InlineData("bounce", "bounceSubType", "UnsubscribedRecipient", ListedFor.Unsubscribed)]
    [InlineData("complaint", "complaintSubType", "OnAccountSuppressionList", ListedFor.Complaint)]
    public void What_SES_did_not_send_because_of_its_lists_is_no_new_bounce_or_complaint(string member, string subtype, string value, ListedFor listed)
    {
        var recipients = member == "bounce" ? "bouncedRecipients" : "complainedRecipients";
        var dropped = Assert.Single(Read($$$"""
            {"eventType":"{{{(member == "bounce" ? "Bounce" : "Complaint")}}}","{{{member}}}":{"feedbackId":"0100","bounceType":"Permanent","{{{subtype}}}":"{{{value}}}","timestamp":"2026-01-05T09:00:00.000Z",
             "{{{recipients}}}":[{"emailAddress":"ada@example.org","status":"5.1.1","diagnosticCode":"Amazon SES did not send the message to this address because it is on the suppression list"}]}}
            """));
        Assert.Equal((FeedbackKind.Dropped, listed, null, "ada@example.org"), (dropped.Kind, dropped.Listed, dropped.Bounce, dropped.Email));
    }

    [Theory]
    [InlineData("""{"eventType":"Send","send":{}}""", FeedbackKind.Accepted, null)]
    [InlineData("""{"eventType":"Delivery","delivery":{"timestamp":"2026-01-05T09:00:00.000Z","recipients":["ada@example.org"],"smtpResponse":"250 ok"}}""", FeedbackKind.Delivered, null)]
    [InlineData("""{"eventType":"DeliveryDelay","deliveryDelay":{"timestamp":"2026-01-05T09:00:00.000Z","delayType":"MailboxFull","delayedRecipients":[{"emailAddress":"ada@example.org","status":"4.2.2","diagnosticCode":"smtp; 452 4.2.2 full"}]}}""", FeedbackKind.Delayed, null)]
    [InlineData("""{"eventType":"Bounce","bounce":{"feedbackId":"0100","bounceType":"Permanent","bounceSubType":"General","timestamp":"2026-01-05T09:00:00.000Z","bouncedRecipients":[{"emailAddress":"ada@example.org","action":"failed","status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 user unknown"}]}}""", FeedbackKind.Bounced, BounceKind.Hard)]
    [InlineData("""{"notificationType":"Bounce","bounce":{"feedbackId":"0100","bounceType":"Transient","bounceSubType":"General","timestamp":"2026-01-05T09:00:00.000Z","bouncedRecipients":[{"emailAddress":"ada@example.org","status":"4.4.7","diagnosticCode":"smtp; 554 4.4.7 Message expired"}]}}""", FeedbackKind.Bounced, BounceKind.RecipientSoft)]
    [InlineData("""{"eventType":"Bounce","bounce":{"feedbackId":"0100","bounceType":"Transient","bounceSubType":"ContentRejected","timestamp":"2026-01-05T09:00:00.000Z","bouncedRecipients":[{"emailAddress":"ada@example.org"}]}}""", FeedbackKind.Bounced, BounceKind.MessageSoft)]
    [InlineData("""{"eventType":"Bounce","bounce":{"feedbackId":"0100","bounceType":"Undetermined","bounceSubType":"Undetermined","timestamp":"2026-01-05T09:00:00.000Z","bouncedRecipients":[{"emailAddress":"ada@example.org"}]}}""", FeedbackKind.Bounced, BounceKind.MessageSoft)]
    [InlineData("""{"eventType":"Bounce","bounce":{"feedbackId":"0100","bounceType":"Permanent","bounceSubType":"General","timestamp":"2026-01-05T09:00:00.000Z","bouncedRecipients":[{"emailAddress":"ada@example.org","status":"5.7.515","diagnosticCode":"smtp; 550 5.7.515 Access denied"}]}}""", FeedbackKind.Bounced, BounceKind.SenderFault)]
    [InlineData("""{"eventType":"Complaint","complaint":{"feedbackId":"0100","complaintFeedbackType":"abuse","timestamp":"2026-01-05T09:00:00.000Z","complainedRecipients":[{"emailAddress":"ada@example.org"}]}}""", FeedbackKind.Complained, null)]
    [InlineData("""{"eventType":"Reject","reject":{"reason":"Bad content"}}""", FeedbackKind.Dropped, null)]
    [InlineData("""{"eventType":"Rendering Failure","failure":{"errorMessage":"Attribute 'x' is not present","templateName":"t"}}""", FeedbackKind.Dropped, null)]
    [InlineData("""{"eventType":"Open","open":{"ipAddress":"192.0.2.1","timestamp":"2026-01-05T09:00:00.000Z","userAgent":"Mozilla"}}""", FeedbackKind.Opened, null)]
    [InlineData("""{"eventType":"Click","click":{"ipAddress":"192.0.2.1","timestamp":"2026-01-05T09:00:00.000Z","userAgent":"Mozilla","link":"https://shop.example/","linkTags":null}}""", FeedbackKind.Clicked, null)]
    public void Each_kind_of_event_is_read(string message, FeedbackKind kind, BounceKind? bounce)
    {
        var feedback = Assert.Single(Read(message));
        Assert.Equal((kind, bounce), (feedback.Kind, feedback.Bounce));
        Assert.Equal((Key, "010701942f6b", "ada@example.org", Now), (feedback.MessageId, feedback.ProviderId, feedback.Email, feedback.At));
        Assert.Equal(kind is FeedbackKind.Opened or FeedbackKind.Clicked ? ("Mozilla", "192.0.2.1") : (null, null), (feedback.UserAgent, feedback.IpAddress));
        Assert.Equal(kind == FeedbackKind.Clicked ? "https://shop.example/" : null, feedback.Url);
        Assert.Equal(kind is FeedbackKind.Bounced or FeedbackKind.Complained, feedback.Key.StartsWith("0100", StringComparison.Ordinal));
    }

    [Fact]
    public void A_delivery_that_the_identity_and_the_configuration_set_publish_is_one_report()
    {
        const string delivery = """ "delivery":{"timestamp":"2026-01-05T09:00:00.000Z","recipients":["ada@example.org"]} """;
        // Two envelopes, each with an id of its own at SNS.
        var (one, other) = (Assert.Single(Read($$"""{"eventType":"Delivery",{{delivery}} }""")), Assert.Single(Read($$"""{"notificationType":"Delivery",{{delivery}} }""", sns: "another")));
        Assert.Equal(one.Key, other.Key);
        Assert.NotEqual(one.Key, Assert.Single(Read($$"""{"eventType":"Delivery",{{delivery.Replace("09:00", "09:01", StringComparison.Ordinal)}} }""")).Key);
    }

    [Fact]
    public void A_notification_about_several_recipients_is_one_report_for_each()
    {
        var feedback = Read("""
            {"eventType":"Bounce","bounce":{"feedbackId":"0100","bounceType":"Permanent","bounceSubType":"General","timestamp":"2026-01-05T09:00:00.000Z","bouncedRecipients":[
              {"emailAddress":"a@example.org","status":"5.1.1"},{"emailAddress":"b@example.org","status":"5.2.2"},{"emailAddress":"c@example.org"}]}}
            """);
        Assert.Equal([("a@example.org", BounceKind.Hard), ("b@example.org", BounceKind.RecipientSoft), ("c@example.org", BounceKind.Hard)], feedback.Select(one => (one.Email!, one.Bounce!.Value)));
        Assert.Equal(3, feedback.Select(one => one.Key).Distinct().Count());
    }

    [Fact]
    public void Without_tags_our_key_is_read_from_the_mails_headers()
    {
        var body = Wrap("""{"notificationType":"Delivery","delivery":{"timestamp":"2026-01-05T09:00:00.000Z","recipients":["ada@example.org"]}}""", mail =>
        {
            mail.Remove("tags");
            mail["headers"] = new JsonArray(new JsonObject { ["name"] = "Subject", ["value"] = "x" }, new JsonObject { ["name"] = "X-MailFlow-Message", ["value"] = Key.ToString() });
        });
        Assert.Equal(Key, Assert.Single(_sns.Webhook.Read(Utf8(body))).MessageId);
    }

    [Theory]
    [InlineData("""{"eventType":"Subscription","subscription":{}}""")]
    [InlineData("""{"eventType":"SomethingNew"}""")]
    [InlineData("""{"eventType":"Complaint","complaint":{"feedbackId":"1","complaintFeedbackType":"not-spam","complainedRecipients":[{"emailAddress":"ada@example.org"}]}}""")]
    [InlineData("""{"eventType":"Complaint","complaint":{"feedbackId":"1","complaintFeedbackType":"auth-failure","complainedRecipients":[{"emailAddress":"ada@example.org"}]}}""")]
    public void What_is_none_of_our_business_is_left_out(string message) => Assert.Empty(Read(message));

    [Fact]
    public void The_sentence_with_which_SES_tries_a_topic_is_left_out() =>
        Assert.Empty(_sns.Webhook.Read(Utf8(_sns.Envelope("Successfully validated SNS topic for Amazon SES event publishing.").ToJsonString())));

    [Theory]
    [InlineData("{nonsense")]
    [InlineData("""{"eventType":"Bounce"}""")]
    [InlineData("""{"eventType":"Bounce","mail":{"timestamp":"2026-01-05T09:00:00.000Z"}}""")]
    [InlineData("""{"eventType":"Open","mail":{}}""")]
    public void What_cannot_be_understood_says_so(string message) => Assert.Throws<FormatException>(() => _sns.Webhook.Read(Utf8(_sns.Envelope(message).ToJsonString())));

    private IReadOnlyList<Feedback> Read(string message, string? sns = null) => _sns.Webhook.Read(Utf8(Wrap(message, sns: sns)));

    private string Wrap(string message, Action<JsonObject>? change = null, string? sns = null)
    {
        var json = JsonNode.Parse(message)!.AsObject();
        var mail = JsonNode.Parse($$$"""
            {"timestamp":"2026-01-05T09:00:00.000Z","messageId":"010701942f6b","source":"news@shop.example","destination":["ada@example.org"],
             "tags":{"ses:configuration-set":["mailflow"],"mf_msg":["{{{Key}}}"]}}
            """)!.AsObject();
        change?.Invoke(mail);
        json["mail"] = mail;
        return _sns.Envelope(json.ToJsonString(), change: sns is null ? null : envelope => envelope["MessageId"] = sns).ToJsonString();
    }

    private async Task<bool> IsVerifiedAsync(JsonObject envelope) => await VerdictAsync(envelope) is WebhookVerdict.Verified;

    private ValueTask<WebhookVerdict> VerdictAsync(JsonObject envelope) => _sns.Webhook.VerifyAsync(Of(envelope.ToJsonString()), Topics, default);
}
