using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MailFlow.Delivery.Providers.Http;

namespace MailFlow.Delivery.Providers.AmazonSes;

/// <summary>
/// The certificates SNS signs with: fetched once from SNS itself, judged, and kept. Each is for a host of SNS and issued by an authority this machine trusts.
/// </summary>
internal sealed class SnsCertificates
{
    private const int Most = 100;

    private readonly ProviderHttp _http;
    private readonly Func<X509ChainPolicy> _policy;
    private readonly ConcurrentDictionary<Uri, X509Certificate2> _kept = new();

    public SnsCertificates(ProviderHttp http)
        : this(http, () => new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, UrlRetrievalTimeout = TimeSpan.FromSeconds(10) })
    {
    }

    internal SnsCertificates(ProviderHttp http, Func<X509ChainPolicy> policy) => (_http, _policy) = (http, policy);

    /// <summary>The certificate, or the reason why there is none.</summary>
    /// <param name="url">Already found to be a place of SNS.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<(X509Certificate2? Certificate, string? Reason)> GetAsync(Uri url, CancellationToken ct)
    {
        if (_kept.TryGetValue(url, out var kept) && kept.NotAfter.ToUniversalTime() > _http.Now.UtcDateTime) return (kept, null);
        var outcome = await _http.GetAsync(url, [], ct);
        if (outcome is not HttpOutcome.Answered { Status: 200, Body: { } pem }) return (null, $"the certificate at {url} cannot be fetched");
        X509Certificate2 certificate;
        try
        {
            certificate = X509Certificate2.CreateFromPem(Encoding.ASCII.GetString(pem));
        }
        catch (CryptographicException)
        {
            return (null, $"there is no certificate at {url}");
        }
        if (WhyNot(certificate, url) is { } reason)
        {
            certificate.Dispose();
            return (null, reason);
        }
        // Only SNS names what is kept here, a new one every year or so for each region.
        if (_kept.Count >= Most) _kept.Clear();
        _kept[url] = certificate;
        return (certificate, null);
    }

    private string? WhyNot(X509Certificate2 certificate, Uri url)
    {
        // It carries the name of SNS as a whole or of the region's.
        var whole = url.Host.EndsWith(".cn", StringComparison.Ordinal) ? "sns.amazonaws.com.cn" : "sns.amazonaws.com";
        if (!certificate.MatchesHostname(whole) && !certificate.MatchesHostname(url.Host)) return "the certificate is not one of SNS";
        using var chain = new X509Chain { ChainPolicy = _policy() };
        chain.ChainPolicy.VerificationTime = _http.Now.UtcDateTime;
        return chain.Build(certificate) ? null : $"the certificate is not trusted: {string.Join(", ", chain.ChainStatus.Select(status => status.Status))}";
    }
}
