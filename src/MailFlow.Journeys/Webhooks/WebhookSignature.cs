using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MailFlow.Journeys.Webhooks;

/// <summary>
/// Proves to a webhook's receiver that a call is ours and recent. The header
/// <c>MailFlow-Signature: t=1767225600,v1=5257a8…</c> holds the time of signing in Unix seconds and, in lower-case hex,
/// HMAC-SHA256 under the shared secret (its UTF-8 octets) of <c>t</c>, a full stop and the body's octets.
/// </summary>
/// <remarks>
/// A receiver recomputes it over the body as received, before parsing, compares in constant time, and refuses what is
/// older than five minutes. While a secret is being changed the header carries one <c>v1</c> for each; unknown fields
/// are to be ignored.
/// </remarks>
public static class WebhookSignature
{
    /// <summary>The header's name.</summary>
    public const string Header = "MailFlow-Signature";

    /// <summary>How far a receiver should let our clock and its own differ.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);

    /// <summary>The header's value.</summary>
    /// <param name="secrets">At least one; none may be empty.</param>
    public static string Sign(ReadOnlySpan<byte> body, DateTimeOffset at, params ReadOnlySpan<string> secrets)
    {
        if (secrets.IsEmpty)
            throw new ArgumentException("A signature needs a secret.", nameof(secrets));
        var seconds = at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var header = new StringBuilder("t=").Append(seconds);
        foreach (var secret in secrets)
            header.Append(",v1=").Append(Convert.ToHexStringLower(Mac(secret, seconds, body)));
        return header.ToString();
    }

    /// <summary>Whether the header signs this body under the secret and was made at most <see cref="Tolerance"/> from <paramref name="now"/>.</summary>
    public static bool Verify(string? header, ReadOnlySpan<byte> body, string secret, DateTimeOffset now)
    {
        string? seconds = null;
        var matches = false;
        foreach (var field in (header ?? "").Split(','))
        {
            if (field.StartsWith("t=", StringComparison.Ordinal))
            {
                // The first counts; a second one would let the signed time and the judged time differ.
                seconds ??= field[2..];
            }
            else if (field.StartsWith("v1=", StringComparison.Ordinal) && seconds is not null && field.Length == 3 + 64 && field[3..].All(char.IsAsciiHexDigitLower))
            {
                matches |= CryptographicOperations.FixedTimeEquals(Convert.FromHexString(field.AsSpan(3)), Mac(secret, seconds, body));
            }
        }

        return matches
            && long.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out var at)
            && Math.Abs((decimal)now.ToUnixTimeSeconds() - at) <= (decimal)Tolerance.TotalSeconds;
    }

    private static byte[] Mac(string secret, string seconds, ReadOnlySpan<byte> body)
    {
        ArgumentException.ThrowIfNullOrEmpty(secret);
        using var mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret));
        mac.AppendData(Encoding.UTF8.GetBytes(seconds + "."));
        mac.AppendData(body);
        return mac.GetHashAndReset();
    }
}
