using System.Security.Cryptography;
using System.Text;

namespace MailFlow.Delivery.Providers;

/// <summary>A secret that a caller shows: in a Bearer or Basic header, in a header of our own, or in the address.</summary>
internal static class PresentedSecret
{
    /// <summary>The header of our own.</summary>
    public const string Header = "X-MailFlow-Secret";

    /// <summary>Verified when the call shows the secret in any of these places. The comparison takes as long whatever was shown.</summary>
    public static WebhookVerdict Verify(WebhookCall call, string? secret)
    {
        if (string.IsNullOrEmpty(secret)) return new WebhookVerdict.Refused("the connection has no secret for its webhook");
        var expected = SHA256.HashData(Encoding.UTF8.GetBytes(secret));
        var found = false;
        foreach (var shown in Shown(call)) found |= CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(shown)), expected);
        return found ? new WebhookVerdict.Verified() : new WebhookVerdict.Refused("the secret is missing or another");
    }

    private static IEnumerable<string> Shown(WebhookCall call)
    {
        foreach (var (name, value) in call.Headers)
        {
            if (name.Equals(Header, StringComparison.OrdinalIgnoreCase)) yield return value;
            if (!name.Equals("Authorization", StringComparison.OrdinalIgnoreCase)) continue;
            if (value.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)) yield return value[7..].Trim();
            // Of Basic only the password counts: what stands before it is any name.
            if (value.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase) && Password(value[6..].Trim()) is { } password) yield return password;
        }
        if (call.Query.TryGetValue("secret", out var asked)) yield return asked;
    }

    private static string? Password(string credentials)
    {
        var octets = new byte[credentials.Length];
        if (!Convert.TryFromBase64String(credentials, octets, out var length)) return null;
        var pair = Encoding.UTF8.GetString(octets, 0, length);
        var colon = pair.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? null : pair[(colon + 1)..];
    }

    /// <summary>A header of a call, in any case of letters.</summary>
    public static string? Find(this WebhookCall call, string name) =>
        call.Headers.TryGetValue(name, out var value) ? value : call.Headers.FirstOrDefault(header => header.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;
}
