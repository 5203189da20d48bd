using System.Buffers;
using System.Collections.Frozen;

namespace MailFlow.Engine.Expressions.Templating;

/// <summary>
/// Reads a template's tags before the library compiles it, for what the library would only find while rendering (a helper
/// or partial that is not there) or would not survive: its compiler is recursive, so that nesting must be bounded first.
/// </summary>
internal static class TagScan
{
    private const int DeepestBlocks = 64, DeepestCalls = 16;

    private static readonly SearchValues<char> WordEnds = SearchValues.Create(" \t\r\n()=");

    private static readonly FrozenSet<string> OwnBlocks = new[] { "if", "unless", "each", "with" }.ToFrozenSet();
    private static readonly FrozenSet<string> Helpers = TemplateHelpers.All.Keys.Append("lookup").ToFrozenSet();

    public static void Check(string template, IReadOnlyDictionary<string, string> partials)
    {
        if (template.Length > HandlebarsText.LongestTemplate)
            throw new ExpressionException($"a template is at most {HandlebarsText.LongestTemplate} characters long");
        var open = 0;
        for (var at = Find(template, "{{", 0); at >= 0;)
        {
            if (at > 0 && template[at - 1] == '\\')
            {
                at = Find(template, "{{", at + 2);
                continue;
            }
            var comment = template.AsSpan(at).StartsWith("{{!--") || template.AsSpan(at).StartsWith("{{~!--");
            var end = Find(template, comment ? "--" : "}}", at + (comment ? 6 : 2));
            if (end >= 0 && comment) end = Find(template, "}}", end);
            if (end < 0) throw ExpressionException.At(template, at, "this tag has no closing '}}'");
            Tag(template, at, template[(at + 2)..end].Trim('~', '{', ' ', '\t', '\r', '\n'), partials, ref open);
            at = Find(template, "{{", end + 2);
        }
    }

    private static void Tag(string template, int at, string tag, IReadOnlyDictionary<string, string> partials, ref int open)
    {
        ExpressionException Error(string problem) => ExpressionException.At(template, at, problem);
        if (tag.Length == 0) throw Error("this tag is empty");
        var body = tag[1..].TrimStart();
        switch (tag[0])
        {
            case '!':
                return;
            case '/':
                open = Math.Max(0, open - 1);
                return;
            case '>':
                Partial(body, partials, Error);
                return;
            case '#' when body.StartsWith('*') || body.StartsWith('>'):
            case '*':
                throw Error("decorators and inline partials are not supported: give the partial by name");
            case '#' or '^' when body.Length > 0:
                if (++open > DeepestBlocks) throw Error($"blocks are nested at most {DeepestBlocks} deep");
                Calls(body, block: true, Error);
                return;
            default:
                Calls(tag.TrimStart('&'), block: false, Error);
                return;
        }
    }

    private static void Partial(string body, IReadOnlyDictionary<string, string> partials, Func<string, ExpressionException> error)
    {
        var name = Words(body).FirstOrDefault()?.Trim('"', '\'') ?? "";
        if (name.StartsWith('(')) throw error("a partial must be given by name, not computed");
        if (!partials.ContainsKey(name)) throw error($"there is no partial '{name}'");
    }

    /// <summary>A name followed by arguments is a helper, in the tag itself and after each opening bracket.</summary>
    private static void Calls(string body, bool block, Func<string, ExpressionException> error)
    {
        var words = Words(body);
        if (words.Count == 0) return;
        if (words[0] is "else" && words.Count > 1) words = words[1..];
        var takesArguments = words.Count > 1 && words[1] is not ("as" or "=");
        if (block || OwnBlocks.Contains(words[0]))
        {
            // {{#name}} over a list or value is Handlebars' own; with arguments it would be a block helper.
            if (takesArguments && !OwnBlocks.Contains(words[0])) throw error($"there is no block helper '{words[0]}'; there are {Listed(OwnBlocks)}");
        }
        else if (takesArguments && !Helpers.Contains(words[0])) throw error($"there is no helper '{words[0]}'; there are {Listed(Helpers)}");

        var depth = 0;
        for (var i = 0; i < words.Count; i++)
        {
            if (words[i] == ")") depth--;
            if (words[i] != "(") continue;
            if (++depth > DeepestCalls) throw error($"helpers are nested at most {DeepestCalls} deep");
            var name = i + 1 < words.Count ? words[i + 1] : "";
            if (!Helpers.Contains(name)) throw error($"there is no helper '{name}'; there are {Listed(Helpers)}");
        }
    }

    /// <summary>Names, brackets, and literals (kept in their quotes).</summary>
    private static List<string> Words(string body)
    {
        var words = new List<string>();
        for (var at = 0; at < body.Length;)
        {
            var letter = body[at];
            if (char.IsWhiteSpace(letter)) at++;
            else if (letter is '(' or ')' or '=')
            {
                words.Add(letter.ToString());
                at++;
            }
            else
            {
                var close = letter is '"' or '\'' ? body.IndexOf(letter, at + 1) + 1 : body.AsSpan(at).IndexOfAny(WordEnds) is var length and >= 0 ? at + length : body.Length;
                if (close <= at) close = body.Length;
                words.Add(body[at..close]);
                at = close;
            }
        }
        return words;
    }

    private static string Listed(IEnumerable<string> names) => string.Join(", ", names.Order());

    private static int Find(string template, string mark, int from) => from > template.Length ? -1 : template.IndexOf(mark, from, StringComparison.Ordinal);
}
