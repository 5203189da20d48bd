using System.Collections.Concurrent;
using System.Reflection;

namespace MailFlow.Engine.Activities;

/// <summary>How to make one of an activity's input records: its constructor with the most parameters.</summary>
internal sealed class InputRecord
{
    private static readonly ConcurrentDictionary<Type, InputRecord> Known = new();
    private readonly ConstructorInvoker _constructor;

    private InputRecord(Type type)
    {
        var constructor = type.GetConstructors().MaxBy(candidate => candidate.GetParameters().Length)
            ?? throw new InvalidOperationException($"{type.FullName} has no public constructor to make an input with.");
        Parameters = constructor.GetParameters();
        _constructor = ConstructorInvoker.Create(constructor);
    }

    public IReadOnlyList<ParameterInfo> Parameters { get; }

    public static InputRecord Of(Type type) => Known.GetOrAdd(type, static type => new InputRecord(type));

    public object Make(object?[] values) => _constructor.Invoke(values.AsSpan());

    /// <summary>The parameter's default as its own type; the type's nothing where it states none.</summary>
    public static object? DefaultOf(ParameterInfo parameter)
    {
        var nullable = Nullable.GetUnderlyingType(parameter.ParameterType);
        var value = parameter.HasDefaultValue ? parameter.DefaultValue : null;
        if (value is null)
            return parameter.ParameterType.IsValueType && nullable is null && parameter.HasDefaultValue ? Activator.CreateInstance(parameter.ParameterType) : null;
        return (nullable ?? parameter.ParameterType) is { IsEnum: true } type ? Enum.ToObject(type, value) : value;
    }
}
