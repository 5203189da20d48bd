using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;

namespace MailFlow.Engine.Execution;

/// <summary>
/// Takes an instance's state over to another version of its journey. Pure, as the interpreter is. An activity is the same when its id and type
/// are; whatever stands at one that the other version lacks keeps the whole instance where it is.
/// </summary>
internal static class Move
{
    /// <summary>Every token keeps its place. Null when it is done; otherwise why not, and nothing has changed.</summary>
    public static string? Keep(InstanceState state, Graph from, Graph to, long now)
    {
        var places = new List<(Token Token, Node Node, int Via)>(state.Tokens.Count);
        foreach (var token in state.Tokens)
        {
            var before = from.Nodes[token.Node];
            if (Same(before, to) is not { } node) return $"“{before.Title}” is not in it";
            var via = token.Via < 0 ? -1 : Same(from.Edges[token.Via], to)?.Index ?? -1;
            if (token.Phase == TokenPhase.Arrived && !CanArrive(node, via)) return $"“{node.Title}” no longer joins the branch that has come to it";
            places.Add((token, node, via));
        }
        foreach (var (token, node, via) in places)
        {
            // A wait that reads otherwise now is decided anew; one that is as it was keeps its instant.
            if (token.Phase == TokenPhase.Waiting && node.InputsHash != from.Nodes[token.Node].InputsHash)
                (token.Phase, token.Reason, token.Wake, token.EventType, token.FollowsContact) = (TokenPhase.Ready, WakeReason.Arrived, null, null, false);
            (token.Node, token.Via) = (node.Index, via);
        }
        TakeVisits(state, to);
        Interpreter.Settle(to, state, now); // a join may have lost the branch it waited for
        return null;
    }

    /// <summary>All that it stands at is left; it goes on at one node.</summary>
    public static void Jump(InstanceState state, Node target, Graph to, long now)
    {
        state.Tokens.Clear();
        TakeVisits(state, to);
        Interpreter.Resume(state, target, now);
    }

    private static Node? Same(Node node, Graph graph)
    {
        if (graph.Find(node.Id) is not { } found || found.Type != node.Type) return null;
        // Inside a nested flowchart, a token of that flowchart waits for it to be done.
        return (node.Scope, found.Scope) switch
        {
            (null, null) => found,
            ({ } before, { } after) when Same(before, graph) == after => found,
            _ => null,
        };
    }

    private static Edge? Same(Edge edge, Graph graph) =>
        graph.Edges.FirstOrDefault(other => other.Source.Id == edge.Source.Id && other.Target.Id == edge.Target.Id && other.Outcome == edge.Outcome);

    /// <summary>Whether a token can wait at the node for the other branches: as <see cref="Interpreter"/> places them.</summary>
    private static bool CanArrive(Node node, int via) => node.Merge switch
    {
        MergeMode.Race or MergeMode.Cascade => false,
        MergeMode.Stream => node.ForwardInbound > 1,
        MergeMode.Merge => node.ForwardInbound > 1 && via >= 0,
        _ => via >= 0,
    };

    /// <summary>
    /// A step's key is made of activity and visit, and must not come twice: a second mail under it would count as planned. An activity that this
    /// version lacks may be back in the next one, so all counts go on from the highest of them.
    /// </summary>
    private static void TakeVisits(InstanceState state, Graph to)
    {
        var highest = state.Visits.Values.DefaultIfEmpty().Max();
        state.Visits.Clear();
        foreach (var node in to.Nodes) state.Visits[node.Index] = highest;
    }
}
