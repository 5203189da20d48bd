namespace MailFlow.Engine.Activities.Elsa;

/// <summary>How many of a switch's cases are followed.</summary>
internal enum FlowSwitchMode
{
    /// <summary>The first that holds.</summary>
    MatchFirst,

    /// <summary>Each that holds.</summary>
    MatchAny,
}

/// <summary>Leaves by the label of the case that holds, or by Default when none does.</summary>
[Activity("Elsa.FlowSwitch", DisplayName = "Switch", Category = "Flow", Description = "Goes the way of the case that holds.", Outcomes = ["Default"], OutcomesFrom = "cases")]
internal sealed class FlowSwitch : Activity<FlowSwitch.Input>
{
    public sealed record Case(string Label, bool Condition = false);

    public sealed record Input(
        [Input("The ways to go, each with its condition.", Hint = "flow-switch-editor", Bare = true)] IReadOnlyList<Case>? Cases = null,
        [Input("Whether only the first case that holds is followed, or each.")] FlowSwitchMode Mode = FlowSwitchMode.MatchFirst);

    protected override StepResult Run(Input input, Step step)
    {
        var matching = (input.Cases ?? []).Where(@case => @case.Condition).Select(@case => @case.Label);
        if (input.Mode == FlowSwitchMode.MatchFirst) matching = matching.Take(1);
        var followed = matching.ToList();
        return followed.Count == 0 ? StepResult.Complete("Default") : StepResult.Complete(followed);
    }
}
