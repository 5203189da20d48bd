using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Expressions;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Engine.Execution;

/// <summary>Asks a trigger's activity which events start instances.</summary>
public sealed class EventTriggers(IServiceScopeFactory scopes)
{
    /// <summary>The event type and filter of a trigger node; null when its activity is no event trigger.</summary>
    public (string? EventType, Rule? Filter)? Of(Node node)
    {
        var descriptor = node.Activity.Descriptor;
        if (EventTriggerReader.For(descriptor.Class, descriptor.InputClass) is not { } reader) return null;
        using var scope = scopes.CreateScope();
        var activity = (Activity)scope.ServiceProvider.GetRequiredService(descriptor.Class);
        var input = node.Activity.Inputs.Constant ?? node.Activity.Inputs.Bind(Nothing.Scope);
        return (reader.EventTypeOf(activity, input), reader.FilterOf(activity, input));
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
