using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

internal static class SuppressionsApi
{
    /// <param name="Email">The address that must not be mailed.</param>
    /// <param name="Reason">unsubscribed, hard_bounce, complaint, invalid_address, manual (if not said), or your own words.</param>
    /// <param name="Scope">all (if not said) or marketing.</param>
    /// <param name="Detail">What is known besides.</param>
    internal sealed record NewSuppression(string? Email, string? Reason, string? Scope, string? Detail);

    public static void MapSuppressions(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/suppressions").WithTags("Suppressions");
        group.MapPost("", AddAsync).RequireScope(Scopes.ContactsWrite).WithSummary("Suppress an address from now on")
            .Produces<Suppression>(201).Produces<Suppression>(200);
        group.MapGet("", ListAsync).RequireScope(Scopes.ContactsRead).WithSummary("List the suppressions, of all addresses or of one").Produces<Page<Suppression>>();
        group.MapGet("/{email}", OfAsync).RequireScope(Scopes.ContactsRead).WithSummary("What is recorded against an address").Produces<Page<Suppression>>();
        group.MapDelete("/{email}", RemoveAsync).RequireScope(Scopes.ContactsWrite).WithSummary("Let an address be mailed again").Produces(204);
    }

    /// <summary>201 for an address newly suppressed; 200 for one that was already, with what holds.</summary>
    private static async Task<IResult> AddAsync(Body<NewSuppression> body, Caller caller, Suppressions suppressions, CancellationToken ct)
    {
        var input = body.Value;
        if (string.IsNullOrWhiteSpace(input.Email)) throw new InvalidInputException("email", "is missing");
        var (suppression, change) = await suppressions.AddAsync(caller.AccountId, input.Email, input.Reason, input.Scope, "api", ct, input.Detail);
        return change == SuppressionChange.Added
            ? Results.Created($"/api/v1/suppressions/{Uri.EscapeDataString(suppression.Email)}", suppression)
            : Results.Ok(suppression);
    }

    private static async Task<Page<Suppression>> ListAsync(string? email, [AsParameters] Paging paging, Caller caller, Suppressions suppressions, CancellationToken ct) =>
        email is null
            ? await suppressions.ListAsync(caller.AccountId, paging.Cursor, paging.Size, ct)
            : new(await suppressions.OfAsync(caller.AccountId, email, ct), null); // at most one a scope

    private static async Task<Page<Suppression>> OfAsync(string email, Caller caller, Suppressions suppressions, CancellationToken ct) =>
        await suppressions.OfAsync(caller.AccountId, PathText.Unescape(email), ct) is { Count: > 0 } found
            ? new(found, null) : throw new NotFoundException($"'{email}' is not suppressed.");

    private static async Task<IResult> RemoveAsync(string email, string? scope, Caller caller, Suppressions suppressions, CancellationToken ct) =>
        await suppressions.RemoveAsync(caller.AccountId, PathText.Unescape(email), scope, ct) is { Count: > 0 }
            ? Results.NoContent() : throw new NotFoundException($"'{email}' is not suppressed.");
}
