using System.Text;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;
using MailFlow.Engine.Expressions.Templating;

namespace MailFlow.Content.Html;

/// <summary>
/// Makes the plain text part out of HTML. A template's text is made once, from its source with the tags kept in place,
/// so that no mail costs a parse of HTML; a Razor component's is made from what it rendered.
/// </summary>
internal static class PlainTextConverter
{
    // Private-use characters around a tag's number: they pass through an HTML parser untouched.
    private const char Begin = '\ue000', End = '\ue001';
    private const string CommentMark = "mf-tag:";

    private static readonly HtmlParser Parser = new();

    /// <summary>The text of HTML.</summary>
    public static string FromHtml(string html) => Tidy(Convert(html, null));

    /// <summary>The text of an HTML template, itself a template.</summary>
    public static string FromTemplate(MustacheSource source) => Restored(Convert(Marked(source), source), source);

    private static string Restored(string marked, MustacheSource source)
    {
        var text = new StringBuilder();
        var at = 0;
        for (var begin = marked.IndexOf(Begin); begin >= 0; begin = marked.IndexOf(Begin, at))
        {
            var end = marked.IndexOf(End, begin);
            var tag = source.Tags[int.Parse(marked.AsSpan(begin + 1, end - begin - 1))];
            text.Append(marked, at, begin - at).Append(source.Text, tag.Start, tag.End - tag.Start);
            at = end + 1;
        }
        return text.Append(marked, at, marked.Length - at).ToString();
    }

    /// <summary>What values left of a derived text: no space at line ends, never two empty lines together.</summary>
    public static string Tidy(string text)
    {
        var tidy = new StringBuilder(text.Length);
        var empty = 1;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            var kept = line.TrimEnd();
            empty = kept.IsEmpty ? empty + 1 : 0;
            if (empty > 1) continue;
            tidy.Append(kept).Append('\n');
        }
        return tidy.ToString().TrimEnd('\n');
    }

    /// <summary>
    /// The source with its tags as comments, which may stand anywhere in HTML (text between table rows would be moved out of the
    /// table), or as marked numbers inside attributes. Tags elsewhere shape HTML only and are dropped.
    /// </summary>
    private static string Marked(MustacheSource source)
    {
        var cursor = new HtmlCursor();
        var html = new StringBuilder(source.Text.Length + 64);
        // A comment before any element would stand outside the body, and the white space after it be lost.
        if (!source.Text.Contains("<body", StringComparison.OrdinalIgnoreCase) && !source.Text.Contains("<html", StringComparison.OrdinalIgnoreCase)) html.Append("<body>");
        var at = 0;
        for (var i = 0; i < source.Tags.Count; i++)
        {
            var tag = source.Tags[i];
            var between = source.Text.AsSpan(at, tag.Start - at);
            Append(html, between);
            cursor.Pass(between);
            if (tag.Kind != MustacheKind.Comment)
                switch (cursor.Place)
                {
                    case HtmlPlace.Text: html.Append($"<!--{CommentMark}{i}-->"); break;
                    case HtmlPlace.Attribute or HtmlPlace.LinkStart: html.Append($"{Begin}{i}{End}"); break;
                    default: break;
                }
            at = tag.End;
        }
        Append(html, source.Text.AsSpan(at));
        return html.ToString();

        // The author's own text must not hold our marks.
        static void Append(StringBuilder html, ReadOnlySpan<char> text)
        {
            var from = html.Length;
            html.Append(text).Replace(Begin, ' ', from, text.Length).Replace(End, ' ', from, text.Length);
        }
    }

    private static string Convert(string html, MustacheSource? template)
    {
        using var document = Parser.ParseDocument(html);
        var writer = new PlainTextWriter();
        new Walk(writer, template).Children(document);
        return writer.ToString();
    }

    private sealed class Walk(PlainTextWriter writer, MustacheSource? template)
    {
        private const int DeepestElement = 200;

        private int _depth;

        public void Children(INode parent)
        {
            // Nested deeper than any author writes by hand: flat text, rather than the end of the stack.
            if (++_depth > DeepestElement) writer.Text(Escaped(parent.TextContent));
            else foreach (var child in parent.ChildNodes) Node(child);
            _depth--;
        }

        private void Node(INode node)
        {
            switch (node)
            {
                case IText text when InPre(text): writer.Preformatted(Escaped(text.Data)); break;
                case IText text: writer.Text(Escaped(text.Data)); break;
                case IComment comment when template is not null && comment.Data.StartsWith(CommentMark, StringComparison.Ordinal):
                    Tag(int.Parse(comment.Data.AsSpan(CommentMark.Length)));
                    break;
                case IElement element: Element(element); break;
                default: break;
            }
        }

        private void Tag(int number) => writer.Tag($"{Begin}{number}{End}", template!.Tags[number].IsBlockTag);

        private void Element(IElement element)
        {
            if (IsHidden(element)) return;
            switch (element.LocalName)
            {
                case "script" or "style" or "head" or "title" or "template" or "noscript" or "select" or "input" or "button" or "svg" or "object": break;
                case "br": writer.LineBreak(); break;
                case "hr": Rule(); break;
                case "img": writer.Text(Escaped(element.GetAttribute("alt") ?? "")); break;
                case "a": Link(element); break;
                case "h1" or "h2": Heading(element); break;
                case "p" or "h3" or "h4" or "h5" or "h6" or "pre" or "dl" or "figure" or "table": Block(element, 2); break;
                case "ul" or "ol": List(element); break;
                case "li": Item(element); break;
                case "blockquote": Indented(element, "> "); break;
                case "td" or "th": Cell(element); break;
                case "div" or "tr" or "tbody" or "thead" or "tfoot" or "section" or "article" or "header" or "footer" or "main" or "nav" or "address" or "center" or "dt" or "dd" or "figcaption" or "caption": Block(element, 1); break;
                default: Children(element); break;
            }
        }

        private void Block(IElement element, int breaks)
        {
            // A table is most often a mail's frame, not a table: only the rows of a data table read as a block of their own.
            if (element.LocalName == "table" && element.QuerySelector("table, p, div, h1, h2, h3") is not null) breaks = 1;
            writer.Break(breaks);
            Children(element);
            writer.Break(breaks);
        }

        private void Heading(IElement element)
        {
            writer.Break(2);
            Children(element);
            writer.Break(2);
        }

        private void Rule()
        {
            writer.Break(2);
            writer.Text("---");
            writer.Break(2);
        }

        private void Cell(IElement element)
        {
            // Cells of a data row stand on one line; cells that hold blocks make lines of their own.
            if (!writer.AtLineStart && element.PreviousElementSibling is not null) writer.Text(" | ");
            Children(element);
        }

        private void List(IElement element)
        {
            writer.Break(element.ParentElement?.LocalName == "li" ? 1 : 2);
            Children(element);
            writer.Break(element.ParentElement?.LocalName == "li" ? 1 : 2);
        }

        private void Item(IElement element)
        {
            writer.Break(1);
            var ordered = element.ParentElement is IHtmlOrderedListElement list ? list : null;
            // A list that a template repeats has no numbers yet.
            var repeats = template is not null && element.ParentElement?.ChildNodes.Any(node => node is IComment) == true;
            var mark = ordered is null || repeats ? "- " : $"{ordered.Start + ordered.Children.TakeWhile(other => other != element).Count(other => other.LocalName == "li")}. ";
            var outer = writer.Indent;
            writer.Mark(mark);
            writer.Indent = outer + new string(' ', mark.Length);
            Children(element);
            writer.Indent = outer;
            writer.Break(1);
        }

        private void Indented(IElement element, string mark)
        {
            writer.Break(2);
            var outer = writer.Indent;
            writer.Indent = outer + mark;
            Children(element);
            writer.Indent = outer;
            writer.Break(2);
        }

        private void Link(IElement element)
        {
            var href = Escaped(element.GetAttribute("href")?.Trim() ?? "");
            var label = Label(element);
            Children(element);
            if (href.Length == 0 || href[0] == '#' || href.StartsWith("javascript:", StringComparison.OrdinalIgnoreCase)) return;
            var shown = href.StartsWith("mailto:", StringComparison.OrdinalIgnoreCase) || href.StartsWith("tel:", StringComparison.OrdinalIgnoreCase) ? href[(href.IndexOf(':') + 1)..] : href;
            if (label == Written(shown) || label == Written(href)) return;
            if (label.Length > 0) writer.Text(" ");
            writer.Preformatted(label.Length == 0 ? shown : $"({shown})");
        }

        /// <summary>As the author wrote it, tags and all: what a link shows and where it leads can only be compared so.</summary>
        private string Written(string marked) => template is null ? marked : Restored(marked, template);

        private string Label(IElement element)
        {
            var label = new StringBuilder();
            foreach (var node in element.GetDescendants())
                if (node is IText text) label.Append(text.Data);
                else if (node is IComment comment && comment.Data.StartsWith(CommentMark, StringComparison.Ordinal)) label.Append(Written($"{Begin}{comment.Data.AsSpan(CommentMark.Length)}{End}"));
                else if (node is IHtmlImageElement image) label.Append(Written(image.GetAttribute("alt") ?? ""));
            return label.ToString().Trim();
        }

        private static bool IsHidden(IElement element) =>
            element.HasAttribute("hidden")
            || (element.GetAttribute("style") is { } style && style.Replace(" ", "").Contains("display:none", StringComparison.OrdinalIgnoreCase));

        private static bool InPre(IText text) => text.ParentElement?.Closest("pre") is not null;

        /// <summary>Braces that HTML spelt with entities must not become a tag of the text template.</summary>
        private string Escaped(string text) => template is null ? text : text.Replace("{{", "{ {", StringComparison.Ordinal);
    }
}
