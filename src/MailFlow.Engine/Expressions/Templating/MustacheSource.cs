namespace MailFlow.Engine.Expressions.Templating;

/// <summary>A template's text with its tags found and checked: what it reads, what it includes, where its blocks begin and end.</summary>
public sealed class MustacheSource
{
    private MustacheSource(string text, IReadOnlyList<Mustache> tags) => (Text, Tags) = (text, tags);

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>Its tags, in order.</summary>
    public IReadOnlyList<Mustache> Tags { get; }

    /// <summary>The keys of the templates it includes, in order, each once.</summary>
    public IEnumerable<(string Key, int Position)> Includes =>
        Tags.Where(tag => tag.Kind == MustacheKind.Include).Select(tag => (Unquoted(tag.Name), tag.Start)).DistinctBy(include => include.Item1);

    /// <summary>The place of <c>{{{body}}}</c>, which makes a template a layout; null where there is none.</summary>
    public Mustache? Body => Tags.FirstOrDefault(tag => tag is { IsOutput: true, IsPath: true, Name: "body", Depth: 0 });

    /// <summary>Reads a template. Throws <see cref="ExpressionException"/> with the place of what is wrong.</summary>
    /// <param name="text">The template.</param>
    /// <param name="helpers">The names of helpers beside the built-in ones.</param>
    public static MustacheSource Parse(string text, IReadOnlySet<string>? helpers = null) => new(text, new MustacheParser(text, helpers).Parse());

    /// <summary>A mistake at a place of this template.</summary>
    public ExpressionException ErrorAt(int position, string problem) => ErrorAt(Text, position, problem);

    internal static ExpressionException ErrorAt(string text, int position, string problem)
    {
        var (line, column) = PlaceOf(text, position);
        return new ExpressionException(problem, line, column);
    }

    private static (int Line, int Column) PlaceOf(string text, int position)
    {
        var before = text.AsSpan(0, Math.Clamp(position, 0, text.Length));
        return (1 + before.Count('\n'), before.Length - before.LastIndexOf('\n'));
    }

    /// <summary>A place in a text for a message to name.</summary>
    public static string PlaceText(string text, int position)
    {
        var (line, column) = PlaceOf(text, position);
        return $"line {line}, column {column}";
    }

    internal static string Unquoted(string word) =>
        word.Length >= 2 && word[0] is '"' or '\'' or '[' ? word[1..^1] : word;
}
