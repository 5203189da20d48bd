using MailFlow.Engine.Activities;
using MailFlow.Engine.Expressions;

namespace MailFlow.Journeys.Activities;

/// <summary>Waits for a length of time, from a second to years, from the moment the contact arrives.</summary>
[Activity("MailFlow.Wait", CanWait = true, Category = "Waits", Description = "Waits for a length of time.")]
public sealed class Wait : Activity<Wait.Input>
{
    /// <summary>The form in the designer.</summary>
    public sealed record Input([Input("How long: P3D, PT1H30M, 72h or 1.02:00:00. A day is 24 hours.")] TimeSpan Duration);

    /// <inheritdoc/>
    protected override StepResult Run(Input input, Step step) => step.Wake == WakeReason.Due
        ? StepResult.Complete("Done", $"waited {DurationText.InWords(input.Duration)}")
        : StepResult.WaitUntil(step.Now + input.Duration, $"waits {DurationText.InWords(input.Duration)}");
}
