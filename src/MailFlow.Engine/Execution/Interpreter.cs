using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;

namespace MailFlow.Engine.Execution;

/// <summary>
/// The flow of tokens through a graph, and nothing else: no clock, no chance, no I/O, so that any batching, worker count or
/// database gives the same result. Elsa's token mode: every connection of a followed outcome carries a token; an activity
/// with several forward inbound connections waits for the branches that are still alive upstream and runs once.
/// </summary>
internal static class Interpreter
{
    /// <summary>Puts a token on the node where the instance starts. A trigger that starts an instance is thereby done.</summary>
    public static void Start(InstanceState state, Node node, long now) =>
        Place(state, node, now, via: -1, isEntry: node.Activity.Descriptor.Kind == ActivityKind.Trigger);

    /// <summary>Puts a token on a node at which an instance goes on that was taken from elsewhere.</summary>
    public static void Resume(InstanceState state, Node node, long now)
    {
        // Inside nested flowcharts, each of them runs.
        for (var scope = node.Scope; scope is not null; scope = scope.Scope)
        {
            Place(state, scope, now);
            state.Tokens[^1].Phase = TokenPhase.Inside;
        }
        Place(state, node, now);
    }

    /// <summary>The token leaves its node through these outcomes.</summary>
    public static void Complete(Graph graph, InstanceState state, Token token, IReadOnlyList<string> outcomes, long now)
    {
        var node = graph.Nodes[token.Node];
        state.Tokens.Remove(token);
        var races = new List<Node>();
        foreach (var edge in node.Outbound)
        {
            // A race is won once, however many connections lead to it from here.
            if (!outcomes.Contains(edge.Outcome) || races.Contains(edge.Target)) continue;
            if (edge.Target.Merge == MergeMode.Race) races.Add(edge.Target);
            Arrive(state, edge, now);
        }
        // Only now, so that what was sent at the same moment is cancelled too, in whatever order the connections were drawn.
        foreach (var race in races) state.Tokens.RemoveAll(other => race.Upstream[other.Node]);
        Settle(graph, state, now);
    }

    /// <summary>Goes into a nested flowchart.</summary>
    public static void Enter(InstanceState state, Token token, Node flowchart, long now)
    {
        token.Phase = TokenPhase.Inside;
        Place(state, flowchart.InnerStart!, now);
    }

    /// <summary>Elsa's <c>End</c>: what else runs in the same flowchart is dropped; an enclosing one goes on.</summary>
    public static void EndFlow(Graph graph, InstanceState state, Token token, long now)
    {
        var scope = graph.Nodes[token.Node].Scope;
        state.Tokens.RemoveAll(other => IsWithin(graph.Nodes[other.Node], scope));
        Settle(graph, state, now);
    }

    /// <summary>Whether nothing is left to do. Tokens that only wait at a join that nothing can complete do not count.</summary>
    public static bool IsFinished(InstanceState state) => state.Tokens.TrueForAll(token => token.Phase == TokenPhase.Arrived);

    private static void Arrive(InstanceState state, Edge edge, long now)
    {
        var target = edge.Target;
        switch (target.Merge)
        {
            case MergeMode.Race or MergeMode.Cascade:
            // One forward connection leaves nothing to merge, and what a loop brings back must not wait for it again.
            case MergeMode.Stream or MergeMode.Merge when target.ForwardInbound <= 1:
                Place(state, target, now, edge.Index);
                break;
            default:
                state.Tokens.Add(new Token { Node = target.Index, Phase = TokenPhase.Arrived, Since = now, Via = edge.Index });
                break;
        }
    }

    /// <summary>Runs the joins that wait for nothing any more and completes the nested flowcharts in which nothing is left.</summary>
    public static void Settle(Graph graph, InstanceState state, long now)
    {
        while (JoinOne(graph, state, now) || LeaveOne(graph, state, now)) { }
    }

    private static bool JoinOne(Graph graph, InstanceState state, long now)
    {
        foreach (var token in state.Tokens)
        {
            if (token.Phase != TokenPhase.Arrived) continue;
            var node = graph.Nodes[token.Node];
            if (Arrivals(state, node) is not { } arrivals) continue;
            foreach (var arrival in arrivals) state.Tokens.Remove(arrival);
            Place(state, node, now, token.Via);
            return true;
        }
        return false;
    }

    /// <summary>The tokens that the join consumes now, or null while it must wait.</summary>
    private static List<Token>? Arrivals(InstanceState state, Node node)
    {
        var arrived = state.Tokens.FindAll(token => token.Node == node.Index && token.Phase == TokenPhase.Arrived);
        if (node.Merge == MergeMode.Stream)
            return state.Tokens.Exists(token => node.Upstream[token.Node] && token.Node != node.Index) ? null : arrived;

        var consumed = new List<Token>();
        foreach (var edge in node.Inbound)
        {
            if (edge.Backward && node.Merge != MergeMode.Converge) continue;
            if (arrived.Find(token => token.Via == edge.Index) is not { } token) return null;
            consumed.Add(token);
        }
        // Reached by backward connections only, there is none to wait for.
        return consumed.Count > 0 ? consumed : arrived;
    }

    private static bool LeaveOne(Graph graph, InstanceState state, long now)
    {
        foreach (var token in state.Tokens)
        {
            if (token.Phase != TokenPhase.Inside) continue;
            var flowchart = graph.Nodes[token.Node];
            var inside = state.Tokens.FindAll(other => !ReferenceEquals(other, token) && IsWithin(graph.Nodes[other.Node], flowchart));
            if (inside.Exists(other => other.Phase != TokenPhase.Arrived)) continue;
            foreach (var stalled in inside) state.Tokens.Remove(stalled);
            Complete(graph, state, token, ["Done"], now);
            return true;
        }
        return false;
    }

    private static bool IsWithin(Node node, Node? flowchart)
    {
        if (flowchart is null) return true;
        for (var scope = node.Scope; scope is not null; scope = scope.Scope)
            if (ReferenceEquals(scope, flowchart)) return true;
        return false;
    }

    private static void Place(InstanceState state, Node node, long now, int via = -1, bool isEntry = false)
    {
        var visit = state.Visits.GetValueOrDefault(node.Index) + 1;
        state.Visits[node.Index] = visit;
        state.Tokens.Add(new Token { Node = node.Index, Phase = TokenPhase.Ready, Visit = visit, Since = now, Via = via, IsEntry = isEntry });
    }
}
