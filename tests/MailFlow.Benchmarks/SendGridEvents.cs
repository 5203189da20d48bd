using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MailFlow.Delivery;

namespace MailFlow.Benchmarks;

/// <summary>What SendGrid's event webhook sends, and its signature: ECDSA over P-256 with SHA-256, of the timestamp's characters and then the body's bytes; the public key is the DER form in base64.</summary>
internal static class SendGridEvents
{
    private const string Signature = "X-Twilio-Email-Event-Webhook-Signature", Timestamp = "X-Twilio-Email-Event-Webhook-Timestamp";
    private const string Chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36";

    private static readonly ECDsa Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public static string PublicKey { get; } = Convert.ToBase64String(Key.ExportSubjectPublicKeyInfo());

    public static Dictionary<string, object> Of(string kind, string id, DateTimeOffset at, Guid message, int user)
    {
        var written = new Dictionary<string, object>
        {
            ["email"] = $"user{user}@example.org",
            ["timestamp"] = at.ToUnixTimeSeconds(),
            ["event"] = kind,
            ["category"] = new[] { "bench" },
            ["sg_event_id"] = id,
            ["sg_message_id"] = $"user-{user}.recvd-5f7c9d-2-66F2.0",
            ["mf_msg"] = message,
        };
        if (kind == "delivered") written["response"] = "250 OK";
        if (kind is "open" or "click") (written["useragent"], written["ip"]) = (Chrome, "203.0.113.9");
        if (kind == "open") written["sg_machine_open"] = false;
        if (kind == "click") written["url"] = "https://shop.example/sale?utm_source=mail";
        if (kind == "bounce") (written["type"], written["status"], written["reason"]) = ("bounce", "5.1.1", "550 5.1.1 The email account that you tried to reach does not exist.");
        return written;
    }

    public static WebhookCall Sign(IReadOnlyList<Dictionary<string, object>> events, DateTimeOffset at)
    {
        var (body, timestamp) = (JsonSerializer.SerializeToUtf8Bytes(events), at.ToUnixTimeSeconds().ToString());
        var signature = Key.SignData([.. Encoding.UTF8.GetBytes(timestamp), .. body], HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        return new WebhookCall(new Dictionary<string, string> { [Signature] = Convert.ToBase64String(signature), [Timestamp] = timestamp }, new Dictionary<string, string>(), body, at);
    }
}
