using System.ComponentModel;
using MailFlow.Audience.Importing;
using MailFlow.Audience.Privacy;
using MailFlow.Data;
using MailFlow.Engine.Storage;
using MailFlow.Server.Access;
using MailFlow.Server.Http;
using Microsoft.AspNetCore.Mvc;

namespace MailFlow.Server.Api;

/// <summary>What persons may ask of their data: a copy, and its erasure.</summary>
internal static class PrivacyApi
{
    /// <param name="Kind">export or erasure.</param>
    /// <param name="UserId">Your id of the contact.</param>
    /// <param name="ReceivedAt">When it was asked for: the month of the deadline begins then; now if not said.</param>
    internal sealed record NewRequest(string? Kind, string? UserId, DateTimeOffset? ReceivedAt);

    public static void MapPrivacy(this IEndpointRouteBuilder api)
    {
        var contact = api.MapGroup("/contacts/{userId}").WithTags("Privacy").RequireScope(Scopes.Admin);
        contact.MapGet("/export", ExportAsync).WithSummary("Give all that is held about a contact, as JSON or, with format=csv, as lines of CSV; the request is noted as done")
            .Produces<IReadOnlyDictionary<string, object?>>();
        contact.MapPost("/erase", EraseAsync).WithSummary("Forget a contact: end its trips, call off its mail, erase its data, and never mail its address again; asked again, it gives the same request")
            .Produces<PrivacyRequest>(200).Produces<PrivacyRequest>(202);
        var group = api.MapGroup("/privacy/requests").WithTags("Privacy").RequireScope(Scopes.Admin);
        group.MapGet("", ListAsync).WithSummary("List what persons asked for, with the deadlines, the latest first").Produces<Page<PrivacyRequest>>();
        group.MapPost("", NoteAsync).WithSummary("Note a request that came by another road, so that its deadline is kept").Produces<PrivacyRequest>(201);
        group.MapGet("/{id}", FindAsync).WithSummary("Read one request").Produces<PrivacyRequest>();
    }

    private static async Task<IResult> ExportAsync(string userId, [FromQuery, Description("json (if not said) or csv.")] string? format, Caller caller, PrivacyRequests requests, CancellationToken ct)
    {
        if (format is not (null or "json" or "csv")) throw new InvalidInputException("format", "must be json or csv");
        var sections = await requests.ExportAsync(caller.AccountId, PathText.Unescape(userId), ct);
        if (format == "csv") return Results.Text(string.Concat(Lines(sections)), Csv.ContentType);
        return Results.Json<IReadOnlyDictionary<string, object?>>(sections.ToDictionary(section => section.Name, section => (object?)section.Items), ApiJson.Options);
    }

    /// <summary>202 while trips are being ended, which takes moments; 200 when it is done.</summary>
    private static async Task<IResult> EraseAsync(string userId, Caller caller, Erasure erasure, CancellationToken ct)
    {
        var request = await erasure.BeginAsync(caller.AccountId, PathText.Unescape(userId), ct);
        return request.DoneAt is null ? Results.Accepted($"/api/v1/privacy/requests/{request.Id}", request) : Results.Ok(request);
    }

    private static Task<Page<PrivacyRequest>> ListAsync(
        [FromQuery, Description("Only those that are not done.")] bool? open, [AsParameters] Paging paging, Caller caller, PrivacyRequests requests, CancellationToken ct) =>
        requests.ListAsync(caller.AccountId, open ?? false, paging.Cursor, paging.Size, ct);

    private static async Task<IResult> NoteAsync(Body<NewRequest> body, Caller caller, PrivacyRequests requests, CancellationToken ct)
    {
        if (string.IsNullOrWhiteSpace(body.Value.UserId)) throw new InvalidInputException("user_id", "is missing");
        var request = await requests.NoteAsync(caller.AccountId, body.Value.Kind, body.Value.UserId, body.Value.ReceivedAt, ct);
        return Results.Created($"/api/v1/privacy/requests/{request.Id}", request);
    }

    private static async Task<PrivacyRequest> FindAsync(string id, Caller caller, PrivacyRequests requests, CancellationToken ct) =>
        Guid.TryParse(id, out var key) && await requests.FindAsync(caller.AccountId, key, ct) is { } request ? request : throw new NotFoundException($"There is no request '{id}'.");

    private static IEnumerable<string> Lines(IReadOnlyList<PersonalSection> sections)
    {
        yield return Csv.Line("section", "record", "field", "value");
        foreach (var section in sections)
            for (var i = 0; i < section.Items.Count; i++)
                foreach (var (field, value) in section.Items[i])
                    yield return Csv.Line(section.Name, (i + 1).ToString(System.Globalization.CultureInfo.InvariantCulture), field, value is null or string ? (string?)value : JsonData.Write(value).Trim('"'));
    }
}
