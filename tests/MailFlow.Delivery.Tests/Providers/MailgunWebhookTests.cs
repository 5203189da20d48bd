using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using MailFlow.Engine.Storage;
using MailFlow.Testing;
using static MailFlow.Delivery.Tests.Providers.Calls;

namespace MailFlow.Delivery.Tests.Providers;

public sealed class MailgunWebhookTests
{
    private const string SigningKey = "webhook-signing-key";

    private static readonly ConnectionSettings Keyed = Settings(("webhook_signing_key", SigningKey));
    private readonly IProviderWebhook _webhook = ProviderKinds.Of("mailgun").Webhook!;

    [Fact]
    public async Task A_signed_call_is_verified_also_with_a_parents_signature_beside_it()
    {
        Assert.True(await _webhook.IsVerifiedAsync(Of(Body()), Keyed));
        var body = JsonNode.Parse(Body(token: "another"))!;
        body["signature"]!["parent-signature"] = new JsonObject { ["timestamp"] = "1", ["token"] = "x", ["signature"] = "y" };
        Assert.True(await _webhook.IsVerifiedAsync(Of(body.ToJsonString()), Keyed));
    }

    [Theory]
    [InlineData("timestamp")]
    [InlineData("token")]
    [InlineData("signature")]
    public async Task What_was_changed_is_refused(string member)
    {
        var body = JsonNode.Parse(Body())!;
        var value = (string)body["signature"]![member]!;
        body["signature"]![member] = value[..^1] + (value[^1] == '1' ? '2' : '1');
        Assert.False(await _webhook.IsVerifiedAsync(Of(body.ToJsonString()), Keyed));
    }

    [Theory]
    [InlineData(-8, true)]
    [InlineData(-10, false)]
    [InlineData(1, false)]
    public async Task A_retry_of_hours_is_taken_and_an_older_call_is_a_replay(int hours, bool expected) =>
        Assert.Equal(expected, await _webhook.IsVerifiedAsync(Of(Body(at: Now.AddHours(hours))), Keyed));

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_token_is_good_for_one_event_and_its_repetition_after_a_restart_too(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var settings = new Dictionary<string, string?> { ["api_key"] = "key", ["domain"] = "mg.shop.example", ["webhook_signing_key"] = SigningKey };
        var (one, other) = (await fixture.Get<Connections>().PutAsync(1, "main", new("mailgun", Settings: settings), default), await fixture.Get<Connections>().PutAsync(2, "main", new("mailgun", Settings: settings), default));
        var (delivered, complained) = (Body("""{"event":"delivered"}"""), Body("""{"event":"complained"}"""));

        Assert.Equal(WebhookAnswer.Taken, await TakeAsync(one, delivered));
        fixture.Start();
        Assert.Equal(WebhookAnswer.Refused, await TakeAsync(one, complained));
        Assert.Equal(WebhookAnswer.Taken, await TakeAsync(one, delivered));
        Assert.Equal(WebhookAnswer.Taken, await TakeAsync(one, Body("""{"event":"complained"}""", token: "another")));
        Assert.Equal(WebhookAnswer.Taken, await TakeAsync(other, complained)); // another account's key

        // Two that come at once: one commit, and one of them.
        var bodies = Enumerable.Range(0, 8).Select(i => Body($$"""{"event":"delivered","n":{{i}}}""", token: "at once")).ToList();
        var answers = await Task.WhenAll(bodies.Select(body => TakeAsync(one, body)));
        Assert.Single(answers, WebhookAnswer.Taken);
        Assert.Equal(5, await fixture.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM webhook_call", default), default));

        fixture.Time.Advance(TimeSpan.FromDays(1.1));
        await new Retention(fixture.Database, fixture.Get<IEnumerable<RetentionRule>>()).RunOnceAsync(default);
        Assert.Equal(0, await fixture.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM webhook_token", default), default));

        Task<WebhookAnswer> TakeAsync(Connection connection, string body) => fixture.Get<Webhooks>().TakeAsync("mailgun", connection.Id, Of(body), default);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"signature":{"timestamp":"1"}}""")]
    [InlineData("""{"signature":"x"}""")]
    public async Task What_is_not_signed_is_refused(string body) => Assert.False(await _webhook.IsVerifiedAsync(Of(body), Keyed));

    [Fact]
    public async Task Without_a_key_nothing_is_taken()
    {
        Assert.False(await _webhook.IsVerifiedAsync(Of(Body()), Settings()));
        Assert.False(await _webhook.IsVerifiedAsync(Of(Body()), Settings(("webhook_signing_key", "another"))));
    }

    [Theory]
    [InlineData("""{"event":"accepted"}""", FeedbackKind.Accepted, null)]
    [InlineData("""{"event":"delivered","delivery-status":{"code":250,"message":"OK"}}""", FeedbackKind.Delivered, null)]
    [InlineData("""{"event":"failed","severity":"temporary","reason":"generic","delivery-status":{"code":452,"message":"4.2.2 over quota"}}""", FeedbackKind.Delayed, null)]
    [InlineData("""{"event":"failed","severity":"permanent","reason":"bounce","delivery-status":{"code":550,"enhanced-code":"5.1.1","message":"5.1.1 does not exist"}}""", FeedbackKind.Bounced, BounceKind.Hard)]
    [InlineData("""{"event":"failed","severity":"permanent","reason":"bounce","delivery-status":{"code":605,"message":"","description":"gave up"}}""", FeedbackKind.Bounced, BounceKind.Hard)]
    [InlineData("""{"event":"failed","severity":"permanent","reason":"old","delivery-status":{"code":602,"message":"Too old"}}""", FeedbackKind.Bounced, BounceKind.RecipientSoft)]
    [InlineData("""{"event":"failed","severity":"permanent","reason":"bounce","delivery-status":{"code":550,"message":"5.7.26 unauthenticated"}}""", FeedbackKind.Bounced, BounceKind.SenderFault)]
    [InlineData("""{"event":"failed","severity":"permanent","reason":"suppress-bounce","delivery-status":{"code":605,"description":"Not delivering to previously bounced address"}}""", FeedbackKind.Dropped, null)]
    [InlineData("""{"event":"rejected","reject":{"reason":"Sandbox subdomains are for test purposes only"}}""", FeedbackKind.Dropped, null)]
    [InlineData("""{"event":"complained"}""", FeedbackKind.Complained, null)]
    [InlineData("""{"event":"unsubscribed"}""", FeedbackKind.Unsubscribed, null)]
    [InlineData("""{"event":"opened","ip":"192.0.2.1","client-info":{"user-agent":"Mozilla","bot":""}}""", FeedbackKind.Opened, null)]
    [InlineData("""{"event":"clicked","ip":"192.0.2.1","url":"https://shop.example/","client-info":{"user-agent":"Mozilla","bot":"apple"}}""", FeedbackKind.Clicked, null)]
    public void Each_kind_of_event_is_read(string data, FeedbackKind kind, BounceKind? bounce)
    {
        var feedback = Assert.Single(_webhook.Read(Utf8(Body(data))));
        Assert.Equal((kind, bounce), (feedback.Kind, feedback.Bounce));
        Assert.Equal(data.Contains("suppress-bounce", StringComparison.Ordinal) ? ListedFor.HardBounce : null, feedback.Listed);
        Assert.Equal((Key, "ada@example.org", $"<{Key:n}@shop.example>", "1767603600.123:DACSsAdVSeGpLid7TN03WA"), (feedback.MessageId, feedback.Email, feedback.ProviderId, feedback.Key));
        Assert.Equal(1767603600123, feedback.At.ToUnixTimeMilliseconds());
        Assert.Equal(kind switch { FeedbackKind.Opened => false, FeedbackKind.Clicked => true, _ => (bool?)null }, feedback.IsMachine);
        Assert.Equal(kind is FeedbackKind.Opened or FeedbackKind.Clicked ? "192.0.2.1" : null, feedback.IpAddress);
        Assert.Equal(kind == FeedbackKind.Clicked ? "https://shop.example/" : null, feedback.Url);
    }

    [Fact]
    public void What_is_none_of_our_business_is_left_out() => Assert.Empty(_webhook.Read(Utf8(Body("""{"event":"stored"}"""))));

    [Theory]
    [InlineData("nonsense")]
    [InlineData("{}")]
    [InlineData("""{"event-data":{"event":"opened"}}""")]
    public void What_cannot_be_understood_says_so(string body) => Assert.Throws<FormatException>(() => _webhook.Read(Utf8(body)));

    private static string Body(string data = """{"event":"opened"}""", DateTimeOffset? at = null, string token = "c1e0a9f8")
    {
        var timestamp = (at ?? Now).ToUnixTimeSeconds().ToString();
        var item = JsonNode.Parse(data)!.AsObject();
        item["id"] = "DACSsAdVSeGpLid7TN03WA";
        item["timestamp"] = 1767603600.123;
        item["recipient"] = "ada@example.org";
        item["message"] = new JsonObject { ["headers"] = new JsonObject { ["message-id"] = $"{Key:n}@shop.example" } };
        item["user-variables"] = new JsonObject { ["mf_msg"] = Key.ToString() };
        return new JsonObject
        {
            ["signature"] = new JsonObject
            {
                ["timestamp"] = timestamp,
                ["token"] = token,
                ["signature"] = Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(SigningKey), Encoding.UTF8.GetBytes(timestamp + token))),
            },
            ["event-data"] = item,
        }.ToJsonString();
    }
}
