using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using MailFlow.Delivery.Providers.Http;

namespace MailFlow.Delivery.Providers.AmazonSes;

/// <summary>What SNS posts: a notification, or the question whether a subscription is wanted.</summary>
internal sealed partial record SnsEnvelope
{
    public const string Notification = "Notification", Subscription = "SubscriptionConfirmation", Unsubscription = "UnsubscribeConfirmation";

    private static readonly string[] OfNotification = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
        OfConfirmation = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];

    private readonly JsonElement _json;

    private SnsEnvelope(JsonElement json) => _json = json;

    public string Type => _json.Need("Type");

    public string MessageId => _json.Need("MessageId");

    public string TopicArn => _json.Need("TopicArn");

    public string Message => _json.Need("Message");

    public DateTimeOffset Timestamp => _json.Instant("Timestamp");

    /// <exception cref="FormatException">It is no envelope.</exception>
    public static SnsEnvelope Parse(ReadOnlyMemory<byte> body)
    {
        using var document = ReadJson.Parse(body);
        if (document.RootElement.ValueKind != JsonValueKind.Object) throw new FormatException("The call is not an SNS envelope.");
        var envelope = new SnsEnvelope(document.RootElement.Clone());
        if (envelope.Type is not (Notification or Subscription or Unsubscription)) throw new FormatException($"'{HttpOutcome.OneLine(envelope.Type)}' is no type of an SNS envelope.");
        return envelope;
    }

    /// <summary>Where the certificate is, if that is a place of SNS itself; null when it is anywhere else. (A query would make of one certificate as many as one likes.)</summary>
    public Uri? CertificateUrl => Guarded(_json.Text("SigningCertURL") ?? _json.Text("SigningCertUrl"), CertificatePath()) is { Query: "" } url ? url : null;

    /// <summary>
    /// Where a subscription is confirmed, if that is a place of SNS itself, in the region of the topic, for this topic and nothing else; null when it is anything else.
    /// </summary>
    public Uri? SubscribeUrl
    {
        get
        {
            if (Guarded(_json.Text("SubscribeURL"), Root()) is not { } url || url.Host.Split('.')[1] != TopicArn.Split(':').ElementAtOrDefault(3)) return null;
            var query = url.Query.TrimStart('?').Split('&').Select(pair => pair.Split('=', 2)).Where(pair => pair.Length == 2)
                .ToLookup(pair => pair[0], pair => Uri.UnescapeDataString(pair[1]));
            return query["Action"].SequenceEqual(["ConfirmSubscription"]) && query["TopicArn"].SequenceEqual([TopicArn]) && query["Token"].Count() == 1 ? url : null;
        }
    }

    /// <summary>Whether this envelope was signed with that certificate's key: by SHA-1 (version 1) or SHA-256 (version 2).</summary>
    public bool IsSignedBy(X509Certificate2 certificate)
    {
        HashAlgorithmName? hash = _json.Text("SignatureVersion") switch { "1" => HashAlgorithmName.SHA1, "2" => HashAlgorithmName.SHA256, _ => null };
        if (hash is null || _json.Text("Signature") is not { } signature) return false;
        var octets = new byte[signature.Length];
        if (!Convert.TryFromBase64String(signature, octets, out var length)) return false;
        using var key = certificate.GetRSAPublicKey();
        return key is not null && key.VerifyData(Encoding.UTF8.GetBytes(StringToSign()), octets.AsSpan(0, length), hash.Value, RSASignaturePadding.Pkcs1);
    }

    private string StringToSign()
    {
        var text = new StringBuilder();
        foreach (var name in Type == Notification ? OfNotification : OfConfirmation)
            if (_json.Text(name) is { } value) text.Append(name).Append('\n').Append(value).Append('\n');
        return text.ToString();
    }

    private static Uri? Guarded(string? text, Regex path) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme == Uri.UriSchemeHttps && url.IsDefaultPort && url.UserInfo.Length == 0 && url.Fragment.Length == 0
            && SnsHost().IsMatch(url.Host) && path.IsMatch(url.AbsolutePath) ? url : null;

    [GeneratedRegex(@"^sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?\z")]
    private static partial Regex SnsHost();

    [GeneratedRegex(@"^/SimpleNotificationService-[A-Za-z0-9]+\.pem\z")]
    private static partial Regex CertificatePath();

    [GeneratedRegex(@"^/?\z")]
    private static partial Regex Root();
}
