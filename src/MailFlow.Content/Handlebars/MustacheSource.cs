using MailFlow.Engine.Expressions;

namespace MailFlow.Content.Handlebars;

/// <summary>A template's text with its tags found and checked: what it reads, what it includes, where its blocks begin and end.</summary>
internal sealed class MustacheSource
{
    private MustacheSource(string text, IReadOnlyList<Mustache> tags) => (Text, Tags) = (text, tags);

    public string Text { get; }

    public IReadOnlyList<Mustache> Tags { get; }

    /// <summary>The keys of the templates it includes, in order, each once.</summary>
    public IEnumerable<(string Key, int Position)> Includes =>
        Tags.Where(tag => tag.Kind == MustacheKind.Include).Select(tag => (Unquoted(tag.Name), tag.Start)).DistinctBy(include => include.Item1);

    /// <summary>The place of <c>{{{body}}}</c>, which makes a template a layout; null where there is none.</summary>
    public Mustache? Body => Tags.FirstOrDefault(tag => tag is { IsOutput: true, IsPath: true, Name: "body", Depth: 0 });

    /// <summary>Reads a template. Throws <see cref="ExpressionException"/> with the place of what is wrong.</summary>
    public static MustacheSource Parse(string text) => new(text, new MustacheParser(text).Parse());

    /// <summary>The layout's text with this in the place of its <c>{{{body}}}</c>.</summary>
    public string Inside(MustacheSource layout)
    {
        var body = layout.Body!;
        return string.Concat(layout.Text.AsSpan(0, body.Start), Text, layout.Text.AsSpan(body.End));
    }

    /// <summary>The variables that are none a mail can have: misspelt, most often.</summary>
    public IEnumerable<(string Path, int Position)> UnknownVariables()
    {
        foreach (var tag in Tags)
        {
            if (tag.Depth > 0 || tag.Kind is MustacheKind.Comment or MustacheKind.Literal or MustacheKind.Close) continue;
            foreach (var path in MustacheWords.Paths(tag))
                if (!TemplateVariables.IsKnown(path) && !(tag.IsOutput && path == "body")) yield return (path, tag.Start);
        }
    }

    /// <summary>Whether the path is put out or read anywhere.</summary>
    public bool Reads(string path) => Tags.Any(tag => MustacheWords.Paths(tag).Contains(path));

    public ExpressionException ErrorAt(int position, string problem) => ErrorAt(Text, position, problem);

    public static ExpressionException ErrorAt(string text, int position, string problem)
    {
        var (line, column) = PlaceOf(text, position);
        return new ExpressionException(problem, line, column);
    }

    public static (int Line, int Column) PlaceOf(string text, int position)
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

    public static string Unquoted(string word) =>
        word.Length >= 2 && word[0] is '"' or '\'' or '[' ? word[1..^1] : word;
}
