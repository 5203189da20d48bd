using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using MailFlow.Delivery.Unsubscribing;

namespace MailFlow.Delivery.Tracking;

/// <summary>What a tracked address stands for. The numbers are in links.</summary>
internal enum TrackedKind : byte
{
    /// <summary>The picture that shows an open.</summary>
    Open = 1,

    /// <summary>A link of the mail.</summary>
    Click = 2,

    /// <summary>A link that no human sees: whoever follows it is a machine.</summary>
    Trap = 3,
}

/// <summary>What a tracked address says.</summary>
/// <param name="AccountId">Whose mail.</param>
/// <param name="MessageId">Which mail.</param>
/// <param name="Kind">What it stands for.</param>
/// <param name="Url">Of a click: where the link leads; empty otherwise.</param>
internal sealed record TrackedAddress(int AccountId, Guid MessageId, TrackedKind Kind, string Url);

/// <summary>
/// The address's text: kind, account, message and target, signed with 128 bits. The target stands in what is signed and nowhere else, so that the redirect leads only where a
/// mail of ours led. It never expires: people follow links in old mail.
/// </summary>
internal static class TrackingToken
{
    /// <summary>The longest target that is put in a link.</summary>
    public const int LongestUrl = 1_500;

    private const int Head = 1 + sizeof(int) + 16, Signature = 16, Longest = 2 * (2 + Head + Signature + (3 * LongestUrl));

    private static ReadOnlySpan<byte> Tracking => "mailflow/tracking"u8;

    public static string Write(TrackedAddress address, SigningKey key)
    {
        var bytes = new byte[Head + Encoding.UTF8.GetByteCount(address.Url)];
        bytes[0] = (byte)address.Kind;
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(1), address.AccountId);
        address.MessageId.TryWriteBytes(bytes.AsSpan(5), bigEndian: true, out _);
        Encoding.UTF8.GetBytes(address.Url, bytes.AsSpan(Head));
        return SignedToken.Write(Tracking, bytes, key, Signature);
    }

    /// <summary>Reads a token that one of the keys signed; anything else is false, and nothing says why.</summary>
    public static bool TryRead(string token, IReadOnlyList<SigningKey> keys, [NotNullWhen(true)] out TrackedAddress? address)
    {
        address = SignedToken.Read(Tracking, token, keys, Signature, Longest) is { Length: >= Head } content ? Address(content.Span) : null;
        return address is not null;
    }

    private static TrackedAddress Address(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadInt32BigEndian(bytes[1..]), new Guid(bytes.Slice(5, 16), bigEndian: true), (TrackedKind)bytes[0], Encoding.UTF8.GetString(bytes[Head..]));
}
