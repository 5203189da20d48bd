namespace MailFlow.Engine.Expressions.Cel;

/// <summary>The functions of the language: their names, and what their arguments must be.</summary>
internal static class Functions
{
    private static readonly Dictionary<string, Function> Globals = new()
    {
        ["size"] = Function.Size,
        ["string"] = Function.String,
        ["int"] = Function.Int,
        ["double"] = Function.Double,
        ["bool"] = Function.Bool,
        ["timestamp"] = Function.Timestamp,
        ["duration"] = Function.Duration,
    };

    private static readonly Dictionary<string, Function> Methods = new()
    {
        ["size"] = Function.Size,
        ["lowerAscii"] = Function.LowerAscii,
        ["upperAscii"] = Function.UpperAscii,
        ["trim"] = Function.Trim,
        ["getFullYear"] = Function.GetFullYear,
        ["getMonth"] = Function.GetMonth,
        ["getDate"] = Function.GetDate,
        ["getDayOfWeek"] = Function.GetDayOfWeek,
        ["getHours"] = Function.GetHours,
    };

    private static readonly Dictionary<string, TextRelation> Tests = new()
    {
        ["contains"] = TextRelation.Contains,
        ["startsWith"] = TextRelation.StartsWith,
        ["endsWith"] = TextRelation.EndsWith,
    };

    /// <summary>The call of a function by this name, or null when there is none.</summary>
    public static Node? Global(string name, IReadOnlyList<Node> arguments, int start, int end, Func<int, string, Exception> error)
    {
        if (name == "has")
        {
            Count(1);
            return arguments[0] is Member or Lookup
                ? new Present(arguments[0], start, end)
                : throw error(arguments[0].Start, "has() asks about a member, such as has(contact.plan)");
        }
        if (name == "count_events") return Counted(arguments, start, end, error);
        if (!Globals.TryGetValue(name, out var function)) return null;
        Count(1);
        return Converted(function, arguments[0], start, end, error);

        void Count(int wanted)
        {
            if (arguments.Count != wanted) throw error(start, $"{name}() takes one argument, not {arguments.Count}");
        }
    }

    /// <summary>The call of a method by this name, or null when there is none.</summary>
    public static Node? Method(string name, Node target, IReadOnlyList<Node> arguments, int end, Func<int, string, Exception> error)
    {
        if (Tests.TryGetValue(name, out var relation))
            return arguments.Count == 1
                ? new TextTest(relation, target, arguments[0], target.Start, end)
                : throw error(target.Start, $"{name}() takes one argument, not {arguments.Count}");
        if (!Methods.TryGetValue(name, out var function)) return null;
        return arguments.Count == 0
            ? new Call(function, target, target.Start, end)
            : throw error(target.Start, $"{name}() takes no arguments here");
    }

    public static string UnknownFunction(string name) =>
        $"there is no function '{name}'; there are {string.Join(", ", Globals.Keys.Concat(["has", "count_events"]).Order())}";

    public static string UnknownMethod(string name) =>
        name == "matches"
            ? "regular expressions are not part of rules: use contains, startsWith or endsWith"
            : $"there is no method '{name}'; there are {string.Join(", ", Methods.Keys.Concat(Tests.Keys).Order())}";

    private static CountEvents Counted(IReadOnlyList<Node> arguments, int start, int end, Func<int, string, Exception> error)
    {
        if (arguments.Count is not (1 or 2)) throw error(start, "count_events() takes an event type and, if wanted, a window");
        if (arguments[0] is not Literal { Value: string { Length: > 0 } type })
            throw error(arguments[0].Start, "count_events() takes its event type as literal text");
        if (arguments.Count == 1) return new CountEvents(type, null, start, end);
        return arguments[1] is Literal { Value: TimeSpan window } && window > TimeSpan.Zero
            ? new CountEvents(type, window, start, end)
            : throw error(arguments[1].Start, "count_events() takes its window as a literal duration, such as duration(\"30d\")");
    }

    /// <summary>A literal instant or duration is read once, now, and refused now when it is not one.</summary>
    private static Node Converted(Function function, Node argument, int start, int end, Func<int, string, Exception> error) => (function, argument) switch
    {
        (Function.Timestamp, Literal { Value: string text }) => TimestampText.TryParse(text, out var ms)
            ? new Literal(DateTimeOffset.FromUnixTimeMilliseconds(ms), start, end)
            : throw error(argument.Start, $"'{text}' is not an instant: write it like 2026-01-31T09:30:00Z or 2026-01-31"),
        (Function.Duration, Literal { Value: string text }) => DurationText.TryParse(text, out var duration)
            ? new Literal(duration, start, end)
            : throw error(argument.Start, $"'{text}' is not a duration: write it like 30m, 72h, 30d, P3D or 1.02:00:00"),
        (Function.Timestamp, Literal { Value: long ms }) => ms is >= TimestampText.EarliestMs and <= TimestampText.LatestMs
            ? new Literal(DateTimeOffset.FromUnixTimeMilliseconds(ms), start, end)
            : throw error(argument.Start, $"{ms} milliseconds since 1970 are outside the years 1 to 9999"),
        _ => new Call(function, argument, start, end),
    };
}
