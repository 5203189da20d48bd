using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace MailFlow.Data;

/// <summary>
/// Hashes that are the same in every process, on every machine and in every version: rows are placed by them, so
/// their values are part of the data format (fixed values are tested).
/// </summary>
public static class StableHash
{
    /// <summary>How many shards the contacts are spread over. Part of the data format.</summary>
    public const int Shards = 64;

    /// <summary>FNV-1a, 64 bits, over the text's UTF-8 bytes, then MurmurHash3's finalizer so that low bits are good too.</summary>
    public static ulong Of(string text)
    {
        var hash = 14695981039346656037UL;
        foreach (var unit in Encoding.UTF8.GetBytes(text)) hash = (hash ^ unit) * 1099511628211UL;
        hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdUL;
        hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53UL;
        return hash ^ (hash >> 33);
    }

    /// <summary>The shard (0 to 63) of a contact, fixed when the contact is created.</summary>
    public static int Shard(int account, string userId) => (int)(Of($"{account}/{userId}") % Shards);

    /// <summary>The first 128 bits of SHA-256 over the parts, each with its length before it so that parts cannot run together.</summary>
    public static Guid Key(params ReadOnlySpan<string> parts)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[4];
        foreach (var part in parts)
        {
            var bytes = Encoding.UTF8.GetBytes(part);
            BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
            sha.AppendData(length);
            sha.AppendData(bytes);
        }
        Span<byte> digest = stackalloc byte[32];
        sha.GetHashAndReset(digest);
        return new Guid(digest[..16], bigEndian: true);
    }

    /// <summary>
    /// A UUID in the form of version 7 (RFC 9562 §5.7) whose time is <paramref name="unixMilliseconds"/> and whose other bits come from
    /// <paramref name="key"/>: the same inputs give the same id (so its primary key forbids the second row), and ids keep time order.
    /// </summary>
    public static Guid TimedKey(long unixMilliseconds, Guid key)
    {
        Span<byte> bytes = stackalloc byte[16];
        key.TryWriteBytes(bytes, bigEndian: true, out _);
        Span<byte> time = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(time, unixMilliseconds);
        time[2..].CopyTo(bytes);
        bytes[6] = (byte)(0x70 | (bytes[6] & 0x0f));
        bytes[8] = (byte)(0x80 | (bytes[8] & 0x3f));
        return new Guid(bytes, bigEndian: true);
    }
}
