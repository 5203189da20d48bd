using MailFlow.Content;
using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

internal static class TemplatesApi
{
    /// <param name="Subject">Handlebars, one line.</param>
    /// <param name="Html">Handlebars; values are escaped unless they stand in three braces.</param>
    /// <param name="Text">The plain text part; derived from the HTML if not given.</param>
    /// <param name="Layout">The key of the template whose <c>{{{body}}}</c> this one fills.</param>
    /// <param name="Stream">marketing (if not said) or transactional.</param>
    /// <param name="Design">What the visual editor needs to open it again: JSON text of its own, at most 1 MB, never rendered. Left out: none.</param>
    /// <param name="IfVersion">The latest version when it was read, 0 where there was none: the answer is 409 when another was put since. Left out: written in any case.</param>
    internal sealed record TemplateInput(string? Subject, string? Html, string? Text, string? Layout, MessageStream? Stream, string? Design, int? IfVersion = null);

    /// <param name="Key">Its key.</param>
    /// <param name="Version">From 1; each change makes another.</param>
    /// <param name="Subject">As put.</param>
    /// <param name="Html">As put.</param>
    /// <param name="Text">As put.</param>
    /// <param name="Layout">As put.</param>
    /// <param name="Stream">As put.</param>
    /// <param name="Design">As put.</param>
    /// <param name="CreatedAt">When this version was put.</param>
    /// <param name="Razor">Whether it is an engineer's compiled template.</param>
    /// <param name="Warnings">After a put: what its author should look at, such as a misspelt variable.</param>
    internal sealed record Template(string Key, int Version, string Subject, string Html, string? Text, string? Layout, MessageStream Stream,
        string? Design, DateTimeOffset CreatedAt, bool Razor, IReadOnlyList<string> Warnings);

    public static void MapTemplates(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/templates").WithTags("Templates");
        group.MapGet("", ListAsync).RequireScope(Scopes.TemplatesRead).WithSummary("List the templates").Produces<Page<TemplateSummary>>();
        group.MapGet("/{key}", FindAsync).RequireScope(Scopes.TemplatesRead).WithSummary("Read a template").Produces<Template>();
        group.MapPut("/{key}", PutAsync).RequireScope(Scopes.TemplatesWrite).WithSummary("Create or change a template").Produces<Template>();
    }

    private static Task<Page<TemplateSummary>> ListAsync([AsParameters] Paging paging, Caller caller, Templates templates, CancellationToken ct) =>
        templates.ListAsync(caller.AccountId, paging.Cursor, paging.Size, ct);

    private static async Task<Template> FindAsync(string key, int? version, Caller caller, Templates templates, CancellationToken ct) =>
        Show(await templates.FindAsync(caller.AccountId, key, version, ct)
            ?? throw new NotFoundException($"There is no template '{key}'{(version is null ? "" : $" of version {version}")}."));

    private static async Task<Template> PutAsync(string key, Body<TemplateInput> body, Caller caller, Templates templates, CancellationToken ct)
    {
        return Show(await templates.PutAsync(caller.AccountId, key, SourceOf(body.Value), body.Value.IfVersion, ct));
    }

    private static TemplateSource SourceOf(TemplateInput input) =>
        new(input.Subject ?? "", input.Html ?? "", input.Text, input.Layout, input.Stream ?? MessageStream.Marketing, input.Design);

    internal static Template Show(TemplateVersion version) => new(version.Key, version.Version, version.Source.Subject, version.Source.Html, version.Source.Text,
        version.Source.Layout, version.Source.Stream, version.Source.Design, version.CreatedAt, version.IsRazor, version.Warnings);
}
