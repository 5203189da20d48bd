using MailFlow.Data;
using MailFlow.Delivery.Providers.Http;

namespace MailFlow.Delivery.Providers.SendGrid;

/// <summary>Twilio SendGrid, by its v3 API.</summary>
internal sealed class SendGridType(ProviderHttp http, DeliveryOptions options) : IProviderType
{
    public const string Key = "sendgrid", ApiKey = "api_key", Region = "region", Tracking = "tracking", WebhookKey = "webhook_public_key";

    public string Name => Key;

    public string DisplayName => "SendGrid";

    public IReadOnlyList<ProviderSetting> Settings { get; } =
    [
        new(ApiKey, "API key", "Settings, API Keys: a key with the permission Mail Send and no other.", Required: true, Secret: true),
        new(Region, "Region", "Where the account is: eu for a subuser in the EU region.", Default: "global", Choices: ["global", "eu"]),
        new(Tracking, "Tracking", "Whether SendGrid rewrites links and adds its pixel. Leave it off when MailFlow tracks.", Default: "off", Choices: ["off", "opens", "clicks", "all"]),
        new(WebhookKey, "Webhook verification key", "Settings, Mail Settings, Event Webhook, Signature Verification: the public key, base64. Without it no webhook is taken."),
    ];

    public IProviderWebhook Webhook { get; } = new SendGridWebhook();

    public string? RegionOf(ConnectionSettings settings) => settings.Find(Region) == "eu" ? "eu" : "us";

    public IEmailProvider Open(ConnectionSettings settings)
    {
        if (settings.Find(WebhookKey) is { Length: > 0 } key && SendGridSignature.WhyNot(key) is { } reason) throw new InvalidInputException(WebhookKey, reason);
        var address = options.EndpointOf(Key, settings.Find(Region) == "eu" ? "https://api.eu.sendgrid.com" : "https://api.sendgrid.com");
        return new SendGridSender(http, new Uri(address, "v3/mail/send"), settings[ApiKey], settings.Find(Tracking) ?? "off");
    }
}
