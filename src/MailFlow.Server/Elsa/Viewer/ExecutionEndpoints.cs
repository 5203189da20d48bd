using System.Text.Json.Nodes;
using MailFlow.Data;
using MailFlow.Journeys;
using MailFlow.Server.Access;
using MailFlow.Server.Elsa.Definitions;

namespace MailFlow.Server.Elsa.Viewer;

/// <summary>Runs of activities, for the badges on the canvas and the pane beneath it.</summary>
internal static class ExecutionEndpoints
{
    internal sealed record ReportRequest(string? WorkflowInstanceId, IReadOnlyList<string>? ActivityNodeIds);

    public static void MapExecutions(this IEndpointRouteBuilder api)
    {
        var reading = api.MapGroup("").RequireScope(Scopes.JourneysRead);
        reading.MapPost("/activity-executions/report", ReportAsync);
        reading.MapGet("/activity-executions/list", (string? workflowInstanceId, string? activityNodeId, Caller caller, InstanceTrips trips, StudioForm form, CancellationToken ct) =>
            ListAsync(workflowInstanceId, activityNodeId, (trip, run) => trip.Record(run), caller, trips, form, ct));
        reading.MapGet("/activity-execution-summaries/list", (string? workflowInstanceId, string? activityNodeId, Caller caller, InstanceTrips trips, StudioForm form, CancellationToken ct) =>
            ListAsync(workflowInstanceId, activityNodeId, (trip, run) => trip.RecordSummary(run), caller, trips, form, ct));
        reading.MapGet("/activity-executions/by-id", ByIdAsync);
        reading.MapGet("/activity-executions/{id}/call-stack", CallStackAsync);
    }

    private static async Task<IResult> ReportAsync(ElsaBody<ReportRequest> body, Caller caller, InstanceTrips trips, StudioForm form, CancellationToken ct) =>
        ElsaJson.Tree((await InstanceEndpoints.TripAsync(body.Value.WorkflowInstanceId ?? "", caller, trips, form, ct)).Stats(body.Value.ActivityNodeIds));

    private static async Task<IResult> ListAsync(
        string? instanceId, string? nodeId, Func<ShownTrip, Execution, JsonObject> show, Caller caller, InstanceTrips trips, StudioForm form, CancellationToken ct)
    {
        var trip = await InstanceEndpoints.TripAsync(instanceId ?? "", caller, trips, form, ct);
        var items = new JsonArray([.. trip.Executions.Where(run => string.IsNullOrEmpty(nodeId) || run.Activity.NodeId == nodeId).Select(run => (JsonNode)show(trip, run))]);
        return ElsaJson.Tree(new JsonObject { ["count"] = items.Count, ["items"] = items });
    }

    private static async Task<IResult> ByIdAsync(string id, Caller caller, InstanceTrips trips, StudioForm form, CancellationToken ct)
    {
        var (trip, run) = await FindAsync(id, caller, trips, form, ct);
        return ElsaJson.Tree(trip.Record(run));
    }

    private static async Task<IResult> CallStackAsync(string id, Caller caller, InstanceTrips trips, StudioForm form, CancellationToken ct)
    {
        var (trip, run) = await FindAsync(id, caller, trips, form, ct);
        return ElsaJson.Tree(new JsonObject { ["activityExecutionId"] = id, ["items"] = new JsonArray(trip.Record(run)), ["totalCount"] = 1 });
    }

    /// <summary>An execution's id begins with its instance's.</summary>
    private static async Task<(ShownTrip Trip, Execution Run)> FindAsync(string id, Caller caller, InstanceTrips trips, StudioForm form, CancellationToken ct)
    {
        var trip = await InstanceEndpoints.TripAsync(id.Split('_')[0], caller, trips, form, ct);
        return trip.Executions.FirstOrDefault(run => run.Id == id) is { } run ? (trip, run) : throw new NotFoundException($"There is no activity execution '{id}'.");
    }
}
