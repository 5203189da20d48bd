using System.Text;

namespace MailFlow.Content.Html;

/// <summary>Puts words on lines: white space collapses as in HTML, blocks are parted by one or two line breaks, lines carry an indent.</summary>
internal sealed class PlainTextWriter
{
    private readonly StringBuilder _text = new();
    private int _breaks = 2;
    private bool _space, _afterMark;

    /// <summary>Stands before each new line: list indents and quotation marks.</summary>
    public string Indent { get; set; } = "";

    /// <summary>Whether nothing stands on the current line yet.</summary>
    public bool AtLineStart => _breaks > 0;

    /// <summary>At least this many line breaks before what comes next.</summary>
    public void Break(int count)
    {
        if (_afterMark) return;
        _space = false;
        _breaks = Math.Max(_breaks, count);
    }

    /// <summary>A line break that stands in the HTML itself: two of them make an empty line.</summary>
    public void LineBreak()
    {
        _space = false;
        _breaks = Math.Min(_breaks + 1, 2);
    }

    public void Text(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (c is ' ' or '\n' or '\r' or '\t' or '\f') _space = !_afterMark;
            // Invisible characters that mails use to pad their preview text.
            else if (c is not ('\u200b' or '\u200c' or '\u200d' or '\u034f' or '\u00ad' or '\ufeff' or '\u2007')) Put(c == '\u00a0' ? ' ' : c);
        }
    }

    /// <summary>A list item's mark: what follows stays on its line.</summary>
    public void Mark(string mark)
    {
        Preformatted(mark);
        _afterMark = true;
    }

    /// <summary>Text kept as it is, its line breaks too.</summary>
    public void Preformatted(string text)
    {
        foreach (var c in text.ReplaceLineEndings("\n"))
            if (c == '\n') _breaks++;
            else Put(c);
    }

    /// <summary>A template's tag. One that opens or closes a block keeps to a line of its own when it stands between blocks: Handlebars takes such a line away.</summary>
    public void Tag(string placeholder, bool opensOrCloses)
    {
        var alone = opensOrCloses && AtLineStart;
        Flush();
        _text.Append(placeholder);
        if (alone) _breaks = 1;
    }

    public override string ToString() => _text.ToString().Trim();

    private void Put(char c)
    {
        Flush();
        _text.Append(c);
    }

    private void Flush()
    {
        _afterMark = false;
        if (_breaks > 0)
        {
            if (_text.Length > 0)
            {
                TrimLine();
                for (var i = 0; i < _breaks; i++) _text.Append('\n');
            }
            _text.Append(Indent);
        }
        else if (_space) _text.Append(' ');
        (_breaks, _space) = (0, false);
    }

    private void TrimLine()
    {
        while (_text.Length > 0 && _text[^1] is ' ') _text.Length--;
    }
}
