using System.Globalization;
using HandlebarsDotNet;
using MailFlow.Engine.Expressions;

namespace MailFlow.Content.Handlebars;

/// <summary>
/// A template compiled by Handlebars.Net, fenced in: plain values only (<see cref="PlainValues"/>), no files, no inline
/// partials, counted steps, bounded output. Safe for many threads at once.
/// </summary>
internal sealed class CompiledSource
{
    private const int LongestOutput = 1024 * 1024, MostIncludes = 32;

    private readonly HandlebarsTemplate<TextWriter, object, object> _render;
    private readonly IReadOnlyList<string> _names;

    private CompiledSource(HandlebarsTemplate<TextWriter, object, object> render, IReadOnlyList<string> names) => (_render, _names) = (render, names);

    /// <summary>Compiles. Throws <see cref="ExpressionException"/> where that cannot be.</summary>
    /// <param name="source">What.</param>
    /// <param name="html">Whether it is HTML: values are escaped, and where they may stand is checked.</param>
    /// <param name="included">The sources of all templates that it, or one of these, includes.</param>
    public static CompiledSource Compile(MustacheSource source, bool html, IReadOnlyDictionary<string, MustacheSource>? included = null)
    {
        if (included?.Count > MostIncludes) throw new ExpressionException($"it includes more than {MostIncludes} templates");
        var configuration = new HandlebarsConfiguration
        {
            FormatProvider = CultureInfo.InvariantCulture,
            TextEncoder = HtmlEscape.Instance,
            NoEscape = !html,
            FileSystem = null,
            PartialTemplateResolver = null!,
        };
        configuration.ObjectDescriptorProviders.Add(PlainValues.Instance);
        var handlebars = HandlebarsDotNet.Handlebars.Create(configuration);
        TemplateHelpers.Register(handlebars);

        var names = new List<string>();
        var numbers = new Dictionary<string, int>();
        foreach (var key in included?.Keys ?? []) numbers[key] = numbers.Count;
        var rewriting = new TagRewriting(html, names, numbers);
        try
        {
            foreach (var (key, part) in included ?? new Dictionary<string, MustacheSource>())
            {
                var compiled = Compile(handlebars, rewriting.Rewrite(part));
                handlebars.RegisterTemplate(TagRewriting.IncludeName(numbers[key]), (writer, context, data) =>
                {
                    var rendering = Rendering.Current!;
                    rendering.Enter(key);
                    compiled(writer, context, data);
                    rendering.Leave();
                });
            }
            return new CompiledSource(Compile(handlebars, rewriting.Rewrite(source)), names);
        }
        catch (Exception error) when (error is not ExpressionException)
        {
            throw new ExpressionException(error.Message.Split("\n\nOccured at")[0], error);
        }
    }

    /// <summary>Renders. Throws <see cref="RenderException"/>.</summary>
    public string Render(IReadOnlyDictionary<string, object?> model, Rendering rendering)
    {
        using var writer = new BoundedWriter(LongestOutput);
        try
        {
            rendering.Run(_names, () => _render(writer, model, null!));
        }
        catch (Exception error) when (error is not RenderException)
        {
            var cause = error;
            while (cause.InnerException is { } inner && cause is not RenderException) cause = inner;
            throw cause as RenderException ?? new RenderException($"the template cannot be rendered: {cause.Message}", error);
        }
        return writer.ToString();
    }

    private static HandlebarsTemplate<TextWriter, object, object> Compile(IHandlebars handlebars, string text)
    {
        using var reader = new StringReader(text);
        return handlebars.Compile(reader);
    }
}
