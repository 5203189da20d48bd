namespace MailFlow.Engine.Expressions.Sql;

/// <summary>
/// A value whose type is known only row by row, as one SQL expression for each type it may have. Each expression is NULL
/// where the value is of another type or missing, so that at most one of them is not NULL; a type it can never have is null here.
/// </summary>
internal sealed record SqlValue
{
    /// <summary>A rule may double in size with each level; beyond this it is refused rather than sent.</summary>
    private const int LongestSql = 262_144;

    public static readonly SqlValue Nothing = new();

    public Lazy<string>? Text { get; init; }

    /// <summary>A double, within the range of numbers.</summary>
    public Lazy<string>? Number { get; init; }

    public Lazy<string>? Bool { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public Lazy<string>? Instant { get; init; }

    /// <summary>Milliseconds.</summary>
    public Lazy<string>? Duration { get; init; }

    /// <summary>Where it lies in a JSON column: it may be a list or a map too.</summary>
    public JsonPlace? Place { get; init; }

    /// <summary>Set where the value may be a list or a map that SQL cannot make: says why.</summary>
    public Func<ExpressionException>? NoJson { get; init; }

    /// <summary>The types that can be compared for equality.</summary>
    public IEnumerable<Lazy<string>> Scalars => new[] { Text, Number, Bool, Instant, Duration }.OfType<Lazy<string>>();

    /// <summary>SQL that is written when it is first asked for: most types of most values never are.</summary>
    public static Lazy<string> Write(Func<string> write) => new(() =>
    {
        var sql = write();
        return sql.Length <= LongestSql ? sql : throw new ExpressionException($"the rule is too large for a segment: its SQL would exceed {LongestSql} characters");
    });
}

/// <summary>A place in a JSON column: the steps are names (string) and positions in lists (int).</summary>
internal sealed record JsonPlace(string Column, IReadOnlyList<object> Steps, bool IsList = false)
{
    public JsonPlace Step(object step) => new(Column, [.. Steps, step]);
}
