using System.Text;
using System.Text.Json.Nodes;
using static MailFlow.Delivery.Tests.Providers.Calls;

namespace MailFlow.Delivery.Tests.Providers;

public sealed class PostmarkWebhookTests
{
    private static readonly ConnectionSettings Keyed = Settings(("webhook_secret", "s3cret"));
    private readonly IProviderWebhook _webhook = ProviderKinds.Of("postmark").Webhook!;

    [Theory]
    [InlineData("Authorization", "Basic", true)]
    [InlineData("authorization", "Bearer s3cret", true)]
    [InlineData("x-mailflow-secret", "s3cret", true)]
    [InlineData("X-MailFlow-Secret", "s3cre", false)]
    [InlineData("X-MailFlow-Secret", "s3cret ", false)]
    [InlineData("X-MailFlow-Secret", "", false)]
    [InlineData("Authorization", "Basic s3cret", false)]
    [InlineData("Authorization", "s3cret", false)]
    public async Task The_secret_is_shown_in_a_header(string name, string value, bool expected)
    {
        if (value == "Basic") value = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("mailflow:s3cret"));
        Assert.Equal(expected, await _webhook.IsVerifiedAsync(Of("{}", (name, value)), Keyed));
    }

    [Fact]
    public async Task The_secret_may_stand_in_the_address_and_without_one_nothing_is_taken()
    {
        var call = Of("{}") with { Query = new Dictionary<string, string> { ["secret"] = "s3cret" } };
        Assert.True(await _webhook.IsVerifiedAsync(call, Keyed));
        Assert.False(await _webhook.IsVerifiedAsync(call with { Query = new Dictionary<string, string> { ["secret"] = "guess" } }, Keyed));
        Assert.False(await _webhook.IsVerifiedAsync(Of("{}"), Keyed));
        Assert.False(await _webhook.IsVerifiedAsync(Of("{}", ("X-MailFlow-Secret", "")), Settings(("webhook_secret", ""))));
        Assert.False(await _webhook.IsVerifiedAsync(call, Settings()));
    }

    [Theory]
    [InlineData("""{"RecordType":"Delivery","Recipient":"ada@example.org","DeliveredAt":"2026-01-05T09:00:00.0000000Z","Details":"250 OK"}""", FeedbackKind.Delivered, null)]
    [InlineData("""{"RecordType":"Bounce","ID":692560173,"Type":"HardBounce","TypeCode":1,"Email":"ada@example.org","BouncedAt":"2026-01-05T10:00:00+01:00","Details":"smtp;550 5.1.1 no such user","Inactive":true}""", FeedbackKind.Bounced, BounceKind.Hard)]
    [InlineData("""{"RecordType":"Bounce","ID":1,"Type":"HardBounce","Email":"ada@example.org","BouncedAt":"2026-01-05T09:00:00Z"}""", FeedbackKind.Bounced, BounceKind.Hard)]
    [InlineData("""{"RecordType":"Bounce","ID":1,"Type":"SoftBounce","Email":"ada@example.org","BouncedAt":"2026-01-05T09:00:00Z","Details":""}""", FeedbackKind.Bounced, BounceKind.RecipientSoft)]
    [InlineData("""{"RecordType":"Bounce","ID":1,"Type":"SpamNotification","Email":"ada@example.org","BouncedAt":"2026-01-05T09:00:00Z","Details":""}""", FeedbackKind.Bounced, BounceKind.MessageSoft)]
    [InlineData("""{"RecordType":"Bounce","ID":1,"Type":"Blocked","Email":"ada@example.org","BouncedAt":"2026-01-05T09:00:00Z","Details":"554 5.7.1 listed at zen.spamhaus.org"}""", FeedbackKind.Bounced, BounceKind.SenderFault)]
    [InlineData("""{"RecordType":"Bounce","ID":1,"Type":"DMARCPolicy","Email":"ada@example.org","BouncedAt":"2026-01-05T09:00:00Z"}""", FeedbackKind.Bounced, BounceKind.SenderFault)]
    [InlineData("""{"RecordType":"Bounce","ID":1,"Type":"Transient","Email":"ada@example.org","BouncedAt":"2026-01-05T09:00:00Z"}""", FeedbackKind.Delayed, null)]
    [InlineData("""{"RecordType":"Bounce","ID":1,"Type":"ManuallyDeactivated","Email":"ada@example.org","BouncedAt":"2026-01-05T09:00:00Z"}""", FeedbackKind.Dropped, null)]
    [InlineData("""{"RecordType":"SpamComplaint","ID":2,"Type":"SpamComplaint","TypeCode":512,"Email":"ada@example.org","BouncedAt":"2026-01-05T09:00:00Z"}""", FeedbackKind.Complained, null)]
    [InlineData("""{"RecordType":"Open","FirstOpen":true,"Recipient":"ada@example.org","ReceivedAt":"2026-01-05T09:00:00Z","UserAgent":"Mozilla","Geo":{"IP":"192.0.2.1"}}""", FeedbackKind.Opened, null)]
    [InlineData("""{"RecordType":"Click","ClickLocation":"HTML","OriginalLink":"https://shop.example/","Recipient":"ada@example.org","ReceivedAt":"2026-01-05T09:00:00Z","UserAgent":"Mozilla","Geo":{"IP":"192.0.2.1"}}""", FeedbackKind.Clicked, null)]
    [InlineData("""{"RecordType":"SubscriptionChange","Recipient":"ada@example.org","Origin":"Recipient","SuppressSending":true,"SuppressionReason":"ManualSuppression","ChangedAt":"2026-01-05T09:00:00Z"}""", FeedbackKind.Unsubscribed, null)]
    public void Each_kind_of_event_is_read(string body, FeedbackKind kind, BounceKind? bounce)
    {
        var json = JsonNode.Parse(body)!;
        json["MessageID"] = "883953f4-6105-42a2-a16a-77a8eac79483";
        json["Metadata"] = new JsonObject { ["mf_msg"] = Key.ToString() };
        var feedback = Assert.Single(_webhook.Read(Utf8(json.ToJsonString())));
        Assert.Equal((kind, bounce), (feedback.Kind, feedback.Bounce));
        Assert.Equal((Key, "883953f4-6105-42a2-a16a-77a8eac79483", "ada@example.org", Now), (feedback.MessageId, feedback.ProviderId, feedback.Email, feedback.At));
        Assert.InRange(feedback.Key.Length, 1, 200);
        Assert.Equal(feedback, Assert.Single(_webhook.Read(Utf8(json.ToJsonString()))));
        Assert.Equal(kind is FeedbackKind.Opened or FeedbackKind.Clicked ? ("Mozilla", "192.0.2.1") : (null, null), (feedback.UserAgent, feedback.IpAddress));
    }

    [Theory]
    [InlineData("""{"RecordType":"SubscriptionChange","SuppressSending":false,"ChangedAt":"2026-01-05T09:00:00Z"}""")]
    [InlineData("""{"RecordType":"SubscriptionChange","SuppressSending":true,"SuppressionReason":"HardBounce","ChangedAt":"2026-01-05T09:00:00Z"}""")]
    [InlineData("""{"RecordType":"Bounce","Type":"AutoResponder","ID":1,"BouncedAt":"2026-01-05T09:00:00Z"}""")]
    [InlineData("""{"RecordType":"Inbound"}""")]
    public void What_is_none_of_our_business_is_left_out(string body) => Assert.Empty(_webhook.Read(Utf8(body)));

    [Theory]
    [InlineData("nonsense")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"RecordType":"Open"}""")]
    public void What_cannot_be_understood_says_so(string body) => Assert.Throws<FormatException>(() => _webhook.Read(Utf8(body)));

    [Fact]
    public void Two_clicks_at_one_instant_on_two_links_are_two()
    {
        string Click(string link) => $$"""{"RecordType":"Click","MessageID":"x","OriginalLink":"{{link}}","Recipient":"ada@example.org","ReceivedAt":"2026-01-05T09:00:00Z"}""";
        Assert.NotEqual(_webhook.Read(Utf8(Click("https://shop.example/a")))[0].Key, _webhook.Read(Utf8(Click("https://shop.example/b")))[0].Key);
        Assert.InRange(_webhook.Read(Utf8(Click("https://shop.example/" + new string('a', 3000))))[0].Key.Length, 1, 200);
    }
}
