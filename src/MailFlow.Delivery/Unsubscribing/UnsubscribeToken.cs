using System.Buffers.Binary;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace MailFlow.Delivery.Unsubscribing;

/// <summary>What an unsubscribe link says: whose mail, to which address.</summary>
internal sealed record UnsubscribeSubject(int AccountId, long ContactId, Guid MessageId, string Email);

/// <summary>
/// The link's text: version, key id, account, contact, message, address, and HMAC-SHA256 over all of it and the purpose,
/// so that no other link of ours can be passed off as one. It never expires: a recipient may unsubscribe by an old mail.
/// </summary>
internal static class UnsubscribeToken
{
    private const byte Version = 1;
    private const int Head = 2 + sizeof(int) + sizeof(long) + 16, Signature = HMACSHA256.HashSizeInBytes;
    private static readonly byte[] Purpose = "mailflow/unsubscribe"u8.ToArray();

    public static string Write(UnsubscribeSubject subject, SigningKey key)
    {
        var email = Encoding.UTF8.GetBytes(subject.Email);
        var bytes = new byte[Head + email.Length + Signature];
        (bytes[0], bytes[1]) = (Version, key.Id);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(2), subject.AccountId);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(6), subject.ContactId);
        subject.MessageId.TryWriteBytes(bytes.AsSpan(14), bigEndian: true, out _);
        email.CopyTo(bytes, Head);
        Sign(key, bytes.AsSpan(0, Head + email.Length), bytes.AsSpan(Head + email.Length));
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>Reads a token that one of the keys signed; anything else is false, and nothing says why.</summary>
    public static bool TryRead(string token, IReadOnlyList<SigningKey> keys, [NotNullWhen(true)] out UnsubscribeSubject? subject)
    {
        subject = null;
        if (token.Length > 600 || !Base64Url.IsValid(token)) return false;
        var bytes = Base64Url.DecodeFromChars(token);
        if (bytes.Length <= Head + Signature || bytes[0] != Version || keys.FirstOrDefault(key => key.Id == bytes[1]) is not { } key) return false;
        Span<byte> expected = stackalloc byte[Signature];
        Sign(key, bytes.AsSpan(0, bytes.Length - Signature), expected);
        if (!CryptographicOperations.FixedTimeEquals(expected, bytes.AsSpan(bytes.Length - Signature))) return false;
        subject = new UnsubscribeSubject(
            BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(2)), BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(6)),
            new Guid(bytes.AsSpan(14, 16), bigEndian: true), Encoding.UTF8.GetString(bytes.AsSpan(Head..^Signature)));
        return true;
    }

    private static void Sign(SigningKey key, ReadOnlySpan<byte> content, Span<byte> signature)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key.Secret);
        hmac.AppendData(Purpose);
        hmac.AppendData(content);
        hmac.GetHashAndReset(signature);
    }
}
