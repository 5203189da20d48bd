namespace MailFlow.Engine.Activities.Elsa;

/// <summary>Leaves by all of its branches at once.</summary>
[Activity("Elsa.FlowFork", DisplayName = "Fork", Category = "Flow", Description = "Goes several ways at the same time.", OutcomesFrom = "branches")]
internal sealed class FlowFork : Activity<FlowFork.Input>
{
    public sealed record Input([Input("The branches' names.", Hint = "dynamic-outcomes")] IReadOnlyList<string>? Branches = null);

    protected override StepResult Run(Input input, Step step) => StepResult.Complete(input.Branches ?? []);
}
