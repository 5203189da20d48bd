using MailFlow.Engine.Activities;
using MailFlow.Engine.Expressions;

namespace MailFlow.Journeys.Activities;

/// <summary>Elsa's trigger in equal intervals, counted from the publish; who enters, the journey's <c>audience</c> says. Further down a journey, it waits for one interval.</summary>
[Activity("Elsa.Timer", Category = "Triggers", DisplayName = "Timer", Description = "Starts the journey in equal intervals, for the journey's audience. Further down, it waits for one interval.")]
internal sealed class ElsaTimer : Activity<ElsaTimer.Input>, IScheduleTrigger<ElsaTimer.Input>
{
    public static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);

    public sealed record Input([Input("How long from one time to the next: PT1H, P1D.")] TimeSpan Interval) : ICheckedInput
    {
        string? ICheckedInput.Problem() => Interval < Shortest ? $"interval: {DurationText.InWords(Interval)} is less than a second" : null;
    }

    public TriggerSchedule? ScheduleOf(Input input) => input.Interval < Shortest ? null : new(null, input.Interval, null, null);

    protected override StepResult Run(Input input, Step step) => step.Wake == WakeReason.Due
        ? StepResult.Complete()
        : StepResult.WaitUntil(step.Now + input.Interval, $"waits {DurationText.InWords(input.Interval)}");
}
