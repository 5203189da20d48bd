namespace MailFlow.Engine.Definitions;

/// <summary>
/// The shape of one flowchart: its nodes and connections as numbers, which connections close loops, and which nodes are upstream of
/// which.
/// </summary>
internal sealed class FlowShape
{
    private readonly int _count;
    private readonly List<int>[] _outbound;

    /// <param name="count">How many nodes there are, numbered from 0 in the order of the definition.</param>
    /// <param name="edges">The connections in the order of the definition.</param>
    /// <param name="starts">Where instances start, the usual start first.</param>
    public FlowShape(int count, IReadOnlyList<(int Source, int Target)> edges, IReadOnlyList<int> starts)
    {
        (_count, Edges) = (count, edges);
        _outbound = [.. Enumerable.Range(0, count).Select(_ => new List<int>())];
        for (var edge = 0; edge < edges.Count; edge++) _outbound[edges[edge].Source].Add(edge);
        Backward = FindBackward(starts);
        Reachable = FindReachable(starts);
    }

    public IReadOnlyList<(int Source, int Target)> Edges { get; }

    /// <summary>
    /// By connection: whether it closes a loop. That is a connection to a node on the path by which a depth-first walk came, first from the
    /// starts and then from what they do not reach. Without these the whole flowchart has no cycle. Where every loop has one entry, the
    /// order of the connections (which the designer does not keep) makes no difference.
    /// </summary>
    public IReadOnlyList<bool> Backward { get; }

    /// <summary>By node: whether a start leads to it.</summary>
    public IReadOnlyList<bool> Reachable { get; }

    /// <summary>By node: whether forward connections lead from it to <paramref name="node"/>.</summary>
    public bool[] Upstream(int node)
    {
        var upstream = new bool[_count];
        var pending = new Stack<int>([node]);
        var inbound = _inbound ??= Edges
            .Where((_, edge) => !Backward[edge])
            .ToLookup(edge => edge.Target, edge => edge.Source);
        while (pending.TryPop(out var at))
            foreach (var source in inbound[at])
                if (!upstream[source])
                {
                    upstream[source] = true;
                    pending.Push(source);
                }
        return upstream;
    }

    private ILookup<int, int>? _inbound;

    private bool[] FindBackward(IReadOnlyList<int> starts)
    {
        var backward = new bool[Edges.Count];
        var visited = new bool[_count];
        var onPath = new bool[_count];
        foreach (var start in starts.Concat(Enumerable.Range(0, _count)))
        {
            if (visited[start]) continue;
            var path = new Stack<(int Node, int Next)>();
            path.Push((start, 0));
            visited[start] = onPath[start] = true;
            while (path.TryPop(out var at))
            {
                if (at.Next == _outbound[at.Node].Count)
                {
                    onPath[at.Node] = false;
                    continue;
                }
                path.Push((at.Node, at.Next + 1));
                var edge = _outbound[at.Node][at.Next];
                var target = Edges[edge].Target;
                backward[edge] = onPath[target];
                if (visited[target]) continue;
                visited[target] = onPath[target] = true;
                path.Push((target, 0));
            }
        }
        return backward;
    }

    private bool[] FindReachable(IReadOnlyList<int> starts)
    {
        var reachable = new bool[_count];
        var pending = new Stack<int>(starts);
        foreach (var start in starts) reachable[start] = true;
        while (pending.TryPop(out var at))
            foreach (var edge in _outbound[at])
                if (!reachable[Edges[edge].Target])
                {
                    reachable[Edges[edge].Target] = true;
                    pending.Push(Edges[edge].Target);
                }
        return reachable;
    }
}
