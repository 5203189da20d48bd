namespace MailFlow.Engine.Activities.Elsa;

/// <summary>Where a workflow begins.</summary>
[Activity("Elsa.Start", Category = "Flow", Description = "Where the workflow begins.")]
internal sealed class Start : Activity<Start.Input>
{
    public sealed record Input;

    protected override StepResult Run(Input input, Step step) => StepResult.Complete();
}
