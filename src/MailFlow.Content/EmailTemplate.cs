using MailFlow.Content.Html;
using MailFlow.Engine.Expressions;
using MailFlow.Engine.Expressions.Templating;

namespace MailFlow.Content;

/// <summary>A version of a template compiled with its layout and includes.</summary>
internal sealed class EmailTemplate
{
    private const int DeepestLayout = 4;

    private readonly HandlebarsText _subject, _html, _text;
    private readonly bool _derivedText;

    private EmailTemplate(HandlebarsText subject, HandlebarsText html, HandlebarsText text, bool derivedText, IReadOnlyDictionary<string, int> parts) =>
        (_subject, _html, _text, _derivedText, Parts) = (subject, html, text, derivedText, parts);

    /// <summary>The layouts and includes it was compiled with, and their versions.</summary>
    public IReadOnlyDictionary<string, int> Parts { get; }

    /// <summary>Compiles. Throws <see cref="TemplateFieldException"/>, which names the field.</summary>
    public static EmailTemplate Compile(TemplateSource source, IReadOnlyDictionary<string, TemplateVersion> parts)
    {
        var html = In("html", () => TemplateText.Parse(source.Html));
        var subject = In("subject", () => TemplateText.CompileText(source.Subject));
        var text = In("text", () => TemplateText.Parse(source.Text ?? PlainTextConverter.FromTemplate(html)));
        var derived = source.Text is null;

        // Alone first, so that a mistake is named where its author wrote it.
        var htmlParts = In("html", () => Sources(parts, part => part.Html));
        var textParts = In("html", () => Sources(parts, part => part.Text ?? PlainTextConverter.FromTemplate(TemplateText.Parse(part.Html))));
        var compiledHtml = In("html", () => TemplateText.CompileHtml(html, htmlParts));
        var compiledText = In(derived ? "html" : "text", () => TemplateText.CompileText(text.Text, textParts));
        var layouts = 0;
        for (var layout = source.Layout; layout is not null; layout = parts[layout].Source.Layout)
        {
            if (++layouts > DeepestLayout) throw new TemplateFieldException("layout", $"'{source.Layout}' stands in layouts nested deeper than {DeepestLayout}");
            (html, text) = In("layout", () => (Inside(html, htmlParts[layout], layout), Inside(text, textParts[layout], layout)));
            derived |= parts[layout].Source.Text is null;
        }
        if (layouts > 0)
        {
            compiledHtml = In("layout", () => TemplateText.CompileHtml(html, htmlParts));
            compiledText = In("layout", () => TemplateText.CompileText(text.Text, textParts));
        }
        return new EmailTemplate(subject, compiledHtml, compiledText, derived, parts.ToDictionary(part => part.Key, part => part.Value.Version));
    }

    /// <summary>The keys that a source needs beside its own: its layout and what it includes.</summary>
    public static IEnumerable<string> PartsOf(TemplateSource source)
    {
        var keys = In("html", () => TemplateText.Parse(source.Html)).Includes.Select(include => include.Key);
        if (source.Text is not null) keys = keys.Concat(In("text", () => TemplateText.Parse(source.Text)).Includes.Select(include => include.Key));
        return source.Layout is null ? keys.Distinct() : keys.Append(source.Layout).Distinct();
    }

    public (string Subject, string Html, string Text) Render(IReadOnlyDictionary<string, object?> model, HandlebarsText? subject, ICollection<string> missing)
    {
        var line = (subject ?? _subject).Fill(model, missing);
        var html = _html.Fill(model, missing);
        var text = _text.Fill(model, missing);
        return (line, html, _derivedText ? PlainTextConverter.Tidy(text) : text);
    }

    private static MustacheSource Inside(MustacheSource body, MustacheSource layout, string key)
    {
        var text = body.Inside(layout) ?? throw new ExpressionException($"'{key}' has no {{{{{{body}}}}}} for this template to fill");
        return TemplateText.Parse(text);
    }

    private static Dictionary<string, MustacheSource> Sources(IReadOnlyDictionary<string, TemplateVersion> parts, Func<TemplateSource, string> part) =>
        parts.ToDictionary(named => named.Key, named => TemplateText.Parse(part(named.Value.Source)));

    private static T In<T>(string field, Func<T> compile)
    {
        try
        {
            return compile();
        }
        catch (ExpressionException error)
        {
            throw new TemplateFieldException(field, error.Message);
        }
    }
}
