using MailFlow.Audience;
using MailFlow.Server.Access;

namespace MailFlow.Server.Api;

internal static class FieldsApi
{
    public static void MapFields(this IEndpointRouteBuilder api) =>
        api.MapGet("/fields", (Caller caller, KnownFields fields, CancellationToken ct) => fields.ReadAsync(caller.AccountId, ct)).RequireScope(Scopes.ContactsRead).WithTags("Contacts")
            .WithSummary("Read which fields, tags, events and purposes the account's latest data holds").Produces<KnownData>();
}
