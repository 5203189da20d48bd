using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace MailFlow.Delivery.Deliverability.Dns;

/// <summary>A reply, as far as it is ours to read.</summary>
/// <param name="Truncated">Not all of it fitted.</param>
/// <param name="Code">0 is no error, 3 no such name; all else is the server's trouble.</param>
/// <param name="Answers">The answer section's records of kinds we know.</param>
internal sealed record DnsReply(bool Truncated, int Code, IReadOnlyList<DnsRecord> Answers);

/// <summary>
/// Writes questions and reads replies (RFC 1035 §4, EDNS0 by RFC 6891). A reply comes from anybody who can send a datagram: each length is checked against
/// what is there, and a compressed name may only point to what lies before it, so that no name goes on for ever.
/// </summary>
internal static class DnsMessage
{
    /// <summary>What a reply by UDP may hold: what crosses today's networks in one piece.</summary>
    public const int UdpSize = 1232;

    public const int NoError = 0, FormatError = 1, NoSuchName = 3, NotImplemented = 4;

    private const int HeaderSize = 12, LongestName = 255, LongestLabel = 63, MostAnswers = 200;
    private const ushort Internet = 1, Opt = 41;

    /// <summary>A name as DNS compares it: small letters, no dot at the end.</summary>
    /// <exception cref="FormatException">It cannot stand in DNS.</exception>
    public static string Normalise(string name)
    {
        var bare = (name.EndsWith('.') ? name[..^1] : name).ToLowerInvariant();
        if (bare.Length is 0 or > LongestName - 2) throw new FormatException($"'{name}' is empty or longer than a name in DNS.");
        foreach (var label in bare.Split('.'))
            if (label.Length is 0 or > LongestLabel || label.Any(c => c is <= ' ' or > '~')) throw new FormatException($"'{name}' is not a name in DNS.");
        return bare;
    }

    public static byte[] Question(ushort id, string name, DnsType type, bool edns)
    {
        var target = new List<byte>(64);
        Add(id);
        Add(0x0100); // recursion desired
        Add(1);
        Add(0);
        Add(0);
        Add(edns ? (ushort)1 : (ushort)0);
        foreach (var label in name.Split('.'))
        {
            target.Add((byte)label.Length);
            target.AddRange(Encoding.ASCII.GetBytes(label));
        }
        target.Add(0);
        Add((ushort)type);
        Add(Internet);
        if (edns)
        {
            target.Add(0);
            Add(Opt);
            Add(UdpSize);
            Add(0); // no extended code, version 0
            Add(0); // no flags
            Add(0); // no options
        }
        return [.. target];

        void Add(ushort value)
        {
            target.Add((byte)(value >> 8));
            target.Add((byte)value);
        }
    }

    /// <summary>The reply to this question; null for octets that are none, or are the reply to another one.</summary>
    public static DnsReply? Read(ReadOnlySpan<byte> message, ushort id, string name, DnsType type)
    {
        if (message.Length < HeaderSize || Number(message, 0) != id) return null;
        var flags = Number(message, 2);
        if ((flags & 0x8000) == 0 || (flags & 0x7800) != 0) return null;
        if (message.Length == HeaderSize && (flags & 0x000F) == FormatError) return new DnsReply(false, FormatError, []); // could not even read the question
        if (Number(message, 4) != 1) return null;
        try
        {
            var at = HeaderSize;
            if (ReadName(message, ref at) != name || at + 4 > message.Length || Number(message, at) != (int)type || Number(message, at + 2) != Internet) return null;
            at += 4;
            var (truncated, code) = ((flags & 0x0200) != 0, flags & 0x000F);
            return new DnsReply(truncated, code, truncated ? [] : ReadAnswers(message, at, Number(message, 6)));
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static List<DnsRecord> ReadAnswers(ReadOnlySpan<byte> message, int at, int count)
    {
        if (count > MostAnswers) throw new FormatException("There are more answers than a name has records.");
        var answers = new List<DnsRecord>(count);
        for (var i = 0; i < count; i++)
        {
            var owner = ReadName(message, ref at);
            if (at + 10 > message.Length) throw new FormatException("A record is cut short.");
            var (type, network, length) = (Number(message, at), Number(message, at + 2), Number(message, at + 8));
            at += 10;
            if (at + length > message.Length) throw new FormatException("A record is cut short.");
            if (network == Internet && ReadData(message[..(at + length)], at, owner, (DnsType)type) is { } record) answers.Add(record);
            at += length;
        }
        return answers;
    }

    /// <param name="message">The message up to the record's end: what its names point back to, and no more.</param>
    /// <param name="at">Where the data begin.</param>
    /// <param name="owner">Whose record it is.</param>
    /// <param name="type">Its kind.</param>
    private static DnsRecord? ReadData(ReadOnlySpan<byte> message, int at, string owner, DnsType type)
    {
        var length = message.Length - at;
        switch (type)
        {
            case DnsType.A when length == 4:
            case DnsType.Aaaa when length == 16:
                return new DnsRecord(owner, type, new IPAddress(message[at..]).ToString());
            case DnsType.Cname or DnsType.Ptr:
                return new DnsRecord(owner, type, NameToTheEnd(message, at));
            case DnsType.Mx when length >= 3:
                return new DnsRecord(owner, type, NameToTheEnd(message, at + 2), Number(message, at));
            case DnsType.Txt:
                var text = new StringBuilder(length);
                while (at < message.Length)
                {
                    int size = message[at++];
                    if (at + size > message.Length) throw new FormatException("A text is cut short.");
                    text.Append(Encoding.Latin1.GetString(message.Slice(at, size)));
                    at += size;
                }
                return new DnsRecord(owner, type, text.ToString());
            case DnsType.A or DnsType.Aaaa or DnsType.Mx:
                throw new FormatException("A record is not as long as its kind is.");
            default:
                return null;
        }
    }

    private static string NameToTheEnd(ReadOnlySpan<byte> message, int at)
    {
        var name = ReadName(message, ref at);
        return at == message.Length ? name : throw new FormatException("A name is followed by something else.");
    }

    /// <summary>Reads a name and moves behind it. Its octets that are no letters, digits, dashes or underscores are written as <c>\DDD</c>; the root is empty.</summary>
    private static string ReadName(ReadOnlySpan<byte> message, ref int at)
    {
        var name = new StringBuilder();
        var (read, octets, floor, after) = (at, 0, at, -1);
        while (true)
        {
            if (read >= message.Length) throw new FormatException("A name is cut short.");
            int length = message[read++];
            if (length == 0) break;
            if ((length & 0xC0) == 0xC0)
            {
                if (read >= message.Length) throw new FormatException("A name is cut short.");
                var target = ((length & 0x3F) << 8) | message[read++];
                if (after < 0) after = read;
                if (target < HeaderSize || target >= floor) throw new FormatException("A name points to what does not lie before it.");
                (read, floor) = (target, target);
                continue;
            }
            if (length > LongestLabel || read + length > message.Length) throw new FormatException("A label is cut short or of an unknown kind.");
            octets += length + 1;
            if (octets > LongestName - 1) throw new FormatException("A name is too long.");
            if (name.Length > 0) name.Append('.');
            foreach (var octet in message.Slice(read, length)) Append(name, octet);
            read += length;
        }
        at = after < 0 ? read : after;
        return name.ToString();
    }

    private static void Append(StringBuilder name, byte octet)
    {
        var c = (char)octet;
        if (char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '/') name.Append(char.ToLowerInvariant(c));
        else name.Append('\\').Append(octet.ToString("000", System.Globalization.CultureInfo.InvariantCulture));
    }

    private static ushort Number(ReadOnlySpan<byte> message, int at) => BinaryPrimitives.ReadUInt16BigEndian(message[at..]);
}
