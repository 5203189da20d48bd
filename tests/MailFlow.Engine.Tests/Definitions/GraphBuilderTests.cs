using MailFlow.Engine.Definitions;

namespace MailFlow.Engine.Tests.Definitions;

public sealed class GraphBuilderTests
{
    [Fact]
    public void Nodes_are_numbered_in_the_order_of_the_definition_and_connections_with_them()
    {
        var graph = Definition.GraphOf("b a c", "a -> b", "b -> c");

        Assert.Equal(["b", "a", "c"], graph.Nodes.Select(node => node.Id));
        Assert.Equal("a", graph.Start.Id);
        Assert.Equal(["a.Done -> b", "b.Done -> c"], graph.Edges.Select(edge => edge.ToString()));
        Assert.Equal([0, 1], graph.Edges.Select(edge => edge.Index));
        Assert.Equal(graph.Edges[1], Assert.Single(graph.Find("c")!.Inbound));
    }

    [Theory]
    [InlineData("x a", "", "a -> x", "a")] // nothing leads to it
    [InlineData("x a s:Start", "", "s -> x", "s")] // a Start activity
    [InlineData("x a s:Start", "x", "s -> x", "x")] // said explicitly
    [InlineData("x a", "", "a -> x|x -> a", "x")] // the first
    public void The_start_is_found_in_Elsas_order(string activities, string start, string connections, string expected)
    {
        var json = Definition.Flow(activities, connections.Split('|'));
        if (start.Length > 0) json = json.Replace("\"id\":\"flow\"", $"\"id\":\"flow\",\"start\":\"{start}\"", StringComparison.Ordinal);

        Assert.Equal(expected, Definition.Graph(json).Start.Id);
    }

    [Fact]
    public void An_activity_flagged_as_start_goes_before_one_that_nothing_leads_to()
    {
        var graph = Definition.Graph(Definition.Json("""
            [{"id":"a","type":"Elsa.WriteLine"},
             {"id":"b","type":"Elsa.WriteLine","customProperties":{"canStartWorkflow":true}},
             {"id":"c","type":"Elsa.WriteLine","canStartWorkflow":true}]
            """));

        Assert.Equal("b", graph.Start.Id);
    }

    [Fact]
    public void A_connection_that_closes_a_loop_is_backward_and_the_rest_has_no_cycle()
    {
        var graph = Definition.GraphOf("a b c d", "a -> b", "b -> c", "c -> b", "c -> d", "d -> d");

        Assert.Equal(["c.Done -> b", "d.Done -> d"], graph.Edges.Where(edge => edge.Backward).Select(edge => edge.ToString()));
        Assert.Equal(1, graph.Find("b")!.ForwardInbound);
        Assert.All(graph.Nodes, node => Assert.False(node.Upstream[node.Index]));
    }

    [Fact]
    public void Upstream_is_what_can_still_come_along_forward_connections()
    {
        var graph = Definition.GraphOf("a b c d e", "a -> b", "a -> c", "b -> d", "c -> d", "d -> b", "e -> d");

        Assert.Equal(["a", "b", "c", "e"], UpstreamOf(graph, "d"));
        Assert.Equal(["a"], UpstreamOf(graph, "b"));
        Assert.Empty(UpstreamOf(graph, "a"));
    }

    [Fact]
    public void Tokens_inside_a_nested_flowchart_count_where_the_flowchart_stands()
    {
        var inner = $$$"""{"id":"inner","type":"Elsa.Flowchart","activities":[{"id":"x","type":"Elsa.WriteLine"},{"id":"y","type":"Elsa.WriteLine"}],"connections":{{{Definition.Connections("x -> y")}}} }""";
        var graph = Definition.Graph(Definition.Json($$"""[{"id":"a","type":"Elsa.WriteLine"},{{inner}},{"id":"z","type":"Elsa.WriteLine"}]""", "a -> inner", "inner -> z"));

        Assert.Equal(["a", "inner", "x", "y", "z"], graph.Nodes.Select(node => node.Id));
        Assert.Equal(["a", "inner", "x", "y"], UpstreamOf(graph, "z"));
        Assert.Equal(["x"], UpstreamOf(graph, "y"));
        Assert.Equal(["a"], UpstreamOf(graph, "inner"));
        Assert.Equal("x", graph.Find("inner")!.InnerStart!.Id);
        Assert.True(graph.Find("inner")!.Activity.Descriptor.IsContainer);
        Assert.Equal(graph.Find("inner"), graph.Find("y")!.Scope);
        Assert.Null(graph.Find("a")!.Scope);
    }

    [Fact]
    public void Triggers_are_events_that_nothing_leads_to_or_that_are_flagged_so()
    {
        var name = "\"eventName\":\"signed_up\"";
        var graph = Definition.Graph(Definition.Json($$"""
            [{"id":"t","type":"Elsa.Event",{{name}}},
             {"id":"mid","type":"Elsa.Event",{{name}}},
             {"id":"both","type":"Elsa.Event",{{name}},"customProperties":{"canStartWorkflow":true} }]
            """, "t -> mid", "mid -> both"));

        Assert.Equal(["t", "both"], graph.Triggers.Select(node => node.Id));
        Assert.Equal("both", graph.Start.Id);
    }

    [Theory]
    [InlineData("""{"id":"j","type":"Elsa.FlowJoin"}""", MergeMode.Race)]
    [InlineData("""{"id":"j","type":"Elsa.FlowJoin","mode":{"typeName":"X","expression":{"type":"Literal","value":"WaitAny"}}}""", MergeMode.Race)]
    [InlineData("""{"id":"j","type":"Elsa.FlowJoin","mode":"WaitAll"}""", MergeMode.Merge)]
    [InlineData("""{"id":"j","type":"Elsa.FlowJoin","mode":"WaitAllActive"}""", MergeMode.Stream)]
    [InlineData("""{"id":"j","type":"Elsa.FlowJoin","mode":"WaitAll","customProperties":{"mergeMode":"cascade"}}""", MergeMode.Cascade)]
    [InlineData("""{"id":"j","type":"Elsa.WriteLine"}""", MergeMode.Stream)]
    [InlineData("""{"id":"j","type":"Elsa.WriteLine","customProperties":{"mergeMode":"None"}}""", MergeMode.Stream)]
    [InlineData("""{"id":"j","type":"Elsa.WriteLine","customProperties":{"mergeMode":"Converge"}}""", MergeMode.Converge)]
    public void The_merge_mode_is_read_from_the_activity_or_from_a_joins_mode(string activity, MergeMode expected) =>
        Assert.Equal(expected, Definition.Graph(Definition.Json($"[{activity}]")).Start.Merge);

    [Fact]
    public void An_unknown_activity_has_no_graph()
    {
        var error = Assert.Throws<InvalidDefinitionException>(() => Definition.GraphOf("a:Sequence"));

        Assert.Contains("Elsa.Sequence, which is not supported by MailFlow", error.Message, StringComparison.Ordinal);
        Assert.Equal("a", Assert.Single(error.Findings).ActivityId);
    }

    [Fact]
    public void A_flowchart_without_activities_has_nothing_to_start_with() =>
        Assert.Equal("no_start", Assert.Single(Assert.Throws<InvalidDefinitionException>(() => Definition.GraphOf("")).Findings).Code);

    [Fact]
    public void Variables_have_their_declared_types()
    {
        var json = Definition.Flow("a").Replace("\"name\":\"Test\"", """
            "name":"Test","variables":[
              {"id":"1","name":"n","typeName":"Int32","value":"42"},
              {"id":"2","name":"flag","typeName":"Boolean","value":"True"},
              {"id":"3","name":"at","typeName":"DateTimeOffset","value":"2026-05-01T12:00:00+02:00"},
              {"id":"4","name":"span","typeName":"TimeSpan","value":"1.02:00:00"},
              {"id":"5","name":"list","typeName":"String","isArray":true,"value":"[\"a\",\"b\"]"},
              {"id":"6","name":"map","typeName":"ObjectDictionary","value":"{\"a\":1}"},
              {"id":"7","name":"none","typeName":"Double"},
              {"id":"8","name":"text","typeName":"String","value":"5"}]
            """, StringComparison.Ordinal);

        var variables = Definition.Graph(json).Variables;

        Assert.Equal(42L, variables["n"]);
        Assert.Equal(true, variables["flag"]);
        Assert.Equal("2026-05-01T10:00:00Z", variables["at"]);
        Assert.Equal("P1DT2H", variables["span"]);
        Assert.Equal(new object?[] { "a", "b" }, variables["list"]);
        Assert.Equal(1L, Assert.IsAssignableFrom<IReadOnlyDictionary<string, object?>>(variables["map"])["a"]);
        Assert.Null(variables["none"]);
        Assert.Equal("5", variables["text"]);
    }

    private static IEnumerable<string> UpstreamOf(Graph graph, string id) =>
        graph.Nodes.Where(node => graph.Find(id)!.Upstream[node.Index]).Select(node => node.Id);
}
