namespace MailFlow.Delivery.Providers.Smtp;

/// <summary>A mail's octets on their way into DATA (RFC 5321 §4.5.2).</summary>
internal static class MailData
{
    private const int LongestLine = 998;

    /// <summary>
    /// Why these octets cannot be sent, or null. A bare CR or LF is refused, not repaired: servers differ in what they
    /// take for the end of a line, and by that difference a mail can be made to hold another (SMTP smuggling).
    /// </summary>
    public static string? WhyNot(ReadOnlySpan<byte> mail)
    {
        if (!mail.EndsWith("\r\n"u8))
            return "it does not end with CRLF";
        var rest = mail;
        while (!rest.IsEmpty)
        {
            var end = rest.IndexOfAny((byte)'\r', (byte)'\n', (byte)0);
            if (rest[end] != '\r' || end + 1 == rest.Length || rest[end + 1] != '\n')
                return $"it holds a {(rest[end] == 0 ? "NUL" : "bare CR or LF")} at octet {mail.Length - rest.Length + end}";
            if (end > LongestLine)
                return $"it has a line of {end} octets, over the {LongestLine} of RFC 5321 §4.5.3.1.6";
            rest = rest[(end + 2)..];
        }

        return null;
    }

    /// <summary>The mail with a dot doubled wherever a line begins with one, so that no line of it ends the mail.</summary>
    public static ReadOnlyMemory<byte> Stuffed(ReadOnlyMemory<byte> mail)
    {
        var octets = mail.Span;
        var dots = octets.Count("\r\n."u8) + (octets is [(byte)'.', ..] ? 1 : 0);
        if (dots == 0)
            return mail;

        var stuffed = new byte[octets.Length + dots];
        var target = 0;
        var lineStart = true;
        foreach (var octet in octets)
        {
            if (lineStart && octet == '.')
                stuffed[target++] = octet;
            stuffed[target++] = octet;
            lineStart = octet == '\n';
        }

        return stuffed;
    }

    /// <summary>Whether the header section is not ASCII, which only SMTPUTF8 permits (RFC 6532).</summary>
    public static bool HasUtf8Headers(ReadOnlySpan<byte> mail)
    {
        var end = mail.IndexOf("\r\n\r\n"u8);
        return !System.Text.Ascii.IsValid(end < 0 ? mail : mail[..end]);
    }
}
