using System.Globalization;
using MailFlow.Data;
using MailFlow.Engine.Expressions.Cel;
using static MailFlow.Engine.Expressions.Sql.SqlValue;

namespace MailFlow.Engine.Expressions.Sql;

internal sealed class SqliteTarget(SqlParameters parameters) : SqlTarget(parameters)
{
    public override string TextAt(JsonPlace place) => $"CASE WHEN {Type(place)} = 'text' THEN {Read(place)} END";

    public override string NumberAt(JsonPlace place) => $"CASE WHEN {Type(place)} IN ('integer', 'real') THEN {InRange(Double(Read(place)))} END";

    public override string BoolAt(JsonPlace place) => $"CASE {Type(place)} WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END";

    public override string PresentAt(JsonPlace place) => $"{Type(place)} <> 'null'";

    public override string SizeAt(JsonPlace place)
    {
        var container = $"CASE WHEN {Type(place)} IN ('array', 'object') THEN {place.Column} -> {Path(place)} END";
        return $"CASE WHEN {Type(place)} IN ('array', 'object') THEN (SELECT count(*) FROM json_each({container})) END";
    }

    public override string HasKey(JsonPlace place, string text)
    {
        var alias = Alias("e");
        return $"EXISTS (SELECT 1 FROM json_each(CASE WHEN {Type(place)} = 'object' THEN {place.Column} -> {Path(place)} END) {alias} WHERE {alias}.key = {text} AND {alias}.type <> 'null')";
    }

    public override string AnyItem(JsonPlace place, Func<SqlValue, string> test)
    {
        var alias = Alias("e");
        var item = new SqlValue
        {
            Text = Write(() => $"CASE WHEN {alias}.type = 'text' THEN {alias}.value END"),
            Number = Write(() => $"CASE WHEN {alias}.type IN ('integer', 'real') THEN {InRange(Double(alias + ".value"))} END"),
            Bool = Write(() => $"CASE {alias}.type WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END"),
        };
        return $"EXISTS (SELECT 1 FROM json_each(CASE WHEN {Type(place)} = 'array' THEN {place.Column} -> {Path(place)} END) {alias} WHERE {test(item)})";
    }

    public override string HasTag(string column, string text)
    {
        var alias = Alias("e");
        return $"EXISTS (SELECT 1 FROM json_each({column}) {alias} WHERE {alias}.type = 'text' AND {alias}.value = {text})";
    }

    public override string Contains(string text, string part) => $"instr({text}, {part}) > 0";

    public override string StartsWith(string text, string part) => Let(part, v => $"substr({text}, 1, length({v})) = {v}");

    // substr(x, -0) is the whole text, not its empty end.
    public override string EndsWith(string text, string part) => Let(text, part, (v, w) => $"{v} IS NOT NULL AND ({w} = '' OR substr({v}, -length({w})) = {w})");

    public override string Ordinal(string text) => text;

    public override string Lower(string text) => $"lower({text})";

    public override string Upper(string text) => $"upper({text})";

    public override string Trim(string text) => $"trim({text}, {Parameters.Add(Conversions.Blanks)})";

    public override string Length(string text) => $"length({text})";

    public override string Truncated(string number) => Double($"CAST({number} AS integer)");

    public override string WholeFromText(string text) => Let(text, v => Let(
        $"CASE WHEN substr({v}, 1, 1) = '-' THEN substr({v}, 2) ELSE {v} END",
        digits => $"CASE WHEN length({digits}) BETWEEN 1 AND 15 AND {digits} NOT GLOB '*[^0-9]*' THEN {Double(v)} END"));

    public override string NumberFromText(string text) => Let(text, v =>
        $"CASE WHEN length({v}) <= {Numbers.LongestText} AND {v} NOT GLOB '*[^0-9eE.+-]*' AND {v} NOT GLOB '*[eE][+-][0-9][0-9][0-9][0-9]*' AND {v} NOT GLOB '*[eE][0-9][0-9][0-9][0-9]*' " +
        $"THEN CASE WHEN json_valid({v}) THEN {Let(Double(v), InRange)} END END");

    public override string InstantFromText(string text)
    {
        return Let(text, t =>
        {
            var rest = $"substr({t}, 20)";
            // The offset, if any, is the last six characters; what lies between it and the seconds is the fraction.
            var zone = $"CASE WHEN substr({rest}, -6) GLOB '[+-][0-2][0-9]:[0-5][0-9]' AND substr({rest}, -5, 2) <= '23' THEN substr({rest}, -6) WHEN {rest} GLOB '*[Zz]' THEN 'Z' ELSE '' END";
            var timed = Let(zone, z => Let($"substr({rest}, 1, length({rest}) - length({z}))", fraction =>
                $"CASE WHEN substr({t}, 11) GLOB '[Tt ][0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr({t}, 12, 2) <= '23' " +
                $"AND ({fraction} = '' OR ({fraction} GLOB '.[0-9]*' AND length({fraction}) <= 10 AND substr({fraction}, 2) NOT GLOB '*[^0-9]*')) " +
                $"THEN unixepoch(substr({t}, 1, 10)) * 1000 + ((substr({t}, 12, 2) * 60 + substr({t}, 15, 2)) * 60 + substr({t}, 18, 2)) * 1000 + CAST(substr(substr({fraction}, 2) || '000', 1, 3) AS integer) " +
                $"- CASE WHEN length({z}) = 6 THEN (CASE substr({z}, 1, 1) WHEN '-' THEN -1 ELSE 1 END) * (substr({z}, 2, 2) * 60 + substr({z}, 5, 2)) * 60000 ELSE 0 END END"));
            // date() turns 31 February into 3 March: a date that it leaves alone exists.
            return $"CASE WHEN {t} GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]*' AND substr({t}, 1, 4) <> '0000' AND date(substr({t}, 1, 10)) = substr({t}, 1, 10) " +
                $"THEN CASE WHEN length({t}) = 10 THEN unixepoch({t}) * 1000 WHEN length({t}) >= 19 THEN {InstantInRange(timed)} END END";
        });
    }

    public override string Calendar(Function part, string ms) => Let(ms, v =>
    {
        var seconds = $"({v} - (({v} % 1000) + 1000) % 1000) / 1000";
        var format = part switch
        {
            Function.GetFullYear => "%Y",
            Function.GetMonth => "%m",
            Function.GetDate => "%d",
            Function.GetDayOfWeek => "%w",
            _ => "%H",
        };
        var value = $"CAST(strftime('{format}', {seconds}, 'unixepoch') AS integer)";
        return part == Function.GetMonth ? value + " - 1" : value;
    });

    private string Type(JsonPlace place) => $"json_type({place.Column}, {Path(place)})";

    private string Read(JsonPlace place) => $"({place.Column} ->> {Path(place)})";

    private string Path(JsonPlace place)
    {
        var path = string.Concat(place.Steps.Select(step => step switch
        {
            int at => $"[{at.ToString(CultureInfo.InvariantCulture)}]",
            _ => "." + JsonData.Write(step),
        }));
        // Written out where it is plain, so that an index on the expression can serve; what a name may hold besides goes by parameter.
        return path.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-' or ' ' or '.' or '"' or '[' or ']') ? $"'${path}'" : Parameters.Add("$" + path);
    }
}
