using System.Collections.Frozen;
using HandlebarsDotNet;
using MailFlow.Engine.Expressions.Templating;

namespace MailFlow.Engine.Expressions;

/// <summary>
/// Text with Handlebars in it, compiled once and safe to render from many threads. Templates see plain values only
/// (maps, lists, text, numbers, booleans, instants, durations), never an object's members; they can read no files and run
/// no code. Beside Handlebars' own if, unless, each, with and lookup there are the helpers <c>default</c>, <c>date</c>,
/// <c>number</c>, <c>currency</c>, <c>upper</c>, <c>lower</c> and <c>eq</c>.
/// </summary>
public sealed class HandlebarsText
{
    /// <summary>Longest template, in characters.</summary>
    public const int LongestTemplate = 524_288;

    /// <summary>Longest result, in characters.</summary>
    public const int LongestResult = 1_048_576;

    private static readonly FrozenDictionary<string, string> NoPartials = FrozenDictionary<string, string>.Empty;

    private readonly HandlebarsTemplate<TextWriter, object, object> _render;

    private HandlebarsText(string template, HandlebarsTemplate<TextWriter, object, object> render) => (Template, _render) = (template, render);

    /// <summary>The text it was compiled from.</summary>
    public string Template { get; }

    /// <summary>Compiles a template.</summary>
    /// <param name="template">The text, at most <see cref="LongestTemplate"/> characters.</param>
    /// <param name="html">Whether values are escaped for HTML. Off for subjects and plain text.</param>
    /// <param name="partials">What <c>{{&gt; name}}</c> may include, by name.</param>
    /// <exception cref="ExpressionException">The template is malformed, or uses a helper or partial that is not there.</exception>
    public static HandlebarsText Compile(string template, bool html, IReadOnlyDictionary<string, string>? partials = null)
    {
        ArgumentNullException.ThrowIfNull(template);
        partials ??= NoPartials;
        TagScan.Check(template, partials);
        // The library takes such names for the same now and then, by chance of their hash.
        if (partials.Keys.Distinct(StringComparer.OrdinalIgnoreCase).Count() != partials.Count)
            throw new ExpressionException("two partials have names that differ only in capitals");
        var compiled = new Dictionary<string, HandlebarsTemplate<TextWriter, object, object>>();
        var handlebars = TemplateEnvironment.Create(html, partials.Keys, compiled);
        foreach (var (name, partial) in partials)
        {
            TagScan.Check(partial, partials);
            compiled[name] = CompileOne(handlebars, partial);
        }
        return new HandlebarsText(template, CompileOne(handlebars, template));
    }

    /// <summary>Renders the template over a model.</summary>
    /// <param name="model">The values, by name.</param>
    /// <param name="missing">Takes the names of values that were to be shown and are missing; each is shown as nothing.</param>
    /// <exception cref="ExpressionException">The result would be longer than <see cref="LongestResult"/>, loops more than
    /// 100,000 times, or a helper was given what it cannot take.</exception>
    public string Render(IReadOnlyDictionary<string, object?> model, ICollection<string>? missing = null)
    {
        using var rendering = Rendering.Begin(missing);
        try
        {
            _render(rendering.Writer, model, null!);
            return rendering.Writer.ToString();
        }
        catch (Exception error) when (error is HandlebarsException or RenderingLimitException or ArgumentException or FormatException or InvalidOperationException or InvalidCastException)
        {
            var cause = error;
            while (cause.InnerException is { } inner) cause = inner;
            throw new ExpressionException(cause.Message, error);
        }
    }

    private static HandlebarsTemplate<TextWriter, object, object> CompileOne(IHandlebars handlebars, string template)
    {
        try
        {
            using var reader = new StringReader(template);
            return handlebars.Compile(reader);
        }
        catch (HandlebarsException error)
        {
            throw Located(error);
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException or IndexOutOfRangeException or InvalidCastException or NullReferenceException)
        {
            // What the library did not foresee is still the template's mistake.
            throw new ExpressionException($"the template cannot be compiled: {error.Message}", error);
        }
    }

    /// <summary>The library writes "Occured at: line:column" below its message, both from nought.</summary>
    private static ExpressionException Located(HandlebarsException error)
    {
        const string mark = "Occured at: ";
        var at = error.Message.IndexOf(mark, StringComparison.Ordinal);
        if (at < 0) return new ExpressionException(error.Message, error);
        var place = error.Message[(at + mark.Length)..].Split(':');
        var problem = error.Message[..at].Trim();
        return place.Length == 2 && int.TryParse(place[0], out var line) && int.TryParse(place[1], out var column)
            ? new ExpressionException(problem, line + 1, column + 1)
            : new ExpressionException(problem, error);
    }
}
