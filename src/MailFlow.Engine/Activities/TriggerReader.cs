namespace MailFlow.Engine.Activities;

/// <summary>Calls an activity's <see cref="IEventTrigger{TInput}"/> or <see cref="IScheduleTrigger{TInput}"/> without knowing its input's type.</summary>
internal abstract class TriggerReader
{
    /// <summary>The type of event that starts an instance; null for none.</summary>
    public abstract string? EventTypeOf(Activity activity, object input);

    /// <summary>The condition on the event and the contact; null for none.</summary>
    public abstract Rule? FilterOf(Activity activity, object input);

    /// <summary>When instances start by the clock; null for never.</summary>
    public abstract TriggerSchedule? ScheduleOf(Activity activity, object input);

    /// <summary>The reader for an activity's class; null when it is no trigger.</summary>
    public static TriggerReader? For(Type activity, Type input)
    {
        return Implements(typeof(IEventTrigger<>)) || Implements(typeof(IScheduleTrigger<>)) ? (TriggerReader)Activator.CreateInstance(typeof(Of<>).MakeGenericType(input))! : null;

        bool Implements(Type trigger) => trigger.MakeGenericType(input).IsAssignableFrom(activity);
    }

    private sealed class Of<TInput> : TriggerReader where TInput : class
    {
        public override string? EventTypeOf(Activity activity, object input) => (activity as IEventTrigger<TInput>)?.EventTypeOf((TInput)input);

        public override Rule? FilterOf(Activity activity, object input) => (activity as IEventTrigger<TInput>)?.FilterOf((TInput)input);

        public override TriggerSchedule? ScheduleOf(Activity activity, object input) => (activity as IScheduleTrigger<TInput>)?.ScheduleOf((TInput)input);
    }
}
