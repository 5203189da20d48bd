using MailFlow.Content.Html;
using MailFlow.Content.Razor;
using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Expressions;

namespace MailFlow.Content;

/// <summary>
/// Renders templates. Compiled versions are kept in memory; one without layout and includes never changes, one with them is
/// checked for newer parts after each change made here and every five seconds for those made by other nodes.
/// </summary>
public sealed class TemplateRenderer(Database database, Templates templates, RazorTemplates razor, TimeProvider time)
{
    private const int MostCompiled = 500, MostSubjects = 500, LongestSubject = 255;
    private static readonly TimeSpan PartsAreFresh = TimeSpan.FromSeconds(5);

    private readonly BoundedCache<(int Account, string Key, int Version), Kept> _compiled = new(MostCompiled);
    private readonly BoundedCache<string, HandlebarsText> _subjects = new(MostSubjects);

    /// <summary>Renders one mail. Without a look at the database when the version has been used lately.</summary>
    /// <param name="accountId">Whose template.</param>
    /// <param name="key">Its key.</param>
    /// <param name="version">The version the message is pinned to.</param>
    /// <param name="model">contact, event, trigger, journey, sender {name, email, postal_address}, unsubscribe_url, message {id}: plain values.</param>
    /// <param name="stream">As what it is rendered: marketing mail, and a question for consent, is completed with postal address and unsubscribe link.</param>
    /// <param name="subject">A Handlebars text instead of the template's subject; null for the template's.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="RenderException">It cannot be rendered; the message is the reason to keep.</exception>
    public async Task<RenderedEmail> RenderAsync(
        int accountId, string key, int version, IReadOnlyDictionary<string, object?> model, MessageStream stream, string? subject, CancellationToken ct)
    {
        var ownSubject = string.IsNullOrWhiteSpace(subject) ? null : Subject(subject);
        var missing = new List<string>();
        var (line, html, text, replaced) = razor.Find(key) is { } component
            ? await component.RenderAsync(model, ownSubject, missing, ct)
            : Render(await CompiledAsync(accountId, key, version, ct), model, ownSubject, missing);
        return Completed(key, (line, html, text, replaced), model, stream, missing);
    }

    /// <summary>Renders what is not stored yet, for its author to look at.</summary>
    /// <param name="accountId">Whose template.</param>
    /// <param name="key">The key it is to have.</param>
    /// <param name="source">What its author wrote.</param>
    /// <param name="model">As for a mail.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="InvalidInputException">It cannot be compiled: names the field and the place.</exception>
    /// <exception cref="RenderException">It cannot be rendered.</exception>
    public async Task<RenderedEmail> RenderSourceAsync(int accountId, string key, TemplateSource source, IReadOnlyDictionary<string, object?> model, CancellationToken ct)
    {
        Templates.Check(source);
        try
        {
            var template = EmailTemplate.Compile(source, await database.ReadAsync(session => Templates.PartsAsync(session, accountId, key, source, ct), ct));
            var missing = new List<string>();
            return Completed(key, Render(template, model, null, missing), model, source.Stream, missing);
        }
        catch (TemplateFieldException error)
        {
            throw new InvalidInputException(error.FieldName, error.Problem);
        }
    }

    private static RenderedEmail Completed(string key, (string Subject, string Html, string Text, bool ReplacedUnsafeLink) rendered,
        IReadOnlyDictionary<string, object?> model, MessageStream stream, List<string> missing)
    {
        var (html, text) = (rendered.Html, rendered.Text);
        var line = SingleLine(rendered.Subject);
        if (line.Length == 0) throw new RenderException($"the subject of '{key}' is empty once rendered");
        if (stream == MessageStream.Marketing) (html, text) = MarketingFooter.Complete(html, text, model);
        return new RenderedEmail(line, html, text, missing) { ReplacedUnsafeLink = rendered.ReplacedUnsafeLink };
    }

    private static (string Subject, string Html, string Text, bool ReplacedUnsafeLink) Render(
        EmailTemplate template, IReadOnlyDictionary<string, object?> model, HandlebarsText? subject, List<string> missing)
    {
        LinkText.TakeReplaced();
        var (line, html, text) = template.Render(model, subject, missing);
        return (line, html, text, LinkText.TakeReplaced());
    }

    private async ValueTask<EmailTemplate> CompiledAsync(int accountId, string key, int version, CancellationToken ct)
    {
        var changes = templates.ChangesOf(accountId);
        if (_compiled.TryGet((accountId, key, version), out var kept) && IsFresh(kept, changes)) return kept.Template;
        var compiled = await database.ReadAsync(async session =>
        {
            if (kept is not null && await HasLatestPartsAsync(session, accountId, key, kept.Template, ct)) return kept.Template;
            var found = await Templates.FindAsync(session, accountId, key, version, ct) ?? throw new RenderException($"the template '{key}' has no version {version}");
            try
            {
                return EmailTemplate.Compile(found.Source, await Templates.PartsAsync(session, accountId, key, found.Source, ct));
            }
            catch (TemplateFieldException error)
            {
                throw new RenderException($"the template '{key}' does not compile: {error.Message}", error);
            }
        }, ct);
        _compiled.Set((accountId, key, version), new Kept(compiled, changes, time.GetTimestamp()));
        return compiled;
    }

    private bool IsFresh(Kept kept, int changes) =>
        kept.Template.Parts.Count == 0 || (kept.Changes == changes && time.GetElapsedTime(kept.CheckedAt) < PartsAreFresh);

    private async Task<bool> HasLatestPartsAsync(Session session, int accountId, string key, EmailTemplate template, CancellationToken ct)
    {
        var latest = await templates.LatestVersionsAsync(session, accountId, [.. template.Parts.Keys], ct);
        return template.Parts.All(part => part.Key == key || (latest.TryGetValue(part.Key, out var version) && version == part.Value));
    }

    /// <summary>A step's own subject. One that is no template, such as a subject with braces in it, is taken as it is.</summary>
    private HandlebarsText Subject(string text)
    {
        if (_subjects.TryGet(text, out var known)) return known;
        HandlebarsText compiled;
        try
        {
            compiled = TemplateText.CompileText(text);
        }
        catch (ExpressionException)
        {
            compiled = TemplateText.CompileText(text.Replace("{{", "{ {", StringComparison.Ordinal));
        }
        _subjects.Set(text, compiled);
        return compiled;
    }

    /// <summary>A line break in a subject could begin a header of its own.</summary>
    private static string SingleLine(string text)
    {
        var line = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        if (line.AsSpan().IndexOfAnyInRange('\0', '\u001f') >= 0) line = string.Concat(line.Where(c => !char.IsControl(c)));
        if (line.Length <= LongestSubject) return line;
        return string.Concat(line.AsSpan(0, char.IsHighSurrogate(line[LongestSubject - 2]) ? LongestSubject - 2 : LongestSubject - 1), "…");
    }

    private sealed record Kept(EmailTemplate Template, int Changes, long CheckedAt);
}
