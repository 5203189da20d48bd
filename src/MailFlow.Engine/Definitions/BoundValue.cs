using MailFlow.Engine.Expressions;

namespace MailFlow.Engine.Definitions;

/// <summary>One input made ready: a constant, or what computes it.</summary>
internal sealed record BoundValue
{
    private static readonly EventCount[] NoCounts = [];

    private readonly Func<IExpressionScope, object?>? _evaluate;

    private BoundValue(object? constant, Func<IExpressionScope, object?>? evaluate, IReadOnlyCollection<EventCount> counts) =>
        (Constant, _evaluate, Counts) = (constant, evaluate, counts);

    /// <summary>Nothing was given: the default applies.</summary>
    public static BoundValue Absent { get; } = new(null, null, NoCounts);

    public object? Constant { get; }

    public bool IsConstant => _evaluate is null;

    /// <summary>The event counts it asks for.</summary>
    public IReadOnlyCollection<EventCount> Counts { get; }

    public static BoundValue Of(object? constant, IReadOnlyCollection<EventCount>? counts = null) =>
        constant is null ? Absent : new(constant, null, counts ?? NoCounts);

    public static BoundValue Computed(Func<IExpressionScope, object?> evaluate, IReadOnlyCollection<EventCount>? counts = null) =>
        new(null, evaluate, counts ?? NoCounts);

    /// <summary>One value made of several: a constant if they all are.</summary>
    public static BoundValue Composed(BoundValue[] parts, Func<object?[], object> make)
    {
        EventCount[] counts = [.. parts.SelectMany(part => part.Counts).Distinct()];
        return Array.TrueForAll(parts, part => part.IsConstant)
            ? new(make([.. parts.Select(part => part.Constant)]), null, counts)
            : new(null, scope => make(Array.ConvertAll(parts, part => part.Evaluate(scope))), counts);
    }

    /// <summary>This value, and another where it gives none.</summary>
    public BoundValue Or(object? fallback)
    {
        if (fallback is null) return this;
        if (_evaluate is not { } evaluate) return Constant is null ? Of(fallback) : this;
        return new(null, scope => evaluate(scope) ?? fallback, Counts);
    }

    public object? Evaluate(IExpressionScope scope) => _evaluate is { } evaluate ? evaluate(scope) : Constant;
}
