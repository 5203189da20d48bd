namespace MailFlow.Engine.Definitions;

/// <summary>
/// Finds loops that a contact could run round for ever without waiting: cycles among the activities that cannot wait. A nested flowchart
/// can wait if anything in it can.
/// </summary>
internal static class LoopCheck
{
    public static void Run(GraphDraft draft, Graph graph)
    {
        var canWait = graph.Nodes.Select(node => node.Activity.Descriptor.CanWait).ToArray();
        foreach (var node in graph.Nodes.Where(node => node.Activity.Descriptor.CanWait))
            for (var scope = node.Scope; scope is not null; scope = scope.Scope) canWait[scope.Index] = true;

        // Take away, again and again, what nothing leads to or what leads nowhere: what is left stands on a cycle or between two.
        var left = graph.Nodes.Where(node => !canWait[node.Index]).ToHashSet();
        while (left.RemoveWhere(node => !node.Inbound.Any(edge => left.Contains(edge.Source)) || !node.Outbound.Any(edge => left.Contains(edge.Target))) > 0)
        {
        }
        var reported = new HashSet<Node>();
        foreach (var edge in graph.Edges.Where(edge => edge.Backward && left.Contains(edge.Source) && left.Contains(edge.Target)))
        {
            if (!reported.Add(edge.Target) || Path(edge.Target, edge.Source, left) is not { } loop) continue;
            draft.Findings.Error(
                draft.Elements[edge.Target.Index],
                "loop_without_wait",
                $"{string.Join(" → ", loop.Append(edge.Target).Select(node => $"“{node.Title}”"))} is a loop in which nothing waits: a contact would run round it without end. Put a wait into it.");
        }
    }

    /// <summary>The shortest way from one node to another among these nodes; null where there is none.</summary>
    private static List<Node>? Path(Node from, Node to, HashSet<Node> among)
    {
        var cameFrom = new Dictionary<Node, Node?> { [from] = null };
        var pending = new Queue<Node>([from]);
        while (pending.TryDequeue(out var at))
        {
            if (at == to)
            {
                var path = new List<Node>();
                for (var step = at; step is not null; step = cameFrom[step]) path.Insert(0, step);
                return path;
            }
            foreach (var edge in at.Outbound)
                if (among.Contains(edge.Target) && cameFrom.TryAdd(edge.Target, at)) pending.Enqueue(edge.Target);
        }
        return null;
    }
}
