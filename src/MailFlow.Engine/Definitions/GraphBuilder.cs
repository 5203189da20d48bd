using MailFlow.Engine.Activities;

namespace MailFlow.Engine.Definitions;

/// <summary>Makes definitions ready to run.</summary>
public sealed class GraphBuilder(ActivityRegistry registry)
{
    /// <summary>
    /// The graph of a definition. What the linter would refuse is taken as far as it can be run (a version published under older rules
    /// still loads): a wrong input fails only where it is bound, a dangling connection is left out.
    /// </summary>
    /// <exception cref="InvalidDefinitionException">It has no activity to start with, or one of a type this server does not know.</exception>
    public Graph Build(WorkflowDefinition definition)
    {
        var draft = Draft(definition);
        if (draft.Graph is { } graph && !draft.HasUnknownTypes) return graph;
        throw new InvalidDefinitionException([.. draft.Findings.All.Where(finding => finding.Severity == Severity.Error)]);
    }

    internal GraphDraft Draft(WorkflowDefinition definition) => new GraphDrafting(registry, definition).Run();
}

/// <summary>A graph as far as it could be built, and what was found on the way.</summary>
/// <param name="Graph">Null when there is nothing to start with.</param>
/// <param name="Elements">What stands in the definition for each node, in the nodes' order.</param>
/// <param name="Reachable">By node: whether a start leads to it.</param>
/// <param name="HasUnknownTypes">Whether a node stands for an activity of a type that is not known.</param>
/// <param name="Findings">What was found.</param>
internal sealed record GraphDraft(
    Graph? Graph, IReadOnlyList<ActivityElement> Elements, IReadOnlyList<bool> Reachable, bool HasUnknownTypes, Findings Findings);
