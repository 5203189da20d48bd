using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MailFlow.Journeys.Facts;

/// <summary>
/// What the Standard Webhooks convention (version 1.0.0) says of a call: three headers, and signatures <c>v1</c>, HMAC-SHA256 over the id, the time and the body's octets
/// with full stops between. Written out here and not taken from a package, so that the tests check it against one.
/// </summary>
internal static class StandardWebhook
{
    public const string IdHeader = "webhook-id", TimestampHeader = "webhook-timestamp", SignatureHeader = "webhook-signature";

    private const string Prefix = "whsec_";

    /// <summary>A new secret.</summary>
    public static string NewSecret() => Prefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    /// <summary>The headers of an attempt, with a signature for each secret.</summary>
    public static List<KeyValuePair<string, string>> Headers(Guid id, DateTimeOffset attemptAt, ReadOnlySpan<byte> body, IEnumerable<string> secrets)
    {
        var (name, seconds) = (id.ToString(), attemptAt.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
        var signatures = new List<string>();
        foreach (var secret in secrets) signatures.Add(Sign(secret, name, seconds, body));
        // Said once more at the end: receivers with the package StandardWebhooks 1.1.2 look at all of several but the last.
        if (signatures.Count > 1) signatures.Add(signatures[0]);
        return [new(IdHeader, name), new(TimestampHeader, seconds), new(SignatureHeader, string.Join(' ', signatures)), new("User-Agent", "MailFlow")];
    }

    private static string Sign(string secret, string id, string seconds, ReadOnlySpan<byte> body)
    {
        using var mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Convert.FromBase64String(secret[Prefix.Length..]));
        mac.AppendData(Encoding.UTF8.GetBytes($"{id}.{seconds}."));
        mac.AppendData(body);
        return "v1," + Convert.ToBase64String(mac.GetHashAndReset());
    }
}
