using System.Collections;
using System.Globalization;
using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Expressions;

namespace MailFlow.Engine.Definitions;

/// <summary>
/// Plain values (what JSON, expressions and templates hold) made into an input's type. Text is read as people and Elsa write it.
/// </summary>
internal static class ValueConversion
{
    /// <summary>The value as this type; null stays null. Throws <see cref="FormatException"/>, whose message follows the input's name.</summary>
    public static object? To(Type type, object? value)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (value is null || type.IsInstanceOfType(value)) return value;
        // What a person clears in a form is text of no length.
        if (value is "" && type != typeof(string)) return null;
        if (type == typeof(string)) return Text(value);
        if (type == typeof(bool)) return Flag(value);
        if (type.IsEnum) return Choice(type, value);
        if (type == typeof(TimeSpan)) return DurationText.Parse(value as string ?? throw Mismatch(value, "a duration"));
        if (type == typeof(DateTimeOffset)) return Instant(value);
        if (type == typeof(long)) return Whole(value);
        if (type == typeof(int)) return Whole(value) is >= int.MinValue and <= int.MaxValue and var whole ? (int)whole : throw Mismatch(value, "a whole number within 32 bits");
        if (type == typeof(double)) return Number(value);
        if (type == typeof(decimal)) return Decimal(value);
        if (type == typeof(Guid)) return Guid.TryParse(value as string, out var id) ? id : throw Mismatch(value, "a UUID");
        if (ElsaTypes.ListItem(type) is { } item) return List(item, value);
        if (ElsaTypes.MapValue(type) is { } member) return Map(member, value);
        throw Mismatch(value, $"a value of type {type.Name}");
    }

    /// <summary>A typed list of these items.</summary>
    public static Array ListOf(Type item, IReadOnlyList<object?> values)
    {
        var list = Array.CreateInstance(item, values.Count);
        for (var index = 0; index < values.Count; index++) list.SetValue(values[index], index);
        return list;
    }

    /// <summary>A typed map of these members.</summary>
    public static object MapOf(Type member, IEnumerable<KeyValuePair<string, object?>> values)
    {
        var map = (IDictionary)Activator.CreateInstance(typeof(Dictionary<,>).MakeGenericType(typeof(string), member))!;
        foreach (var (name, value) in values) map[name] = value;
        return map;
    }

    /// <summary>Whether a name written by a person is this choice: case, blanks, hyphens and underscores do not count.</summary>
    public static bool SameName(string written, string name) =>
        written.Length >= name.Length
        && string.Concat(written.Where(char.IsLetterOrDigit)).Equals(name, StringComparison.OrdinalIgnoreCase);

    private static string Text(object value) => value switch
    {
        bool flag => flag ? "true" : "false",
        TimeSpan span => DurationText.Format(span),
        DateTimeOffset instant => instant.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFF'Z'", CultureInfo.InvariantCulture),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => JsonData.Write(value),
    };

    private static bool Flag(object value) =>
        value is string text && bool.TryParse(text.Trim(), out var flag) ? flag : throw Mismatch(value, "true or false (a condition is written as CEL)");

    private static object Choice(Type type, object value)
    {
        var name = value is string text ? Enum.GetNames(type).FirstOrDefault(name => SameName(text, name)) : null;
        return name is null ? throw Mismatch(value, $"one of {string.Join(", ", Enum.GetNames(type))}") : Enum.Parse(type, name);
    }

    private static DateTimeOffset Instant(object value) =>
        value is string text && TimestampText.TryParse(text.Trim(), out var unixMs)
            ? DateTimeOffset.FromUnixTimeMilliseconds(unixMs)
            : throw Mismatch(value, "an instant such as 2026-12-24T09:00:00Z");

    private static long Whole(object value) => value switch
    {
        long whole => whole,
        int whole => whole,
        double number when number == Math.Floor(number) && Math.Abs(number) < 9e18 => (long)number,
        string text when long.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) => whole,
        _ => throw Mismatch(value, "a whole number"),
    };

    private static double Number(object value) => value switch
    {
        long whole => whole,
        int whole => whole,
        string text when double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) => number,
        _ => throw Mismatch(value, "a number"),
    };

    private static decimal Decimal(object value) => value switch
    {
        long whole => whole,
        double number when Math.Abs(number) < 7e28 => (decimal)number,
        string text when decimal.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
        _ => throw Mismatch(value, "a number"),
    };

    private static Array List(Type item, object value)
    {
        var items = value switch
        {
            IReadOnlyList<object?> list => list,
            IReadOnlyDictionary<string, object?> => throw Mismatch(value, "a list"),
            IEnumerable list and not string => [.. list.Cast<object?>()],
            // One value where a list is asked for is a list of one.
            _ => [value],
        };
        return ListOf(item, [.. items.Select(each => To(item, each) ?? Nothing(item))]);
    }

    private static object Map(Type member, object value) =>
        value is IReadOnlyDictionary<string, object?> map
            ? MapOf(member, map.Select(each => KeyValuePair.Create(each.Key, To(member, each.Value))))
            : throw Mismatch(value, "a map of values by name");

    private static object? Nothing(Type item) =>
        item.IsValueType && Nullable.GetUnderlyingType(item) is null ? throw new FormatException("holds an empty item") : null;

    private static FormatException Mismatch(object value, string expected)
    {
        var shown = JsonData.Write(value);
        return new FormatException($"{(shown.Length > 80 ? shown[..80] + "…" : shown)} is not {expected}");
    }
}
