using System.Text;

namespace MailFlow.Delivery.Deliverability.Dkim;

/// <summary>The relaxed forms of headers and body (RFC 6376 §3.4.2 and §3.4.4): what stays the same when a relay folds lines or drops blanks at their ends.</summary>
internal static class DkimCanonical
{
    /// <summary>An octet a character: a mail is octets, whatever characters they stand for.</summary>
    public static Encoding Octets { get; } = Encoding.Latin1;

    /// <summary>The headers in order, each with its value as it stands, without the last CRLF.</summary>
    public static IReadOnlyList<(string Name, string Value)> Headers(ReadOnlySpan<byte> section)
    {
        var headers = new List<(string Name, string Value)>();
        foreach (var line in Octets.GetString(section).Split("\r\n"))
        {
            if (line.Length == 0) continue;
            if (line[0] is ' ' or '\t' && headers.Count > 0) headers[^1] = (headers[^1].Name, $"{headers[^1].Value}\r\n{line}");
            else if (line.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon) headers.Add((line[..colon].TrimEnd(' ', '\t'), line[(colon + 1)..]));
        }
        return headers;
    }

    /// <summary>A header in small letters, unfolded, with single blanks, without a line end.</summary>
    public static string Relaxed(string name, string value)
    {
        var text = new StringBuilder(name.ToLowerInvariant()).Append(':');
        var start = text.Length;
        var blank = false;
        foreach (var c in value)
        {
            if (c is '\r' or '\n') continue;
            if (c is ' ' or '\t')
            {
                blank = true;
                continue;
            }
            if (blank && text.Length > start) text.Append(' ');
            blank = false;
            text.Append(c);
        }
        return text.ToString();
    }

    /// <summary>The body with single blanks, none at a line's end, and no empty lines at its own end.</summary>
    public static byte[] Body(ReadOnlySpan<byte> body)
    {
        var target = new byte[body.Length + 2];
        var (size, filled, blank) = (0, 0, false); // filled: up to the end of the last line that is not empty
        for (var at = 0; at < body.Length; at++)
        {
            var octet = body[at];
            if (octet is (byte)' ' or (byte)'\t')
            {
                blank = true;
                continue;
            }
            if (octet == '\r' && at + 1 < body.Length && body[at + 1] == '\n')
            {
                var empty = size == 0 || target[size - 1] == '\n';
                target[size++] = (byte)'\r';
                target[size++] = (byte)'\n';
                if (!empty) filled = size;
                (blank, at) = (false, at + 1);
                continue;
            }
            if (blank) target[size++] = (byte)' ';
            blank = false;
            target[size++] = octet;
        }
        if (size > 0 && target[size - 1] != '\n') // a last line without an end gets one
        {
            target[size++] = (byte)'\r';
            target[size++] = (byte)'\n';
            filled = size;
        }
        return target[..filled];
    }
}
