using System.Text;

namespace MailFlow.Delivery.Providers.Smtp;

/// <summary>Content transfer encodings (RFC 2045 §6): every body leaves as ASCII in lines of at most 76 characters.</summary>
internal static class BodyEncoding
{
    private const int Line = 76;

    /// <summary>Encodes text whichever way is shorter and names the way.</summary>
    public static (string Name, string Encoded) Encode(string text)
    {
        var lines = text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        var bytes = Encoding.UTF8.GetBytes(lines.Replace("\n", "\r\n", StringComparison.Ordinal));
        var printable = QuotedPrintable(lines);
        return printable.Length <= (bytes.Length + 2) / 3 * 4 + bytes.Length / 57 * 2
            ? ("quoted-printable", printable)
            : ("base64", Base64(bytes));
    }

    private static string Base64(byte[] bytes)
    {
        var text = Convert.ToBase64String(bytes, Base64FormattingOptions.InsertLineBreaks);
        return text.Length == 0 ? text : text + "\r\n";
    }

    private static string QuotedPrintable(string lines)
    {
        var target = new StringBuilder(lines.Length + lines.Length / 16);
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var line in lines.Split('\n'))
        {
            var column = 0;
            var at = 0;
            foreach (var rune in line.EnumerateRunes())
            {
                var last = (at += rune.Utf16SequenceLength) >= line.Length;
                // A blank at the end of a line is stripped on the way (RFC 2045 §6.7, rule 3); relays take a dot alone
                // for the end of the mail and put ">" before "From " (RFC 2049 §3).
                var literal = rune.Value is >= '!' and <= '~' and not '='
                    || (rune.Value is ' ' or '\t' && !last);
                // Escaped where it does not fit literally either, as it then begins a line.
                var isStart = rune.Value == '.' || (rune.Value == 'F' && line.AsSpan(at - 1).StartsWith("From ", StringComparison.Ordinal));
                if (isStart && column is 0 or >= Line - 1) literal = false;

                var octets = literal ? 1 : rune.EncodeToUtf8(utf8);
                var width = literal ? 1 : octets * 3;
                // The last column is kept for the soft break's "=". A character's octets stay on one line.
                if (column + width > (last ? Line : Line - 1))
                {
                    target.Append("=\r\n");
                    column = 0;
                }

                if (literal)
                    target.Append((char)rune.Value);
                else
                    foreach (var octet in utf8[..octets])
                        target.Append('=').Append(octet.ToString("X2"));
                column += width;
            }

            target.Append("\r\n");
        }

        // Split gave one line more than there are line breaks; the text's own last break is the one written above.
        if (lines.EndsWith('\n'))
            target.Length -= 2;
        return target.ToString();
    }
}
