namespace MailFlow.Engine.Activities.Elsa;

/// <summary>Starts the workflow when an event comes; further down, waits for one.</summary>
[Activity("Elsa.Event", Category = "Waits", Description = "Starts the workflow, or goes on, when an event comes.")]
internal sealed class Event : Activity<Event.Input>, IEventTrigger<Event.Input>
{
    public sealed record Input([Input("The event's type.", ChoicesFrom = "event_types", Hint = "singleline")] string EventName);

    public string? EventTypeOf(Input input) => input.EventName;

    public Rule? FilterOf(Input input) => null;

    protected override StepResult Run(Input input, Step step) =>
        step.Wake == WakeReason.Event
            ? StepResult.Complete()
            : StepResult.WaitForEvent(input.EventName, text: $"waits for {input.EventName}");
}
