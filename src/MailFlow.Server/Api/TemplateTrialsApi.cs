using MailFlow.Audience;
using MailFlow.Content;
using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Engine.Definitions;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

/// <summary>A template's versions, and trying one out.</summary>
internal static partial class TemplateTrialsApi
{
    /// <param name="Version">Which stored version; the latest if not said.</param>
    /// <param name="Subject">With <c>html</c>: what is not put yet.</param>
    /// <param name="Html">Renders this instead of what is stored.</param>
    /// <param name="Text">With <c>html</c>.</param>
    /// <param name="Layout">With <c>html</c>.</param>
    /// <param name="Stream">With <c>html</c>; marketing if not said.</param>
    /// <param name="UserId">Renders as this contact; needs the scope <c>contacts:read</c>.</param>
    /// <param name="Contact">Renders as a contact with these fields.</param>
    /// <param name="Event">What stands for <c>event</c> and <c>trigger</c>.</param>
    internal sealed record PreviewInput(int? Version, string? Subject, string? Html, string? Text, string? Layout, MessageStream? Stream,
        string? UserId, IReadOnlyDictionary<string, object?>? Contact, IReadOnlyDictionary<string, object?>? Event);

    /// <param name="Subject">As it would be sent.</param>
    /// <param name="Html">As it would be sent.</param>
    /// <param name="Text">As it would be sent.</param>
    /// <param name="MissingVariables">What was put out but had no value.</param>
    /// <param name="Warnings">What its author should look at.</param>
    internal sealed record Preview(string Subject, string Html, string Text, IReadOnlyList<string> MissingVariables, IReadOnlyList<string> Warnings);

    /// <param name="To">The address to send to.</param>
    /// <param name="Version">Which version; the latest if not said.</param>
    /// <param name="UserId">Renders as this contact; needs the scope <c>contacts:read</c>.</param>
    /// <param name="Event">What stands for <c>event</c> and <c>trigger</c>.</param>
    internal sealed record TestSendInput(string? To, int? Version, string? UserId, IReadOnlyDictionary<string, object?>? Event);

    /// <param name="MessageId">In the mail's headers.</param>
    /// <param name="Subject">As it was sent.</param>
    /// <param name="MissingVariables">What was put out but had no value.</param>
    internal sealed record TestSent(Guid MessageId, string Subject, IReadOnlyList<string> MissingVariables);

    public static void MapTemplateTrials(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/templates/{key}").WithTags("Templates");
        group.MapGet("/versions", VersionsAsync).RequireScope(Scopes.TemplatesRead).WithSummary("List a template's versions, the latest first").Produces<Page<TemplateVersionSummary>>();
        group.MapGet("/versions/{version:int}", VersionAsync).RequireScope(Scopes.TemplatesRead).WithSummary("Read one version of a template").Produces<TemplatesApi.Template>();
        group.MapPost("/preview", PreviewAsync).RequireScope(Scopes.TemplatesRead).WithSummary("Render a template as a contact would get it, stored or not put yet").Produces<Preview>();
        group.MapPost("/test-send", SendAsync).RequireScope(Scopes.TemplatesWrite).WithSummary("Send a template to an address, marked as a test: 50 an hour for an account")
            .Produces<TestSent>().Produces(429, contentType: Problems.ContentType);
    }

    private static Task<Page<TemplateVersionSummary>> VersionsAsync(string key, [AsParameters] Paging paging, Caller caller, Templates templates, CancellationToken ct) =>
        templates.VersionsAsync(caller.AccountId, key, paging.Cursor, paging.Size, ct);

    private static async Task<TemplatesApi.Template> VersionAsync(string key, int version, Caller caller, Templates templates, CancellationToken ct) =>
        TemplatesApi.Show(await templates.FindAsync(caller.AccountId, key, version, ct) ?? throw new NotFoundException($"There is no template '{key}' of version {version}."));

    private static async Task<Preview> PreviewAsync(
        string key, Body<PreviewInput> body, Caller caller, Templates templates, TrialMail trials, Contacts contacts, CancellationToken ct)
    {
        var input = body.Value;
        var source = input.Html is null ? null : new TemplateSource(input.Subject ?? "", input.Html, input.Text, input.Layout, input.Stream ?? MessageStream.Marketing);
        var trial = new Trial(input.Version, source, input.Contact ?? await ContactAsync(input.UserId, caller, contacts, ct), input.Event ?? JsonData.Empty);
        try
        {
            var mail = await trials.RenderAsync(caller.AccountId, key, trial, ct);
            source ??= (await templates.FindAsync(caller.AccountId, key, input.Version, ct)) is { IsRazor: false } stored ? stored.Source : null;
            return new(mail.Subject, mail.Html, mail.Text, mail.MissingVariables, source is null ? [] : Templates.WarningsOf(source));
        }
        catch (RenderException error)
        {
            throw new HttpProblem(StatusCodes.Status422UnprocessableEntity, error.Message);
        }
    }

    private static async Task<TestSent> SendAsync(
        string key, Body<TestSendInput> body, Caller caller, TrialMail trials, Contacts contacts, ILogger<TrialMail> log, CancellationToken ct)
    {
        var input = body.Value;
        if (string.IsNullOrWhiteSpace(input.To)) throw new InvalidInputException("to", "is missing");
        var trial = new Trial(input.Version, null, await ContactAsync(input.UserId, caller, contacts, ct), input.Event ?? JsonData.Empty);
        try
        {
            var sent = await trials.SendAsync(caller.AccountId, key, input.To.Trim(), trial, input.UserId ?? "", ct);
            Sent(log, key, caller.AccountId, caller.Name, sent.Answer.GetType().Name);
            return Shown(sent);
        }
        catch (RenderException error)
        {
            throw new HttpProblem(StatusCodes.Status422UnprocessableEntity, error.Message);
        }
        catch (TooManyTrialsException many)
        {
            throw TooMany(many);
        }
    }

    private static async Task<IReadOnlyDictionary<string, object?>> ContactAsync(string? userId, Caller caller, Contacts contacts, CancellationToken ct)
    {
        if (userId is null) return JsonData.Empty;
        caller.Demand(Scopes.ContactsRead, "Rendering as a contact");
        return await contacts.FieldsAsync(caller.AccountId, userId, ct) ?? throw new InvalidInputException("user_id", $"there is no contact '{userId}'");
    }

    /// <summary>A test that the provider took.</summary>
    /// <exception cref="HttpProblem">It did not; says why.</exception>
    internal static TestSent Shown(SentTrial sent) => sent.Answer switch
    {
        HandOver.Accepted => new(sent.MessageId, sent.Mail.Subject, sent.Mail.MissingVariables),
        HandOver.Rejected refused => throw NotSent(refused.Reason),
        HandOver.SenderFault fault => throw NotSent(fault.Reason),
        HandOver.Deferred deferred => throw NotSent(deferred.Reason),
        HandOver.Unknown unknown => throw new HttpProblem(StatusCodes.Status502BadGateway, $"The provider's answer was lost, and the mail may have been sent: {unknown.Reason}"),
        _ => throw new InvalidOperationException($"'{sent.Answer.GetType().Name}' is not an answer."),
    };

    internal static HttpProblem TooMany(TooManyTrialsException many) => new(StatusCodes.Status429TooManyRequests, many.Message, many.RetryAfter);

    private static HttpProblem NotSent(string reason) => new(StatusCodes.Status502BadGateway, $"The provider did not take it: {reason}");

    [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "A test of the template {Template} was sent in account {Account} by {By}: {Answer}")]
    private static partial void Sent(ILogger log, string template, int account, string by, string answer);
}
