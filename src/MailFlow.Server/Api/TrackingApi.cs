using MailFlow.Delivery;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

internal static class TrackingApi
{
    /// <param name="Enabled">Whether opens and clicks are tracked; left out: where the provider does not do it itself, and never in the sandbox.</param>
    /// <param name="NeedsConsent">Whether only contacts are tracked whose attribute <c>tracking</c> is true.</param>
    internal sealed record TrackingInput(bool? Enabled, bool? NeedsConsent);

    public static void MapTrackingSettings(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/tracking").WithTags("Tracking");
        group.MapGet("", (Caller caller, MailTracking tracking, CancellationToken ct) => tracking.FindAsync(caller.AccountId, ct)).RequireScope(Scopes.MessagesRead)
            .WithSummary("Read whether the account's mail is tracked").Produces<TrackingSettings>();
        group.MapPut("", (Body<TrackingInput> body, Caller caller, MailTracking tracking, CancellationToken ct) =>
                tracking.PutAsync(caller.AccountId, new TrackingSettings(body.Value.Enabled, body.Value.NeedsConsent ?? false), ct)).RequireScope(Scopes.Admin)
            .WithSummary("Set whether the account's mail is tracked").Produces<TrackingSettings>();
        api.MapGet("/delivery/guarantees", (string? since, string? until, Caller caller, Guarantees guarantees, CancellationToken ct) =>
                guarantees.CountAsync(caller.AccountId, Instant("since", since), Instant("until", until), ct)).RequireScope(Scopes.MessagesRead).WithTags("Messages")
            .WithSummary("Count what became of the mail planned in a period: none lost, none twice")
            .WithDescription("`since` and `until` are RFC 3339; by default the last 30 days, at most 92.").Produces<DeliveryGuarantees>();
    }

    private static DateTimeOffset? Instant(string name, string? text) => string.IsNullOrEmpty(text) ? null
        : Engine.Expressions.TimestampText.TryParse(text, out var ms) ? DateTimeOffset.FromUnixTimeMilliseconds(ms)
        : throw new Data.InvalidInputException(name, "must be text such as 2026-01-31T09:00:00Z");
}
