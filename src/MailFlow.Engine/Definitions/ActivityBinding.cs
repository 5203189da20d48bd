using MailFlow.Engine.Activities;
using MailFlow.Engine.Expressions;

namespace MailFlow.Engine.Definitions;

/// <summary>An activity's type with the inputs one node gives it.</summary>
/// <param name="Descriptor">What the activity is.</param>
/// <param name="Inputs">Makes its input record.</param>
public sealed record ActivityBinding(ActivityDescriptor Descriptor, IInputBinder Inputs);

/// <summary>Makes an activity's input record from the node's expressions, compiled once.</summary>
public interface IInputBinder
{
    /// <summary>The record when no input depends on the instance (made once); null otherwise.</summary>
    object? Constant { get; }

    /// <summary>
    /// Evaluates the inputs for one step. Throws <see cref="ExpressionException"/>, which names the input, where a value cannot be made into the
    /// input's type.
    /// </summary>
    object Bind(IExpressionScope scope);

    /// <summary>The event counts that the inputs ask for, the unevaluated rules' included: fetched once a group.</summary>
    IReadOnlyCollection<EventCount> EventCounts { get; }

    /// <summary>One input's value, where it does not depend on the instance; null where it does, or is not given. For checks before a publish.</summary>
    object? ConstantOf(string input);

    /// <summary>Whether one input's value is known only with the instance. For checks before a publish.</summary>
    bool DependsOnInstance(string input);
}
