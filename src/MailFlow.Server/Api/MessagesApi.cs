using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

internal static class MessagesApi
{
    /// <param name="Message">The ledger's row.</param>
    /// <param name="Answers">What the provider said on the way, other than plain acceptance.</param>
    /// <param name="Reports">What was reported about it since, the latest 200 in order.</param>
    internal sealed record MessageDetails(Message Message, IReadOnlyList<MessageAnswer> Answers, IReadOnlyList<MessageReport> Reports);

    public static void MapMessages(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/messages").RequireScope(Scopes.MessagesRead).WithTags("Messages");
        group.MapGet("", ListAsync).WithSummary("Read the ledger: every planned mail and what became of it").Produces<Page<Message>>();
        group.MapGet("/{id}", FindAsync).WithSummary("Read one message with the provider's answers and reports").Produces<MessageDetails>();
        group.MapGet("/{id}/basis", BasisAsync).WithSummary("Say what justified a mail as of its hand-over: consent and suppressions, in plain words").Produces<MessageBasis>();
        api.MapGet("/sandbox/messages", CapturedAsync).RequireScope(Scopes.MessagesRead).WithTags("Messages")
            .WithSummary("Read the mail that the sandbox captured, in the order of its capture or the newest first").Produces<Page<CapturedEmail>>();
    }

    private static Task<Page<Message>> ListAsync(
        [Microsoft.AspNetCore.Mvc.FromQuery(Name = "user_id")] string? userId, string? journey, string? state,
        [AsParameters] Paging paging, Caller caller, Messages messages, CancellationToken ct) =>
        messages.ListAsync(caller.AccountId, userId, journey, state, paging.Cursor, paging.Size, ct);

    private static async Task<MessageDetails> FindAsync(string id, Caller caller, Messages messages, CancellationToken ct) =>
        Guid.TryParse(id, out var key) && await messages.FindAsync(caller.AccountId, key, ct) is { } message
            ? new(message, await messages.AnswersAsync(caller.AccountId, key, ct), await messages.ReportsAsync(caller.AccountId, key, ct))
            : throw new NotFoundException($"There is no message '{id}'.");

    private static async Task<MessageBasis> BasisAsync(string id, Caller caller, MessageBases bases, CancellationToken ct) =>
        Guid.TryParse(id, out var key) && await bases.FindAsync(caller.AccountId, key, ct) is { } basis ? basis : throw new NotFoundException($"There is no message '{id}'.");

    private static Task<Page<CapturedEmail>> CapturedAsync(
        string? to, [Microsoft.AspNetCore.Mvc.FromQuery(Name = "newest_first")] bool? newestFirst, [AsParameters] Paging paging, Caller caller, SandboxMailbox mailbox, CancellationToken ct) =>
        mailbox.ListAsync(caller.AccountId, to, paging.Cursor, paging.Size, ct, newestFirst ?? false);
}
