using System.Text;

namespace MailFlow.Engine.Expressions.Templating;

/// <summary>Writes a template anew for the library, tag by tag from what we read, so that it cannot read anything else.</summary>
internal static class TagWriter
{
    public static string Write(MustacheSource source, IReadOnlyDictionary<string, int> partials)
    {
        var text = new StringBuilder(source.Text.Length + 256);
        var at = 0;
        foreach (var tag in source.Tags)
        {
            text.Append(source.Text, at, tag.Start - at).Append(Tag(source, tag, partials));
            at = tag.End;
            // The library would take a brace that follows a tag for a part of it.
            var braces = source.Text.AsSpan(at).IndexOfAnyExcept('}');
            if (braces < 0) braces = source.Text.Length - at;
            if (braces == 0) continue;
            text.Append($"{{{{default \"{new string('}', braces)}\"}}}}");
            at += braces;
        }
        return text.Append(source.Text, at, source.Text.Length - at).ToString();
    }

    private static string Tag(MustacheSource source, Mustache tag, IReadOnlyDictionary<string, int> partials) => tag.Kind switch
    {
        MustacheKind.Literal => @"\{{",
        MustacheKind.Comment => Braces(tag, "! "),
        MustacheKind.RawOutput => $"{{{Braces(tag, MustacheWords.Join(tag.Words))}}}",
        MustacheKind.Include => Braces(tag, $"> {Partial(source, tag, partials)} {MustacheWords.Join(tag.Words.Skip(1))}"),
        _ => Braces(tag, tag.Sign + MustacheWords.Join(tag.Words)),
    };

    private static string Partial(MustacheSource source, Mustache tag, IReadOnlyDictionary<string, int> partials)
    {
        var key = MustacheSource.Unquoted(tag.Name);
        return partials.TryGetValue(key, out var number)
            ? TemplateEnvironment.PartialName(number)
            : throw source.ErrorAt(tag.Start, $"there is no partial '{key}'");
    }

    private static string Braces(Mustache tag, string inside) =>
        $"{{{{{(tag.TrimBefore ? "~" : "")}{inside}{(tag.TrimAfter ? " ~" : "")}}}}}";
}
