using MailFlow.Content.Handlebars;

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
            var parsed = MustacheSource.Parse(text);
            foreach (var (path, position) in parsed.UnknownVariables().DistinctBy(unknown => unknown.Path))
                warnings.Add($"{name}: '{path}' at {MustacheSource.PlaceText(text, position)} is no variable of a mail ({TemplateVariables.Listed}): it will show as nothing");
            if (name == "html" && parsed.Tags.Any(tag => tag.Kind == MustacheKind.RawOutput && tag.Name != "body"))
                warnings.Add("html: a value in three braces is not escaped: only use them for HTML that your own application wrote");
        }
        if (source.Subject.AsSpan().IndexOfAny('\r', '\n') >= 0) warnings.Add("subject: its line breaks will be sent as spaces");
        return warnings;
    }
}
