using System.ComponentModel;
using MailFlow.Audience;
using MailFlow.Audience.Importing;
using MailFlow.Data;
using MailFlow.Server.Access;
using MailFlow.Server.Http;
using Microsoft.AspNetCore.Mvc;

namespace MailFlow.Server.Api;

internal static class ContactsApi
{
    private const int LongestSearch = 200, MostMegabytes = 256;

    /// <summary>What may be put, for the API's description: the members given are set, any other name is an attribute.</summary>
    /// <param name="Email">The address; null clears it.</param>
    /// <param name="FirstName">The first name.</param>
    /// <param name="LastName">The last name.</param>
    /// <param name="TimeZone">An IANA time zone, such as Europe/Berlin.</param>
    /// <param name="Attributes">Patched: a null member is removed, those not named stay.</param>
    /// <param name="Tags">Replace the contact's tags.</param>
    /// <param name="Consents">Recorded for each purpose: true or false.</param>
    internal sealed record ContactInput(string? Email, string? FirstName, string? LastName, string? TimeZone,
        IReadOnlyDictionary<string, object?>? Attributes, IReadOnlyList<string>? Tags, IReadOnlyDictionary<string, bool>? Consents);

    public static void MapContacts(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/contacts").WithTags("Contacts");
        group.MapGet("", ListAsync).RequireScope(Scopes.ContactsRead).WithSummary("List the contacts; a page of a search may hold few and still have a next").Produces<Page<ContactDetails>>();
        group.MapPost("/import", ImportAsync).RequireScope(Scopes.ContactsWrite).AcceptsCsv(MostMegabytes)
            .WithSummary("Create and change contacts from a CSV file, a chunk at a time; with dry_run none. An empty cell leaves what is there").Produces<ImportReport>();
        group.MapGet("/{userId}", FindAsync).RequireScope(Scopes.ContactsRead).WithSummary("Read a contact").Produces<ContactDetails>();
        group.MapPut("/{userId}", PutAsync).RequireScope(Scopes.ContactsWrite).WithSummary("Create or change a contact")
            .Accepts<ContactInput>("application/json").Produces<ContactDetails>();
    }

    private static Task<Page<ContactDetails>> ListAsync(
        [Description("Only those with this address.")] string? email,
        [Description("Only those whose user id, address or name holds this text.")] string? search,
        [AsParameters] Paging paging, Caller caller, Contacts contacts, CancellationToken ct)
    {
        if (string.IsNullOrWhiteSpace(search)) return contacts.ListAsync(caller.AccountId, paging.Cursor, paging.Size, ct, email);
        if (email is not null) throw new InvalidInputException("search", "goes without email");
        if (search.Trim().Length > LongestSearch) throw new InvalidInputException("search", $"is longer than {LongestSearch} characters");
        return contacts.SearchAsync(caller.AccountId, search.Trim(), paging.Cursor, paging.Size, ct);
    }

    private static Task<ImportReport> ImportAsync(
        HttpContext context, [FromQuery(Name = "dry_run"), Description("Whether to write nothing and report what would be done.")] bool? dryRun, Caller caller, ContactImport import, CancellationToken ct) =>
        import.ImportAsync(caller.AccountId, CsvBody.Of(context), dryRun ?? false, ct);

    private static async Task<ContactDetails> FindAsync(string userId, Caller caller, Contacts contacts, CancellationToken ct) =>
        await contacts.FindAsync(caller.AccountId, PathText.Unescape(userId), ct) ?? throw new NotFoundException($"There is no contact '{userId}'.");

    private static async Task<ContactDetails> PutAsync(string userId, HttpContext context, Caller caller, Contacts contacts, CancellationToken ct)
    {
        using var body = await RequestBody.ReadJsonAsync(context);
        return await contacts.PutAsync(caller.AccountId, PathText.Unescape(userId), body.Read<IReadOnlyDictionary<string, object?>>(), ct);
    }
}
