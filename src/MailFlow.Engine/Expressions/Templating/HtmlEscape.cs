using System.Buffers;
using System.Text;
using HandlebarsDotNet;

namespace MailFlow.Engine.Expressions.Templating;

/// <summary>
/// Escapes values for HTML text and quoted attributes. <c>=</c> is left alone (unlike Handlebars' own), so that links keep their look;
/// an unquoted attribute, where it would matter, is refused when the template is put.
/// </summary>
internal sealed class HtmlEscape : ITextEncoder
{
    private static readonly SearchValues<char> Special = SearchValues.Create("&<>\"'`");

    public static readonly HtmlEscape Instance = new();

    public static string Escape(string text)
    {
        if (text.AsSpan().IndexOfAny(Special) < 0) return text;
        var escaped = new StringBuilder(text.Length + 32);
        foreach (var c in text)
            if (Entity(c) is { } entity) escaped.Append(entity);
            else escaped.Append(c);
        return escaped.ToString();
    }

    public void Encode(StringBuilder? text, TextWriter target) => Encode(text?.ToString(), target);

    public void Encode(string? text, TextWriter target)
    {
        if (text is not null) target.Write(Escape(text));
    }

    public void Encode<T>(T? text, TextWriter target) where T : IEnumerator<char>
    {
        while (text is not null && text.MoveNext())
            if (Entity(text.Current) is { } entity) target.Write(entity);
            else target.Write(text.Current);
    }

    private static string? Entity(char c) => c switch
    {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&quot;",
        '\'' => "&#39;",
        '`' => "&#96;",
        _ => null,
    };
}
