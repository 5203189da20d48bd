using MailFlow.Engine.Activities;

namespace MailFlow.Journeys.Activities;

/// <summary>The contact leaves the journey here, whatever else still waits in it; mail that is queued but not handed over is cancelled.</summary>
[Activity("MailFlow.Exit", Category = "Flow", Outcomes = [], Terminal = true, Description = "The contact leaves the journey here.")]
public sealed class Exit : Activity<Exit.Input>
{
    /// <summary>The form in the designer.</summary>
    public sealed record Input([Input("Why, for the contact's trace.")] string? Reason = null);

    /// <inheritdoc/>
    protected override StepResult Run(Input input, Step step) => StepResult.Exit(input.Reason);
}
