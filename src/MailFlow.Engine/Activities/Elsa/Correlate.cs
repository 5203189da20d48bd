namespace MailFlow.Engine.Activities.Elsa;

/// <summary>Gives the instance a correlation id, which is kept as a variable.</summary>
[Activity("Elsa.Correlate", Category = "Data", Description = "Gives this run a correlation id, to find it by.")]
internal sealed class Correlate : Activity<Correlate.Input>
{
    public const string Variable = "CorrelationId";

    public sealed record Input([Input("The correlation id.")] string CorrelationId);

    protected override StepResult Run(Input input, Step step)
    {
        step.SetVariable(Variable, input.CorrelationId);
        return StepResult.Complete();
    }
}
