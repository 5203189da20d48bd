using System.Collections.Frozen;
using System.Globalization;
using HandlebarsDotNet;
using MailFlow.Engine.Expressions;
using NodaTime;

namespace MailFlow.Content.Handlebars;

/// <summary>The helpers that templates may call. Each takes plain values and gives text or a plain value; none can fail a mail.</summary>
internal static class TemplateHelpers
{
    /// <summary>The name under which a template's own outputs are compiled: see <see cref="CompiledSource"/>.</summary>
    public const string Output = "mf_out", Link = "mf_link", Of = "mf_of";

    private static readonly FrozenDictionary<string, HandlebarsReturnHelper> Inline = new Dictionary<string, HandlebarsReturnHelper>
    {
        ["default"] = (_, a) => Plain(Argument(a, 0)) is { } given && given as string != "" ? given : Argument(a, 1),
        ["upper"] = (_, a) => Text(Noted(a)).ToUpperInvariant(),
        ["lower"] = (_, a) => Text(Noted(a)).ToLowerInvariant(),
        ["url"] = (_, a) => Uri.EscapeDataString(Text(Noted(a))),
        ["number"] = (_, a) => Number(Noted(a), Argument(a, 1)),
        ["currency"] = (_, a) => CurrencyText.Format(Noted(a), Text(Argument(a, 1))),
        ["date"] = (_, a) => Date(Noted(a), Text(Argument(a, 1)), Text(Argument(a, 2))),
        ["eq"] = (_, a) => Compare(a) == 0,
        ["ne"] = (_, a) => Compare(a) != 0,
        ["gt"] = (_, a) => Compare(a) > 0,
        ["lt"] = (_, a) => Compare(a) < 0,
        ["and"] = (_, a) => Enumerable.Range(0, a.Length).All(i => IsTruthy(a[i])),
        ["or"] = (_, a) => Enumerable.Range(0, a.Length).Any(i => IsTruthy(a[i])),
        ["not"] = (_, a) => !IsTruthy(Argument(a, 0)),
    }.ToFrozenDictionary();

    private static readonly FrozenSet<string> Blocks = new[] { "if", "unless", "each", "with" }.ToFrozenSet();

    /// <summary>Their names, for an error to list.</summary>
    public static string Listed { get; } = string.Join(", ", Inline.Keys.Append("lookup").Order(StringComparer.Ordinal));

    public static bool IsInline(string name) => Inline.ContainsKey(name) || name == "lookup";

    public static bool IsBlock(string name) => Blocks.Contains(name);

    /// <summary>Whether names inside the block start from another value.</summary>
    public static bool ShiftsNames(string block) => block is not ("if" or "unless");

    /// <summary>Whether the helper's text stands for its first argument, so that a missing one is worth reporting.</summary>
    public static bool Shows(string name) => name is "upper" or "lower" or "url" or "number" or "currency" or "date";

    public static void Register(IHandlebars handlebars)
    {
        foreach (var (name, helper) in Inline) handlebars.RegisterHelper(name, helper);
        handlebars.RegisterHelper(Output, (_, a) => Text(NotedOutput(a)));
        handlebars.RegisterHelper(Link, (_, a) => LinkText.Safe(Text(NotedOutput(a))));
    }

    /// <summary>A value as a reader would write it. Lists and maps have no text: they show as nothing.</summary>
    public static string Text(object? value) => value switch
    {
        null or UndefinedBindingResult => "",
        string text => text,
        bool flag => flag ? "true" : "false",
        DateTimeOffset instant => instant.ToUniversalTime().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture),
        TimeSpan span when span >= TimeSpan.Zero => DurationText.Format(span),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => "",
    };

    /// <summary>An instant, from RFC 3339 text or Unix milliseconds too; null when it is none.</summary>
    public static DateTimeOffset? Instant(object? value) => value switch
    {
        DateTimeOffset given => given,
        long ms and > -62_135_596_800_000 and < 253_402_300_800_000 => DateTimeOffset.FromUnixTimeMilliseconds(ms),
        string text when DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var parsed) => parsed,
        _ => null,
    };

    /// <summary>The first argument. When it is missing, the rendering notes the name that the second argument is the number of.</summary>
    private static object? NotedOutput(Arguments arguments)
    {
        var value = Plain(arguments[0]);
        if (value is null && arguments.Length > 1) Rendering.Current?.NoteMissing(Convert.ToInt32(arguments[1], CultureInfo.InvariantCulture));
        return value;
    }

    /// <summary>The same for a helper with arguments of its own: the number comes by name.</summary>
    private static object? Noted(Arguments arguments)
    {
        var value = Plain(Argument(arguments, 0));
        if (value is null && arguments.Hash is { } named && named.TryGetValue(Of, out var index)) Rendering.Current?.NoteMissing(Convert.ToInt32(index, CultureInfo.InvariantCulture));
        return value;
    }

    private static object? Argument(Arguments arguments, int index) => index < arguments.Length ? Plain(arguments[index]) : null;

    private static object? Plain(object? value) => value is UndefinedBindingResult ? null : value;

    private static bool IsTruthy(object? value) => HandlebarsUtils.IsTruthyOrNonEmpty(Plain(value));

    private static string Number(object? value, object? decimals)
    {
        if (!CurrencyText.TryNumber(value, out var number)) return Text(value);
        var places = decimals is long or int or double or string && CurrencyText.TryNumber(decimals, out var given) ? (int)Math.Clamp(given, 0, 10) : number == Math.Truncate(number) ? 0 : 2;
        return number.ToString("N" + places, CultureInfo.InvariantCulture);
    }

    /// <summary>Null when the two cannot be compared.</summary>
    private static int? Compare(Arguments arguments)
    {
        var (left, right) = (Argument(arguments, 0), Argument(arguments, 1));
        if (left is string || right is string) return string.CompareOrdinal(Text(left), Text(right));
        if (CurrencyText.TryNumber(left, out var a) && CurrencyText.TryNumber(right, out var b)) return a.CompareTo(b);
        return Equals(left, right) ? 0 : null;
    }

    private static string Date(object? value, string format, string zone)
    {
        if (Instant(value) is not { } at) return Text(value);
        var local = DateTimeZoneProviders.Tzdb.GetZoneOrNull(zone) is { } known
            ? NodaTime.Instant.FromDateTimeOffset(at).InZone(known).ToDateTimeOffset()
            : at.ToUniversalTime();
        try
        {
            return local.ToString(format.Length == 0 ? "d MMMM yyyy" : format, CultureInfo.InvariantCulture);
        }
        catch (FormatException)
        {
            return local.ToString("d MMMM yyyy", CultureInfo.InvariantCulture);
        }
    }
}
