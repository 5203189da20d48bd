using System.Reflection;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Expressions;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Engine.Execution;

/// <summary>Asks a trigger's activity which events start instances.</summary>
internal sealed class EventTriggers(IServiceScopeFactory scopes)
{
    private static readonly MethodInfo Typed = typeof(EventTriggers).GetMethod(nameof(Ask), BindingFlags.NonPublic | BindingFlags.Static)!;

    /// <summary>The event type and filter of a trigger node; null when its activity is no event trigger.</summary>
    public (string? EventType, Rule? Filter)? Of(Node node)
    {
        var contract = node.Activity.Descriptor.Class.GetInterfaces().FirstOrDefault(type => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IEventTrigger<>));
        if (contract is null) return null;
        using var scope = scopes.CreateScope();
        var activity = scope.ServiceProvider.GetRequiredService(node.Activity.Descriptor.Class);
        var input = node.Activity.Inputs.Constant ?? node.Activity.Inputs.Bind(Nothing.Scope);
        return ((string?, Rule?))Typed.MakeGenericMethod(contract.GetGenericArguments()).Invoke(null, [activity, input])!;
    }

    private static (string?, Rule?) Ask<TInput>(IEventTrigger<TInput> trigger, TInput input) => (trigger.EventTypeOf(input), trigger.FilterOf(input));

    /// <summary>A trigger's inputs cannot depend on a contact: there is none yet.</summary>
    private sealed class Nothing : IExpressionScope
    {
        public static Nothing Scope { get; } = new();

        public DateTimeOffset Now => DateTimeOffset.UnixEpoch;

        public object? Root(string name) => null;

        public long CountEvents(string type, TimeSpan? window) => 0;
    }
}
