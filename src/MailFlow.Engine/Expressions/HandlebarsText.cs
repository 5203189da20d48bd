using System.Collections.Frozen;
using HandlebarsDotNet;
using MailFlow.Engine.Expressions.Templating;

namespace MailFlow.Engine.Expressions;

/// <summary>
/// Text with Handlebars in it, compiled once and safe to render from many threads. Templates see plain values only
/// (maps, lists, text, numbers, booleans, instants, durations), never an object's members; they can read no files and run
/// no code. Beside Handlebars' own if, unless, each, with and lookup there are the helpers <c>default</c>, <c>date</c>,
/// <c>number</c>, <c>currency</c>, <c>upper</c>, <c>lower</c>, <c>url</c>, <c>eq</c>, <c>ne</c>, <c>gt</c>, <c>lt</c>, <c>and</c>, <c>or</c> and <c>not</c>.
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
    /// <param name="helpers">Helpers beside the built-in ones, by name: each makes text out of a value that is not missing.</param>
    /// <exception cref="ExpressionException">The template is malformed, or uses a helper or partial that is not there.</exception>
    public static HandlebarsText Compile(
        string template, bool html, IReadOnlyDictionary<string, string>? partials = null, IReadOnlyDictionary<string, Func<object?, string>>? helpers = null)
    {
        ArgumentNullException.ThrowIfNull(template);
        partials ??= NoPartials;
        var names = partials.Keys.ToList();
        var numbers = names.Index().ToDictionary(partial => partial.Item, partial => partial.Index);
        var compiled = new Dictionary<string, HandlebarsTemplate<TextWriter, object, object>>();
        var handlebars = TemplateEnvironment.Create(html, names, compiled, helpers);
        var known = helpers?.Keys.ToHashSet();
        foreach (var (name, partial) in partials) compiled[name] = CompileOne(handlebars, Checked(partial, known, numbers));
        return new HandlebarsText(template, CompileOne(handlebars, Checked(template, known, numbers)));
    }

    /// <summary>Text as HTML shows it, in an element or a quoted attribute.</summary>
    public static string EscapeHtml(string text) => HtmlEscape.Escape(text);

    /// <summary>A value as a template shows it: nothing for null and maps.</summary>
    public static string Show(object? value) => PlainFormat.Text(value);

    private static string Checked(string template, IReadOnlySet<string>? helpers, IReadOnlyDictionary<string, int> partials)
    {
        if (template.Length > LongestTemplate) throw new ExpressionException($"a template is at most {LongestTemplate} characters long");
        return TagWriter.Write(MustacheSource.Parse(template, helpers), partials);
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

    /// <summary>The library writes "Occured at: line:column" below its message, both from nought. What it reads was written anew, so the column may lie a little off.</summary>
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
