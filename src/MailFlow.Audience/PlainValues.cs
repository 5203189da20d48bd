using MailFlow.Data;

namespace MailFlow.Audience;

/// <summary>Comparing and normalising plain values (see <see cref="JsonData"/>).</summary>
internal static class PlainValues
{
    /// <summary>The value as it will be when it is read back from the database: instants and durations are text there.</summary>
    public static object? AsStored(object? value) => value is null or bool or long or string ? value : JsonData.Parse(JsonData.Write(value));

    /// <summary>Whether both are the same JSON, whatever the order of members; 1 and 1.0 are.</summary>
    public static bool Same(object? left, object? right) => (left, right) switch
    {
        (null, null) => true,
        (bool one, bool other) => one == other,
        (string one, string other) => one == other,
        (long one, long other) => one == other,
        (long or double, long or double) => Convert.ToDouble(left) == Convert.ToDouble(right),
        (IReadOnlyDictionary<string, object?> one, IReadOnlyDictionary<string, object?> other) =>
            one.Count == other.Count && one.All(member => other.TryGetValue(member.Key, out var value) && Same(member.Value, value)),
        (IReadOnlyList<object?> one, IReadOnlyList<object?> other) =>
            one.Count == other.Count && one.Zip(other).All(pair => Same(pair.First, pair.Second)),
        _ => false,
    };
}
