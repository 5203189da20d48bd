using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace MailFlow.Server.Access;

/// <summary>A key as its account may see it: the secret is not in it.</summary>
/// <param name="Id">Names it in the API.</param>
/// <param name="Name">What it is for, in its maker's words.</param>
/// <param name="Prefix">The first characters of the key, to tell keys apart by.</param>
/// <param name="Scopes">What it may do (<see cref="Access.Scopes"/>).</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="LastUsedAt">When it was last used, to within some minutes.</param>
/// <param name="RevokedAt">When it was revoked.</param>
internal sealed record ApiKey(
    Guid Id, int AccountId, string Name, string Prefix, IReadOnlyList<string> Scopes, DateTimeOffset CreatedAt, DateTimeOffset? LastUsedAt, DateTimeOffset? RevokedAt)
{
    private const string Mark = "mf_";
    private const int SecretBytes = 32, ShownLength = 11;

    /// <summary>How its doings are told apart from those of other keys: names need not differ.</summary>
    public string ShownName => $"{Name} ({Prefix}…)";

    /// <summary>A new secret of 256 random bits. A plain SHA-256 of it is safe to keep: there is nothing to guess by trying.</summary>
    public static string NewSecret() => Mark + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));

    /// <summary>Whether text has the form of a key at all.</summary>
    public static bool LooksLikeKey(string text) =>
        text.Length == Mark.Length + Base64Url.GetEncodedLength(SecretBytes) && text.StartsWith(Mark, StringComparison.Ordinal);

    /// <summary>What is kept of a secret.</summary>
    public static byte[] HashOf(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));

    /// <summary>What may be shown of a secret.</summary>
    public static string PrefixOf(string secret) => secret[..ShownLength];
}
