using System.Text;
using System.Text.Json.Nodes;
using MailFlow.Data;
using MailFlow.Journeys;
using MailFlow.Server.Access;
using MailFlow.Server.Elsa.Definitions;

namespace MailFlow.Server.Elsa.Viewer;

/// <summary>Workflow instances as Studio lists, shows and ends them.</summary>
internal static class InstanceEndpoints
{
    internal sealed record InstanceIds(IReadOnlyList<string>? Ids);

    internal sealed record JournalRequest(JournalFilter? Filter);

    internal sealed record JournalFilter(
        IReadOnlyList<string>? ActivityIds, IReadOnlyList<string>? ActivityNodeIds, IReadOnlyList<string>? ExcludedActivityTypes, IReadOnlyList<string>? EventNames)
    {
        public bool Holds(JsonObject line) => In(ActivityIds, line.Text("activityId")) && In(ActivityNodeIds, line.Text("nodeId"))
            && In(EventNames, line.Text("eventName")) && ExcludedActivityTypes?.Contains(line.Text("activityType") ?? "") != true;

        private static bool In(IReadOnlyList<string>? wanted, string? value) => wanted is null or { Count: 0 } || (value is not null && wanted.Contains(value));
    }

    public static void MapInstancesOfElsa(this IEndpointRouteBuilder api)
    {
        var reading = api.MapGroup("/workflow-instances").RequireScope(Scopes.JourneysRead);
        reading.MapPost("", ListAsync);
        reading.MapGet("/{id}", FindAsync);
        reading.MapGet("/{id}/execution-state", StateAsync);
        reading.MapGet("/{id}/journal", (string id, int? skip, int? take, Caller caller, InstanceTrips trips, StudioForm form, CancellationToken ct) => JournalAsync(id, skip, take, null, caller, trips, form, ct));
        reading.MapPost("/{id}/journal", (string id, int? skip, int? take, ElsaBody<JournalRequest> body, Caller caller, InstanceTrips trips, StudioForm form, CancellationToken ct) => JournalAsync(id, skip, take, body.Value.Filter, caller, trips, form, ct));
        reading.MapGet("/{id}/variables", VariablesAsync);
        reading.MapGet("/{id}/export", ExportAsync);
        var writing = api.MapGroup("").RequireScope(Scopes.JourneysPublish).WithMetadata(new ShowsRefusals());
        writing.MapPost("/cancel/workflow-instances/{id}", CancelAsync);
        writing.MapPost("/bulk-actions/cancel/workflow-instances", BulkCancelAsync);
        writing.MapDelete("/workflow-instances/{id}", () => Kept());
        writing.MapPost("/bulk-actions/delete/workflow-instances/by-id", () => Kept());
        api.MapExecutions();
    }

    internal static async Task<ShownTrip> TripAsync(string id, Caller caller, InstanceTrips trips, StudioForm form, CancellationToken ct) =>
        Guid.TryParse(id, out var key) && await trips.FindAsync(caller.AccountId, key, ct) is { } trip ? new ShownTrip(trip, form) : throw new NotFoundException($"There is no instance '{id}'.");

    private static async Task<IResult> ListAsync(ElsaBody<InstanceFilterBody> body, Caller caller, InstanceSearch search, CancellationToken ct)
    {
        var (items, total) = await search.FindAsync(caller.AccountId, body.Value.Read(), ct);
        return ElsaJson.Tree(new JsonObject { ["items"] = new JsonArray([.. items.Select(ShownTrip.Summary)]), ["totalCount"] = total });
    }

    private static async Task<IResult> FindAsync(string id, Caller caller, InstanceTrips trips, StudioForm form, CancellationToken ct) =>
        ElsaJson.Tree((await TripAsync(id, caller, trips, form, ct)).Whole());

    private static async Task<IResult> StateAsync(string id, Caller caller, InstanceTrips trips, CancellationToken ct) =>
        Guid.TryParse(id, out var key) && await trips.FindAsync(caller.AccountId, key, ct) is { } trip
            ? ElsaJson.Tree(ShownTrip.State(trip.Instance.Status, trip.Instance.UpdatedAt))
            : throw new NotFoundException($"There is no instance '{id}'.");

    private static async Task<IResult> JournalAsync(string id, int? skip, int? take, JournalFilter? filter, Caller caller, InstanceTrips trips, StudioForm form, CancellationToken ct)
    {
        var lines = (await TripAsync(id, caller, trips, form, ct)).Journal().Where(line => filter?.Holds(line) != false).ToList();
        var page = lines.Skip(Math.Max(skip ?? 0, 0)).Take(Math.Clamp(take ?? Cursor.MaxLimit, 0, Cursor.MaxLimit));
        return ElsaJson.Tree(new JsonObject { ["items"] = new JsonArray([.. page]), ["totalCount"] = lines.Count });
    }

    private static async Task<IResult> VariablesAsync(string id, Caller caller, InstanceTrips trips, StudioForm form, CancellationToken ct)
    {
        var variables = (await TripAsync(id, caller, trips, form, ct)).Variables();
        return ElsaJson.Tree(new JsonObject { ["count"] = variables.Count, ["items"] = variables });
    }

    private static async Task<IResult> ExportAsync(string id, Caller caller, InstanceTrips trips, StudioForm form, CancellationToken ct)
    {
        var trip = await TripAsync(id, caller, trips, form, ct);
        var export = new JsonObject { ["workflowInstance"] = trip.Whole(), ["journal"] = new JsonArray([.. trip.Journal()]) };
        return Results.File(Encoding.UTF8.GetBytes(export.ToJsonString(ElsaJson.Indented)), "application/json", $"instance-{id}.json");
    }

    private static async Task<IResult> CancelAsync(string id, Caller caller, Authors authors, Instances instances, CancellationToken ct)
    {
        var reason = await ReasonAsync(caller, authors, ct);
        await instances.CancelAsync(caller.AccountId, Key(id), reason, ct);
        return Results.NoContent();
    }

    private static async Task<IResult> BulkCancelAsync(ElsaBody<InstanceIds> body, Caller caller, Authors authors, Instances instances, CancellationToken ct)
    {
        var cancelled = 0;
        var reason = await ReasonAsync(caller, authors, ct);
        foreach (var id in body.Value.Ids ?? [])
        {
            try
            {
                await instances.CancelAsync(caller.AccountId, Key(id), reason, ct);
                cancelled++;
            }
            catch (Exception gone) when (gone is ConflictException or NotFoundException)
            {
                // It ended in the meantime, which is what was wanted.
            }
        }
        return ElsaJson.Answer(new { CancelledCount = cancelled });
    }

    /// <summary>What a contact was sent, and why, is kept as long as its history is: the retention removes it.</summary>
    private static IResult Kept() => throw new RefusedException("Trips are kept as part of the contact's history, until the retention removes them. To end one, cancel it.");

    private static async Task<string> ReasonAsync(Caller caller, Authors authors, CancellationToken ct) =>
        $"cancelled in Elsa Studio{(await authors.NameAsync(caller, ct) is { } author ? $" by {author}" : "")}";

    private static Guid Key(string id) => Guid.TryParse(id, out var key) ? key : throw new NotFoundException($"There is no instance '{id}'.");
}
