using System.Text;
using MailFlow.Engine.Expressions.Templating;

namespace MailFlow.Content.Html;

/// <summary>
/// Prepares an HTML template: a value that begins an address goes through <see cref="LinkText"/>; one that would stand in a tag
/// outside of quotes is refused, because it could add attributes of its own.
/// </summary>
internal static class LinkGuard
{
    public static string Apply(MustacheSource source)
    {
        var cursor = new HtmlCursor();
        var text = new StringBuilder(source.Text.Length + 64);
        var at = 0;
        foreach (var tag in source.Tags)
        {
            var between = source.Text.AsSpan(at, tag.Start - at);
            text.Append(between);
            cursor.Pass(between);
            text.Append(Guarded(source, tag, cursor.Place));
            if (tag.IsOutput || tag.Kind == MustacheKind.Include) cursor.PassValue();
            at = tag.End;
        }
        return text.Append(source.Text.AsSpan(at)).ToString();
    }

    private static string Guarded(MustacheSource source, Mustache tag, HtmlPlace place)
    {
        if (place == HtmlPlace.Tag && (tag.IsOutput || tag.Kind == MustacheKind.Include))
            throw source.ErrorAt(tag.Start, "put quotes around the attribute's value: without them a value could add attributes of its own");
        if (place != HtmlPlace.LinkStart || !tag.IsOutput || tag.Name == LinkText.Helper) return source.Text[tag.Start..tag.End];
        var value = tag.IsPath ? tag.Name : $"({Mustache.Join(tag.Words)})";
        var (open, close) = tag.Kind == MustacheKind.RawOutput ? ("{{{", "}}}") : ("{{", "}}");
        return $"{open}{(tag.TrimBefore ? "~" : "")}{LinkText.Helper} {value}{(tag.TrimAfter ? " ~" : "")}{close}";
    }
}
