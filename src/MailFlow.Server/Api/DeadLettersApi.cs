using MailFlow.Data;
using MailFlow.Engine.Storage;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

internal static class DeadLettersApi
{
    public static void MapDeadLetters(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/dead-letters").WithTags("Dead letters");
        group.MapGet("", ListAsync).RequireScope(Scopes.JourneysRead).WithSummary("List what was accepted and could not be worked on, the latest first").Produces<Page<DeadLetter>>();
        group.MapPost("/{id}/replay", ReplayAsync).RequireScope(Scopes.JourneysPublish).WithSummary("Put one back, to be worked on as if it came now").Produces(202);
    }

    private static Task<Page<DeadLetter>> ListAsync([AsParameters] Paging paging, Caller caller, DeadLetters letters, CancellationToken ct) =>
        letters.ListAsync(caller.AccountId, paging.Cursor, paging.Size, ct);

    /// <summary>202: the worker of its shard does it within moments.</summary>
    private static async Task<IResult> ReplayAsync(string id, Caller caller, DeadLetters letters, CancellationToken ct)
    {
        await letters.ReplayAsync(caller.AccountId, Guid.TryParse(id, out var key) ? key : throw new NotFoundException($"There is no dead letter '{id}'."), ct);
        return Results.Accepted();
    }
}
