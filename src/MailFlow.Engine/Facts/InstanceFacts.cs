using MailFlow.Engine.Execution;
using MailFlow.Engine.Storage;

namespace MailFlow.Engine.Facts;

/// <summary>What instances tell: that they began, and how they ended or stopped.</summary>
internal static class InstanceFacts
{
    public const string Started = "journey.instance.started", Completed = "journey.instance.completed", Exited = "journey.instance.exited",
        Cancelled = "journey.instance.cancelled", Faulted = "journey.instance.faulted";

    public static IReadOnlyList<FactType> Types { get; } =
    [
        new(Started, "A contact entered a journey.", Example("by event user_signed_up")),
        new(Completed, "A contact came to a journey's end.", Example(null)),
        new(Exited, "A contact left a journey early: by an exit condition or an Exit activity.", Example("the contact placed an order")),
        new(Cancelled, "Somebody ended a contact's trip through a journey.", Example("cancelled by an operator")),
        new(Faulted, "An activity failed: the trip stands still until it is retried, skipped or cancelled.", Example("shop.example answered 500", "call-shop")),
    ];

    /// <summary>What a batch did to an instance; nothing where it only went on.</summary>
    public static IEnumerable<Fact> Of(Instance instance, long now)
    {
        if (instance.IsNew) yield return Make(instance, Started, instance.History.Find(step => step.Event == HistoryEvent.Entered), now);
        if (instance.Status == instance.StatusBefore || TypeOf(instance.Status) is not { } type) yield break;
        yield return Make(instance, type, instance.History.FindLast(step => step.Event == EventOf(instance.Status)), now);
    }

    private static Fact Make(Instance instance, string type, HistoryStep? step, long now) => new(
        instance.Version.AccountId, type, now, instance.Contact.Id, instance.Contact.UserId, new Dictionary<string, object?>
        {
            ["instance_id"] = instance.Id.ToString(),
            ["journey"] = instance.Version.Info.DefinitionId,
            ["journey_version"] = (long)instance.Version.Info.Version,
            ["activity_id"] = step is { Node: >= 0 } && type == Faulted ? instance.Graph.Nodes[step.Node].Id : null,
            ["reason"] = step?.Text,
        });

    private static string? TypeOf(InstanceStatus status) => status switch
    {
        InstanceStatus.Completed => Completed,
        InstanceStatus.Exited => Exited,
        InstanceStatus.Cancelled => Cancelled,
        InstanceStatus.Faulted => Faulted,
        _ => null,
    };

    private static HistoryEvent EventOf(InstanceStatus status) => HistoryStep.OfInstance(status, null).Event;

    private static Dictionary<string, object?> Example(string? reason, string? activity = null)
    {
        var example = new Dictionary<string, object?> { ["instance_id"] = "0199c1a4-8f00-7c3e-9a51-6f0d2b7c1e44", ["journey"] = "welcome-series", ["journey_version"] = 3L };
        if (activity is not null) example["activity_id"] = activity;
        if (reason is not null) example["reason"] = reason;
        return example;
    }
}
