using FsCheck;
using FsCheck.Fluent;
using MailFlow.Engine.Definitions;

namespace MailFlow.Engine.Tests.Definitions;

public sealed class FlowShapeTests
{
    private sealed record Drawing(int Count, List<(int Source, int Target)> Edges, List<int> Starts);

    [Fact]
    public void Without_its_backward_connections_no_flowchart_has_a_cycle() => ForAny(drawing =>
    {
        var shape = Shape(drawing);
        return Enumerable.Range(0, drawing.Count).All(node => !shape.Upstream(node)[node]);
    });

    [Fact]
    public void Only_a_connection_that_closes_a_loop_is_backward() => ForAny(drawing =>
    {
        var shape = Shape(drawing);
        return drawing.Edges.Where((_, index) => shape.Backward[index]).All(edge => Leads(drawing.Edges, edge.Target, edge.Source));
    });

    [Fact]
    public void Upstream_is_whatever_leads_to_a_node_along_forward_connections() => ForAny(drawing =>
    {
        var shape = Shape(drawing);
        var forward = drawing.Edges.Where((_, index) => !shape.Backward[index]).ToList();
        return Enumerable.Range(0, drawing.Count).All(node =>
            Enumerable.Range(0, drawing.Count).All(other => shape.Upstream(node)[other] == (other != node && Leads(forward, other, node))));
    });

    [Fact]
    public void Reachable_is_whatever_a_start_leads_to() => ForAny(drawing =>
    {
        var shape = Shape(drawing);
        return Enumerable.Range(0, drawing.Count).All(node => shape.Reachable[node] == drawing.Starts.Exists(start => Leads(drawing.Edges, start, node)));
    });

    [Fact]
    public void Where_a_loop_has_one_entry_the_order_of_connections_makes_no_difference()
    {
        List<(int, int)> edges = [(0, 1), (1, 2), (2, 1), (2, 3), (1, 3), (3, 1)];

        foreach (var order in new[] { edges, [.. Enumerable.Reverse(edges)], [.. edges.OrderBy(edge => edge.Item2)] })
        {
            var shape = new FlowShape(4, order, [0]);
            Assert.Equal([(2, 1), (3, 1)], order.Where((_, index) => shape.Backward[index]).Order());
        }
    }

    private static FlowShape Shape(Drawing drawing) => new(drawing.Count, drawing.Edges, drawing.Starts);

    /// <summary>Whether a node is the other or leads to it, found without hurry.</summary>
    private static bool Leads(List<(int Source, int Target)> edges, int from, int to)
    {
        var found = new HashSet<int> { from };
        while (edges.Exists(edge => found.Contains(edge.Source) && found.Add(edge.Target)))
        {
        }
        return found.Contains(to);
    }

    private static void ForAny(Func<Drawing, bool> holds) =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(Drawings().ToArbitrary(), holds));

    private static Gen<Drawing> Drawings() =>
        from count in Gen.Choose(1, 9)
        from length in Gen.Choose(0, 18)
        from edges in (from source in Gen.Choose(0, count - 1) from target in Gen.Choose(0, count - 1) select (source, target)).ListOf(length)
        from starts in Gen.Choose(0, count - 1).ListOf(2)
        select new Drawing(count, [.. edges], [.. starts.Distinct()]);
}
