using System.Text;

namespace MailFlow.Content.Handlebars;

/// <summary>
/// Prepares a source for the compiler: every value is put out through a helper of ours, which formats it, notes it when
/// it is missing and, where an address begins, looks at its scheme; includes go by number, because the library compares keys without case.
/// </summary>
internal sealed class TagRewriting(bool html, List<string> names, Dictionary<string, int> includes)
{
    public static string IncludeName(int number) => "mf_include" + number;

    public string Rewrite(MustacheSource source)
    {
        var cursor = new HtmlCursor();
        var text = new StringBuilder(source.Text.Length + 256);
        var at = 0;
        foreach (var tag in source.Tags)
        {
            var between = source.Text.AsSpan(at, tag.Start - at);
            text.Append(between);
            if (html) cursor.Pass(between);
            text.Append(Tag(source, tag, html ? cursor.Place : HtmlPlace.Text));
            if (html && (tag.IsOutput || tag.Kind == MustacheKind.Include)) cursor.PassValue();
            at = tag.End;
        }
        return text.Append(source.Text.AsSpan(at)).ToString();
    }

    private string Tag(MustacheSource source, Mustache tag, HtmlPlace place)
    {
        if (tag.Kind is MustacheKind.Output or MustacheKind.RawOutput or MustacheKind.Include && place == HtmlPlace.Tag)
            throw source.ErrorAt(tag.Start, "put quotes around the attribute's value: without them a value could add attributes of its own");
        return tag.Kind switch
        {
            MustacheKind.Output => Braces(tag, "{{", Output(tag, place), "}}"),
            MustacheKind.RawOutput => Braces(tag, "{{{", Output(tag, place), "}}}"),
            MustacheKind.Include => Braces(tag, "{{", $"> {IncludeName(includes[MustacheSource.Unquoted(tag.Name)])}{Joined(tag.Words.Skip(1), " ")}", "}}"),
            MustacheKind.Comment => Braces(tag, "{{", "! ", "}}"),
            _ => source.Text[tag.Start..tag.End],
        };
    }

    private string Output(Mustache tag, HtmlPlace place)
    {
        var link = place == HtmlPlace.LinkStart;
        if (tag.IsPath) return $"{(link ? TemplateHelpers.Link : TemplateHelpers.Output)} {tag.Name} {Number(tag.Name)}";
        var call = Joined(tag.Words, "");
        if (TemplateHelpers.Shows(tag.Name) && MustacheWords.IsPath(tag.Words[1]) && tag.Words[1] is not "(") call += $" {TemplateHelpers.Of}={Number(tag.Words[1])}";
        return link ? $"{TemplateHelpers.Link} ({call})" : $"{TemplateHelpers.Output} ({call})";
    }

    private static string Braces(Mustache tag, string open, string inside, string close) =>
        $"{open}{(tag.TrimBefore ? "~" : "")}{inside}{(tag.TrimAfter ? " ~" : "")}{close}";

    private int Number(string name)
    {
        var known = names.IndexOf(name);
        if (known >= 0) return known;
        names.Add(name);
        return names.Count - 1;
    }

    private static string Joined(IEnumerable<string> words, string before)
    {
        var text = new StringBuilder();
        foreach (var word in words)
        {
            if (text.Length == 0) text.Append(before);
            else if (word != ")" && text[^1] is not ('(' or '=')) text.Append(' ');
            text.Append(word);
        }
        return text.ToString();
    }
}
