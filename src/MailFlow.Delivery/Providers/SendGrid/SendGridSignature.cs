using System.Security.Cryptography;
using System.Text;

namespace MailFlow.Delivery.Providers.SendGrid;

/// <summary>The signature of the event webhook: ECDSA over P-256 and SHA-256, of the timestamp's characters followed by the raw body.</summary>
internal static class SendGridSignature
{
    public const string SignatureHeader = "X-Twilio-Email-Event-Webhook-Signature", TimestampHeader = "X-Twilio-Email-Event-Webhook-Timestamp";

    /// <summary>Why this is no verification key, or null.</summary>
    public static string? WhyNot(string publicKey)
    {
        try
        {
            using var key = Import(publicKey);
            return null;
        }
        catch (Exception error) when (error is FormatException or CryptographicException)
        {
            return "is not the base64 of a P-256 public key (SubjectPublicKeyInfo)";
        }
    }

    public static bool IsRight(string publicKey, string signature, string timestamp, ReadOnlyMemory<byte> body)
    {
        try
        {
            using var key = Import(publicKey);
            var signed = new byte[Encoding.UTF8.GetByteCount(timestamp) + body.Length];
            body.Span.CopyTo(signed.AsSpan(Encoding.UTF8.GetBytes(timestamp, signed)));
            return key.VerifyData(signed, Convert.FromBase64String(signature), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        }
        catch (Exception error) when (error is FormatException or CryptographicException)
        {
            return false;
        }
    }

    private static ECDsa Import(string publicKey)
    {
        var bare = publicKey.Replace("-----BEGIN PUBLIC KEY-----", "", StringComparison.Ordinal).Replace("-----END PUBLIC KEY-----", "", StringComparison.Ordinal);
        var key = ECDsa.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(bare.Trim()), out _);
            // The curve is part of the agreement: a key of another would be somebody else's idea.
            return key.ExportParameters(false).Curve.Oid.Value == ECCurve.NamedCurves.nistP256.Oid.Value ? key : throw new CryptographicException("not P-256");
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }
}
