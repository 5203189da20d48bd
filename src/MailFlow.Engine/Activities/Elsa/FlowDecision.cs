namespace MailFlow.Engine.Activities.Elsa;

/// <summary>Leaves by True or by False.</summary>
[Activity("Elsa.FlowDecision", DisplayName = "Decision", Category = "Flow", Description = "Goes one way if a condition holds and the other way if not.", Outcomes = ["True", "False"])]
internal sealed class FlowDecision : Activity<FlowDecision.Input>
{
    public sealed record Input([Input("The condition.", Hint = "expression-editor")] bool Condition);

    protected override StepResult Run(Input input, Step step) => StepResult.Complete(input.Condition ? "True" : "False");
}
