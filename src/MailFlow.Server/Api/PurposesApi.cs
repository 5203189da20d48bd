using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

internal static class PurposesApi
{
    /// <param name="Name">What recipients call it.</param>
    /// <param name="Description">What they get, in a sentence.</param>
    /// <param name="Offered">Whether the preference centre shows it; yes if not said.</param>
    /// <param name="Position">Its place there.</param>
    internal sealed record PurposeInput(string? Name, string? Description, bool? Offered, int? Position);

    public static void MapPurposes(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/purposes").WithTags("Purposes");
        group.MapGet("", ListAsync).RequireScope(Scopes.ContactsRead).WithSummary("List the purposes that recipients choose among").Produces<Page<Purpose>>();
        group.MapGet("/{key}", FindAsync).RequireScope(Scopes.ContactsRead).WithSummary("Read a purpose").Produces<Purpose>();
        group.MapPut("/{key}", PutAsync).RequireScope(Scopes.Admin).WithSummary("Create or change a purpose, as recipients read it").Produces<Purpose>();
        group.MapDelete("/{key}", DeleteAsync).RequireScope(Scopes.Admin).WithSummary("Offer a purpose no more; what contacts agreed to stays on record").Produces(204);
    }

    private static async Task<Page<Purpose>> ListAsync(Caller caller, Purposes purposes, CancellationToken ct) => new(await purposes.ListAsync(caller.AccountId, ct), null);

    private static async Task<Purpose> FindAsync(string key, Caller caller, Purposes purposes, CancellationToken ct) =>
        await purposes.FindAsync(caller.AccountId, key, ct) ?? throw NotThere(key);

    private static Task<Purpose> PutAsync(string key, Body<PurposeInput> body, Caller caller, Purposes purposes, CancellationToken ct) =>
        purposes.PutAsync(caller.AccountId, key, body.Value.Name, body.Value.Description, body.Value.Offered ?? true, body.Value.Position ?? 0, ct);

    private static async Task<IResult> DeleteAsync(string key, Caller caller, Purposes purposes, CancellationToken ct) =>
        await purposes.DeleteAsync(caller.AccountId, key, ct) ? Results.NoContent() : throw NotThere(key);

    private static NotFoundException NotThere(string key) => new($"There is no purpose '{key}'.");
}
