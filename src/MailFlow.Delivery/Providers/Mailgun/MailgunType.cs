using MailFlow.Data;
using MailFlow.Delivery.Providers.Http;

namespace MailFlow.Delivery.Providers.Mailgun;

/// <summary>Mailgun, by its v3 API.</summary>
internal sealed class MailgunType(ProviderHttp http, TimeProvider time, DeliveryOptions options) : IProviderType
{
    public const string Key = "mailgun", ApiKey = "api_key", Domain = "domain", Region = "region", Tracking = "tracking", SigningKey = "webhook_signing_key", Search = "search";

    public string Name => Key;

    public string DisplayName => "Mailgun";

    public IReadOnlyList<ProviderSetting> Settings { get; } =
    [
        new(ApiKey, "API key", "A sending key of the domain; with search on, a key that may also read events.", Required: true, Secret: true),
        new(Domain, "Domain", "The sending domain as Mailgun names it, such as mg.example.com.", Required: true),
        new(Region, "Region", "Where the domain was made.", Default: "us", Choices: ["us", "eu"]),
        new(Tracking, "Tracking", "Whether Mailgun rewrites links and adds its pixel. Leave it off when MailFlow tracks.", Default: "off", Choices: ["off", "opens", "clicks", "all"]),
        new(SigningKey, "Webhook signing key", "API Security, HTTP webhook signing key. Without it no webhook is taken.", Secret: true),
        new(Search, "Search", "Whether Mailgun is asked about mail whose answer was lost. Only for plans that keep events for 5 days or more: what is forgotten would be sent twice.",
            Default: "off", Choices: ["off", "on"]),
    ];

    public IProviderWebhook Webhook { get; } = new MailgunWebhook();

    public string? RegionOf(ConnectionSettings settings) => settings.Find(Region);

    public IEmailProvider Open(ConnectionSettings settings)
    {
        var domain = settings[Domain];
        if (!EmailAddress.TryParse($"x@{domain}", out _, out var reason)) throw new InvalidInputException(Domain, reason);
        var address = options.EndpointOf(Key, settings.Find(Region) == "eu" ? "https://api.eu.mailgun.net" : "https://api.mailgun.net");
        return new MailgunSender(http, time, new Uri(address, $"v3/{domain}/"), settings[ApiKey], settings.Find(Tracking) ?? "off", settings.Find(Search) == "on");
    }
}
