namespace MailFlow.Engine.Activities;

/// <summary>Calls an activity's <see cref="IEventTrigger{TInput}"/> without knowing its input's type.</summary>
internal abstract class EventTriggerReader
{
    /// <summary>The type of event that starts an instance; null for none.</summary>
    public abstract string? EventTypeOf(Activity activity, object input);

    /// <summary>The condition on the event and the contact; null for none.</summary>
    public abstract Rule? FilterOf(Activity activity, object input);

    /// <summary>The reader for an activity's class; null when it is no trigger.</summary>
    public static EventTriggerReader? For(Type activity, Type input) =>
        typeof(IEventTrigger<>).MakeGenericType(input).IsAssignableFrom(activity)
            ? (EventTriggerReader)Activator.CreateInstance(typeof(Of<>).MakeGenericType(input))!
            : null;

    private sealed class Of<TInput> : EventTriggerReader where TInput : class
    {
        public override string? EventTypeOf(Activity activity, object input) => ((IEventTrigger<TInput>)activity).EventTypeOf((TInput)input);

        public override Rule? FilterOf(Activity activity, object input) => ((IEventTrigger<TInput>)activity).FilterOf((TInput)input);
    }
}
