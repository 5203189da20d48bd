using System.Text;

namespace MailFlow.Delivery.Providers.Smtp;

/// <summary>Folds one header (RFC 5322 §2.2.3) and encodes what is not ASCII as encoded-words (RFC 2047).</summary>
/// <remarks>
/// A header is a sequence of words; between two words is one blank, where the line may be folded. Encoded-words that
/// stand beside each other are read without the blank between them (RFC 2047 §6.2), so a text that was cut into several
/// comes back whole.
/// </remarks>
internal sealed class HeaderText
{
    private const int WantedLine = 76;
    private const int LongestLine = 998;
    private const int LongestEncodedWord = 75;
    private const string Prefix = "=?utf-8?B?";

    private readonly StringBuilder _written;
    private readonly string _name;
    private int _column;

    public HeaderText(StringBuilder target, string name)
    {
        if (name.Length == 0 || name.Any(c => c is <= ' ' or > '~' or ':'))
            throw new MimeHeaderException(Show(name), "the name may hold only visible ASCII characters and no colon");
        _written = target.Append(name).Append(':');
        _name = name;
        _column = name.Length + 1;
    }

    /// <summary>Refuses what would end the header and begin another of the attacker's choosing.</summary>
    public static void RefuseLineBreaks(string name, string value)
    {
        foreach (var c in value)
        {
            var what = c switch { '\r' => "carriage return", '\n' => "line feed", '\0' => "NUL", _ => null };
            if (what is not null)
                throw new MimeHeaderException(name, $"a {what} is not allowed in it");
        }
    }

    /// <summary>Free text (a subject): as it is where it is plain ASCII, otherwise encoded as a whole.</summary>
    public HeaderText Unstructured(string text)
    {
        RefuseLineBreaks(_name, text);
        if (text.Length == 0)
            return this;

        // A blank at either end, or two in a row, would not survive folding; "=?" would be read as an encoded-word.
        var plain = text.All(c => c is >= ' ' and <= '~')
            && text[0] != ' ' && text[^1] != ' ' && !text.Contains("  ", StringComparison.Ordinal) && !text.Contains("=?", StringComparison.Ordinal)
            && text.Split(' ').All(word => word.Length < LongestLine - _name.Length - 2);
        if (plain)
        {
            foreach (var word in text.Split(' '))
                Word(word);
        }
        else
        {
            Encoded(text);
        }

        return this;
    }

    /// <summary>ASCII that a program reads (an address, a list of them): folded between words, never encoded.</summary>
    public HeaderText Structured(string text)
    {
        RefuseLineBreaks(_name, text);
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            Word(word);
        return this;
    }

    public HeaderText Mailboxes(IReadOnlyList<Mailbox> mailboxes)
    {
        for (var i = 0; i < mailboxes.Count; i++)
        {
            var end = i < mailboxes.Count - 1 ? "," : "";
            var name = mailboxes[i].DisplayName?.Trim() ?? "";
            RefuseLineBreaks(_name, name);
            if (mailboxes[i].Address == default)
                throw new MimeHeaderException(_name, "the address is missing");
            if (name.Length == 0)
            {
                Word(mailboxes[i].Address + end);
                continue;
            }

            // A quoted string is one word, so that its blanks survive folding; one that fills half a line is encoded instead.
            if (name.Length <= 40 && name.All(c => c is >= ' ' and <= '~') && !name.Contains("=?", StringComparison.Ordinal))
                Word(name.All(c => char.IsAsciiLetterOrDigit(c)) ? name : $"\"{name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"");
            else
                Encoded(name);
            Word($"<{mailboxes[i].Address}>{end}");
        }

        return this;
    }

    public void End() => _written.Append("\r\n");

    /// <summary>Base64 throughout: it is legal in every place that allows encoded-words, and its length does not depend on the script.</summary>
    private void Encoded(string text)
    {
        var bytes = new List<byte>();
        var room = Room();
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var rune in text.EnumerateRunes())
        {
            var length = rune.EncodeToUtf8(utf8);
            // A character is never cut in two: each encoded-word must be readable alone (RFC 2047 §5).
            if (Prefix.Length + 2 + (bytes.Count + length + 2) / 3 * 4 > room)
                Flush();
            bytes.AddRange(utf8[..length]);
        }

        Flush();

        void Flush()
        {
            if (bytes.Count == 0)
                return;
            Word($"{Prefix}{Convert.ToBase64String([.. bytes])}?=");
            bytes.Clear();
            room = Room();
        }
    }

    /// <summary>How long the next encoded-word may be: what is left of the line, or the next line where little is left.</summary>
    private int Room() => WantedLine - _column - 1 is var left && left >= 32 ? left : LongestEncodedWord;

    private void Word(string word)
    {
        var octets = Encoding.UTF8.GetByteCount(word);
        if (_column + 1 + octets > WantedLine && _column > _name.Length + 1)
        {
            _written.Append("\r\n");
            _column = 0;
        }

        if (_column + 1 + octets > LongestLine)
            throw new MimeHeaderException(_name, $"a word of {octets} octets does not fit a line of {LongestLine} (RFC 5322 §2.1.1)");
        _written.Append(' ').Append(word);
        _column += 1 + octets;
    }

    private static string Show(string name) => name.Length == 0 ? "(no name)" : string.Concat(name.Select(c => c is >= ' ' and <= '~' ? c : '?'));
}
