using MailFlow.Engine.Activities;
using MailFlow.Journeys.Scheduling;

namespace MailFlow.Journeys.Activities;

/// <summary>Starts the journey by the clock, for everybody who is in a segment at that moment.</summary>
[Activity("MailFlow.Schedule", Category = "Triggers", DisplayName = "Schedule",
    Description = "Starts the journey at times such as every Monday at 9, for all who are in a segment then.")]
public sealed class Schedule : Activity<Schedule.Input>, IScheduleTrigger<Schedule.Input>
{
    /// <summary>The form in the designer.</summary>
    public sealed record Input(
        [Input("When, as cron has it: minute, hour, day of the month, month, day of the week. 0 9 * * MON is every Monday at 9:00.", DisplayName = "When")] string Cron,
        [Input("Who: all contacts of this segment.", ChoicesFrom = "segments")] string Segment,
        [Input("By whose clock, such as Europe/Paris; empty: UTC.", DisplayName = "Time zone", ChoicesFrom = "time_zones")] string? TimeZone = null) : ICheckedInput
    {
        string? ICheckedInput.Problem() => Times.Problem(Cron, TimeZone) is { } problem ? $"cron: {problem}" : null;
    }

    /// <inheritdoc/>
    public TriggerSchedule? ScheduleOf(Input input) => new(input.Cron, null, input.TimeZone, input.Segment);

    /// <summary>Further down a journey there is nothing to start: the contact goes on.</summary>
    protected override StepResult Run(Input input, Step step) => StepResult.Complete();
}
