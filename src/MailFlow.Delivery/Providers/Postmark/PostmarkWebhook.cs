using System.Text.Json;
using MailFlow.Delivery.Providers.Http;

namespace MailFlow.Delivery.Providers.Postmark;

/// <summary>Postmark's webhooks: one event a call, not signed; a secret of the operator's stands in a header or in the address.</summary>
internal sealed class PostmarkWebhook : IProviderWebhook
{
    public ValueTask<WebhookVerdict> VerifyAsync(WebhookCall call, ConnectionSettings settings, CancellationToken ct) =>
        new(PresentedSecret.Verify(call, settings.Find(PostmarkType.WebhookSecret)));

    public IReadOnlyList<Feedback> Read(ReadOnlyMemory<byte> body)
    {
        using var document = ReadJson.Parse(body);
        var json = document.RootElement;
        return json.Need("RecordType") switch
        {
            "Delivery" => [Of(json, FeedbackKind.Delivered, "DeliveredAt", json.Text("Details"))],
            "Bounce" => OfBounce(json),
            "SpamComplaint" => [Of(json, FeedbackKind.Complained, "BouncedAt", json.Text("Description"))],
            "Open" => [Of(json, FeedbackKind.Opened, "ReceivedAt", null)],
            "Click" => [Of(json, FeedbackKind.Clicked, "ReceivedAt", null)],
            // An address that is activated again takes nothing back here; a bounce or a complaint that suppressed it was reported as such.
            "SubscriptionChange" when json.Flag("SuppressSending") == true && json.Text("SuppressionReason") is null or "ManualSuppression" =>
                [Of(json, FeedbackKind.Unsubscribed, "ChangedAt", $"Postmark: {json.Text("Origin")}")],
            _ => [],
        };
    }

    private static IReadOnlyList<Feedback> OfBounce(JsonElement json)
    {
        var words = json.Text("Details") is { Length: > 0 } details ? details : json.Text("Description");
        return json.Text("Type") switch
        {
            // It tries again.
            "Transient" => [Of(json, FeedbackKind.Delayed, "BouncedAt", words)],
            // Not about the mail's delivery: the recipient is away, asks who we are, confirms, has moved to another address, or a person answered.
            "AutoResponder" or "AddressChange" or "ChallengeVerification" or "Subscribe" or "OpenRelayTest" => [],
            "Unsubscribe" => [Of(json, FeedbackKind.Unsubscribed, "BouncedAt", words)],
            "SpamComplaint" => [Of(json, FeedbackKind.Complained, "BouncedAt", words)],
            "ManuallyDeactivated" or "Unconfirmed" or "TemplateRenderingFailed" or "InboundError" => [Of(json, FeedbackKind.Dropped, "BouncedAt", words)],
            var type => BounceClassifier.Reported(null, json.Text("Details"), Otherwise(type)) is var cause
                ? [Of(json, FeedbackKind.Bounced, "BouncedAt", words) with { Bounce = cause.Kind, Fault = cause.Fault }] : [],
        };
    }

    /// <summary>By Postmark's table of bounce types, where the server's words do not say.</summary>
    private static BounceCause Otherwise(string? type) => type switch
    {
        "HardBounce" or "BadEmailAddress" => new(BounceKind.Hard),
        "SoftBounce" or "DnsError" => new(BounceKind.RecipientSoft),
        // The sender's address or domain is refused, by an ISP's block or by DMARC; the connection is not encrypted as it must be.
        "Blocked" => new(BounceKind.SenderFault, FaultScope.Connection),
        "DMARCPolicy" => new(BounceKind.SenderFault, FaultScope.Domain),
        // SpamNotification, VirusNotification, Unknown and whatever comes to be.
        _ => new(BounceKind.MessageSoft),
    };

    private static Feedback Of(JsonElement json, FeedbackKind kind, string time, string? words)
    {
        var (at, id, email) = (json.Instant(time), json.Text("MessageID"), json.Text("Email") ?? json.Text("Recipient"));
        var looked = kind is FeedbackKind.Opened or FeedbackKind.Clicked;
        return new Feedback
        {
            // Bounces have a number of their own; nothing else has, but is one mail's event at one instant.
            Key = json.Text("ID") is { } number ? $"{json.Text("RecordType")}:{number}" : Short($"{json.Text("RecordType")}:{id}:{at.UtcTicks}:{json.Text("OriginalLink")}:{email}"),
            Kind = kind,
            At = at,
            MessageId = json.Find("Metadata") is { } metadata ? metadata.Key(MailText.KeyName) : null,
            ProviderId = id,
            Email = email,
            Reason = words is { Length: > 0 } ? HttpOutcome.OneLine(words) : null,
            Url = kind == FeedbackKind.Clicked ? json.Text("OriginalLink") : null,
            UserAgent = looked ? json.Text("UserAgent") : null,
            IpAddress = looked ? json.Find("Geo")?.Text("IP") : null,
        };
    }

    private static string Short(string key) => key.Length <= 120 ? key : Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(key)));
}
