using System.Text.RegularExpressions;
using MailFlow.Data;
using MailFlow.Delivery.Providers.Http;

namespace MailFlow.Delivery.Providers.AmazonSes;

/// <summary>Amazon SES, by its v2 API; what becomes of the mail comes back through an SNS topic.</summary>
internal sealed partial class SesType(ProviderHttp http, SnsCertificates certificates, DeliveryOptions options) : IProviderType
{
    public const string Key = "ses", Region = "region", AccessKeyId = "access_key_id", SecretAccessKey = "secret_access_key", SessionToken = "session_token",
        ConfigurationSet = "configuration_set", TopicArns = "topic_arns";

    public string Name => Key;

    public string DisplayName => "Amazon SES";

    public IReadOnlyList<ProviderSetting> Settings { get; } =
    [
        new(Region, "Region", "Where the sending identity is verified, such as eu-central-1.", Required: true),
        new(AccessKeyId, "Access key ID", "Of an IAM user that may ses:SendEmail and ses:SendRawEmail and nothing else.", Required: true),
        new(SecretAccessKey, "Secret access key", "Belongs to the access key.", Required: true, Secret: true),
        new(SessionToken, "Session token", "Of temporary credentials only.", Secret: true),
        new(ConfigurationSet, "Configuration set", "The one whose event destination publishes to the SNS topic. Leave its open and click tracking off when MailFlow tracks, or when contacts must agree to it: SES cannot leave single mails out."),
        new(TopicArns, "SNS topics", "The ARNs of the topics whose notifications are taken, parted by commas. Without one no webhook is taken."),
    ];

    public IProviderWebhook Webhook { get; } = new SesWebhook(http, certificates);

    public IEmailProvider Open(ConnectionSettings settings)
    {
        var region = settings[Region];
        if (!RegionForm().IsMatch(region)) throw new InvalidInputException(Region, $"'{region}' is not an AWS region such as eu-central-1");
        if (settings[AccessKeyId].Any(c => !char.IsAsciiLetterOrDigit(c))) throw new InvalidInputException(AccessKeyId, "holds something else than letters and digits");
        foreach (var topic in TopicsOf(settings))
            if (!TopicForm().IsMatch(topic)) throw new InvalidInputException(TopicArns, $"'{topic}' is not the ARN of an SNS topic such as arn:aws:sns:eu-central-1:123456789012:mail");
        var address = options.EndpointOf(Key, $"https://email.{region}.amazonaws.com{(region.StartsWith("cn-", StringComparison.Ordinal) ? ".cn" : "")}");
        return new SesSender(
            http, new Uri(address, "v2/email/outbound-emails"), region, new AwsCredentials(settings[AccessKeyId], settings[SecretAccessKey], settings.Find(SessionToken)),
            settings.Find(ConfigurationSet) is { Length: > 0 } set ? set : null);
    }

    /// <summary>Amazon's names begin with the part of the world; of those in Europe, London and Zürich are not in the EU.</summary>
    public string? RegionOf(ConnectionSettings settings) => settings.Find(Region) switch
    {
        null => null,
        "eu-west-2" => "uk",
        "eu-central-2" => "ch",
        var name => name.Split('-')[0],
    };

    public static IReadOnlyList<string> TopicsOf(ConnectionSettings settings) =>
        (settings.Find(TopicArns) ?? "").Split([',', ' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    [GeneratedRegex(@"^[a-z]{2}(-[a-z]+){1,3}-\d{1,2}\z")]
    private static partial Regex RegionForm();

    [GeneratedRegex(@"^arn:aws(-[a-z]+)*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?\z")]
    private static partial Regex TopicForm();
}
