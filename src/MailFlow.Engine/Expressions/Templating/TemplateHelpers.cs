using System.Collections.Frozen;
using System.Globalization;
using HandlebarsDotNet;
using MailFlow.Engine.Expressions.Cel;
using NodaTime;

namespace MailFlow.Engine.Expressions.Templating;

/// <summary>
/// The helpers of templates. One that is given something missing gives it on, so that it is reported by its name.
/// <list type="table">
/// <item><term>{{default contact.first_name "there"}}</term><description>the value, or the second where it is missing or empty</description></item>
/// <item><term>{{date event.at "d MMMM yyyy" contact.time_zone}}</term><description>an instant (RFC 3339 text, or milliseconds), with a .NET format (default "d MMMM yyyy") in a time zone (default UTC)</description></item>
/// <item><term>{{number event.total 2}}</term><description>with thousands and so many decimals (default none): 1,234.50</description></item>
/// <item><term>{{currency event.total "EUR"}}</term><description>an amount: €1,234.50; a currency without a sign of its own by its code: 1,234.50 SEK</description></item>
/// <item><term>{{url x}}</term><description>percent-encoded, to stand in an address: a%20b</description></item>
/// <item><term>{{upper x}} {{lower x}}</term><description>in capitals, in small letters</description></item>
/// <item><term>{{#if (eq contact.plan "pro")}}</term><description>whether two values are equal, as == in rules; <c>ne</c>, <c>gt</c> and <c>lt</c> compare likewise, <c>and</c>, <c>or</c> and <c>not</c> join</description></item>
/// </list>
/// </summary>
internal static class TemplateHelpers
{
    private static readonly Dictionary<string, string> Signs = new(StringComparer.OrdinalIgnoreCase) { ["USD"] = "$", ["EUR"] = "€", ["GBP"] = "£", ["JPY"] = "¥", ["INR"] = "₹" };

    public static IReadOnlyDictionary<string, HandlebarsReturnHelper> All { get; } = new Dictionary<string, HandlebarsReturnHelper>
    {
        ["default"] = (_, arguments) => At(arguments, 0) is { } value and not "" ? value : At(arguments, 1),
        ["date"] = (_, arguments) => Given(arguments, value => Date(value, Text(arguments, 1), Text(arguments, 2))),
        ["number"] = (_, arguments) => Given(arguments, value => Number(value, At(arguments, 1))),
        ["currency"] = (_, arguments) => Given(arguments, value => Currency(value, Text(arguments, 1))),
        ["upper"] = (_, arguments) => Given(arguments, value => PlainFormat.Text(value).ToUpperInvariant()),
        ["lower"] = (_, arguments) => Given(arguments, value => PlainFormat.Text(value).ToLowerInvariant()),
        ["url"] = (_, arguments) => Given(arguments, value => Uri.EscapeDataString(PlainFormat.Text(value))),
        ["eq"] = (_, arguments) => Values.Box(Values.Equals(At(arguments, 0), At(arguments, 1))),
        ["ne"] = (_, arguments) => Values.Box(!Values.Equals(At(arguments, 0), At(arguments, 1))),
        ["gt"] = (_, arguments) => Values.Box(Values.Order(At(arguments, 0), At(arguments, 1)) > 0),
        ["lt"] = (_, arguments) => Values.Box(Values.Order(At(arguments, 0), At(arguments, 1)) < 0),
        ["and"] = (_, arguments) => Values.Box(arguments.All(IsTruthy)),
        ["or"] = (_, arguments) => Values.Box(arguments.Any(IsTruthy)),
        ["not"] = (_, arguments) => Values.Box(!arguments.Any(IsTruthy)),
    };

    private static readonly FrozenSet<string> Blocks = new[] { "if", "unless", "each", "with" }.ToFrozenSet();

    public static bool IsInline(string name) => All.ContainsKey(name) || name == "lookup";

    public static bool IsBlock(string name) => Blocks.Contains(name);

    /// <summary>Whether names inside the block start from another value.</summary>
    public static bool ShiftsNames(string block) => block is not ("if" or "unless");

    private static bool IsTruthy(object? value) => HandlebarsUtils.IsTruthyOrNonEmpty(value);

    /// <summary>Null where the argument is missing.</summary>
    private static object? At(in Arguments arguments, int index) =>
        index < arguments.Length && arguments[index] is { } value and not UndefinedBindingResult ? value : null;

    private static string? Text(in Arguments arguments, int index) => At(arguments, index) as string;

    private static object? Given(in Arguments arguments, Func<object, object> show) =>
        At(arguments, 0) is { } value ? show(value) : arguments.Length > 0 ? arguments[0] : null;

    private static object Date(object value, string? format, string? zone)
    {
        if (Conversions.Of(Function.Timestamp)(value) is not DateTimeOffset instant) return value;
        // A date alone is that date wherever the reader is: taken as an instant, it would be the day before in America.
        var local = value is not string { Length: 10 } && zone is not null && DateTimeZoneProviders.Tzdb.GetZoneOrNull(zone) is { } known
            ? Instant.FromDateTimeOffset(instant).InZone(known).ToDateTimeOffset()
            : instant;
        try
        {
            return local.ToString(format ?? "d MMMM yyyy", CultureInfo.InvariantCulture);
        }
        catch (FormatException)
        {
            // A mail with a plain date is better than none.
            return local.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        }
    }

    private static object Number(object value, object? decimals) =>
        Amount(value) is { } number ? Rounded(number, Numbers.TryWhole(decimals, out var places) ? (int)Math.Clamp(places, 0, 10) : 0) : value;

    private static object Currency(object value, string? code)
    {
        if (Amount(value) is not { } amount) return value;
        var text = Rounded(Math.Abs(amount), string.Equals(code, "JPY", StringComparison.OrdinalIgnoreCase) ? 0 : 2);
        var minus = amount < 0 ? "-" : "";
        if (code is null) return minus + text;
        return Signs.TryGetValue(code, out var sign) ? minus + sign + text : $"{minus}{text} {code.ToUpperInvariant()}";
    }

    /// <summary>Half a cent goes up, as people count: 2.675 is 2.68, though its double lies below.</summary>
    private static string Rounded(double number, int places) =>
        Math.Abs(number) < 1e15
            ? Math.Round((decimal)number, places, MidpointRounding.AwayFromZero).ToString("N" + places, CultureInfo.InvariantCulture)
            : number.ToString("N" + places, CultureInfo.InvariantCulture);

    private static double? Amount(object value) =>
        Conversions.Of(Function.Double)(value) is { } number && Numbers.TryRead(number, out var amount) ? amount : null;
}
