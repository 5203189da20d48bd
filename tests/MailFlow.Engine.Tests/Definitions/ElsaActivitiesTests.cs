using System.Text.Json.Nodes;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;

namespace MailFlow.Engine.Tests.Definitions;

/// <summary>Elsa's activities, each bound from its JSON and run once.</summary>
public sealed class ElsaActivitiesTests
{
    [Theory]
    [InlineData("""{"type":"Elsa.Start"}""", "Done")]
    [InlineData("""{"type":"Elsa.FlowJoin"}""", "Done")]
    [InlineData("""{"type":"Elsa.FlowDecision","condition":{"type":"CEL","value":"event.total > 5"}}""", "True")]
    [InlineData("""{"type":"Elsa.FlowDecision","condition":{"type":"Literal","value":"False"}}""", "False")]
    [InlineData("""{"type":"Elsa.FlowFork","branches":{"expression":{"type":"Object","value":"[\"One\",\"Two\"]"}}}""", "One,Two")]
    [InlineData("""{"type":"Elsa.FlowSwitch","cases":[{"label":"A","condition":{"type":"CEL","value":"event.total > 5"}},{"label":"B","condition":{"type":"Literal","value":"true"}}]}""", "A")]
    [InlineData("""{"type":"Elsa.FlowSwitch","cases":[{"label":"A","condition":{"type":"CEL","value":"event.total > 5"}},{"label":"B","condition":{"type":"Literal","value":true}}],"mode":"MatchAny"}""", "A,B")]
    [InlineData("""{"type":"Elsa.FlowSwitch","cases":{"typeName":"Object","expression":{"type":"Object","value":"[{\"label\":\"A\",\"condition\":{\"type\":\"CEL\",\"value\":\"event.total > 50\"}}]"}}}""", "Default")]
    [InlineData("""{"type":"Elsa.FlowSwitch"}""", "Default")]
    public void A_branch_leaves_by_the_outcomes_that_Elsa_leaves_by(string activity, string outcomes)
    {
        var (step, node) = Run(activity);

        Assert.Equal(StepResult.Kinds.Complete, step.Result.Kind);
        Assert.Equal(outcomes.Split(','), step.Result.Outcomes!);
        Assert.Subset(node.Outcomes.ToHashSet(), step.Result.Outcomes!.ToHashSet());
    }

    [Fact]
    public void A_switch_has_an_exit_for_each_case_and_one_for_none()
    {
        var (_, node) = Run("""{"type":"Elsa.FlowSwitch","cases":[{"label":"A","condition":{"type":"CEL","value":"event.total > 5"}},{"label":"B"}]}""");

        Assert.Equal(["A", "B", "Default"], node.Outcomes);
    }

    [Fact]
    public void End_ends_the_flowchart_and_Finish_the_workflow()
    {
        Assert.Equal(StepResult.Kinds.EndFlow, Run("""{"type":"Elsa.End"}""").Step.Result.Kind);
        Assert.Equal(StepResult.Kinds.FinishWorkflow, Run("""{"type":"Elsa.Finish"}""").Step.Result.Kind);
    }

    [Fact]
    public void A_delay_waits_from_now_and_is_done_when_it_is_due()
    {
        const string Delay = """{"type":"Elsa.Delay","timeSpan":{"typeName":"TimeSpan","expression":{"type":"Literal","value":"400.00:00:05"}},"strategy":"NonBlocking"}""";

        var waiting = Run(Delay).Step.Result;
        var due = Run(Delay, WakeReason.Due).Step.Result;

        Assert.Equal((StepResult.Kinds.Wait, TestStep.Noon + new TimeSpan(400, 0, 0, 5)), (waiting.Kind, waiting.Until));
        Assert.Equal(StepResult.Kinds.Complete, due.Kind);
    }

    [Fact]
    public void Start_at_waits_until_the_instant_and_one_that_is_past_is_no_wait()
    {
        Assert.Equal(TestStep.Noon.AddHours(1), Run("""{"type":"Elsa.StartAt","dateTime":"2026-03-10T13:00:00Z"}""").Step.Result.Until);
        Assert.Equal(StepResult.Kinds.Complete, Run("""{"type":"Elsa.StartAt","dateTime":"2026-03-10T12:00:00Z"}""").Step.Result.Kind);
    }

    [Fact]
    public void An_event_down_the_road_waits_for_it()
    {
        const string Event = """{"type":"Elsa.Event","eventName":"paid"}""";

        Assert.Equal("paid", Run(Event).Step.Result.EventType);
        Assert.Equal(StepResult.Kinds.Complete, Run(Event, WakeReason.Event).Step.Result.Kind);
    }

    [Fact]
    public void A_variable_is_set_as_its_declared_type()
    {
        var (step, _) = Run("""{"type":"Elsa.SetVariable","variable":{"id":"1","name":"n","typeName":"Int32"},"value":{"typeName":"Object","expression":{"type":"Literal","value":"5"}}}""");

        Assert.Equal(5L, step.Set["n"]);
    }

    [Fact]
    public void Correlate_keeps_its_id_as_a_variable() =>
        Assert.Equal("order-1", Run("""{"type":"Elsa.Correlate","correlationId":"order-1"}""").Step.Set["CorrelationId"]);

    [Fact]
    public void A_line_is_written_into_the_journal()
    {
        Assert.Equal("Hello", Run("""{"type":"Elsa.WriteLine","text":"Hello"}""").Step.Result.Text);
        Assert.Equal("6", Run("""{"type":"Elsa.WriteLine","text":{"type":"CEL","value":"event.total"}}""").Step.Result.Text);
    }

    [Fact]
    public void Fault_stops_with_its_message()
    {
        var result = Run("""{"type":"Elsa.Fault","message":"no stock","code":"S1"}""").Step.Result;

        Assert.Equal((StepResult.Kinds.Fault, "S1: no stock"), (result.Kind, result.Text));
    }

    [Fact]
    public void Dispatch_starts_the_other_workflow_with_its_input()
    {
        var (step, _) = Run("""{"type":"Elsa.DispatchWorkflow","workflowDefinitionId":"other","input":{"expression":{"type":"Object","value":"{\"a\":1}"}},"correlationId":"c"}""");

        var (journey, input) = Assert.Single(step.Started);
        Assert.Equal("other", journey);
        Assert.Equal(1L, input["a"]);
        Assert.Equal("c", input["CorrelationId"]);
    }

    private static (TestStep Step, Node Node) Run(string activity, WakeReason wake = WakeReason.Arrived)
    {
        var json = (JsonObject)JsonNode.Parse(activity)!;
        json["id"] = "a";
        var definition = Definition.Json(new JsonArray(json).ToJsonString())
            .Replace("\"name\":\"Test\"", "\"name\":\"Test\",\"variables\":[{\"id\":\"1\",\"name\":\"n\",\"typeName\":\"Int32\"}]", StringComparison.Ordinal);
        var node = Definition.Graph(definition).Start;
        var step = new TestStep(wake);
        step.Input = node.Activity.Inputs.Bind(step);
        var task = ((Activity)Activator.CreateInstance(node.Activity.Descriptor.Class)!).RunAsync([step], null!, CancellationToken.None);
        Assert.True(task.IsCompletedSuccessfully);
        return (step, node);
    }
}
