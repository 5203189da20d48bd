using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MailFlow.Delivery.Providers.Http;

namespace MailFlow.Delivery.Providers.Mailgun;

/// <summary>
/// Mailgun's webhooks: one event a call. The signature stands in the body and covers a timestamp and a token, not the event; so a token is good for one body only, which the intake sees to, and not for long.
/// </summary>
internal sealed class MailgunWebhook : IProviderWebhook
{
    // A call that was not answered is repeated for 8 hours.
    private static readonly TimeSpan Oldest = TimeSpan.FromHours(9), Newest = TimeSpan.FromMinutes(5);

    public ValueTask<WebhookVerdict> VerifyAsync(WebhookCall call, ConnectionSettings settings, CancellationToken ct)
    {
        try
        {
            return new(Verify(call, settings));
        }
        catch (FormatException error)
        {
            return new(new WebhookVerdict.Refused(error.Message));
        }
    }

    public IReadOnlyList<Feedback> Read(ReadOnlyMemory<byte> body)
    {
        using var document = ReadJson.Parse(body);
        var item = document.RootElement.Find("event-data") ?? throw new FormatException("'event-data' is missing.");
        var failed = item.Text("severity");
        var kind = item.Need("event") switch
        {
            "accepted" => FeedbackKind.Accepted,
            "delivered" => FeedbackKind.Delivered,
            "failed" when failed == "temporary" => FeedbackKind.Delayed,
            // Mailgun's own list of bounced, complained and unsubscribed addresses kept it from being sent.
            "failed" when (item.Text("reason") ?? "").StartsWith("suppress-", StringComparison.Ordinal) => FeedbackKind.Dropped,
            "failed" => FeedbackKind.Bounced,
            "rejected" => FeedbackKind.Dropped,
            "complained" => FeedbackKind.Complained,
            "unsubscribed" => FeedbackKind.Unsubscribed,
            "opened" => FeedbackKind.Opened,
            "clicked" => FeedbackKind.Clicked,
            _ => (FeedbackKind?)null,
        };
        return kind is null ? [] : [Read(item, kind.Value)];
    }

    private static Feedback Read(JsonElement item, FeedbackKind kind)
    {
        var status = item.Find("delivery-status") ?? default;
        var said = status.Text("message") is { Length: > 0 } message ? message : status.Text("description");
        var looked = kind is FeedbackKind.Opened or FeedbackKind.Clicked;
        var client = item.Find("client-info") ?? default;
        var cause = kind == FeedbackKind.Bounced ? Cause(item, status, said) : null;
        return new Feedback
        {
            // Their ids are unique within a day.
            Key = $"{item.Need("timestamp")}:{item.Need("id")}" is { Length: <= 200 } key ? key : throw new FormatException("'id' is too long."),
            Kind = kind,
            At = item.UnixTime("timestamp"),
            MessageId = item.Find("user-variables") is { } variables ? variables.Key(MailText.KeyName) : null,
            ProviderId = item.Find("message")?.Find("headers")?.Text("message-id") is { Length: > 0 } id ? $"<{id.Trim('<', '>')}>" : null,
            Email = item.Text("recipient"),
            Bounce = cause?.Kind,
            Fault = cause?.Fault,
            Listed = kind == FeedbackKind.Dropped
                ? item.Text("reason") switch { "suppress-bounce" => ListedFor.HardBounce, "suppress-complaint" => ListedFor.Complaint, "suppress-unsubscribe" => ListedFor.Unsubscribed, _ => null } : null,
            Reason = !looked && (said is { Length: > 0 } ? said : item.Find("reject")?.Text("reason") ?? item.Text("reason")) is { Length: > 0 } reason ? HttpOutcome.OneLine($"{status.Text("code")} {reason}") : null,
            Url = kind == FeedbackKind.Clicked ? item.Text("url") : null,
            UserAgent = looked ? client.Text("user-agent") : null,
            IpAddress = looked ? item.Text("ip") : null,
            // The name of the machine (apple, gmail, generic), or empty for a person.
            IsMachine = looked && client.ValueKind == JsonValueKind.Object && client.TryGetProperty("bot", out var bot) ? bot.ValueKind == JsonValueKind.String && bot.GetString() is { Length: > 0 } : null,
        };
    }

    private static BounceCause Cause(JsonElement item, JsonElement status, string? said)
    {
        var otherwise = item.Text("reason") switch { "old" => BounceKind.RecipientSoft, "espblock" => BounceKind.MessageSoft, _ => BounceKind.Hard };
        return BounceClassifier.Reported(status.Text("enhanced-code"), said is { Length: > 0 } ? $"{status.Text("code")} {said}" : status.Text("code"), otherwise);
    }

    private WebhookVerdict Verify(WebhookCall call, ConnectionSettings settings)
    {
        if (settings.Find(MailgunType.SigningKey) is not { Length: > 0 } key) return new WebhookVerdict.Refused("the connection has no signing key");
        using var document = ReadJson.Parse(call.Body);
        // "parent-signature", of a subaccount's parent, is by another key and is not looked at.
        if (document.RootElement.Find("signature") is not { ValueKind: JsonValueKind.Object } signature) return new WebhookVerdict.Refused("it is not signed");
        var (timestamp, token) = (signature.Need("timestamp"), signature.Need("token"));
        if (!long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || seconds > 100_000_000_000) return new WebhookVerdict.Refused("its timestamp is no instant");
        var age = call.At - DateTimeOffset.FromUnixTimeSeconds(seconds);
        if (age > Oldest || age < -Newest) return new WebhookVerdict.Refused($"its timestamp is {age.TotalMinutes:0} minutes old");
        var expected = Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(timestamp + token)));
        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(signature.Need("signature")), Encoding.UTF8.GetBytes(expected)))
            return new WebhookVerdict.Refused("the signature does not match");
        return new WebhookVerdict.Verified(timestamp + token);
    }
}
