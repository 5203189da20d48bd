using MailFlow.Delivery;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

internal static class AccountApi
{
    /// <param name="Name">What people call the account.</param>
    /// <param name="Region">Where its mail must stay, such as eu; null for anywhere.</param>
    internal sealed record AccountInput(string? Name, string? Region);

    public static void MapAccount(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/account").WithTags("Account");
        group.MapGet("", (Caller caller, AccountSettings settings, CancellationToken ct) => settings.FindAsync(caller.AccountId, ct)).RequireScope(Scopes.MessagesRead)
            .WithSummary("Read the account's settings").Produces<AccountSetting>();
        group.MapPut("", (Body<AccountInput> body, Caller caller, AccountSettings settings, CancellationToken ct) => settings.PutAsync(caller.AccountId, body.Value.Name, body.Value.Region, ct))
            .RequireScope(Scopes.Admin).WithSummary("Set the account's name and region").Produces<AccountSetting>();
    }
}
