using MailFlow.Content.Html;
using MailFlow.Engine.Expressions;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MailFlow.Content.Razor;

/// <summary>A Razor component rendered to a mail by the framework's <see cref="HtmlRenderer"/>: on the server, once, without any script.</summary>
internal sealed class RazorTemplate
{
    /// <summary>Code has no versions beside each other: a message queued before a deploy is rendered by the code after it.</summary>
    public const int OnlyVersion = 1;

    private const int LongestOutput = 1024 * 1024;

    private readonly RazorRegistration _registration;
    private readonly IServiceScopeFactory _scopes;
    private readonly ILoggerFactory _logs;
    private readonly HandlebarsText _subject;

    public RazorTemplate(RazorRegistration registration, IServiceScopeFactory scopes, ILoggerFactory logs)
    {
        (_registration, _scopes, _logs) = (registration, scopes, logs);
        try
        {
            _subject = TemplateText.CompileText(registration.Subject);
        }
        catch (ExpressionException error)
        {
            throw new InvalidOperationException($"The subject of the Razor template '{registration.Key}' does not compile: {error.Message}", error);
        }
    }

    public string Key => _registration.Key;

    public TemplateVersion Describe() =>
        new(Key, OnlyVersion, new TemplateSource(_registration.Subject, "", null, null, _registration.Stream), DateTimeOffset.UnixEpoch) { IsRazor = true };

    public TemplateSummary Summarize() => new(Key, OnlyVersion, _registration.Subject, null, _registration.Stream, null, true);

    public async Task<(string Subject, string Html, string Text, bool ReplacedUnsafeLink)> RenderAsync(
        IReadOnlyDictionary<string, object?> model, HandlebarsText? subject, ICollection<string> missing, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        var notes = new EmailNotes(missing);
        var parameters = ParameterView.FromDictionary(new Dictionary<string, object?> { ["Model"] = new EmailModel(model, notes) });
        string html;
        try
        {
            await using var scope = _scopes.CreateAsyncScope();
            await using var renderer = new HtmlRenderer(scope.ServiceProvider, _logs);
            html = await renderer.Dispatcher.InvokeAsync(async () => (await renderer.RenderComponentAsync(_registration.Component, parameters)).ToHtmlString());
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            throw new RenderException($"the Razor template '{Key}' failed: {error.Message}", error);
        }
        if (html.Length > LongestOutput) throw new RenderException($"the mail is larger than {LongestOutput / 1024} kB");
        return ((subject ?? _subject).Fill(model, missing), html, PlainTextConverter.FromHtml(html), notes.ReplacedUnsafeLink);
    }
}
