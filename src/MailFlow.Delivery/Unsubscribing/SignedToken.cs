using System.Buffers.Text;
using System.Security.Cryptography;

namespace MailFlow.Delivery.Unsubscribing;

/// <summary>
/// The text of a signed link: version, key id, content, and HMAC-SHA256 over all of it and what the link is for, so that no link of ours can be passed off as
/// one for something else.
/// </summary>
internal static class SignedToken
{
    private const byte Version = 1;
    private const int Head = 2, Signature = HMACSHA256.HashSizeInBytes, Longest = 900;

    public static string Write(ReadOnlySpan<byte> purpose, ReadOnlySpan<byte> content, SigningKey key)
    {
        var bytes = new byte[Head + content.Length + Signature];
        (bytes[0], bytes[1]) = (Version, key.Id);
        content.CopyTo(bytes.AsSpan(Head));
        Sign(purpose, key, bytes.AsSpan(0, Head + content.Length), bytes.AsSpan(Head + content.Length));
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>The content of a token that one of the keys signed for this purpose; null for anything else, and nothing says why.</summary>
    public static ReadOnlyMemory<byte>? Read(ReadOnlySpan<byte> purpose, string token, IReadOnlyList<SigningKey> keys)
    {
        if (token.Length > Longest || !Base64Url.IsValid(token)) return null;
        var bytes = Base64Url.DecodeFromChars(token);
        if (bytes.Length <= Head + Signature || bytes[0] != Version || keys.FirstOrDefault(key => key.Id == bytes[1]) is not { } key) return null;
        Span<byte> expected = stackalloc byte[Signature];
        Sign(purpose, key, bytes.AsSpan(0, bytes.Length - Signature), expected);
        return CryptographicOperations.FixedTimeEquals(expected, bytes.AsSpan(bytes.Length - Signature)) ? bytes.AsMemory(Head..^Signature) : null;
    }

    private static void Sign(ReadOnlySpan<byte> purpose, SigningKey key, ReadOnlySpan<byte> content, Span<byte> signature)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key.Secret);
        hmac.AppendData(purpose);
        hmac.AppendData(content);
        hmac.GetHashAndReset(signature);
    }
}
