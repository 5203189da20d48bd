namespace MailFlow.Engine.Activities.Elsa;

/// <summary>Stops the instance as an incident.</summary>
[Activity("Elsa.Fault", Category = "Flow", Description = "Stops this run with an error for an operator to look at.", Terminal = true)]
internal sealed class Fault : Activity<Fault.Input>
{
    public sealed record Input(
        [Input("What went wrong.")] string? Message = null,
        [Input("A code for programs.")] string? Code = null,
        [Input("A category.")] string? Category = null,
        [Input("The kind of fault.")] string? FaultType = null);

    protected override StepResult Run(Input input, Step step) =>
        StepResult.Fault(input.Code is null ? input.Message ?? "The workflow says that it is faulty." : $"{input.Code}: {input.Message}");
}
