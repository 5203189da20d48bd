using MailFlow.Data;

namespace MailFlow.Engine.Activities.Elsa;

/// <summary>Starts another journey for the contact, and goes on without waiting for it.</summary>
[Activity("Elsa.DispatchWorkflow", DisplayName = "Dispatch workflow", Category = "Flow", Description = "Starts another workflow for the contact and goes on.")]
internal sealed class DispatchWorkflow : Activity<DispatchWorkflow.Inputs>
{
    public sealed record Inputs(
        [Input("The other workflow.", ChoicesFrom = "journeys")] string WorkflowDefinitionId,
        [Input("Values for it, by name.")] IReadOnlyDictionary<string, object?>? Input = null,
        [Input("A correlation id for it.")] string? CorrelationId = null,
        [Input("Waiting for it to end is not supported.")] bool WaitForCompletion = false);

    protected override StepResult Run(Inputs inputs, Step step)
    {
        var input = inputs.Input ?? JsonData.Empty;
        if (inputs.CorrelationId is { } id) input = new Dictionary<string, object?>(input) { [Correlate.Variable] = id };
        return step.StartJourney(inputs.WorkflowDefinitionId, input)
            ? StepResult.Complete()
            : StepResult.Complete(text: $"{inputs.WorkflowDefinitionId} was not started: it is not published");
    }
}
