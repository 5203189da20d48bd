using System.Text.Json;
using MailFlow.Delivery.Providers.Http;

namespace MailFlow.Delivery.Providers.AmazonSes;

/// <summary>Reads what SES publishes: events of a configuration set (<c>eventType</c>) and feedback of an identity (<c>notificationType</c>), which are alike.</summary>
internal static class SesEvents
{
    /// <exception cref="FormatException">It cannot be understood.</exception>
    public static IReadOnlyList<Feedback> Read(string snsId, string message)
    {
        using var document = Parse(message);
        if (document is null) return [];
        var json = document.RootElement;
        return (json.Text("eventType") ?? json.Text("notificationType")) switch
        {
            "Send" => OfMail(snsId, json, FeedbackKind.Accepted, "send"),
            "Delivery" => Each(snsId, json, FeedbackKind.Delivered, "delivery", "recipients"),
            "DeliveryDelay" => Each(snsId, json, FeedbackKind.Delayed, "deliveryDelay", "delayedRecipients"),
            // SES did not send it: what it knows of the address is nothing new, though it says so in the words of a bounce or a complaint.
            "Bounce" => Each(snsId, json, Listed(json, "bounce", "bounceSubType") is null ? FeedbackKind.Bounced : FeedbackKind.Dropped, "bounce", "bouncedRecipients"),
            // A report of "not spam" takes a complaint back, and one of failed authentication is no person's word (RFC 6591).
            "Complaint" => json.Find("complaint")?.Text("complaintFeedbackType") is "not-spam" or "auth-failure" ? []
                : Each(snsId, json, Listed(json, "complaint", "complaintSubType") is null ? FeedbackKind.Complained : FeedbackKind.Dropped, "complaint", "complainedRecipients"),
            "Reject" => OfMail(snsId, json, FeedbackKind.Dropped, "reject"),
            "Rendering Failure" => OfMail(snsId, json, FeedbackKind.Dropped, "failure"),
            "Open" => OfMail(snsId, json, FeedbackKind.Opened, "open"),
            "Click" => OfMail(snsId, json, FeedbackKind.Clicked, "click"),
            // A subscription of a contact list of SES, which we do not use, and whatever comes to be.
            _ => [],
        };
    }

    /// <summary>A topic may carry other things than SES's: SES itself publishes a plain sentence when the topic is set up.</summary>
    private static JsonDocument? Parse(string message) => message.TrimStart().StartsWith('{') ? ReadJson.Parse(message) : null;

    private static List<Feedback> OfMail(string snsId, JsonElement json, FeedbackKind kind, string member)
    {
        var mail = Mail(json);
        var detail = json.Find(member) ?? default;
        var looked = kind is FeedbackKind.Opened or FeedbackKind.Clicked;
        return
        [
            new Feedback
            {
                Key = snsId,
                Kind = kind,
                At = At(detail, mail),
                MessageId = KeyOf(mail),
                ProviderId = mail.Text("messageId"),
                Email = mail.Items("destination").Select(address => address.GetString()).FirstOrDefault(),
                Reason = (detail.Text("reason") ?? detail.Text("errorMessage")) is { } reason ? HttpOutcome.OneLine(reason) : null,
                Url = kind == FeedbackKind.Clicked ? detail.Text("link") : null,
                UserAgent = looked ? detail.Text("userAgent") : null,
                IpAddress = looked ? detail.Text("ipAddress") : null,
            },
        ];
    }

    private static List<Feedback> Each(string snsId, JsonElement json, FeedbackKind kind, string member, string recipients)
    {
        var mail = Mail(json);
        var detail = json.Find(member) ?? throw new FormatException($"'{member}' is missing.");
        var found = new List<Feedback>();
        foreach (var recipient in detail.Items(recipients))
        {
            var words = recipient.Text("diagnosticCode") ?? detail.Text("smtpResponse") ?? detail.Text("complaintFeedbackType") ?? detail.Text("delayType");
            var cause = kind == FeedbackKind.Bounced ? Cause(detail, recipient) : null;
            found.Add(new Feedback
            {
                // Published by the identity and by the configuration set, a bounce has one feedback id; a delivery has none, but one instant.
                Key = $"{(kind is FeedbackKind.Bounced or FeedbackKind.Complained or FeedbackKind.Dropped ? detail.Text("feedbackId") : null) ?? (mail.Text("messageId") is { } id ? $"{id}:{kind}:{At(detail, mail).UtcTicks}" : snsId)}:{found.Count}",
                Kind = kind,
                At = At(detail, mail),
                MessageId = KeyOf(mail),
                ProviderId = mail.Text("messageId"),
                Email = recipient.ValueKind == JsonValueKind.String ? recipient.GetString() : recipient.Text("emailAddress"),
                Bounce = cause?.Kind,
                Fault = cause?.Fault,
                Listed = kind == FeedbackKind.Dropped ? Listed(json, member, $"{member}SubType") : null,
                Reason = words is null ? null : HttpOutcome.OneLine(words),
            });
        }
        return found;
    }

    /// <summary>What the lists that SES keeps hold against the address: its own of addresses that bounced, the account's, and a contact list's.</summary>
    private static ListedFor? Listed(JsonElement json, string member, string subtype) => (member, json.Find(member)?.Text(subtype)) switch
    {
        ("bounce", "Suppressed" or "OnAccountSuppressionList") => ListedFor.HardBounce,
        ("bounce", "UnsubscribedRecipient") => ListedFor.Unsubscribed,
        ("complaint", "OnAccountSuppressionList") => ListedFor.Complaint,
        _ => null,
    };

    /// <summary>The server's own words first.</summary>
    private static BounceCause Cause(JsonElement bounce, JsonElement recipient)
    {
        var (type, subtype) = (bounce.Text("bounceType"), bounce.Text("bounceSubType"));
        var otherwise = (type, subtype) switch
        {
            ("Permanent", _) => BounceKind.Hard,
            (_, "MessageTooLarge" or "ContentRejected" or "AttachmentRejected" or "CustomTimeoutExceeded") => BounceKind.MessageSoft,
            ("Transient", _) => BounceKind.RecipientSoft,
            _ => BounceKind.MessageSoft,
        };
        return BounceClassifier.Reported(recipient.Text("status"), recipient.Text("diagnosticCode"), otherwise);
    }

    private static JsonElement Mail(JsonElement json) => json.Find("mail") ?? throw new FormatException("'mail' is missing.");

    private static Guid? KeyOf(JsonElement mail)
    {
        var tag = mail.Find("tags") is { } tags ? tags.Items(MailText.KeyName).Select(value => value.GetString()).FirstOrDefault() : null;
        // Feedback of an identity has no tags, but the mail's headers where that is switched on.
        tag ??= mail.Items("headers").FirstOrDefault(header => string.Equals(header.Text("name"), "X-MailFlow-Message", StringComparison.OrdinalIgnoreCase)) is { ValueKind: JsonValueKind.Object } header
            ? header.Text("value") : null;
        return Guid.TryParse(tag, out var key) ? key : null;
    }

    private static DateTimeOffset At(JsonElement detail, JsonElement mail) => detail.Text("timestamp") is null ? mail.Instant("timestamp") : detail.Instant("timestamp");
}
