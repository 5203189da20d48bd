using MailFlow.Engine.Activities;

namespace MailFlow.Journeys.Activities;

/// <summary>Starts the journey when an event comes; further down a journey it waits, without an end, for such an event.</summary>
[Activity("MailFlow.EventReceived", Category = "Triggers", DisplayName = "Event received",
    Description = "Starts the journey when an event of this type reaches a contact. Further down a journey, it waits for one.")]
public sealed class EventReceived : Activity<EventReceived.Input>, IEventTrigger<EventReceived.Input>
{
    /// <summary>The form in the designer.</summary>
    public sealed record Input(
        [Input("The type of event, such as user_signed_up.", ChoicesFrom = "event_types")] string EventType,
        [Input("Only events for which this rule holds, such as event.total > 50.")] Rule? Filter = null);

    /// <inheritdoc/>
    public string? EventTypeOf(Input input) => input.EventType;

    /// <inheritdoc/>
    public Rule? FilterOf(Input input) => input.Filter;

    /// <inheritdoc/>
    protected override StepResult Run(Input input, Step step) => step.Wake switch
    {
        WakeReason.Event when input.Filter is null || step.Matches(input.Filter) => StepResult.Complete("Done", $"{input.EventType} received"),
        WakeReason.Arrived => StepResult.WaitForEvent(input.EventType, text: $"waits for {input.EventType}"),
        _ => StepResult.Stay,
    };
}
