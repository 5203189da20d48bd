using System.Buffers.Binary;
using System.Text;

namespace MailFlow.Delivery.Unsubscribing;

/// <summary>What a confirmation link says: who agrees to what, and until when the link is good.</summary>
internal sealed record ConfirmSubject(UnsubscribeSubject Recipient, string Purpose, DateTimeOffset ExpiresAt);

/// <summary>The text of a confirmation link (double opt-in): the end, the purpose and the recipient, signed.</summary>
internal static class ConfirmToken
{
    private static ReadOnlySpan<byte> Confirming => "mailflow/confirm"u8;

    public static string Write(ConfirmSubject subject, SigningKey key)
    {
        var (purpose, recipient) = (Encoding.ASCII.GetBytes(subject.Purpose), UnsubscribeToken.Content(subject.Recipient));
        var bytes = new byte[9 + purpose.Length + recipient.Length];
        BinaryPrimitives.WriteInt64BigEndian(bytes, subject.ExpiresAt.ToUnixTimeMilliseconds());
        bytes[8] = checked((byte)purpose.Length);
        purpose.CopyTo(bytes, 9);
        recipient.CopyTo(bytes, 9 + purpose.Length);
        return SignedToken.Write(Confirming, bytes, key);
    }

    /// <summary>Reads a token that one of the keys signed, one that has ended too; null for anything else.</summary>
    public static ConfirmSubject? Read(string token, IReadOnlyList<SigningKey> keys)
    {
        if (SignedToken.Read(Confirming, token, keys) is not { } content || content.Length < 9 || content.Length < 9 + content.Span[8]) return null;
        var bytes = content.Span;
        return UnsubscribeToken.Subject(bytes[(9 + bytes[8])..]) is { } recipient
            ? new(recipient, Encoding.ASCII.GetString(bytes.Slice(9, bytes[8])), DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(bytes)))
            : null;
    }
}
