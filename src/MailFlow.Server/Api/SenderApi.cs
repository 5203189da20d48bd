using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

internal static class SenderApi
{
    /// <param name="Name">The name a mail reader shows.</param>
    /// <param name="Email">The address mail comes from.</param>
    /// <param name="ReplyTo">Where answers go; the address itself if not said.</param>
    /// <param name="PostalAddress">The sender's postal address, which the law wants in marketing mail.</param>
    internal sealed record SenderInput(string? Name, string? Email, string? ReplyTo, string? PostalAddress);

    public static void MapSender(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/sender").WithTags("Sender");
        group.MapGet("", (Caller caller, Senders senders, CancellationToken ct) => senders.FindAsync(caller.AccountId, ct)).RequireScope(Scopes.MessagesRead)
            .WithSummary("Read whom the account's mail comes from").Produces<SenderIdentity>();
        group.MapPut("", PutAsync).RequireScope(Scopes.Admin).WithSummary("Set whom the account's mail comes from").Produces<SenderIdentity>();
    }

    private static async Task<SenderIdentity> PutAsync(Body<SenderInput> body, Caller caller, Senders senders, CancellationToken ct)
    {
        var (name, email, replyTo, postalAddress) = body.Value;
        if (string.IsNullOrWhiteSpace(name)) throw new InvalidInputException("name", "is missing");
        if (string.IsNullOrWhiteSpace(email)) throw new InvalidInputException("email", "is missing");
        var sender = new SenderIdentity(name, email, replyTo, postalAddress);
        await senders.PutAsync(caller.AccountId, sender, ct);
        return sender;
    }
}
