using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Expressions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MailFlow.Engine.Execution;

/// <summary>Asks a trigger's activity what starts instances. One that was published under an older rule, and cannot be read by today's, starts none, and stops no other.</summary>
public sealed partial class Triggers(IServiceScopeFactory scopes, ILogger<Triggers> log)
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
        try
        {
            return ask(reader, activity, node.Activity.Inputs.Constant ?? node.Activity.Inputs.Bind(Nothing.Scope));
        }
        catch (ExpressionException error)
        {
            LogUnreadable(node.Id, node.Title, error);
            return default;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The trigger {ActivityId}, “{Title}”, of a published journey cannot be read: it starts nobody until it is mended and published again")]
    private partial void LogUnreadable(string activityId, string title, Exception error);

    /// <summary>A trigger's inputs cannot depend on a contact: there is none yet.</summary>
    private sealed class Nothing : IExpressionScope
    {
        public static Nothing Scope { get; } = new();

        public DateTimeOffset Now => DateTimeOffset.UnixEpoch;

        public object? Root(string name) => null;

        public long CountEvents(string type, TimeSpan? window) => 0;
    }
}
