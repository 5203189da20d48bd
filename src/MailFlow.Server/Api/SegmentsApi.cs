using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

internal static class SegmentsApi
{
    /// <param name="Name">What a marketer calls it; the key if not said.</param>
    /// <param name="Rule">CEL over <c>contact</c>, <c>now</c> and <c>count_events</c>.</param>
    /// <param name="IfUpdatedAt">The <c>updated_at</c> of the segment when it was read: the answer is 409 when it has changed since. Left out: written in any case.</param>
    internal sealed record SegmentInput(string? Name, string? Rule, DateTimeOffset? IfUpdatedAt = null);

    /// <param name="Count">How many contacts are in it now.</param>
    internal sealed record SegmentCount(long Count);

    /// <param name="Count">How many contacts the rule holds for now.</param>
    /// <param name="Sample">Some of them; none without the scope <c>contacts:read</c>.</param>
    /// <param name="Error">What is wrong with the rule and where; null when nothing is.</param>
    internal sealed record SegmentPreview(long Count, IReadOnlyList<ContactDetails> Sample, string? Error);

    private const int SampleSize = 10;

    public static void MapSegments(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/segments").WithTags("Segments");
        group.MapGet("", ListAsync).RequireScope(Scopes.SegmentsRead).WithSummary("List the segments").Produces<Page<Segment>>();
        group.MapPost("/preview", PreviewAsync).RequireScope(Scopes.SegmentsRead).WithSummary("Count whom a rule would hold for, and show some; a rule that cannot be taken is an answer with error").Produces<SegmentPreview>();
        group.MapGet("/{key}", FindAsync).RequireScope(Scopes.SegmentsRead).WithSummary("Read a segment").Produces<Segment>();
        group.MapPut("/{key}", PutAsync).RequireScope(Scopes.SegmentsWrite).WithSummary("Create or change a segment").Produces<Segment>();
        group.MapDelete("/{key}", DeleteAsync).RequireScope(Scopes.SegmentsWrite).WithSummary("Remove a segment").Produces(204);
        group.MapGet("/{key}/count", CountAsync).RequireScope(Scopes.SegmentsRead).WithSummary("Count who is in it now").Produces<SegmentCount>();
        group.MapGet("/{key}/contacts", MembersAsync).RequireScope(Scopes.ContactsRead).WithSummary("List who is in it now").Produces<Page<ContactDetails>>();
        group.MapGet("/{key}/explain", ExplainAsync).RequireScope(Scopes.ContactsRead).WithSummary("Say why a contact is in it, or is not: each condition with what it compared").Produces<SegmentExplanation>();
    }

    private static Task<Page<Segment>> ListAsync([AsParameters] Paging paging, Caller caller, Segments segments, CancellationToken ct) =>
        segments.ListAsync(caller.AccountId, paging.Cursor, paging.Size, ct);

    private static async Task<Segment> FindAsync(string key, Caller caller, Segments segments, CancellationToken ct) =>
        await segments.FindAsync(caller.AccountId, key, ct) ?? throw NotThere(key);

    private static Task<Segment> PutAsync(string key, Body<SegmentInput> body, Caller caller, Segments segments, CancellationToken ct) =>
        segments.PutAsync(caller.AccountId, key, body.Value.Name, RuleOf(body.Value), body.Value.IfUpdatedAt, ct);

    private static async Task<IResult> DeleteAsync(string key, Caller caller, Segments segments, CancellationToken ct) =>
        await segments.DeleteAsync(caller.AccountId, key, ct) ? Results.NoContent() : throw NotThere(key);

    private static async Task<SegmentCount> CountAsync(string key, Caller caller, Segments segments, CancellationToken ct) =>
        new(await segments.CountAsync(caller.AccountId, key, ct));

    private static Task<Page<ContactDetails>> MembersAsync(string key, [AsParameters] Paging paging, Caller caller, Segments segments, CancellationToken ct) =>
        segments.MembersAsync(caller.AccountId, key, paging.Cursor, paging.Size, ct);

    /// <summary>Whoever types a rule asks with each pause: a half-written one is no failed request.</summary>
    private static async Task<SegmentPreview> PreviewAsync(Body<SegmentInput> body, Caller caller, Segments segments, CancellationToken ct)
    {
        var rule = RuleOf(body.Value);
        try
        {
            var count = await segments.PreviewAsync(caller.AccountId, rule, ct);
            return new(count, caller.Holds(Scopes.ContactsRead) ? await segments.SampleAsync(caller.AccountId, rule, SampleSize, ct) : [], null);
        }
        catch (InvalidInputException invalid) when (invalid.Field == "rule")
        {
            return new(0, [], invalid.Problem);
        }
    }

    private static Task<SegmentExplanation> ExplainAsync(
        string key, [Microsoft.AspNetCore.Mvc.FromQuery(Name = "user_id")] string? userId, Caller caller, Segments segments, CancellationToken ct) =>
        segments.ExplainAsync(caller.AccountId, key, userId ?? throw new InvalidInputException("user_id", "is missing"), ct);

    private static string RuleOf(SegmentInput input) =>
        string.IsNullOrWhiteSpace(input.Rule) ? throw new InvalidInputException("rule", "is missing") : input.Rule;

    private static NotFoundException NotThere(string key) => new($"There is no segment '{key}'.");
}
