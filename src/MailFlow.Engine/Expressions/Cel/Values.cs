namespace MailFlow.Engine.Expressions.Cel;

/// <summary>What operators mean for values of any kind. Null is "nothing": a missing member, JSON null, or a failed operation.</summary>
internal static class Values
{
    /// <summary>Longest difference between two instants: ten thousand years.</summary>
    public const long LongestMs = 315_576_000_000_000;

    private const int LongestText = 1_048_576, LongestList = 100_000;

    public static readonly object True = true, False = false;

    public static object Box(bool value) => value ? True : False;

    public static long Ms(DateTimeOffset instant) => instant.ToUnixTimeMilliseconds();

    public static long Ms(TimeSpan duration) => duration.Ticks / TimeSpan.TicksPerMillisecond;

    public static object? Instant(double ms) =>
        ms is >= TimestampText.EarliestMs and <= TimestampText.LatestMs && ms == Math.Truncate(ms) ? DateTimeOffset.FromUnixTimeMilliseconds((long)ms) : null;

    public static object? Duration(long ms) => Math.Abs(ms) <= LongestMs ? TimeSpan.FromTicks(ms * TimeSpan.TicksPerMillisecond) : null;

    public static object? Member(object? target, string name) =>
        target is IReadOnlyDictionary<string, object?> map && map.TryGetValue(name, out var value) ? value : null;

    public static object? Element(object? target, object? key) => (target, key) switch
    {
        (IReadOnlyDictionary<string, object?>, string name) => Member(target, name),
        (IReadOnlyList<object?> list, long or double or int) when Numbers.TryWhole(key, out var at) => at >= 0 && at < list.Count ? list[(int)at] : null,
        _ => null,
    };

    /// <summary>Whether the value can be compared for equality at all. Lists and maps cannot.</summary>
    public static bool IsScalar(object? value) =>
        value is string or bool or DateTimeOffset or TimeSpan || Numbers.TryRead(value, out _);

    public static new bool Equals(object? left, object? right) => left switch
    {
        string text => right is string other && text == other,
        bool flag => right is bool other && flag == other,
        DateTimeOffset instant => right is DateTimeOffset other && Ms(instant) == Ms(other),
        TimeSpan duration => right is TimeSpan other && Ms(duration) == Ms(other),
        _ => Numbers.TryRead(left, out var number) && Numbers.TryRead(right, out var otherNumber) && number == otherNumber,
    };

    public static bool NotEquals(object? left, object? right) => IsScalar(left) && IsScalar(right) && !Equals(left, right);

    /// <summary>Less than nought, nought or more; null where the two have no order.</summary>
    public static int? Order(object? left, object? right) => left switch
    {
        string text => right is string other ? OrderText(text, other) : null,
        DateTimeOffset instant => right is DateTimeOffset other ? Ms(instant).CompareTo(Ms(other)) : null,
        TimeSpan duration => right is TimeSpan other ? Ms(duration).CompareTo(Ms(other)) : null,
        _ => Numbers.TryRead(left, out var number) && Numbers.TryRead(right, out var otherNumber) ? number.CompareTo(otherNumber) : null,
    };

    /// <summary>By code point, as UTF-8 sorts in both databases; UTF-16 sorts U+E000 to U+FFFF after what lies beyond.</summary>
    public static int OrderText(string left, string right)
    {
        var common = left.AsSpan().CommonPrefixLength(right);
        if (common == left.Length || common == right.Length) return left.Length.CompareTo(right.Length);
        return Rank(left[common]).CompareTo(Rank(right[common]));

        static int Rank(char unit) => char.IsSurrogate(unit) ? unit + 0x10000 : unit;
    }

    public static bool Contains(object? container, object? item)
    {
        if (item is null) return false;
        if (container is IReadOnlyDictionary<string, object?>) return item is string name && Member(container, name) is not null;
        if (container is not IReadOnlyList<object?> list) return false;
        for (var i = 0; i < list.Count; i++)
            if (Equals(list[i], item)) return true;
        return false;
    }

    public static bool Test(TextRelation relation, object? text, object? part) =>
        text is string whole && part is string piece && relation switch
        {
            TextRelation.Contains => whole.Contains(piece, StringComparison.Ordinal),
            TextRelation.StartsWith => whole.StartsWith(piece, StringComparison.Ordinal),
            _ => whole.EndsWith(piece, StringComparison.Ordinal),
        };

    public static object? Calculate(char sign, object? left, object? right)
    {
        if (Numbers.TryRead(left, out var number) && Numbers.TryRead(right, out var otherNumber)) return Numbers.Calculate(sign, number, otherNumber);
        return (sign, left, right) switch
        {
            ('+', string text, string other) => text.Length + other.Length <= LongestText ? text + other : null,
            ('+', IReadOnlyList<object?> list, IReadOnlyList<object?> other) => list.Count + other.Count <= LongestList ? (List<object?>)[.. list, .. other] : null,
            ('+', DateTimeOffset instant, TimeSpan duration) => Instant(Ms(instant) + Ms(duration)),
            ('+', TimeSpan duration, DateTimeOffset instant) => Instant(Ms(instant) + Ms(duration)),
            ('-', DateTimeOffset instant, TimeSpan duration) => Instant(Ms(instant) - Ms(duration)),
            ('-', DateTimeOffset instant, DateTimeOffset other) => Duration(Ms(instant) - Ms(other)),
            ('+', TimeSpan duration, TimeSpan other) => Duration(Ms(duration) + Ms(other)),
            ('-', TimeSpan duration, TimeSpan other) => Duration(Ms(duration) - Ms(other)),
            _ => null,
        };
    }

    /// <summary>Characters are counted as Unicode has them (code points), as both databases do.</summary>
    public static object? Size(object? value) => value switch
    {
        string text => (long)text.EnumerateRunes().Count(),
        IReadOnlyDictionary<string, object?> map => (long)map.Count,
        IReadOnlyList<object?> list => (long)list.Count,
        _ => null,
    };
}
