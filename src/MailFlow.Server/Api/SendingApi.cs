using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Delivery.Routing;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

/// <summary>How mail leaves, and what holds it back.</summary>
internal static class SendingApi
{
    /// <param name="FirstVolume">How many mails on the first day: 1 or more.</param>
    /// <param name="TargetVolume">How many on the last day.</param>
    /// <param name="Days">From the first day to the last: 2 to 90; 28 if not said.</param>
    internal sealed record WarmUpInput(int? FirstVolume, int? TargetVolume, int? Days);

    /// <param name="Limits">All limits, in place of those there were.</param>
    internal sealed record LimitsInput(IReadOnlyList<MailboxLimit>? Limits);

    /// <param name="Subject">What to let send again: <c>connection:KEY</c> or <c>domain:NAME</c>.</param>
    internal sealed record ResumeInput(string? Subject);

    public static void MapSending(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/sending").WithTags("Sending");
        group.MapGet("", (Caller caller, SendingOverview overview, CancellationToken ct) => overview.ReadAsync(caller.AccountId, ct)).RequireScope(Scopes.MessagesRead)
            .WithSummary("How mail leaves at this moment: routes, the domain's standing and warm-up, what is stopped and why").Produces<SendingState>();
        group.MapPost("/resume", ResumeAsync).RequireScope(Scopes.Admin).WithSummary("Let what was stopped send again, once it is mended").Produces(204);
        group.MapPut("/warm-ups/{domain}", PutWarmUpAsync).RequireScope(Scopes.Admin).WithSummary("Begin a sending domain's warm-up").Produces(204);
        group.MapDelete("/warm-ups/{domain}", DeleteWarmUpAsync).RequireScope(Scopes.Admin).WithSummary("End a sending domain's warm-up").Produces(204);
        group.MapGet("/mailbox-limits", ListLimitsAsync).RequireScope(Scopes.MessagesRead).WithSummary("Read the limits by mailbox provider").Produces<Page<MailboxLimit>>();
        group.MapPut("/mailbox-limits", PutLimitsAsync).RequireScope(Scopes.Admin).WithSummary("Set the limits by mailbox provider").Produces<Page<MailboxLimit>>();
    }

    private static async Task<IResult> ResumeAsync(Body<ResumeInput> body, Caller caller, SendingStops stops, MessageSignal signal, CancellationToken ct)
    {
        if (string.IsNullOrWhiteSpace(body.Value.Subject)) throw new InvalidInputException("subject", "is missing: connection:KEY or domain:NAME, as GET /api/v1/sending lists it under stops");
        if (!await stops.ResumeAsync(caller.AccountId, body.Value.Subject, ct)) throw new NotFoundException($"Nothing is stopped at '{body.Value.Subject}'.");
        signal.Notify();
        return Results.NoContent();
    }

    private static async Task<IResult> PutWarmUpAsync(string domain, Body<WarmUpInput> body, Caller caller, WarmUps warmUps, CancellationToken ct)
    {
        var (first, target, days) = body.Value;
        await warmUps.PutAsync(
            caller.AccountId, PathText.Unescape(domain), first ?? throw new InvalidInputException("first_volume", "is missing"), target ?? throw new InvalidInputException("target_volume", "is missing"), days ?? 28, ct);
        return Results.NoContent();
    }

    private static async Task<IResult> DeleteWarmUpAsync(string domain, Caller caller, WarmUps warmUps, CancellationToken ct) =>
        await warmUps.DeleteAsync(caller.AccountId, PathText.Unescape(domain), ct) ? Results.NoContent() : throw new NotFoundException($"'{domain}' is not being warmed up.");

    private static async Task<Page<MailboxLimit>> ListLimitsAsync(Caller caller, MailboxLimits limits, CancellationToken ct) => new(await limits.ListAsync(caller.AccountId, ct), null);

    private static async Task<Page<MailboxLimit>> PutLimitsAsync(Body<LimitsInput> body, Caller caller, MailboxLimits limits, CancellationToken ct)
    {
        await limits.ReplaceAsync(caller.AccountId, body.Value.Limits ?? throw new InvalidInputException("limits", "is missing"), ct);
        return new(await limits.ListAsync(caller.AccountId, ct), null);
    }
}
