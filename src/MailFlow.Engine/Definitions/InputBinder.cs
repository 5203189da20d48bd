using MailFlow.Engine.Activities;
using MailFlow.Engine.Expressions;

namespace MailFlow.Engine.Definitions;

/// <summary>One node's inputs, compiled.</summary>
internal sealed class InputBinder : IInputBinder
{
    private readonly InputRecord _record;
    private readonly string[] _names;
    private readonly BoundValue[] _values;

    public InputBinder(InputRecord record, string[] names, BoundValue[] values)
    {
        (_record, _names, _values) = (record, names, values);
        EventCounts = [.. values.SelectMany(value => value.Counts).Distinct()];
        if (!Array.TrueForAll(values, value => value.IsConstant)) return;
        try
        {
            Constant = record.Make([.. values.Select(value => value.Constant)]);
        }
        catch (ArgumentException error)
        {
            Problem = error.Message;
        }
    }

    public object? Constant { get; }

    /// <summary>What the record itself says against its constant values: its constructor may throw <see cref="ArgumentException"/>.</summary>
    public string? Problem { get; }

    public IReadOnlyCollection<EventCount> EventCounts { get; }

    public object Bind(IExpressionScope scope)
    {
        if (Constant is { } constant) return constant;
        var values = new object?[_values.Length];
        for (var index = 0; index < values.Length; index++)
        {
            try
            {
                values[index] = _values[index].Evaluate(scope);
            }
            catch (Exception error) when (error is FormatException or OverflowException or InputException or ExpressionException)
            {
                throw new ExpressionException($"The input '{_names[index]}' cannot be made: {error.Message}.", error);
            }
        }
        try
        {
            return _record.Make(values);
        }
        catch (ArgumentException error)
        {
            throw new ExpressionException(error.Message, error);
        }
    }

    public object? ConstantOf(string input) => Find(input)?.Constant;

    public bool DependsOnInstance(string input) => Find(input) is { IsConstant: false };

    private BoundValue? Find(string input)
    {
        var index = Array.FindIndex(_names, name => name.Equals(input, StringComparison.OrdinalIgnoreCase));
        return index < 0 ? null : _values[index];
    }
}
