using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Delivery.Routing;
using MailFlow.Engine.Expressions;
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

    /// <param name="Mailbox"><c>gmail</c>, <c>microsoft</c>, <c>yahoo</c>, <c>apple</c> (all of its domains together), a domain, or <c>*</c>: each domain that has no limit of its own.</param>
    /// <param name="PerSecond">Above 0; a third of a mail a second is one in three seconds.</param>
    internal sealed record LimitInput(string? Mailbox, double? PerSecond);

    /// <param name="Limits">All limits, in place of those there were.</param>
    internal sealed record LimitsInput(IReadOnlyList<LimitInput>? Limits);

    /// <param name="Subject">What to let send again: <c>connection:KEY</c>, <c>domain:NAME</c> or <c>sender</c>.</param>
    internal sealed record ResumeInput(string? Subject);

    /// <param name="From">When quiet hours begin by the recipient's clock: 21:00.</param>
    /// <param name="To">When they end.</param>
    internal sealed record QuietInput(string? From, string? To);

    /// <param name="Messages">How many marketing mails a contact gets at most: 1 to 1,000.</param>
    /// <param name="Period">In how long a time: P7D.</param>
    internal sealed record CapInput(int? Messages, string? Period);

    /// <param name="Quiet">Hours in which no marketing mail leaves; null for none.</param>
    /// <param name="Cap">The most marketing mail a contact gets; null for any number.</param>
    internal sealed record PolicyInput(QuietInput? Quiet, CapInput? Cap);

    public static void MapSending(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/sending").WithTags("Sending");
        group.MapGet("", (Caller caller, SendingOverview overview, CancellationToken ct) => overview.ReadAsync(caller.AccountId, ct)).RequireScope(Scopes.MessagesRead)
            .WithSummary("How mail leaves at this moment: routes, the domain's standing and warm-up, what is stopped and why").Produces<SendingState>();
        group.MapPost("/resume", ResumeAsync).RequireScope(Scopes.Admin).WithSummary("Let what was stopped send again, once it is mended")
            .WithDescription("A sending domain is judged by what comes after, and stops again when its rates are as bad. The sender is not resumed while a publish would be refused because of it: 409 says what is to be mended.").Produces(204);
        group.MapPut("/warm-ups/{domain}", PutWarmUpAsync).RequireScope(Scopes.Admin).WithSummary("Begin a sending domain's warm-up").Produces(204);
        group.MapDelete("/warm-ups/{domain}", DeleteWarmUpAsync).RequireScope(Scopes.Admin).WithSummary("End a sending domain's warm-up").Produces(204);
        group.MapGet("/policy", async (Caller caller, SendingPolicies policies, CancellationToken ct) => Show(await policies.FindAsync(caller.AccountId, ct))).RequireScope(Scopes.MessagesRead)
            .WithSummary("Read the account's quiet hours and cap").Produces<PolicyInput>();
        group.MapPut("/policy", PutPolicyAsync).RequireScope(Scopes.Admin).WithSummary("Set the account's quiet hours and cap, which hold marketing mail back by default").Produces<PolicyInput>();
        group.MapGet("/mailbox-limits", ListLimitsAsync).RequireScope(Scopes.MessagesRead).WithSummary("Read the limits by mailbox provider").Produces<Page<MailboxLimit>>();
        group.MapPut("/mailbox-limits", PutLimitsAsync).RequireScope(Scopes.Admin).WithSummary("Set the limits by mailbox provider").Produces<Page<MailboxLimit>>();
    }

    private static async Task<PolicyInput> PutPolicyAsync(Body<PolicyInput> body, Caller caller, SendingPolicies policies, CancellationToken ct)
    {
        var (quietInput, capInput) = body.Value;
        QuietTimes? quiet = null;
        if (quietInput is not null && !QuietTimes.TryRead(quietInput.From, quietInput.To, out quiet))
            throw new InvalidInputException("quiet", $"'{quietInput.From}' and '{quietInput.To}' must be two different times of day such as 21:00 and 08:00");
        MessageCap? cap = null;
        if (capInput is not null)
            cap = new MessageCap(
                capInput.Messages ?? throw new InvalidInputException("cap.messages", "is missing"),
                DurationText.TryParse(capInput.Period, out var period) ? period : throw new InvalidInputException("cap.period", $"'{capInput.Period}' is not a duration: write it like P7D or PT24H"));
        await policies.PutAsync(caller.AccountId, new SendingPolicy(quiet, cap), ct);
        return Show(await policies.FindAsync(caller.AccountId, ct));
    }

    private static PolicyInput Show(SendingPolicy policy) => new(
        policy.Quiet is { } quiet ? new(quiet.From.ToString("HH:mm", null), quiet.To.ToString("HH:mm", null)) : null,
        policy.Cap is { } cap ? new(cap.Messages, System.Xml.XmlConvert.ToString(cap.Period)) : null);

    private static async Task<IResult> ResumeAsync(Body<ResumeInput> body, Caller caller, SendingStops stops, MessageSignal signal, CancellationToken ct)
    {
        if (string.IsNullOrWhiteSpace(body.Value.Subject)) throw new InvalidInputException("subject", "is missing: connection:KEY, domain:NAME or sender, as GET /api/v1/sending lists it under stops");
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
        var given = body.Value.Limits ?? throw new InvalidInputException("limits", "is missing");
        await limits.ReplaceAsync(caller.AccountId, [.. given.Select((limit, i) => new MailboxLimit(
            limit?.Mailbox ?? throw new InvalidInputException($"limits[{i}].mailbox", "is missing"), limit.PerSecond ?? throw new InvalidInputException($"limits[{i}].per_second", "is missing")))], ct);
        return new(await limits.ListAsync(caller.AccountId, ct), null);
    }
}
