using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace MailFlow.Delivery.Unsubscribing;

/// <summary>What a recipient's link says: whose mail, to which address.</summary>
internal sealed record UnsubscribeSubject(int AccountId, long ContactId, Guid MessageId, string Email);

/// <summary>
/// The link's text: account, contact, message and address, signed for unsubscribing, or for the preference centre. It never expires: a recipient may
/// unsubscribe by an old mail.
/// </summary>
internal static class UnsubscribeToken
{
    private const int Head = sizeof(int) + sizeof(long) + 16;

    /// <summary>What an unsubscribe link is signed for.</summary>
    private static ReadOnlySpan<byte> Unsubscribing => "mailflow/unsubscribe"u8;

    /// <summary>What a link to the preference centre is signed for.</summary>
    private static ReadOnlySpan<byte> Choosing => "mailflow/preferences"u8;

    public static string Write(UnsubscribeSubject subject, SigningKey key, bool preferences = false) =>
        SignedToken.Write(preferences ? Choosing : Unsubscribing, Content(subject), key);

    /// <summary>Reads a token that one of the keys signed; anything else is false, and nothing says why.</summary>
    public static bool TryRead(string token, IReadOnlyList<SigningKey> keys, [NotNullWhen(true)] out UnsubscribeSubject? subject, bool preferences = false)
    {
        subject = SignedToken.Read(preferences ? Choosing : Unsubscribing, token, keys) is { } content ? Subject(content.Span) : null;
        return subject is not null;
    }

    internal static byte[] Content(UnsubscribeSubject subject)
    {
        var bytes = new byte[Head + Encoding.UTF8.GetByteCount(subject.Email)];
        BinaryPrimitives.WriteInt32BigEndian(bytes, subject.AccountId);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(4), subject.ContactId);
        subject.MessageId.TryWriteBytes(bytes.AsSpan(12), bigEndian: true, out _);
        Encoding.UTF8.GetBytes(subject.Email, bytes.AsSpan(Head));
        return bytes;
    }

    internal static UnsubscribeSubject? Subject(ReadOnlySpan<byte> bytes) => bytes.Length <= Head ? null : new UnsubscribeSubject(
        BinaryPrimitives.ReadInt32BigEndian(bytes), BinaryPrimitives.ReadInt64BigEndian(bytes[4..]), new Guid(bytes.Slice(12, 16), bigEndian: true), Encoding.UTF8.GetString(bytes[Head..]));
}
