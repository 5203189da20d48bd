using System.Security.Cryptography;
using MailFlow.Data;

namespace MailFlow.Delivery.Deliverability.Dkim;

/// <summary>
/// A key that signs mail (RFC 6376), RSA: the framework has no Ed25519 (RFC 8463), and receivers that know it know RSA too.
/// </summary>
public sealed class DkimKey
{
    /// <summary>What Gmail, Yahoo and Microsoft advise, and the largest that fits one reply of DNS with room to spare.</summary>
    public const int Bits = 2048;

    private const int LeastBits = 1024, MostBits = 4096;

    private readonly RSAParameters _parameters;

    private DkimKey(RSA rsa)
    {
        _parameters = rsa.ExportParameters(includePrivateParameters: true);
        PublicKey = Convert.ToBase64String(rsa.ExportSubjectPublicKeyInfo());
        PrivatePem = rsa.ExportPkcs8PrivateKeyPem();
    }

    /// <summary>The public key as it stands in DNS: base64 of the SubjectPublicKeyInfo.</summary>
    public string PublicKey { get; }

    /// <summary>The record to publish at <c>selector._domainkey.domain</c>.</summary>
    public string Record => RecordOf(PublicKey);

    internal static string RecordOf(string publicKey) => $"v=DKIM1; k=rsa; p={publicKey}";

    /// <summary>The private key in PEM; to be sealed before it is stored.</summary>
    internal string PrivatePem { get; }

    /// <summary>Makes a new key.</summary>
    public static DkimKey Generate()
    {
        using var rsa = RSA.Create(Bits);
        return new DkimKey(rsa);
    }

    /// <summary>Reads a private key in PEM, PKCS #1 or #8 without a password.</summary>
    /// <exception cref="InvalidInputException">It is none, or too weak.</exception>
    public static DkimKey Parse(string pem)
    {
        using var rsa = RSA.Create();
        try
        {
            rsa.ImportFromPem(pem);
            if (rsa.KeySize is < LeastBits or > MostBits) throw new InvalidInputException("dkim_private_key", $"has {rsa.KeySize} bits; DKIM takes {LeastBits} to {MostBits}, and receivers want {Bits}");
            return new DkimKey(rsa);
        }
        catch (Exception error) when (error is ArgumentException or CryptographicException)
        {
            throw new InvalidInputException("dkim_private_key", "is not an RSA private key in PEM (“-----BEGIN PRIVATE KEY-----”), or has a password");
        }
    }

    /// <summary>A signer's own copy: one must not be used by two at once.</summary>
    internal RSA Open() => RSA.Create(_parameters);

    /// <summary>Leaves the key out.</summary>
    public override string ToString() => "DkimKey";
}
