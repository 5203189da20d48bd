using MailFlow.Engine.Activities;
using MailFlow.Journeys.Scheduling;

namespace MailFlow.Journeys.Activities;

/// <summary>Elsa's trigger by a cron expression; who enters, the journey's <c>audience</c> says. Further down a journey, it waits for the next such time.</summary>
[Activity("Elsa.Cron", Category = "Triggers", DisplayName = "Cron", Description = "Starts the journey at the times of a cron expression (UTC), for the journey's audience. Further down, it waits for the next such time.")]
internal sealed class ElsaCron : Activity<ElsaCron.Input>, IScheduleTrigger<ElsaCron.Input>
{
    public sealed record Input([Input("Five fields from the minute on, or six from the second on: 0 9 * * MON.")] string CronExpression) : ICheckedInput
    {
        string? ICheckedInput.Problem() => Times.Problem(CronExpression, null) is { } problem ? $"cronExpression: {problem}" : null;
    }

    public TriggerSchedule? ScheduleOf(Input input) => new(input.CronExpression, null, null, null);

    protected override StepResult Run(Input input, Step step)
    {
        if (step.Wake == WakeReason.Due) return StepResult.Complete();
        return Times.Problem(input.CronExpression, null) is { } problem ? StepResult.Fault($"cronExpression: {problem}")
            : Times.Parse(input.CronExpression, null).GetNextValidTimeAfter(step.Now) is { } next ? StepResult.WaitUntil(next, $"waits until {next.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC")
            : StepResult.Fault($"cronExpression: there is no time of '{input.CronExpression}' any more");
    }
}
