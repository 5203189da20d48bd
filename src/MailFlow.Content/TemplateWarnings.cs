using MailFlow.Engine.Expressions.Templating;

namespace MailFlow.Content;

/// <summary>What is not wrong enough to refuse a template, but is most likely not meant.</summary>
internal static class TemplateWarnings
{
    public static IReadOnlyList<string> Of(TemplateSource source)
    {
        var warnings = new List<string>();
        foreach (var (name, text) in new[] { ("subject", source.Subject), ("html", source.Html), ("text", source.Text) })
        {
            if (text is null) continue;
            var parsed = TemplateText.Parse(text);
            foreach (var (path, position) in Unknown(parsed).DistinctBy(unknown => unknown.Path))
                warnings.Add($"{name}: '{path}' at {MustacheSource.PlaceText(text, position)} is no variable of a mail ({TemplateVariables.Listed}): it will show as nothing");
            foreach (var (path, position) in Shifted(parsed).DistinctBy(shifted => shifted.Path))
                warnings.Add($"{name}: '{path}' at {MustacheSource.PlaceText(text, position)} stands inside each or with, where names start at the item: write '@root.{path}'");
            if (name == "html" && parsed.Tags.Any(tag => tag.Kind == MustacheKind.RawOutput && tag.Name != "body"))
                warnings.Add("html: a value in three braces is not escaped: only use them for HTML that your own application wrote");
        }
        if (source.Subject.AsSpan().IndexOfAny('\r', '\n') >= 0) warnings.Add("subject: its line breaks will be sent as spaces");
        return warnings;
    }

    /// <summary>The variables that are none a mail can have: misspelt, most often.</summary>
    private static IEnumerable<(string Path, int Position)> Unknown(MustacheSource source) =>
        from tag in source.Tags
        where tag.Depth == 0
        from path in tag.Paths
        where !TemplateVariables.IsKnown(path) && !(tag.IsOutput && path == "body")
        select (path, tag.Start);

    /// <summary>The variables inside each and with that look like the mail's, but start at the item: Handlebars looks nowhere else.</summary>
    private static IEnumerable<(string Path, int Position)> Shifted(MustacheSource source)
    {
        var named = source.Tags.SelectMany(tag => tag.BlockNames).ToHashSet();
        return from tag in source.Tags
               where tag.Depth > 0
               from path in tag.Paths
               where TemplateVariables.StartsAtRoot(path) && !named.Contains(path.Split('.')[0])
               select (path, tag.Start);
    }
}
