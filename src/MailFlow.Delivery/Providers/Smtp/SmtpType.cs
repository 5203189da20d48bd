using System.Globalization;
using System.Net;
using MailFlow.Data;
using MailFlow.Delivery.Deliverability.Dkim;
using MailFlow.Delivery.Unsubscribing;

namespace MailFlow.Delivery.Providers.Smtp;

/// <summary>Any relay that speaks SMTP; what it could not deliver comes back as delivery reports.</summary>
internal sealed class SmtpType(TimeProvider time, DeliveryOptions options, IMailSigner? signer = null) : IProviderType
{
    public const string Key = "smtp", Host = "host", Port = "port", Tls = "tls", User = "user", Password = "password", ReturnPath = "return_path", BounceSecret = "bounce_secret",
        Connections = "max_connections", Certificate = "trusted_certificate_sha256", Helo = "helo_name";

    /// <summary>What 64 characters leave beside a plus sign, the message's id and its signature.</summary>
    private const int MostBeforeTag = 64 - 1 - 32 - ReturnTag.Length;

    public string Name => Key;

    public string DisplayName => "SMTP";

    public IReadOnlyList<ProviderSetting> Settings { get; } =
    [
        new(Host, "Host", "The relay's name; with TLS its certificate must carry it.", Required: true),
        new(Port, "Port", "587 for STARTTLS, 465 for TLS from the start.", Default: "587"),
        new(Tls, "TLS", "starttls, implicit, or none for a relay on a trusted network without sign-in. Never silently less.", Default: "starttls", Choices: ["starttls", "implicit", "none"]),
        new(User, "User", "For signing in; leave user and password out where the relay asks for none."),
        new(Password, "Password", "For signing in.", Secret: true),
        new(ReturnPath, "Return path", "Where bounces go, such as bounce@mail.example.com. The message's signed id is added behind a plus sign, so the mailbox must take bounce+anything@. Default: the sender's address."),
        new(BounceSecret, "Secret for bounces", "Made up by you; shown by whatever posts bounces to this connection's webhook. Without it none is taken.", Secret: true),
        new(Connections, "Connections", "How many the relay takes at once, 1 to 100.", Default: "4"),
        new(Certificate, "Trusted certificate", "SHA-256 of the relay's certificate, if exactly that one is to be trusted."),
        new(Helo, "EHLO name", "What we call ourselves; default: our address."),
    ];

    public IProviderWebhook Webhook { get; } = new SmtpWebhook();

    public IEmailProvider Open(ConnectionSettings settings)
    {
        EmailAddress? returnPath = null;
        if (settings.Find(ReturnPath) is { Length: > 0 } path)
            returnPath = EmailAddress.TryParse(path, out var address, out var reason) ? address : throw new InvalidInputException(ReturnPath, $"is not an e-mail address: {reason}");
        if (returnPath is { } bounce && (bounce.LocalPart.Length > MostBeforeTag || bounce.LocalPart[0] == '"' || bounce.NeedsSmtpUtf8))
            throw new InvalidInputException(ReturnPath, $"has more than {MostBeforeTag} characters before the @, or others than plain ASCII: there is no room for the message's signed id");
        var smtp = new SmtpOptions
        {
            Host = settings[Host],
            Port = Number(Port, 587),
            Tls = settings.Find(Tls) switch { "implicit" => SmtpTls.Implicit, "none" => SmtpTls.None, _ => SmtpTls.StartTls },
            UserName = Text(User),
            Password = Text(Password),
            MaxConnections = Number(Connections, 4),
            TrustedCertificateSha256 = Text(Certificate),
            HeloName = Text(Helo),
            OnlyPublicAddresses = !options.AllowPrivateRelays,
        };
        if (smtp.OnlyPublicAddresses && IPAddress.TryParse(smtp.Host, out var literal) && PublicAddress.WhyNot(literal) is not null) throw new InvalidInputException(Host, SmtpConnection.NotPublic(smtp.Host));
        return smtp.Validate() is { Count: > 0 } errors
            ? throw new InvalidInputException(NameOf(errors[0].Split(':')[0]), errors[0][(errors[0].IndexOf(':', StringComparison.Ordinal) + 1)..].Trim())
            : new SmtpProvider(smtp, options.Lanes, time, signer, returnPath);

        string? Text(string name) => settings.Find(name) is { Length: > 0 } text ? text : null;

        int Number(string name, int otherwise) => settings.Find(name) is not { Length: > 0 } text ? otherwise
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new InvalidInputException(name, $"'{text}' is not a number");
    }

    private static string NameOf(string option) => option switch
    {
        nameof(SmtpOptions.UserName) => User,
        nameof(SmtpOptions.MaxConnections) => Connections,
        nameof(SmtpOptions.TrustedCertificateSha256) => Certificate,
        nameof(SmtpOptions.HeloName) => Helo,
        _ => option.ToLowerInvariant(),
    };
}
