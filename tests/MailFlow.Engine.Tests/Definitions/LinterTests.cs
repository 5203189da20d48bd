using MailFlow.Engine.Definitions;

namespace MailFlow.Engine.Tests.Definitions;

public sealed class LinterTests
{
    [Fact]
    public void A_sound_definition_has_no_findings_and_a_graph()
    {
        var result = Check(Definition.Flow("s:Start a b e:End", "s -> a", "a -Done-> b", "b -> e"));

        Assert.Empty(result.Findings);
        Assert.Equal("s", result.Graph!.Start.Id);
    }

    [Theory]
    [InlineData("a:Sequence", "", "unknown_activity", "Elsa's type Elsa.Sequence, which is not supported by MailFlow")]
    [InlineData("a:Acme.Thing", "", "unknown_activity", "type Acme.Thing")]
    [InlineData("a:Delay", "", "missing_input", "Time span of “a” is missing")]
    [InlineData("a b", "a -True-> b", "unknown_outcome", "no outcome 'True', which is connected to “b”: it has Done")]
    [InlineData("b a:End c", "b -> a|a -> c", "unknown_outcome", "nothing can follow it")]
    [InlineData("a", "a -> gone", "dangling_connection", "from “a” names the activity 'gone', which does not exist")]
    public void An_error_names_the_node(string activities, string connections, string code, string message)
    {
        var result = Check(Definition.Flow(activities, connections.Split('|', StringSplitOptions.RemoveEmptyEntries)));

        Assert.Null(result.Graph);
        var finding = Assert.Single(result.Findings, finding => finding.Severity == Severity.Error);
        Assert.Equal((code, "a", "a"), (finding.Code, finding.ActivityId, finding.ActivityName));
        Assert.Contains(message, finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_connection_into_another_flowchart_dangles()
    {
        var finding = Assert.Single(Check(Definition.Json("""
            [{"id":"a","type":"Elsa.WriteLine"},{"id":"n","type":"Elsa.Flowchart","activities":[{"id":"x","type":"Elsa.WriteLine"}]}]
            """, "a -> n", "a -> x")).Findings);

        Assert.Equal("dangling_connection", finding.Code);
        Assert.Contains("in another flowchart", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_loop_without_a_wait_is_named_and_one_with_a_wait_is_not()
    {
        var loop = Assert.Single(Check(Definition.Flow("s:Start a b c", "s -> a", "a -> b", "b -> a", "b -> c")).Findings);
        var self = Assert.Single(Check(Definition.Flow("s:Start a", "s -> a", "a -> a")).Findings);
        var waiting = Check(Definition.Json("""
            [{"id":"a","type":"Elsa.WriteLine"},{"id":"d","type":"Elsa.Delay","timeSpan":"PT1S"}]
            """, "a -> d", "d -> a"));

        Assert.Equal("loop_without_wait", loop.Code);
        Assert.StartsWith("“a” → “b” → “a” is a loop in which nothing waits", loop.Message, StringComparison.Ordinal);
        Assert.Equal("loop_without_wait", self.Code);
        Assert.Empty(waiting.Findings);
    }

    [Fact]
    public void A_loop_over_a_nested_flowchart_that_waits_is_sound_and_one_inside_it_is_found()
    {
        static string Json(string inner) => Definition.Json(
            $$$"""[{"id":"a","type":"Elsa.WriteLine"},{"id":"n","type":"Elsa.Flowchart","activities":{{{inner}}} }]""", "a -> n", "n -> a");

        Assert.Empty(Check(Json("""[{"id":"d","type":"Elsa.Delay","timeSpan":"PT1S"}]""")).Findings);
        Assert.Equal("loop_without_wait", Assert.Single(Check(Json("""[{"id":"w","type":"Elsa.WriteLine"}]""")).Findings).Code);
    }

    [Fact]
    public void What_nothing_leads_to_is_a_warning()
    {
        var result = Check(Definition.Flow("s:Start a b c", "s -> a", "b -> c"));

        Assert.NotNull(result.Graph);
        Assert.Equal(["b", "c"], result.Findings.Select(finding => finding.ActivityId));
        Assert.All(result.Findings, finding => Assert.Equal((Severity.Warning, "unreachable_activity"), (finding.Severity, finding.Code)));
    }

    [Fact]
    public void Refused_code_names_the_activity_and_the_input()
    {
        var finding = Assert.Single(Check(Definition.Json("""
            [{"id":"d","name":"FlowDecision1","type":"Elsa.FlowDecision","condition":{"typeName":"Boolean","expression":{"type":"JavaScript","value":"return false;"}}}]
            """)).Findings);

        Assert.Equal(("refused_expression", "d", "FlowDecision1", "condition"), (finding.Code, finding.ActivityId, finding.ActivityName, finding.Input));
        Assert.Contains("JavaScript", finding.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("P90D", null)]
    [InlineData("P91D", "window_too_long")]
    public void A_window_reaches_no_further_back_than_events_are_kept(string window, string? code)
    {
        var json = Definition.Json($$"""[{"id":"d","type":"Elsa.FlowDecision","condition":{"type":"CEL","value":"count_events('x', duration('{{window}}')) > 0"} }]""");

        Assert.Equal(code, Check(json).Findings.SingleOrDefault()?.Code);
        Assert.Empty(new Linter(new GraphBuilder(Definition.Registry)).Check(WorkflowDefinition.Parse(json), TimeSpan.FromDays(365)).Findings);
    }

    [Fact]
    public void Waiting_for_a_dispatched_workflow_is_refused()
    {
        static string Json(string wait) => Definition.Json($$"""[{"id":"d","type":"Elsa.DispatchWorkflow","workflowDefinitionId":"other","waitForCompletion":{{wait}}}]""");

        Assert.Equal(("unsupported_input", "waitForCompletion"), Assert.Single(Check(Json("\"True\"")).Findings) is var finding ? (finding.Code, finding.Input) : default);
        Assert.Empty(Check(Json("\"False\"")).Findings);
        Assert.Empty(Check(Json("null")).Findings);
    }

    [Fact]
    public void Journey_rules_are_read_from_the_custom_properties()
    {
        var result = Check(WithRules("""{"entry":"once_per:P7D","exit_when":"event.event_type == 'bought'","purpose":"news","stream":"transactional"}"""));

        Assert.Empty(result.Findings);
        var rules = result.Graph!.Rules;
        Assert.Equal((EntryRule.OncePer, TimeSpan.FromDays(7), "news", MessageStream.Transactional), (rules.Entry, rules.EntryPeriod!.Value, rules.Purpose, rules.Stream));
        Assert.Equal("event.event_type == 'bought'", rules.ExitWhen!.Text);
        Assert.Equal(JourneyRules.Default, Check(WithRules("{}")).Graph!.Rules);
        Assert.Equal(EntryRule.OneAtATime, Check(WithRules("""{"entry":"one_at_a_time"}""")).Graph!.Rules.Entry);
    }

    [Theory]
    [InlineData("""{"entry":"sometimes"}""", "bad_entry_rule")]
    [InlineData("""{"entry":"once_per:soon"}""", "bad_entry_rule")]
    [InlineData("""{"entry":"once_per:PT0S"}""", "bad_entry_rule")]
    [InlineData("""{"entry":5}""", "bad_journey_rules")]
    [InlineData("""{"exit_when":"event. =="}""", "bad_exit_condition")]
    [InlineData("""{"exit_when":"count_events('x', duration('P100D')) > 0"}""", "window_too_long")]
    [InlineData("""{"stream":"spam"}""", "bad_stream")]
    [InlineData("""[]""", "bad_journey_rules")]
    public void A_bad_journey_rule_is_an_error(string rules, string code)
    {
        var finding = Assert.Single(Check(WithRules(rules)).Findings);

        Assert.Equal((Severity.Error, code), (finding.Severity, finding.Code));
    }

    [Fact]
    public void A_journey_rule_nobody_knows_is_a_warning() =>
        Assert.Equal((Severity.Warning, "unknown_journey_rule"), Assert.Single(Check(WithRules("""{"exitWhen":"true"}""")).Findings) is var finding ? (finding.Severity, finding.Code) : default);

    [Fact]
    public void A_variable_whose_value_is_not_of_its_type_is_an_error()
    {
        var json = Definition.Flow("a").Replace("\"name\":\"Test\"", "\"name\":\"Test\",\"variables\":[{\"id\":\"1\",\"name\":\"n\",\"typeName\":\"Int32\",\"value\":\"many\"}]", StringComparison.Ordinal);

        Assert.Equal("bad_variable", Assert.Single(Check(json).Findings).Code);
    }

    private static string WithRules(string rules) =>
        Definition.Flow("a").Replace("\"name\":\"Test\"", $$"""
            "name":"Test","customProperties":{"mailflow":{{rules}}}
            """, StringComparison.Ordinal);

    private static LintResult Check(string json) => new Linter(new GraphBuilder(Definition.Registry)).Check(WorkflowDefinition.Parse(json));
}
