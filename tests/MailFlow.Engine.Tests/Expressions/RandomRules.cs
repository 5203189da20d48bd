using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using MailFlow.Data;

namespace MailFlow.Engine.Tests.Expressions;

/// <summary>Rules and contacts made to meet: the same few names and awkward values in both.</summary>
internal static class RandomRules
{
    private static readonly string[] Fields =
    [
        "contact.user_id", "contact.email", "contact.first_name", "contact.last_name", "contact.a", "contact.b", "contact.attributes.a", "contact.attributes.email",
        "contact['first name']", "contact['x\"y']", "contact['\u00e9']", "contact['q\\'z']", "contact['$.b']", "contact['']", "contact.m.a", "contact.m.m.b", "contact.l[0]", "contact.l[1].a", "contact.l[-1]",
        "contact.m['0']", "contact.l['a']", "contact.email.a", "contact.missing", "contact.created_at.a",
    ];

    public static readonly string[] Texts =
    [
        "", "a", "A", "ab", "b", "\u00e4", "\u00c4", "\uFF5E", "\U0001F600", "\U0001F600b", " a\t", "true", "false", "0", "12", "-3", "007", "1.5", "-3.5e2", "1e999", "2026-01-31", "2026-02-29", "2024-02-29",
        "2026-03-10T12:00:00Z", "2026-03-10T12:00:00.1239+02:00", "2026-03-10 11:59:59", "2026-03-10t23:59:59.999999999-12:34", "2026-03-10T24:00:00Z", "2026-03-10T12:00:00+24:00", "0000-01-01", "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00", "2026-03-10T12:00:00.", "2026-03-10T12:00:00+2:00", "2026-3-10", "2100-02-29", "a@b.c", "it's", "100%", "a_b", "\\", "x\"y", "vip", "@now", "{rows}", "+5", "1.", ".5", "-", "1e5", "12345678901234567", "\n",
    ];

    public static readonly string[] Numbers =
    [
        "0", "1", "-1", "2", "2.5", "-2.5", "36", "0.1", "0.2", "0.30000000000000004", "3", "7", "1e10", "123456789012", "9007199254740992", "1773144000000", "1773144000000.5", "1e149", "1e-149", "86400000", "-62135596800000",
    ];

    public static readonly string[] StoredNumbers = [.. Numbers, "1e200", "-1e308", "1e-200", "9007199254740993", "9223372036854775807", "12345678901234567", "1.7976931348623157E+308", "5E-324", "-0.0", "1.0", "1.2345678901234568E+18"];

    private static readonly string[] Durations = ["1s", "1h", "72h", "30d", "400d", "PT90M", "1.02:00:00"];

    private static readonly string[] EventTypes = ["opened", "clicked", "it's"];

    public static Gen<string> Rule { get; } = Conditions(3);

    public static Gen<RuleContact> Contact { get; } =
        from user in Gen.Choose(0, int.MaxValue)
        from email in Gen.Frequency((1, Gen.Constant<string?>(null)), (3, Gen.Elements<string?>(Texts)))
        from first in Gen.Frequency((1, Gen.Constant<string?>(null)), (3, Gen.Elements<string?>(Texts)))
        from created in Gen.Elements(0L, -1L, 1_773_144_000_000, 1_773_144_000_000 - 86_400_000, 951_782_400_000, -2_208_988_800_001, 253_402_300_799_999)
        from tags in Gen.Elements("vip", "beta", "a", "", "\u00e4", "it's").ListOf()
        from attributes in Attributes
        from events in EventsOf()
        select new RuleContact($"u{user}", email, first, created, JsonData.Write(tags.ToList<object?>()), attributes, events);

    private static Gen<IReadOnlyList<(string, long)>> EventsOf() =>
        from all in (from type in Gen.Elements(EventTypes) from ago in Gen.Elements(0L, 1, 3_600_000, 259_199_999, 259_200_000, 2_592_000_000, 2_591_999_999, -1, 34_560_000_000) select (type, 1_773_144_000_000 - ago)).ListOf()
        select (IReadOnlyList<(string, long)>)all.ToList();

    private static Gen<string> Attributes =>
        from pairs in (from name in Gen.Elements("a", "b", "email", "first name", "x\"y", "\u00e9", "q'z", "$.b", "", "m", "l", "0") from value in Json(name is "m" or "l" ? 2 : 1, name) select (name, value)).ListOf()
        let members = pairs.DistinctBy(pair => pair.name).Select(pair => $"{JsonData.Write(pair.name)}:{pair.value}")
        select "{" + string.Join(",", members) + "}";

    private static Gen<string> Json(int depth, string name)
    {
        var scalar = Gen.Frequency(
            (5, Gen.Elements(Texts).Select(text => JsonData.Write(text))), (5, Gen.Elements(StoredNumbers)), (2, AnyNumber()), (3, Gen.Elements("true", "false")), (1, Gen.Constant("null")));
        if (depth == 0) return scalar;
        var list = from items in Json(depth - 1, "a").ListOf() select "[" + string.Join(",", items.Take(4)) + "]";
        var map = from a in Json(depth - 1, "a") from b in Json(depth - 1, "m") select $$"""{"a":{{a}},"m":{"b":{{b}}},"0":1}""";
        return name switch
        {
            "m" => Gen.Frequency((6, map), (1, list), (1, scalar)),
            "l" => Gen.Frequency((1, map), (6, list), (1, scalar)),
            _ => Gen.Frequency((10, scalar), (1, list), (1, map)),
        };
    }

    private static Gen<string> AnyNumber() =>
        Gen.OneOf(
            from bits in Gen.Choose(int.MinValue, int.MaxValue).Two() select Finite(((long)bits.Item1 << 32) ^ (uint)bits.Item2),
            from parts in Gen.Choose(-1_000_000, 1_000_000).Two() select JsonData.Write(parts.Item1 / (double)Math.Max(1, Math.Abs(parts.Item2))),
            from part in Gen.Choose(int.MinValue, int.MaxValue) select (part * 4_294_967_311L).ToString(CultureInfo.InvariantCulture));

    private static string Finite(long bits) => BitConverter.Int64BitsToDouble(bits) is var number && double.IsFinite(number) ? JsonData.Write(number) : "0";

    private static Gen<string> Conditions(int depth)
    {
        var value = Values(depth > 0 ? 1 : 0);
        var number = NumberValues(1);
        var instant = Instants();
        var compared =
            from pair in Gen.OneOf(value.Two(), number.Two(), instant.Two(), from one in number from other in value select (one, other), from one in value from other in TextValues() select (one, other))
            from sign in Gen.Elements("==", "!=", "<", "<=", ">", ">=")
            select $"{pair.Item1} {sign} {pair.Item2}";
        var leaf = Gen.Frequency(
            (10, compared),
            (2, from text in value from method in Gen.Elements("contains", "startsWith", "endsWith") from part in TextValues() select $"{text}.{method}({part})"),
            (2, from item in value from list in Gen.OneOf(Gen.Elements("contact.tags", "contact.l", "contact.m", "contact.a", "contact.attributes", "contact.m.a"), Lists()) select $"{item} in {list}"),
            (1, from tag in Gen.Elements("vip", "beta", "a", "it's") select $"{Quoted(tag)} in contact.tags"),
            (1, from field in Gen.Elements(Fields) from test in Gen.Elements("has({0})", "{0} == null", "{0} != null", "!has({0})") select string.Format(CultureInfo.InvariantCulture, test, field)),
            (1, Gen.Elements(Fields)),
            (1, Gen.Elements("true", "false")));
        if (depth == 0) return leaf;
        var inner = Conditions(depth - 1);
        return Gen.Frequency(
            (3, leaf),
            (2, from one in inner select $"!({one})"),
            (2, from pair in inner.Two() select $"({pair.Item1}) && ({pair.Item2})"),
            (2, from pair in inner.Two() select $"({pair.Item1}) || ({pair.Item2})"),
            (1, from all in inner.Three() select $"({all.Item1}) ? ({all.Item2}) : ({all.Item3})"),
            (1, from pair in inner.Two() from sign in Gen.Elements("==", "!=") select $"({pair.Item1}) {sign} ({pair.Item2})"));
    }

    private static Gen<string> Values(int depth)
    {
        var leaf = Gen.Frequency(
            (6, Gen.Elements(Fields)), (3, Gen.Elements(Texts).Select(Quoted)), (3, Gen.Elements(Numbers)), (1, Gen.Elements("true", "false", "now", "contact.created_at")),
            (1, Gen.Elements(Durations).Select(text => $"duration('{text}')")));
        if (depth == 0) return leaf;
        var inner = Values(depth - 1);
        return Gen.Frequency(
            (6, leaf), (3, NumberValues(depth)), (3, TextValues()), (2, Instants()),
            (2, from condition in Conditions(0) from pair in inner.Two() select $"({condition} ? {pair.Item1} : {pair.Item2})"),
            (2, from pair in inner.Two() from sign in Gen.Elements("+", "-") select $"({pair.Item1} {sign} {pair.Item2})"),
            (1, from one in inner select $"bool({one})"));
    }

    private static Gen<string> NumberValues(int depth)
    {
        var leaf = Gen.Frequency(
            (4, Gen.Elements(Numbers)), (4, Gen.Elements(Fields)),
            (2, from field in Gen.Elements([.. Fields, "contact.tags", "contact.attributes", "contact.m", "contact.l"]) select $"size({field})"),
            (2, from field in Gen.Elements([.. Fields, .. Texts.Select(Quoted)]) from function in Gen.Elements("int", "double") select $"{function}({field})"),
            (2, from instant in Instants() from part in Gen.Elements("getFullYear", "getMonth", "getDate", "getDayOfWeek", "getHours") select $"{instant}.{part}()"),
            (2, from type in Gen.Elements(EventTypes) from window in Gen.Elements("", ", duration('1h')", ", duration('72h')", ", duration('30d')") select $"count_events({Quoted(type)}{window})"));
        if (depth == 0) return leaf;
        var inner = NumberValues(depth - 1);
        return Gen.Frequency((3, leaf), (2, from pair in inner.Two() from sign in Gen.Elements("+", "-", "*", "/", "%") select $"({pair.Item1} {sign} {pair.Item2})"), (1, from one in inner select $"-({one})"));
    }

    private static Gen<string> TextValues() => Gen.Frequency(
        (4, Gen.Elements(Texts).Select(Quoted)),
        (4, Gen.Elements(Fields)),
        (3, from field in Gen.Elements(Fields) from method in Gen.Elements("lowerAscii", "upperAscii", "trim") select $"{field}.{method}()"),
        (1, from pair in Gen.Elements(Fields).Two() select $"({pair.Item1} + {pair.Item2})"),
        (1, from condition in Conditions0() select $"string({condition})"));

    private static Gen<string> Conditions0() => Gen.Elements("contact.vip == true", "contact.email == 'a'", "has(contact.a)");

    private static Gen<string> Instants() => Gen.Frequency(
        (2, Gen.Elements("now", "contact.created_at", "timestamp('2026-03-10T12:00:00Z')", "timestamp(951782400000)")),
        (4, from field in Gen.Elements(Fields) select $"timestamp({field})"),
        (2, from field in Gen.Elements("now", "contact.created_at", "timestamp(contact.a)") from sign in Gen.Elements("+", "-") from length in Gen.Elements(Durations) select $"({field} {sign} duration('{length}'))"),
        (1, from number in Gen.Elements(Numbers) select $"timestamp({number} + 0)"));

    private static Gen<string> Lists() =>
        from items in Gen.Frequency((3, Gen.Elements(Texts).Select(Quoted)), (2, Gen.Elements(Numbers)), (1, Gen.Elements(Fields)), (1, Gen.Elements("true", "null", "now"))).ListOf()
        select "[" + string.Join(", ", items.Take(4)) + "]";

    public static string Quoted(string text) => "'" + text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal) + "'";
}
