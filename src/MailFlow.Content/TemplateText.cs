using MailFlow.Content.Html;
using MailFlow.Engine.Expressions;
using MailFlow.Engine.Expressions.Templating;

namespace MailFlow.Content;

/// <summary>The parts of a mail's template in the one language of templates (<see cref="HandlebarsText"/>), with what mail adds: guarded links.</summary>
internal static class TemplateText
{
    public static MustacheSource Parse(string text) => MustacheSource.Parse(text, LinkText.HelperNames);

    /// <summary>Compiles a subject or a plain text. Throws <see cref="ExpressionException"/>.</summary>
    public static HandlebarsText CompileText(string text, IReadOnlyDictionary<string, MustacheSource>? parts = null) =>
        HandlebarsText.Compile(text, html: false, parts?.ToDictionary(part => part.Key, part => part.Value.Text), LinkText.Helpers);

    /// <summary>Compiles HTML. Throws <see cref="ExpressionException"/>.</summary>
    public static HandlebarsText CompileHtml(MustacheSource html, IReadOnlyDictionary<string, MustacheSource> parts) =>
        HandlebarsText.Compile(LinkGuard.Apply(html), html: true, parts.ToDictionary(part => part.Key, part => LinkGuard.Apply(part.Value)), LinkText.Helpers);

    /// <summary>Renders. Throws <see cref="RenderException"/>.</summary>
    public static string Fill(this HandlebarsText text, IReadOnlyDictionary<string, object?> model, ICollection<string> missing)
    {
        try
        {
            return text.Render(model, missing);
        }
        catch (ExpressionException error)
        {
            throw new RenderException($"the template cannot be rendered: {error.Message}", error);
        }
    }

    /// <summary>The text in the place of the layout's <c>{{{body}}}</c>; null when it has none.</summary>
    public static string? Inside(this MustacheSource body, MustacheSource layout) =>
        layout.Body is { } place ? string.Concat(layout.Text.AsSpan(0, place.Start), body.Text, layout.Text.AsSpan(place.End)) : null;
}
