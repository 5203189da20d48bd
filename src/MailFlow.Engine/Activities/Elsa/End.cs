namespace MailFlow.Engine.Activities.Elsa;

/// <summary>Ends the flowchart it stands in, whatever else still runs there.</summary>
[Activity("Elsa.End", Category = "Flow", Description = "Ends the flowchart it stands in.", Terminal = true)]
internal sealed class End : Activity<End.Input>
{
    public sealed record Input;

    protected override StepResult Run(Input input, Step step) => StepResult.EndFlow;
}
