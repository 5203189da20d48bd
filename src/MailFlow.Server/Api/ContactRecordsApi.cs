using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Engine.Storage;
using MailFlow.Journeys;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

/// <summary>What is on record about one contact.</summary>
internal static class ContactRecordsApi
{
    public static void MapContactRecords(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/contacts/{userId}").WithTags("Contacts");
        group.MapGet("/events", EventsAsync).RequireScope(Scopes.ContactsRead).WithSummary("Read a contact's events of the last 90 days, the latest first").Produces<Page<RecordedEvent>>();
        group.MapGet("/consents", ConsentsAsync).RequireScope(Scopes.ContactsRead).WithSummary("Read what a contact agreed to and withdrew, the latest first").Produces<Page<ConsentEntry>>();
        group.MapPost("/consents", RecordAsync).RequireScope(Scopes.ContactsWrite)
            .WithSummary("Record that a contact agreed to a purpose or withdrew, with what proves it; what only repeats the present state is passed over, and so is a yes that may not undo a refusal").Produces<ConsentRecorded>();
        group.MapGet("/instances", InstancesAsync).RequireScope(Scopes.JourneysRead).WithSummary("List a contact's trips through journeys, the latest begun first").Produces<Page<ContactInstance>>();
    }

    private static async Task<Page<RecordedEvent>> EventsAsync(
        string userId, [Microsoft.AspNetCore.Mvc.FromQuery(Name = "event_type")] string? eventType, [AsParameters] Paging paging,
        Caller caller, Contacts contacts, RecordedEvents events, CancellationToken ct) =>
        await events.OfContactAsync(caller.AccountId, await contacts.IdOfAsync(caller.AccountId, PathText.Unescape(userId), ct), eventType, paging.Cursor, paging.Size, ct);

    private static async Task<Page<ConsentEntry>> ConsentsAsync(string userId, [AsParameters] Paging paging, Caller caller, Contacts contacts, CancellationToken ct) =>
        await contacts.ConsentsAsync(caller.AccountId, await contacts.IdOfAsync(caller.AccountId, PathText.Unescape(userId), ct), paging.Cursor, paging.Size, ct);

    private static async Task<ConsentRecorded> RecordAsync(string userId, Body<ConsentGiven> body, Caller caller, Contacts contacts, CancellationToken ct) =>
        await contacts.RecordConsentAsync(caller.AccountId, PathText.Unescape(userId), body.Value, ct);

    private static async Task<Page<ContactInstance>> InstancesAsync(
        string userId, [AsParameters] Paging paging, Caller caller, Contacts contacts, ContactInstances instances, CancellationToken ct) =>
        await instances.ListAsync(caller.AccountId, await contacts.IdOfAsync(caller.AccountId, PathText.Unescape(userId), ct), paging.Cursor, paging.Size, ct);
}
