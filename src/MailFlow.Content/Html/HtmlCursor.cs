namespace MailFlow.Content.Html;

internal enum HtmlPlace
{
    /// <summary>Between tags.</summary>
    Text,

    /// <summary>Inside a tag, outside of quotes.</summary>
    Tag,

    /// <summary>Inside a quoted attribute.</summary>
    Attribute,

    /// <summary>Where an attribute holding an address begins.</summary>
    LinkStart,

    /// <summary>In a comment, a script or a style sheet.</summary>
    Hidden,
}

/// <summary>
/// Follows HTML from left to right, enough to know where a template's tag stands. Not a parser: what it must not get wrong
/// is whether a value lands in text, in quotes or in the open.
/// </summary>
internal sealed class HtmlCursor
{
    private static readonly string[] RawElements = ["script", "style", "title", "textarea"];

    private string _element = "", _attribute = "", _word = "";
    private char _quote;
    private bool _inTag, _named, _wordEnded, _equals, _unquoted, _empty;
    private string? _hiddenUntil;

    public HtmlPlace Place =>
        _hiddenUntil is not null ? HtmlPlace.Hidden
        : !_inTag ? HtmlPlace.Text
        : _quote == '\0' ? HtmlPlace.Tag
        : _empty && _attribute is "href" or "src" or "action" or "background" ? HtmlPlace.LinkStart
        : HtmlPlace.Attribute;

    /// <summary>A value is put out here.</summary>
    public void PassValue() => _empty = false;

    public void Pass(ReadOnlySpan<char> text)
    {
        for (var at = 0; at < text.Length; at++)
        {
            if (_hiddenUntil is { } end)
            {
                var close = text[at..].IndexOf(end, StringComparison.OrdinalIgnoreCase);
                if (close < 0) return;
                at += close + end.Length - 1;
                // "</style" ends what is raw and begins a tag; "-->" ends a comment.
                _inTag = end[0] == '<';
                (_hiddenUntil, _named, _element, _word) = (null, true, "", "");
            }
            else if (_inTag) InTag(text[at]);
            else if (text[at] == '<') at += Begin(text[at..]);
        }
    }

    private int Begin(ReadOnlySpan<char> text)
    {
        if (text.StartsWith("<!--"))
        {
            _hiddenUntil = "-->";
            return 3;
        }
        if (text.Length < 2 || !(char.IsAsciiLetter(text[1]) || text[1] is '/' or '!')) return 0;
        (_inTag, _named, _equals, _unquoted, _quote, _element, _attribute, _word) = (true, false, false, false, '\0', "", "", "");
        return 0;
    }

    private void InTag(char c)
    {
        if (_quote != '\0')
        {
            if (c == _quote) (_quote, _attribute) = ('\0', "");
            else if (!char.IsWhiteSpace(c)) _empty = false;
            return;
        }
        if (c == '>') { End(); return; }
        if (_unquoted) { _unquoted = !char.IsWhiteSpace(c); return; }
        if (_equals && c is '"' or '\'') { (_quote, _empty, _equals) = (c, true, false); return; }
        if (char.IsWhiteSpace(c)) { if (!_equals) EndWord(); return; }
        if (c == '=')
        {
            (_attribute, _word, _equals, _wordEnded) = (_word, "", true, false);
            return;
        }
        if (_equals) { (_equals, _unquoted) = (false, true); return; }
        if (_wordEnded) (_word, _wordEnded) = ("", false);
        if (_word.Length < 64) _word += char.ToLowerInvariant(c);
    }

    private void EndWord()
    {
        if (_word.Length == 0) return;
        if (!_named) (_element, _named, _word) = (_word, true, "");
        else _wordEnded = true;
    }

    private void End()
    {
        EndWord();
        (_inTag, _wordEnded, _word) = (false, false, "");
        if (Array.IndexOf(RawElements, _element) >= 0) _hiddenUntil = "</" + _element;
    }
}
