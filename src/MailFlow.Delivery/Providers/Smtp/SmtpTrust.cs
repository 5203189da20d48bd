using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MailFlow.Delivery.Providers.Smtp;

/// <summary>Which certificate a relay must show.</summary>
internal static class SmtpTrust
{
    public static SslClientAuthenticationOptions For(SmtpOptions options)
    {
        var tls = new SslClientAuthenticationOptions { TargetHost = options.Host };
        if (options.TrustedAuthoritiesFile is { } file)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.ImportFromPemFile(file);
            tls.CertificateChainPolicy = policy;
        }

        if (options.TrustedCertificateSha256 is { } pin)
        {
            // A pin names the one certificate that is meant: it replaces the chain and the name, it does not add to them.
            var wanted = Convert.FromHexString(SmtpOptions.Pin(pin)!);
            tls.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                certificate is not null && CryptographicOperations.FixedTimeEquals(certificate.GetCertHash(HashAlgorithmName.SHA256), wanted);
        }

        return tls;
    }
}
