using System.Globalization;
using System.Text.Json.Nodes;
using MailFlow.Data;
using MailFlow.Engine.Execution;
using MailFlow.Engine.Storage;
using MailFlow.Journeys;
using MailFlow.Server.Elsa.Definitions;

namespace MailFlow.Server.Elsa.Viewer;

/// <summary>One instance as Studio's viewer is answered.</summary>
internal sealed class ShownTrip
{
    private readonly InstanceTrip _trip;
    private readonly ShownActivity _root;
    private readonly Dictionary<string, ShownActivity> _activities = new(StringComparer.Ordinal);

    public ShownTrip(InstanceTrip trip, StudioForm form)
    {
        _trip = trip;
        var root = (JsonObject)form.Of(trip.Definition.Definition)["root"]!;
        _root = Shown(root);
        Collect(root);
        Executions = Viewer.Executions.Of(trip, _activities);
    }

    public IReadOnlyList<Execution> Executions { get; }

    private bool HasEnded => _trip.Instance.Status is not (InstanceStatus.Running or InstanceStatus.Faulted);

    private string Id => _trip.Instance.Id.ToString();

    /// <summary>A line of the list.</summary>
    public static JsonObject Summary(InstanceLine instance)
    {
        var ended = instance.Status is not InstanceStatus.Running;
        return new JsonObject
        {
            ["id"] = instance.Id.ToString(),
            ["definitionId"] = instance.DefinitionId,
            ["definitionVersionId"] = instance.VersionId.ToString(CultureInfo.InvariantCulture),
            ["version"] = instance.Version,
            ["status"] = InstanceWords.Status(instance.Status),
            ["subStatus"] = InstanceWords.SubStatus(instance.Status),
            ["correlationId"] = instance.UserId,
            ["name"] = $"{instance.Name}: {instance.UserId}",
            ["incidentCount"] = instance.Status == InstanceStatus.Faulted ? 1 : 0,
            ["isSystem"] = false,
            ["createdAt"] = Text(instance.StartedAt),
            ["updatedAt"] = Text(instance.UpdatedAt),
            ["finishedAt"] = ended ? Text(instance.UpdatedAt) : null,
        };
    }

    /// <summary>The instance with its state.</summary>
    public JsonObject Whole()
    {
        var whole = Summary(_trip.Instance);
        var incidents = Executions.Where(run => run.Error is not null).ToList();
        whole["incidentCount"] = incidents.Count;
        whole["workflowState"] = new JsonObject
        {
            ["id"] = Id,
            ["definitionId"] = _trip.Instance.DefinitionId,
            ["definitionVersionId"] = whole["definitionVersionId"]!.DeepClone(),
            ["definitionVersion"] = _trip.Instance.Version,
            ["correlationId"] = _trip.Instance.UserId,
            ["name"] = whole["name"]!.DeepClone(),
            ["status"] = whole["status"]!.DeepClone(),
            ["subStatus"] = whole["subStatus"]!.DeepClone(),
            ["bookmarks"] = new JsonArray([.. Executions.Where(IsWaiting).Select(Bookmark)]),
            ["incidents"] = new JsonArray([.. incidents.Select(Incident)]),
            ["fault"] = null,
            ["completionCallbacks"] = new JsonArray(),
            ["activityExecutionContexts"] = new JsonArray(),
            ["input"] = Json(_trip.Trigger),
            ["output"] = new JsonObject(),
            ["properties"] = new JsonObject(),
            ["createdAt"] = whole["createdAt"]!.DeepClone(),
            ["updatedAt"] = whole["updatedAt"]!.DeepClone(),
            ["finishedAt"] = whole["finishedAt"]?.DeepClone(),
        };
        return whole;
    }

    /// <summary>How it stands, for Studio's polling.</summary>
    public static JsonObject State(InstanceStatus status, DateTimeOffset updatedAt) => new()
    {
        ["status"] = InstanceWords.Status(status),
        ["workflowSubStatus"] = InstanceWords.SubStatus(status),
        ["updatedAt"] = Text(updatedAt),
    };

    /// <summary>Its variables, by the ids that the definition gives them.</summary>
    public JsonArray Variables()
    {
        var ids = (_trip.Definition.Definition.ToJsonObject()["variables"] as JsonArray ?? []).OfType<JsonObject>()
            .Where(variable => variable.Text("name") is not null).GroupBy(variable => variable.Text("name")!).ToDictionary(group => group.Key, group => group.First().Text("id"));
        return new JsonArray([.. _trip.Variables.Select(variable => (JsonNode)new JsonObject
        {
            ["id"] = ids.GetValueOrDefault(variable.Key) ?? variable.Key,
            ["name"] = variable.Key,
            ["value"] = Json(variable.Value),
        })]);
    }

    /// <summary>What happened, line by line.</summary>
    public IReadOnlyList<JsonObject> Journal()
    {
        var lines = new List<JsonObject>();
        Add(_root, null, _trip.Instance.StartedAt, "Started", null);
        var begun = new Dictionary<string, Queue<Execution>>(Executions.GroupBy(run => run.Activity.Id).ToDictionary(group => group.Key, group => new Queue<Execution>(group)));
        foreach (var step in _trip.Steps)
        {
            if (step.ActivityId is null || !_activities.TryGetValue(step.ActivityId, out var activity))
            {
                if (OfTrip(step.Event) is { } end) Add(_root, null, step.At, end, step.Text ?? step.Event.ToString());
                continue;
            }
            var runs = begun[step.ActivityId];
            var run = runs.Peek();
            if (lines.TrueForAll(line => line.Text("activityInstanceId") != run.Id)) Add(activity, run, run.StartedAt, "Started", step.Event == HistoryEvent.Entered ? step.Text : null);
            if (OfActivity(step.Event) is { } name) Add(activity, run, step.At, name, step.Text ?? (step.Outcome is { } outcome ? $"went {outcome}" : null), step.Outcome);
            if (step.Event == HistoryEvent.Completed && runs.Count > 1) runs.Dequeue();
        }
        return lines;

        void Add(ShownActivity activity, Execution? run, DateTimeOffset at, string eventName, string? message, string? outcome = null) => lines.Add(new JsonObject
        {
            ["id"] = $"{Id}_{lines.Count}",
            ["workflowInstanceId"] = Id,
            ["activityInstanceId"] = run?.Id ?? $"{Id}_{_root.Id}",
            ["parentActivityInstanceId"] = run is null ? null : $"{Id}_{_root.Id}",
            ["activityId"] = activity.Id,
            ["activityType"] = activity.Type,
            ["activityTypeVersion"] = activity.Version,
            ["activityName"] = activity.Name,
            ["nodeId"] = activity.NodeId,
            ["timestamp"] = Text(at),
            ["sequence"] = lines.Count,
            ["eventName"] = eventName,
            ["message"] = message,
            ["source"] = null,
            ["activityState"] = new JsonObject(),
            ["payload"] = outcome is null ? null : new JsonObject { ["outcome"] = outcome },
        });
    }

    /// <summary>Counts for the badges on the canvas; of these nodes, or of all that were run.</summary>
    public JsonObject Stats(IReadOnlyCollection<string>? nodeIds = null) => new()
    {
        ["stats"] = new JsonArray([.. Executions.Where(run => nodeIds is null or { Count: 0 } || nodeIds.Contains(run.Activity.NodeId)).GroupBy(run => run.Activity.NodeId).Select(runs => (JsonNode)new JsonObject
        {
            ["activityId"] = runs.First().Activity.Id,
            ["activityNodeId"] = runs.Key,
            ["startedCount"] = runs.Count(),
            ["completedCount"] = runs.Count(run => run.CompletedAt is not null),
            ["uncompletedCount"] = runs.Count(run => run.CompletedAt is null),
            ["isBlocked"] = runs.Any(IsWaiting),
            ["isFaulted"] = runs.Any(run => run.Error is not null),
            ["metadata"] = new JsonObject(),
        })]),
    };

    /// <summary>One run of an activity.</summary>
    public JsonObject Record(Execution run)
    {
        var record = RecordSummary(run);
        record["activityState"] = Facts(run);
        record["payload"] = new JsonObject();
        record["outputs"] = new JsonObject();
        record["properties"] = new JsonObject();
        record["exception"] = run.Error is { } error ? Exception(error) : null;
        record["aggregateFaultCount"] = run.Faults;
        record["schedulingActivityExecutionId"] = null;
        record["schedulingActivityId"] = null;
        record["schedulingWorkflowInstanceId"] = null;
        record["callStackDepth"] = 0;
        return record;
    }

    /// <summary>One run of an activity, in short.</summary>
    public JsonObject RecordSummary(Execution run) => new()
    {
        ["id"] = run.Id,
        ["workflowInstanceId"] = Id,
        ["activityId"] = run.Activity.Id,
        ["activityNodeId"] = run.Activity.NodeId,
        ["activityType"] = run.Activity.Type,
        ["activityTypeVersion"] = run.Activity.Version,
        ["activityName"] = run.Activity.Name,
        ["startedAt"] = Text(run.StartedAt),
        ["completedAt"] = run.CompletedAt is { } at ? Text(at) : null,
        ["hasBookmarks"] = IsWaiting(run),
        ["status"] = run.Status(HasEnded),
        ["metadata"] = new JsonObject(),
    };

    private JsonObject Facts(Execution run)
    {
        var facts = new JsonObject();
        if (run.Text is not null) facts["What happened"] = run.Text;
        if (run.Outcome is not null) facts["Outcome"] = run.Outcome;
        if (!IsWaiting(run)) return facts;
        if (run.Token!.DueAt is { } due) facts["Waits until"] = Text(due);
        if (run.Token.EventType is { } type) facts["Waits for"] = type;
        return facts;
    }

    private bool IsWaiting(Execution run) => !HasEnded && run.Token?.State is TokenState.Waiting or TokenState.Working;

    private JsonObject Bookmark(Execution run) => new()
    {
        ["id"] = $"{run.Id}_b",
        ["name"] = run.Activity.Type,
        ["hash"] = "",
        ["payload"] = new JsonObject { ["resumeAt"] = run.Token!.DueAt is { } due ? Text(due) : null, ["eventType"] = run.Token.EventType },
        ["activityNodeId"] = run.Activity.NodeId,
        ["activityInstanceId"] = run.Id,
        ["autoBurn"] = true,
        ["callbackMethodName"] = null,
        ["metadata"] = new JsonObject(),
    };

    private static JsonObject Incident(Execution run) => new()
    {
        ["activityId"] = run.Activity.Id,
        ["activityNodeId"] = run.Activity.NodeId,
        ["activityType"] = run.Activity.Type,
        ["message"] = run.Error,
        ["exception"] = Exception(run.Error!),
        ["timestamp"] = Text(run.Token?.Since ?? run.StartedAt),
    };

    private static JsonObject Exception(string message) => new() { ["type"] = "Incident", ["message"] = message, ["stackTrace"] = null, ["innerException"] = null };

    private static string? OfActivity(HistoryEvent happened) => happened switch
    {
        HistoryEvent.Completed => "Completed",
        HistoryEvent.Suspended => "Suspended",
        HistoryEvent.Faulted => "Faulted",
        HistoryEvent.Retried => "Resumed",
        _ => null,
    };

    private static string? OfTrip(HistoryEvent happened) => happened switch
    {
        HistoryEvent.Finished => "Completed",
        HistoryEvent.Exited or HistoryEvent.Cancelled => "Canceled",
        HistoryEvent.Faulted => "Faulted",
        _ => null,
    };

    private void Collect(JsonObject flowchart)
    {
        foreach (var activity in (flowchart["activities"] as JsonArray ?? []).OfType<JsonObject>())
        {
            var shown = Shown(activity);
            _activities[shown.Id] = shown;
            if (activity.IsFlowchart()) Collect(activity);
        }
    }

    private static ShownActivity Shown(JsonObject activity) =>
        new(activity.Text("id") ?? "", activity.Text("nodeId") ?? "", activity.Text("type") ?? "", StudioActivity.Version, activity.Text("name"));

    private static string Text(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static JsonNode? Json(object? value) => JsonNode.Parse(JsonData.Write(value));
}
