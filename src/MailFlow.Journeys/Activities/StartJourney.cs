using MailFlow.Data;
using MailFlow.Engine.Activities;

namespace MailFlow.Journeys.Activities;

/// <summary>Lets the contact into another journey, by that journey's own entry rules, and goes on without waiting for it.</summary>
[Activity("MailFlow.StartJourney", Category = "Flow", DisplayName = "Start journey", Description = "Lets the contact into another journey and goes on.")]
public sealed class StartJourney : Activity<StartJourney.Inputs>
{
    /// <summary>The form in the designer.</summary>
    public sealed record Inputs(
        [Input("The other journey's definition id.", ChoicesFrom = "journeys")] string Journey,
        [Input("What the other journey sees as its trigger event; empty: nothing.")] IReadOnlyDictionary<string, object?>? Input = null);

    /// <inheritdoc/>
    protected override StepResult Run(Inputs input, Step step)
    {
        var isStarted = step.StartJourney(input.Journey, input.Input ?? JsonData.Empty);
        return StepResult.Complete("Done", isStarted ? $"started {input.Journey}" : $"{input.Journey} was not started: it is not published");
    }
}
