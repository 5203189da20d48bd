using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MailFlow.Delivery.Providers.Http;

namespace MailFlow.Delivery.Providers.SendGrid;

/// <summary>SendGrid's event webhook: a signed array of events about any number of mails.</summary>
internal sealed class SendGridWebhook : IProviderWebhook
{
    // A call that was not answered is repeated for 24 hours, and whether it is then signed anew is not published. Repetition itself is made harmless by the event's id.
    private static readonly TimeSpan Oldest = TimeSpan.FromHours(26), Newest = TimeSpan.FromMinutes(5);

    public ValueTask<WebhookVerdict> VerifyAsync(WebhookCall call, ConnectionSettings settings, CancellationToken ct) => new(Verify(call, settings));

    public IReadOnlyList<Feedback> Read(ReadOnlyMemory<byte> body)
    {
        using var document = ReadJson.Parse(body);
        if (document.RootElement.ValueKind != JsonValueKind.Array) throw new FormatException("The call is not an array of events.");
        return [.. document.RootElement.EnumerateArray().Select(Read).OfType<Feedback>()];
    }

    private static WebhookVerdict Verify(WebhookCall call, ConnectionSettings settings)
    {
        if (settings.Find(SendGridType.WebhookKey) is not { Length: > 0 } key) return new WebhookVerdict.Refused("the connection has no verification key");
        if (call.Find(SendGridSignature.SignatureHeader) is not { } signature || call.Find(SendGridSignature.TimestampHeader) is not { } timestamp)
            return new WebhookVerdict.Refused("it is not signed");
        if (!long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || seconds > 100_000_000_000) return new WebhookVerdict.Refused("its timestamp is no instant");
        var age = call.At - DateTimeOffset.FromUnixTimeSeconds(seconds);
        if (age > Oldest || age < -Newest) return new WebhookVerdict.Refused($"its timestamp is {age.TotalMinutes:0} minutes old");
        return SendGridSignature.IsRight(key, signature, timestamp, call.Body) ? new WebhookVerdict.Verified() : new WebhookVerdict.Refused("the signature does not match");
    }

    private static Feedback? Read(JsonElement item)
    {
        if (item.ValueKind != JsonValueKind.Object) throw new FormatException("An event is not an object.");
        var kind = item.Need("event") switch
        {
            "processed" => FeedbackKind.Accepted,
            "delivered" => FeedbackKind.Delivered,
            "deferred" => FeedbackKind.Delayed,
            "bounce" => FeedbackKind.Bounced,
            "dropped" => FeedbackKind.Dropped,
            "spamreport" => FeedbackKind.Complained,
            "unsubscribe" or "group_unsubscribe" => FeedbackKind.Unsubscribed,
            "open" => FeedbackKind.Opened,
            "click" => FeedbackKind.Clicked,
            // group_resubscribe, account changes, and whatever comes to be.
            _ => (FeedbackKind?)null,
        };
        if (kind is null) return null;
        var looked = kind is FeedbackKind.Opened or FeedbackKind.Clicked;
        var cause = kind == FeedbackKind.Bounced ? Cause(item) : null;
        return new Feedback
        {
            Key = item.Text("sg_event_id") is { Length: > 0 and <= 200 } id ? id : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(item.GetRawText()))),
            Kind = kind.Value,
            At = item.UnixTime("timestamp"),
            MessageId = item.Key(MailText.KeyName),
            // What the API called it, followed by where in SendGrid's machinery it went.
            ProviderId = item.Text("sg_message_id")?.Split('.')[0],
            Email = item.Text("email"),
            Bounce = cause?.Kind,
            Fault = cause?.Fault,
            Listed = kind == FeedbackKind.Dropped ? Listed(item.Text("reason")) : null,
            Reason = (item.Text("reason") ?? item.Text("response")) is { } words && !looked ? HttpOutcome.OneLine(words) : null,
            Url = kind == FeedbackKind.Clicked ? item.Text("url") : null,
            UserAgent = looked ? item.Text("useragent") : null,
            IpAddress = looked ? item.Text("ip") : null,
            IsMachine = kind == FeedbackKind.Opened ? item.Flag("sg_machine_open") : null,
        };
    }

    /// <summary>By SendGrid's reasons for a drop; any other, such as a bad header, is not about the address.</summary>
    private static ListedFor? Listed(string? reason) => reason switch
    {
        "Bounced Address" => ListedFor.HardBounce,
        "Spam Reporting Address" => ListedFor.Complaint,
        "Unsubscribed Address" => ListedFor.Unsubscribed,
        _ => null,
    };

    /// <summary>The server's own words first; SendGrid's reading of them where they say nothing.</summary>
    private static BounceCause Cause(JsonElement item)
    {
        var blocked = item.Text("type") == "blocked";
        var otherwise = item.Text("bounce_classification") switch
        {
            "Invalid Address" => new BounceCause(BounceKind.Hard),
            "Mailbox Unavailable" or "Technical Failure" or "Technical" => new(BounceKind.RecipientSoft),
            "Content" or "Frequency or Volume Too High" or "Frequency/Volume" => new(BounceKind.MessageSoft),
            "Reputation" => new(BounceKind.SenderFault, FaultScope.Connection),
            // A block is the receiving server's refusal of this mail; anything else that ends a delivery is about the address.
            _ => new(blocked ? BounceKind.MessageSoft : BounceKind.Hard),
        };
        return BounceClassifier.Reported(item.Text("status"), item.Text("reason"), otherwise);
    }
}
