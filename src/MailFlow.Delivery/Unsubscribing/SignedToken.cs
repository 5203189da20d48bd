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
    private const int Head = 2, Longest = 900;

    /// <param name="purpose">What the link is for.</param>
    /// <param name="content">What it says.</param>
    /// <param name="key">Signs it.</param>
    /// <param name="signature">How many bytes of the HMAC stand in it: 16 where many links stand in one mail.</param>
    public static string Write(ReadOnlySpan<byte> purpose, ReadOnlySpan<byte> content, SigningKey key, int signature = HMACSHA256.HashSizeInBytes)
    {
        var bytes = new byte[Head + content.Length + signature];
        (bytes[0], bytes[1]) = (Version, key.Id);
        content.CopyTo(bytes.AsSpan(Head));
        Sign(purpose, key, bytes.AsSpan(0, Head + content.Length), bytes.AsSpan(Head + content.Length));
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>The content of a token that one of the keys signed for this purpose; null for anything else, and nothing says why.</summary>
    public static ReadOnlyMemory<byte>? Read(ReadOnlySpan<byte> purpose, string token, IReadOnlyList<SigningKey> keys, int signature = HMACSHA256.HashSizeInBytes, int longest = Longest)
    {
        if (token.Length > longest || !Base64Url.IsValid(token)) return null;
        var bytes = Base64Url.DecodeFromChars(token);
        if (bytes.Length <= Head + signature || bytes[0] != Version || keys.FirstOrDefault(key => key.Id == bytes[1]) is not { } key) return null;
        Span<byte> expected = stackalloc byte[signature];
        Sign(purpose, key, bytes.AsSpan(0, bytes.Length - signature), expected);
        return CryptographicOperations.FixedTimeEquals(expected, bytes.AsSpan(bytes.Length - signature)) ? bytes.AsMemory(Head..^signature) : null;
    }

    private static void Sign(ReadOnlySpan<byte> purpose, SigningKey key, ReadOnlySpan<byte> content, Span<byte> signature)
    {
        Span<byte> whole = stackalloc byte[HMACSHA256.HashSizeInBytes];
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key.Secret);
        hmac.AppendData(purpose);
        hmac.AppendData(content);
        hmac.GetHashAndReset(whole);
        whole[..signature.Length].CopyTo(signature);
    }
}
