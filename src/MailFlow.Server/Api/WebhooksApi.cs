using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

/// <summary>Where providers report what became of mail. Whoever calls shows no key of ours: the call itself is verified.</summary>
internal static class WebhooksApi
{
    public static void MapWebhooks(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/webhooks").WithTags("Webhooks");
        group.MapPost("/{provider}/{connection}", TakeAsync).AllowAnonymous().WithMetadata(new AnyQuery())
            .WithSummary("Report what became of mail: for providers").WithDescription("Needs no key: the call is verified by the connection's own secret or signature. 200 once the call is durable; it is read after. 401 when it is not the provider's.");
        group.MapGet("/failed", ListAsync).RequireScope(Scopes.MessagesRead).WithSummary("List verified calls that could not be read").Produces<Page<LaidAsideCall>>();
        group.MapPost("/failed/{id}/replay", ReplayAsync).RequireScope(Scopes.Admin).WithSummary("Put one back, to be read again").Produces(202);
    }

    private static async Task<IResult> TakeAsync(string provider, string connection, HttpContext context, Webhooks webhooks, TimeProvider time, CancellationToken ct)
    {
        if (!Guid.TryParse(connection, out var id)) return Answer(WebhookAnswer.Unknown);
        if (await webhooks.WhyNotAsync(provider, id, ct) is { } refusal) return Answer(refusal); // before megabytes are read for nobody
        using var body = await RequestBody.ReadAsync(context, Webhooks.MaxBytes);
        var call = new WebhookCall(
            context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            context.Request.Query.ToDictionary(parameter => parameter.Key, parameter => parameter.Value.ToString()), body.Bytes, time.GetUtcNow());
        return Answer(await webhooks.TakeAsync(provider, id, call, ct));
    }

    private static IResult Answer(WebhookAnswer answer) => answer switch
    {
        WebhookAnswer.Taken => Results.Ok(),
        WebhookAnswer.Refused => Problems.Result(401, "The call is not the provider's."),
        WebhookAnswer.Unknown => Problems.Result(404, "There is no such connection."),
        _ => Problems.Result(503, "The call could not be verified now. Send it again later."),
    };

    private static Task<Page<LaidAsideCall>> ListAsync([AsParameters] Paging paging, Caller caller, LaidAsideCalls calls, CancellationToken ct) =>
        calls.ListAsync(caller.AccountId, paging.Cursor, paging.Size, ct);

    private static async Task<IResult> ReplayAsync(string id, Caller caller, LaidAsideCalls calls, CancellationToken ct)
    {
        await calls.ReplayAsync(caller.AccountId, long.TryParse(id, out var key) ? key : throw new NotFoundException($"There is no failed webhook call '{id}'."), ct);
        return Results.Accepted();
    }
}
