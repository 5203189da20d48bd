using System.ComponentModel;
using MailFlow.Audience;
using MailFlow.Audience.Importing;
using MailFlow.Data;
using MailFlow.Server.Access;
using MailFlow.Server.Http;
using Microsoft.AspNetCore.Mvc;

namespace MailFlow.Server.Api;

internal static class SuppressionsApi
{
    /// <param name="Email">The address that must not be mailed, or @example.org for all of a domain.</param>
    /// <param name="Reason">unsubscribed, hard_bounce, complaint, invalid_address, paused, manual (if not said), or your own words.</param>
    /// <param name="Scope">all (if not said), marketing or transactional.</param>
    /// <param name="Detail">What is known besides.</param>
    /// <param name="ExpiresAt">Until when; for good if not said.</param>
    internal sealed record NewSuppression(string? Email, string? Reason, string? Scope, string? Detail, DateTimeOffset? ExpiresAt);

    private const int LongestSearch = 200, MostMegabytes = 32;

    public static void MapSuppressions(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/suppressions").WithTags("Suppressions");
        group.MapPost("", AddAsync).RequireScope(Scopes.ContactsWrite).WithSummary("Suppress an address from now on")
            .Produces<Suppression>(201).Produces<Suppression>(200);
        group.MapGet("", ListAsync).RequireScope(Scopes.ContactsRead).WithSummary("List the suppressions, of all addresses or of one").Produces<Page<Suppression>>();
        group.MapPost("/import", ImportAsync).RequireScope(Scopes.ContactsWrite).AcceptsCsv(MostMegabytes)
            .WithSummary("Suppress what a CSV file lists: all lines that can be taken, in one transaction, or with dry_run none; the same file again changes nothing").Produces<ImportReport>();
        group.MapGet("/export", Export).RequireScope(Scopes.ContactsRead).WithSummary("Give the whole list as CSV, safe to open in a spreadsheet").Produces<string>(200, Csv.ContentType);
        group.MapGet("/{email}", OfAsync).RequireScope(Scopes.ContactsRead).WithSummary("What is recorded against an address").Produces<Page<Suppression>>();
        group.MapDelete("/{email}", RemoveAsync).RequireScope(Scopes.ContactsWrite).WithSummary("Let an address be mailed again").Produces(204);
    }

    /// <summary>201 for an address newly suppressed; 200 for one that was already, with what holds.</summary>
    private static async Task<IResult> AddAsync(Body<NewSuppression> body, Caller caller, Suppressions suppressions, CancellationToken ct)
    {
        var input = body.Value;
        if (string.IsNullOrWhiteSpace(input.Email)) throw new InvalidInputException("email", "is missing");
        var (suppression, change) = await suppressions.AddAsync(caller.AccountId, input.Email, input.Reason, input.Scope, "api", ct, input.Detail, input.ExpiresAt);
        return change == SuppressionChange.Added
            ? Results.Created($"/api/v1/suppressions/{Uri.EscapeDataString(suppression.Email)}", suppression)
            : Results.Ok(suppression);
    }

    private static async Task<Page<Suppression>> ListAsync(
        [Description("Only what is recorded against this address, its whole domain included.")] string? email,
        [Description("Only those that hold this text; a page of a search may hold few and still have a next.")] string? search,
        [AsParameters] Paging paging, Caller caller, Suppressions suppressions, CancellationToken ct)
    {
        if (search is { Length: > LongestSearch }) throw new InvalidInputException("search", $"is longer than {LongestSearch} characters");
        if (email is null) return await suppressions.ListAsync(caller.AccountId, paging.Cursor, paging.Size, ct, search);
        if (search is not null) throw new InvalidInputException("search", "goes without email");
        return new(await suppressions.OfAsync(caller.AccountId, email, ct), null); // a handful: a scope and a rule each
    }

    private static Task<ImportReport> ImportAsync(
        HttpContext context, [FromQuery(Name = "dry_run"), Description("Whether to write nothing and report what would be done.")] bool? dryRun, Caller caller, SuppressionFile file, CancellationToken ct) =>
        file.ImportAsync(caller.AccountId, CsvBody.Of(context), dryRun ?? false, ct);

    private static IResult Export(Caller caller, SuppressionFile file, CancellationToken ct) => Results.Stream(async stream =>
    {
        await using var writer = new StreamWriter(stream, leaveOpen: true);
        await file.ExportAsync(caller.AccountId, async text =>
        {
            await writer.WriteAsync(text.AsMemory(), ct);
            await writer.FlushAsync(ct);
        }, ct);
    }, Csv.ContentType, "suppressions.csv");

    private static async Task<Page<Suppression>> OfAsync(string email, Caller caller, Suppressions suppressions, CancellationToken ct) =>
        await suppressions.OfAsync(caller.AccountId, PathText.Unescape(email), ct) is { Count: > 0 } found
            ? new(found, null) : throw new NotFoundException($"'{email}' is not suppressed.");

    private static async Task<IResult> RemoveAsync(string email, string? scope, Caller caller, Suppressions suppressions, CancellationToken ct) =>
        await suppressions.RemoveAsync(caller.AccountId, PathText.Unescape(email), scope, ct) is { Count: > 0 }
            ? Results.NoContent() : throw new NotFoundException($"'{email}' is not suppressed.");
}
