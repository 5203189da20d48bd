using System.Collections.Frozen;
using System.Globalization;
using MailFlow.Engine.Activities.Elsa;
using MailFlow.Engine.Expressions;

namespace MailFlow.Engine.Definitions;

/// <summary>Finds what is wrong with a definition before it is published.</summary>
/// <param name="builder">Builds its graph.</param>
public sealed class Linter(GraphBuilder builder)
{
    /// <summary>How long events are kept where nothing else is said: a rule cannot count further back.</summary>
    public static TimeSpan EventsKept { get; } = TimeSpan.FromDays(90);

    /// <summary>
    /// Everything wrong with a definition, in its own order, and its graph where nothing is wrong enough to refuse it.
    /// </summary>
    /// <param name="definition">The definition.</param>
    /// <param name="eventsKept">How long events are kept; null is <see cref="EventsKept"/>.</param>
    public LintResult Check(WorkflowDefinition definition, TimeSpan? eventsKept = null)
    {
        var draft = builder.Draft(definition);
        if (draft.Graph is { } graph)
        {
            CheckOutcomes(draft, graph);
            LoopCheck.Run(draft, graph);
            CheckEventCounts(draft, graph, eventsKept ?? EventsKept);
            CheckReachable(draft);
            CheckDispatch(draft, graph);
        }
        var findings = draft.Findings.All;
        var isSound = findings.All(finding => finding.Severity != Severity.Error);
        return new LintResult(findings, isSound ? draft.Graph : null);
    }

    /// <summary>An outcome that leads nowhere is an end, and fine; a connection from an outcome that does not exist is a mistake.</summary>
    private static void CheckOutcomes(GraphDraft draft, Graph graph)
    {
        foreach (var edge in graph.Edges)
        {
            var descriptor = edge.Source.Activity.Descriptor;
            if (descriptor.Class == typeof(UnknownActivity) || edge.Source.Outcomes.Contains(edge.Outcome, StringComparer.Ordinal)) continue;
            var choice = edge.Source.Outcomes.Count == 0
                ? "nothing can follow it"
                : $"it has {string.Join(", ", edge.Source.Outcomes)}";
            draft.Findings.Error(
                draft.Elements[edge.Source.Index], "unknown_outcome", $"“{edge.Source.Title}” has no outcome '{edge.Outcome}', which is connected to “{edge.Target.Title}”: {choice}.");
        }
    }

    private static void CheckEventCounts(GraphDraft draft, Graph graph, TimeSpan kept)
    {
        foreach (var node in graph.Nodes)
            foreach (var count in node.Activity.Inputs.EventCounts)
                CheckWindow(draft, draft.Elements[node.Index], $"“{node.Title}”", count, kept);
        foreach (var count in graph.Rules.ExitWhen?.Requirements.EventCounts ?? FrozenSet<EventCount>.Empty)
            CheckWindow(draft, null, "The journey's exit condition", count, kept);
    }

    private static void CheckWindow(GraphDraft draft, ActivityElement? activity, string who, EventCount count, TimeSpan kept)
    {
        if (count.Window is null)
            draft.Findings.Warning(activity, "window_missing", $"{who} counts '{count.Type}' events without saying over how long: events are kept for {Days(kept)}.");
        else if (count.Window > kept)
            draft.Findings.Error(activity, "window_too_long", $"{who} counts '{count.Type}' events over {Days(count.Window.Value)}, but events are kept for {Days(kept)}.");
    }

    private static string Days(TimeSpan span) => string.Create(CultureInfo.InvariantCulture, $"{span.TotalDays:0.#} days");

    private static void CheckReachable(GraphDraft draft)
    {
        for (var index = 0; index < draft.Elements.Count; index++)
            if (!draft.Reachable[index])
                draft.Findings.Warning(draft.Elements[index], "unreachable_activity", $"Nothing leads to “{draft.Elements[index].Title}”: it will never run.");
    }

    private static void CheckDispatch(GraphDraft draft, Graph graph)
    {
        foreach (var node in graph.Nodes.Where(node => node.Activity.Descriptor.Class == typeof(DispatchWorkflow)))
            if (node.Activity.Inputs.ConstantOf("waitForCompletion") is not false)
                draft.Findings.Error(
                    draft.Elements[node.Index], "unsupported_input", $"“{node.Title}” waits for the workflow it starts to end, which is not supported by MailFlow: turn “Wait for completion” off.", "waitForCompletion");
    }
}

/// <summary>What the linter says.</summary>
/// <param name="Findings">Everything it found; errors refuse a publish.</param>
/// <param name="Graph">The graph; null when there is an error.</param>
public sealed record LintResult(IReadOnlyList<Finding> Findings, Graph? Graph);
