namespace MailFlow.Engine.Activities.Elsa;

/// <summary>Finishes the whole workflow.</summary>
[Activity("Elsa.Finish", Category = "Flow", Description = "Finishes the whole workflow, other branches included.", Terminal = true)]
internal sealed class Finish : Activity<Finish.Input>
{
    public sealed record Input;

    protected override StepResult Run(Input input, Step step) => StepResult.FinishWorkflow;
}
