using System.Globalization;
using MailFlow.Engine.Expressions.Cel;

namespace MailFlow.Engine.Expressions.Sql;

/// <summary>PostgreSQL answers many a bad cast with an error, so each cast stands behind a CASE, which is evaluated in order.</summary>
internal sealed class PostgreSqlTarget(SqlParameters parameters) : SqlTarget(parameters)
{
    private const string DayMs = "86400000";

    public override string TextAt(JsonPlace place) => $"CASE WHEN jsonb_typeof({Json(place)}) = 'string' THEN {Json(place)} #>> '{{}}' END";

    public override string NumberAt(JsonPlace place) =>
        $"CASE WHEN jsonb_typeof({Json(place)}) = 'number' THEN {InRange($"CAST({Json(place)} AS numeric)")} END";

    public override string BoolAt(JsonPlace place) => $"CASE WHEN jsonb_typeof({Json(place)}) = 'boolean' THEN CAST({Json(place)} AS boolean) END";

    public override string PresentAt(JsonPlace place) => $"jsonb_typeof({Json(place)}) <> 'null'";

    public override string SizeAt(JsonPlace place) =>
        $"CASE jsonb_typeof({Json(place)}) WHEN 'array' THEN jsonb_array_length({Json(place)}) WHEN 'object' THEN (SELECT count(*) FROM jsonb_object_keys({Json(place)})) END";

    public override string HasKey(JsonPlace place, string text) => $"coalesce(jsonb_typeof({Json(place)} -> ({text})) <> 'null', FALSE)";

    public override string AnyItem(JsonPlace place, Func<SqlValue, string> test)
    {
        var alias = Alias("e");
        return $"EXISTS (SELECT 1 FROM jsonb_array_elements(CASE WHEN jsonb_typeof({Json(place)}) = 'array' THEN {Json(place)} END) {alias}(v) WHERE {test(At(new JsonPlace(alias + ".v", [])))})";
    }

    public override string HasTag(string column, string text) => $"coalesce({column} @> to_jsonb({text}), FALSE)";

    public override string Contains(string text, string part) => $"strpos({text}, {part}) > 0";

    public override string StartsWith(string text, string part) => $"starts_with({text}, {part})";

    public override string EndsWith(string text, string part) => Let(part, v => $"right({text}, length({v})) = {v}");

    public override string Ordinal(string text) => $"({text}) COLLATE \"C\"";

    public override string Lower(string text) => $"lower({Ordinal(text)})";

    public override string Upper(string text) => $"upper({Ordinal(text)})";

    public override string Trim(string text) => $"btrim({text}, {Parameters.Add(Conversions.Blanks)})";

    public override string Length(string text) => $"char_length({text})";

    public override string Truncated(string number) => $"trunc({number})";

    public override string WholeFromText(string text) => Let(text, v => $"CASE WHEN {v} ~ '^-?[0-9]{{1,15}}$' THEN {Double(v)} END");

    public override string NumberFromText(string text) => Let(text, v =>
        $"CASE WHEN length({v}) <= {Numbers.LongestText} AND {v} ~ '^-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]{{1,3}})?$' THEN {InRange($"CAST({v} AS numeric)")} END");

    public override string InstantFromText(string text) => Let(text, t =>
    {
        var year = $"CAST(substr({t}, 1, 4) AS int)";
        var month = $"CAST(substr({t}, 6, 2) AS int)";
        var day = $"CAST(substr({t}, 9, 2) AS int)";
        var leap = $"{year} % 4 = 0 AND ({year} % 100 <> 0 OR {year} % 400 = 0)";
        var daysInMonth = $"CASE WHEN {month} IN (4, 6, 9, 11) THEN 30 WHEN {month} <> 2 THEN 31 WHEN {leap} THEN 29 ELSE 28 END";
        var time = $"(CAST(substr({t}, 12, 2) AS int) * 3600 + CAST(substr({t}, 15, 2) AS int) * 60 + CAST(substr({t}, 18, 2) AS int)) * 1000";
        var fraction = $"coalesce(CAST(rpad(left(substring({t} from '\\.([0-9]+)'), 3), 3, '0') AS int), 0)";
        var offset = $"CASE WHEN {t} ~ '[+-][0-9][0-9]:[0-9][0-9]$' THEN (CASE left(right({t}, 6), 1) WHEN '-' THEN -1 ELSE 1 END) * (CAST(substr(right({t}, 6), 2, 2) AS int) * 60 + CAST(right({t}, 2) AS int)) * 60000 ELSE 0 END";
        var date = $"CAST(make_date({year}, {month}, {day}) - DATE '1970-01-01' AS bigint) * {DayMs}";
        return $"CASE WHEN {t} ~ '^[0-9]{{4}}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{{1,9}})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?)?$' " +
            $"THEN CASE WHEN {year} > 0 AND {day} <= {daysInMonth} THEN CASE WHEN length({t}) = 10 THEN {date} ELSE {InstantInRange($"{date} + {time} + {fraction} - {offset}")} END END END";
    });

    public override string Calendar(Function part, string ms) => Let(ms, v =>
    {
        // Whole days and integers: a double of microseconds would round across midnight.
        var date = $"(DATE '1970-01-01' + CAST(floor(CAST({v} AS numeric) / {DayMs}) AS int))";
        return part switch
        {
            Function.GetFullYear => $"extract(year FROM {date})",
            Function.GetMonth => $"extract(month FROM {date}) - 1",
            Function.GetDate => $"extract(day FROM {date})",
            Function.GetDayOfWeek => $"extract(dow FROM {date})",
            _ => $"((({v} % {DayMs}) + {DayMs}) % {DayMs}) / 3600000",
        };
    });

    private string Json(JsonPlace place) => place.Steps.Aggregate(place.Column, (from, step) => step switch
    {
        // "->" with a position would take the scalar itself for the first item of a list.
        int at => $"jsonb_path_query_first({from}, 'strict $[{at.ToString(CultureInfo.InvariantCulture)}]', '{{}}', TRUE)",
        _ => $"({from} -> {Name((string)step)})",
    });

    /// <summary>Written out where it is plain, so that an index on the expression can serve; otherwise a parameter.</summary>
    private string Name(string name) =>
        name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-' or ' ') ? $"'{name}'" : Parameters.Add(name);
}
