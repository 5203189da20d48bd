using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Expressions;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Engine.Execution;

/// <summary>Asks a trigger's activity what starts instances.</summary>
public sealed class Triggers(IServiceScopeFactory scopes)
{
    /// <summary>The event type and filter of a trigger node; null when no event starts it.</summary>
    public (string EventType, Rule? Filter)? EventOf(Node node) =>
        Ask(node, (reader, activity, input) => reader.EventTypeOf(activity, input) is { } type ? (type, reader.FilterOf(activity, input)) : ((string, Rule?)?)null);

    /// <summary>The schedule of a trigger node; null when it does not go by the clock.</summary>
    public TriggerSchedule? ScheduleOf(Node node) => Ask(node, (reader, activity, input) => reader.ScheduleOf(activity, input));

    private T? Ask<T>(Node node, Func<TriggerReader, Activity, object, T?> ask)
    {
        var descriptor = node.Activity.Descriptor;
        if (descriptor.Trigger is not { } reader) return default;
        using var scope = scopes.CreateScope();
        var activity = (Activity)scope.ServiceProvider.GetRequiredService(descriptor.Class);
        return ask(reader, activity, node.Activity.Inputs.Constant ?? node.Activity.Inputs.Bind(Nothing.Scope));
    }

    /// <summary>A trigger's inputs cannot depend on a contact: there is none yet.</summary>
    private sealed class Nothing : IExpressionScope
    {
        public static Nothing Scope { get; } = new();

        public DateTimeOffset Now => DateTimeOffset.UnixEpoch;

        public object? Root(string name) => null;

        public long CountEvents(string type, TimeSpan? window) => 0;
    }
}
