using MailFlow.Journeys.Webhooks;

namespace MailFlow.Journeys.Tests.Webhooks;

public class WebhookSignatureTests
{
    private static readonly DateTimeOffset At = DateTimeOffset.FromUnixTimeSeconds(1767225600);
    private static readonly byte[] Body = "{\"user_id\":\"ada\"}"u8.ToArray();

    /// <summary>The value was computed with OpenSSL: <c>printf '1767225600.{"user_id":"ada"}' | openssl dgst -sha256 -hmac topsecret</c>.</summary>
    [Fact]
    public void The_header_is_the_time_and_the_HMAC_of_time_and_body() =>
        Assert.Equal("t=1767225600,v1=c5b65a0718c1b8cdf58ce0ddd3591243ce6ddd97358bed94dc8ab6e7861cb638", WebhookSignature.Sign(Body, At, "topsecret"));

    [Fact]
    public void What_was_signed_verifies_and_nothing_else_does()
    {
        var header = WebhookSignature.Sign(Body, At, "topsecret");
        Assert.True(WebhookSignature.Verify(header, Body, "topsecret", At));
        Assert.False(WebhookSignature.Verify(header, Body, "other", At));
        Assert.False(WebhookSignature.Verify(header, "{}"u8, "topsecret", At));
        Assert.False(WebhookSignature.Verify(header.Replace("t=1767225600", "t=1767225601", StringComparison.Ordinal), Body, "topsecret", At));
        Assert.False(WebhookSignature.Verify("t=1767225601," + header, Body, "topsecret", At));
        Assert.False(WebhookSignature.Verify(header[..^1], Body, "topsecret", At));
        Assert.False(WebhookSignature.Verify(null, Body, "topsecret", At));
        Assert.False(WebhookSignature.Verify("", Body, "topsecret", At));
        Assert.False(WebhookSignature.Verify("t=,v1=", Body, "topsecret", At));
    }

    [Theory]
    [InlineData(300, true)]
    [InlineData(-300, true)]
    [InlineData(301, false)]
    [InlineData(-301, false)]
    public void A_signature_holds_for_five_minutes_either_way(int seconds, bool holds) =>
        Assert.Equal(holds, WebhookSignature.Verify(WebhookSignature.Sign(Body, At, "topsecret"), Body, "topsecret", At.AddSeconds(seconds)));

    [Fact]
    public void Signed_under_two_secrets_it_verifies_under_either()
    {
        var header = WebhookSignature.Sign(Body, At, "new", "old");
        Assert.True(WebhookSignature.Verify(header, Body, "new", At));
        Assert.True(WebhookSignature.Verify(header, Body, "old", At));
        Assert.Throws<ArgumentException>(() => WebhookSignature.Sign(Body, At));
        Assert.Throws<ArgumentException>(() => WebhookSignature.Sign(Body, At, ""));
    }
}
