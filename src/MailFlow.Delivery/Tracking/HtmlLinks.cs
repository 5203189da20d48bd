using System.Net;

namespace MailFlow.Delivery.Tracking;

/// <summary>A link's address in HTML.</summary>
/// <param name="Start">Where the address as written begins.</param>
/// <param name="Length">How long it is as written.</param>
/// <param name="Url">The address itself, character references read.</param>
internal readonly record struct HtmlLink(int Start, int Length, string Url);

/// <summary>
/// Finds links in HTML, by the tokenizer of the HTML standard: what a browser takes for a tag is one, and what stands in comments, styles and other tags' attributes is not.
/// The rest of the mail stays as it was written, to the letter, which a parser that writes the document anew could not promise (mails are full of Outlook's comments). One pass,
/// for it runs for every mail.
/// </summary>
internal static class HtmlLinks
{
    /// <summary>Elements whose content is text, whatever it looks like.</summary>
    private static readonly string[] RawText = ["script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes"];

    /// <summary>The links in order, and where the body ends (the end of the text when nothing says so).</summary>
    public static (List<HtmlLink> Links, int BodyEnd) Find(string html)
    {
        var links = new List<HtmlLink>();
        var (bodyEnd, htmlEnd, at) = (-1, -1, 0);
        while (at < html.Length && html.IndexOf('<', at) is var open and >= 0)
        {
            at = open + 1;
            if (at >= html.Length) break;
            var isEnd = html[at] == '/';
            if (isEnd) at++;
            if (at >= html.Length) break;
            if (char.IsAsciiLetter(html[at]))
            {
                var tag = new Tag(html, at, isEnd);
                if (tag.End < 0) break; // cut off: no tag
                if (isEnd && tag.Is("body")) bodyEnd = open;
                else if (isEnd && tag.Is("html")) htmlEnd = open;
                else if (!isEnd && tag.Link is { } link) links.Add(link);
                at = tag.End;
                if (!isEnd && RawText.FirstOrDefault(tag.Is) is { } raw) at = AfterText(html, at, raw);
            }
            else if (isEnd) at = After(html, ">", at); // a bogus comment
            else if (html[at] is '!' or '?') at = string.CompareOrdinal(html, at, "!--", 0, 3) == 0 ? AfterComment(html, at + 3) : After(html, ">", at);
        }
        return (links, bodyEnd >= 0 ? bodyEnd : htmlEnd >= 0 ? htmlEnd : html.Length);
    }

    private static int After(string html, string text, int from) => html.IndexOf(text, from, StringComparison.Ordinal) is var at and >= 0 ? at + text.Length : html.Length;

    private static int AfterComment(string html, int from)
    {
        if (string.CompareOrdinal(html, from, ">", 0, 1) == 0) return from + 1;
        if (string.CompareOrdinal(html, from, "->", 0, 2) == 0) return from + 2;
        return Math.Min(After(html, "-->", from), After(html, "--!>", from));
    }

    /// <summary>Where the element's end tag begins, so that it is read as a tag.</summary>
    private static int AfterText(string html, int from, string name)
    {
        for (var at = html.IndexOf("</", from, StringComparison.Ordinal); at >= 0; at = html.IndexOf("</", at + 2, StringComparison.Ordinal))
        {
            var end = at + 2 + name.Length;
            if (end < html.Length && string.Compare(html, at + 2, name, 0, name.Length, StringComparison.OrdinalIgnoreCase) == 0 && (IsSpace(html[end]) || html[end] is '/' or '>')) return at;
        }
        return html.Length;
    }

    private static bool IsSpace(char c) => c is ' ' or '\t' or '\n' or '\r' or '\f';

    /// <summary>A tag, from its name on.</summary>
    private readonly struct Tag
    {
        private readonly string _html;
        private readonly int _name, _nameEnd;

        public Tag(string html, int name, bool isEnd)
        {
            (_html, _name) = (html, name);
            var at = name;
            while (at < html.Length && !IsSpace(html[at]) && html[at] is not ('/' or '>')) at++;
            _nameEnd = at;
            var isLink = !isEnd && (Is("a") || Is("area"));
            HtmlLink? link = null;
            var tracked = true;
            while (true)
            {
                while (at < html.Length && (IsSpace(html[at]) || html[at] == '/')) at++;
                if (at >= html.Length)
                {
                    End = -1;
                    return;
                }
                if (html[at] == '>') break;
                var attribute = at++; // a '=' here belongs to the name
                while (at < html.Length && !IsSpace(html[at]) && html[at] is not ('/' or '>' or '=')) at++;
                var attributeEnd = at;
                while (at < html.Length && IsSpace(html[at])) at++;
                if (at >= html.Length || html[at] != '=') continue;
                at++;
                while (at < html.Length && IsSpace(html[at])) at++;
                if (at >= html.Length || html[at] == '>') continue;
                var (value, valueEnd) = (at, at);
                if (html[at] is '"' or '\'')
                {
                    value++;
                    valueEnd = html.IndexOf(html[at], value);
                    if (valueEnd < 0)
                    {
                        End = -1;
                        return;
                    }
                    at = valueEnd + 1;
                }
                else
                {
                    while (at < html.Length && !IsSpace(html[at]) && html[at] != '>') at++;
                    valueEnd = at;
                }
                if (!isLink) continue;
                if (link is null && Same(html, attribute, attributeEnd, "href")) link = new HtmlLink(value, valueEnd - value, WebUtility.HtmlDecode(html[value..valueEnd]));
                else if (Same(html, attribute, attributeEnd, "clicktracking") && Same(html, value, valueEnd, "off")) tracked = false;
            }
            End = at + 1;
            Link = tracked ? link : null;
        }

        /// <summary>Behind the tag; -1 when it is cut off.</summary>
        public int End { get; }

        public HtmlLink? Link { get; }

        public bool Is(string name) => Same(_html, _name, _nameEnd, name);

        private static bool Same(string html, int from, int to, string word) =>
            to - from == word.Length && string.Compare(html, from, word, 0, word.Length, StringComparison.OrdinalIgnoreCase) == 0;
    }
}
