using MailFlow.Engine.Activities;
using MailFlow.Engine.Expressions;

namespace MailFlow.Journeys.Activities;

/// <summary>Waits for an event of the contact, at most for a time.</summary>
[Activity("MailFlow.WaitForEvent", CanWait = true, Category = "Waits", DisplayName = "Wait for event", Outcomes = ["Received", "TimedOut"],
    Description = "Waits until the contact does something, such as opening an e-mail, or until time runs out.")]
public sealed class WaitForEvent : Activity<WaitForEvent.Input>
{
    /// <summary>The form in the designer.</summary>
    public sealed record Input(
        [Input("The type of event, such as email_opened.", ChoicesFrom = "event_types")] string EventType,
        [Input("Only events for which this rule holds.")] Rule? Filter = null,
        [Input("How long to wait at most, such as P3D; empty: without an end.")] TimeSpan? Timeout = null);

    /// <inheritdoc/>
    protected override StepResult Run(Input input, Step step) => step.Wake switch
    {
        WakeReason.Event when input.Filter is null || step.Matches(input.Filter) => StepResult.Complete("Received", $"{input.EventType} received"),
        WakeReason.Due => StepResult.Complete("TimedOut", $"no {input.EventType} within {Words(input.Timeout)}"),
        WakeReason.Arrived => StepResult.WaitForEvent(input.EventType, Until(input, step), $"waits for {input.EventType}"),
        _ => StepResult.Stay,
    };

    private static DateTimeOffset? Until(Input input, Step step) => input.Timeout is { } timeout ? step.Now + timeout : null;

    private static string Words(TimeSpan? timeout) => timeout is { } given ? DurationText.InWords(given) : "any time";
}
