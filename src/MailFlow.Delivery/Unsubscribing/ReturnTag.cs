using System.Security.Cryptography;
using System.Text;

namespace MailFlow.Delivery.Unsubscribing;

/// <summary>
/// The signature that stands beside our key in a mail's return path and headers. Whoever was not sent the mail cannot make it, so a report that brings it back is about a mail that its
/// maker had.
/// </summary>
internal static class ReturnTag
{
    /// <summary>Hexadecimal digits, because mail systems may change the case of an address; so few, because an address has room for no more. 2^48 mails find one by trying.</summary>
    public const int Length = 12;

    private static ReadOnlySpan<byte> Purpose => "mailflow/return-path"u8;

    /// <summary>The signature of a message.</summary>
    public static string Of(Guid messageId, SigningKey key)
    {
        Span<byte> content = stackalloc byte[Purpose.Length + 16];
        Purpose.CopyTo(content);
        messageId.TryWriteBytes(content[Purpose.Length..], bigEndian: true, out _);
        return Convert.ToHexStringLower(HMACSHA256.HashData(key.Secret, content))[..Length];
    }

    /// <summary>Whether one of the keys signed it.</summary>
    public static bool IsRight(Guid messageId, string tag, IReadOnlyList<SigningKey> keys)
    {
        var given = Encoding.UTF8.GetBytes(tag.ToLowerInvariant());
        return keys.Any(key => CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Of(messageId, key)), given));
    }
}
