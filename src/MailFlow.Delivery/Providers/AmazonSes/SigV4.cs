using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MailFlow.Delivery.Providers.AmazonSes;

/// <summary>AWS credentials; the token belongs to temporary ones.</summary>
internal sealed record AwsCredentials(string AccessKeyId, string SecretAccessKey, string? SessionToken)
{
    public override string ToString() => AccessKeyId;
}

/// <summary>Signs requests to AWS by Signature Version 4, headers only.</summary>
internal static class SigV4
{
    private const string Algorithm = "AWS4-HMAC-SHA256";

    /// <summary>The headers to add: X-Amz-Date, Authorization and, of temporary credentials, X-Amz-Security-Token.</summary>
    /// <param name="headers">Further headers to sign, by name; the host and the date are signed in any case.</param>
    public static IReadOnlyList<(string Name, string Value)> Sign(
        AwsCredentials credentials, string region, string service, string method, Uri url, IReadOnlyList<(string Name, string Value)> headers, ReadOnlySpan<byte> body, DateTimeOffset at)
    {
        var time = at.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        var scope = $"{time[..8]}/{region}/{service}/aws4_request";
        List<(string Name, string Value)> added = [("X-Amz-Date", time)];
        if (!string.IsNullOrEmpty(credentials.SessionToken)) added.Add(("X-Amz-Security-Token", credentials.SessionToken));
        var signed = headers.Concat(added).Append(("Host", url.IsDefaultPort ? url.Host : $"{url.Host}:{url.Port}"))
            .Select(header => (Name: header.Item1.ToLowerInvariant(), Value: string.Join(' ', header.Item2.Split(' ', StringSplitOptions.RemoveEmptyEntries))))
            .OrderBy(header => header.Name, StringComparer.Ordinal).ToList();
        var names = string.Join(';', signed.Select(header => header.Name));
        var canonical = string.Join('\n', [
            method, url.AbsolutePath, Query(url), .. signed.Select(header => $"{header.Name}:{header.Value}"), "", names, Convert.ToHexStringLower(SHA256.HashData(body))]);
        var toSign = $"{Algorithm}\n{time}\n{scope}\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}";
        var signature = Convert.ToHexStringLower(HMACSHA256.HashData(Key(credentials.SecretAccessKey, time[..8], region, service), Encoding.UTF8.GetBytes(toSign)));
        added.Add(("Authorization", $"{Algorithm} Credential={credentials.AccessKeyId}/{scope}, SignedHeaders={names}, Signature={signature}"));
        return added;
    }

    private static string Query(Uri url) => string.Join('&', url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries)
        .Select(pair => pair.Contains('=') ? pair : pair + "=").Order(StringComparer.Ordinal));

    private static byte[] Key(string secret, string day, string region, string service)
    {
        var key = Encoding.UTF8.GetBytes("AWS4" + secret);
        foreach (var part in (string[])[day, region, service, "aws4_request"]) key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
        return key;
    }
}
