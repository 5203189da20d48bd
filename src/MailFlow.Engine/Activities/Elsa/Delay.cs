using MailFlow.Engine.Expressions;

namespace MailFlow.Engine.Activities.Elsa;

/// <summary>Waits for a length of time.</summary>
[Activity("Elsa.Delay", Category = "Waits", Description = "Waits for a length of time.", CanWait = true)]
internal sealed class Delay : Activity<Delay.Input>
{
    public sealed record Input([Input("How long, from a second up: PT30M, P3D or 1.02:00:00.")] TimeSpan TimeSpan);

    protected override StepResult Run(Input input, Step step) =>
        step.Wake == WakeReason.Due
            ? StepResult.Complete()
            : StepResult.WaitUntil(step.Now + input.TimeSpan, $"waits {DurationText.InWords(input.TimeSpan)}");
}
