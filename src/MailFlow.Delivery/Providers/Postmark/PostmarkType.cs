using MailFlow.Delivery.Providers.Http;

namespace MailFlow.Delivery.Providers.Postmark;

/// <summary>Postmark, by its server API.</summary>
internal sealed class PostmarkType(ProviderHttp http, TimeProvider time, DeliveryOptions options) : IProviderType
{
    public const string Key = "postmark", ServerToken = "server_token", Transactional = "transactional_stream", Marketing = "marketing_stream", Tracking = "tracking", WebhookSecret = "webhook_secret";

    public string Name => Key;

    public string DisplayName => "Postmark";

    public IReadOnlyList<ProviderSetting> Settings { get; } =
    [
        new(ServerToken, "Server API token", "Server, API Tokens.", Required: true, Secret: true),
        new(Transactional, "Stream for transactional mail", "The ID of a transactional message stream.", Default: "outbound"),
        new(Marketing, "Stream for marketing mail", "The ID of a broadcast message stream; Postmark takes marketing mail by no other.", Default: "broadcast"),
        new(Tracking, "Tracking", "Whether Postmark rewrites links and adds its pixel. Leave it off when MailFlow tracks.", Default: "off", Choices: ["off", "opens", "clicks", "all"]),
        new(WebhookSecret, "Webhook secret",
            "Postmark signs nothing, so make up a secret and put it into the webhook: as the password of its basic authentication, or in a custom header X-MailFlow-Secret. Without it no webhook is taken.",
            Secret: true),
    ];

    public IProviderWebhook Webhook { get; } = new PostmarkWebhook();

    /// <summary>It has no other.</summary>
    public string? RegionOf(ConnectionSettings settings) => "us";

    public IEmailProvider Open(ConnectionSettings settings) => new PostmarkSender(
        http, time, options.EndpointOf(Key, "https://api.postmarkapp.com"), settings[ServerToken], settings.Find(Transactional) ?? "outbound", settings.Find(Marketing) ?? "broadcast",
        settings.Find(Tracking) ?? "off");
}
