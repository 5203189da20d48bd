using System.Buffers.Binary;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

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
/// The address's text: version, key id, kind, account, message, target, and 128 bits of HMAC-SHA256 over all of it and the purpose. The target stands in what is signed and
/// nowhere else, so that the redirect leads only where a mail of ours led. It never expires: people follow links in old mail.
/// </summary>
internal static class TrackingToken
{
    /// <summary>The longest target that is put in a link.</summary>
    public const int LongestUrl = 1_500;

    private const byte Version = 1;
    private const int Head = 3 + sizeof(int) + 16, Signature = 16, Longest = 2 * (Head + Signature + 3 * LongestUrl);
    private static readonly byte[] Purpose = "mailflow/tracking"u8.ToArray();

    public static string Write(TrackedAddress address, SigningKey key)
    {
        var url = Encoding.UTF8.GetBytes(address.Url);
        var bytes = new byte[Head + url.Length + Signature];
        (bytes[0], bytes[1], bytes[2]) = (Version, key.Id, (byte)address.Kind);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(3), address.AccountId);
        address.MessageId.TryWriteBytes(bytes.AsSpan(7), bigEndian: true, out _);
        url.CopyTo(bytes, Head);
        Sign(key, bytes.AsSpan(0, Head + url.Length), bytes.AsSpan(Head + url.Length));
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>Reads a token that one of the keys signed; anything else is false, and nothing says why.</summary>
    public static bool TryRead(string token, IReadOnlyList<SigningKey> keys, [NotNullWhen(true)] out TrackedAddress? address)
    {
        address = null;
        if (token.Length > Longest || !Base64Url.IsValid(token)) return false;
        var bytes = Base64Url.DecodeFromChars(token);
        if (bytes.Length < Head + Signature || bytes[0] != Version || keys.FirstOrDefault(key => key.Id == bytes[1]) is not { } key) return false;
        Span<byte> expected = stackalloc byte[Signature];
        Sign(key, bytes.AsSpan(0, bytes.Length - Signature), expected);
        if (!CryptographicOperations.FixedTimeEquals(expected, bytes.AsSpan(bytes.Length - Signature))) return false;
        address = new TrackedAddress(
            BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(3)), new Guid(bytes.AsSpan(7, 16), bigEndian: true), (TrackedKind)bytes[2], Encoding.UTF8.GetString(bytes.AsSpan(Head..^Signature)));
        return true;
    }

    private static void Sign(SigningKey key, ReadOnlySpan<byte> content, Span<byte> signature)
    {
        Span<byte> whole = stackalloc byte[HMACSHA256.HashSizeInBytes];
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key.Secret);
        hmac.AppendData(Purpose);
        hmac.AppendData(content);
        hmac.GetHashAndReset(whole);
        whole[..Signature].CopyTo(signature);
    }
}
