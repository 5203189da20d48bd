using System.Buffers;
using System.Text;

namespace MailFlow.Engine.Expressions.Templating;

/// <summary>Takes the inside of a tag apart.</summary>
internal static class MustacheWords
{
    private const int DeepestCall = 8;

    private static readonly SearchValues<char> BlockNameLetters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ ");

    /// <summary>Splits into words: text in quotes and names in brackets stay whole, parentheses are words of their own.</summary>
    public static List<string> Split(string source, int start, int end)
    {
        var words = new List<string>();
        var depth = 0;
        var at = start;
        while (at < end)
        {
            var c = source[at];
            if (char.IsWhiteSpace(c)) { at++; continue; }
            if (c is '(' or ')')
            {
                depth += c == '(' ? 1 : -1;
                if (depth is < 0 or > DeepestCall) throw MustacheSource.ErrorAt(source, at, depth < 0 ? "')' closes nothing" : "calls are nested too deep");
                words.Add(c.ToString());
                at++;
                continue;
            }
            var from = at;
            at = EndOfWord(source, at, end);
            words.Add(source[from..at]);
        }
        if (depth > 0) throw MustacheSource.ErrorAt(source, start, "'(' is not closed");
        return words;
    }

    /// <summary>
    /// A word is a name or number, <c>[a name in brackets]</c>, text in quotes, or <c>name=</c> before one of these.
    /// Anything else the compiler could read in another way than we do.
    /// </summary>
    private static int EndOfWord(string source, int at, int end)
    {
        var from = at;
        if (source[at] == '|') return EndOfBlockNames(source, at, end);
        while (at < end && (IsNameLetter(source[at]) || source[at] == '['))
            at = source[at] == '[' ? EndOf(']', source, at, end) : at + 1;
        if (at < end && source[at] == '=' && at > from)
        {
            at++;
            if (at >= end || char.IsWhiteSpace(source[at])) throw MustacheSource.ErrorAt(source, at, "'=' must be followed by a value");
            return source[at] == '(' ? at : EndOfWord(source, at, end);
        }
        if (at == from && source[at] is '"' or '\'') at = EndOf(source[at], source, at, end);
        if (at < end && !char.IsWhiteSpace(source[at]) && source[at] is not ('(' or ')')) throw MustacheSource.ErrorAt(source, at, $"'{source[at]}' cannot stand here");
        return at;
    }

    private static int EndOf(char closing, string source, int at, int end)
    {
        var close = source.IndexOf(closing, at + 1, end - at - 1);
        if (close < 0) throw MustacheSource.ErrorAt(source, at, $"{source[at]} is not closed");
        if (source.AsSpan(at + 1, close - at - 1).IndexOfAny("\\{}") >= 0) throw MustacheSource.ErrorAt(source, at, "text and names inside a tag cannot hold braces or backslashes");
        return close + 1;
    }

    private static int EndOfBlockNames(string source, int at, int end)
    {
        var close = source.IndexOf('|', at + 1, end - at - 1);
        if (close < 0) throw MustacheSource.ErrorAt(source, at, "| is not closed");
        if (source.AsSpan(at + 1, close - at - 1).ContainsAnyExcept(BlockNameLetters)) throw MustacheSource.ErrorAt(source, at, "the names between | and | must be plain");
        return close + 1;
    }

    private static bool IsNameLetter(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or '/' or '@' or '$' || (char.IsLetter(c) && c > '\u007f');

    /// <summary>The paths a tag reads: its arguments, and its own name when it is no helper.</summary>
    public static IEnumerable<string> Paths(Mustache tag)
    {
        if (tag.Kind is MustacheKind.Comment or MustacheKind.Literal or MustacheKind.Close) yield break;
        var calls = tag.Kind is MustacheKind.Include || tag.Words.Count > 1 || TemplateHelpers.IsBlock(tag.Name);
        for (var i = 0; i < tag.Words.Count; i++)
        {
            var word = tag.Words[i];
            if (i == 0 && calls) continue;
            if (word is "(" or ")") continue;
            if (word == "as" && i + 1 < tag.Words.Count && tag.Words[i + 1].StartsWith('|')) yield break;
            if (i > 0 && tag.Words[i - 1] == "(") continue;
            var argument = Value(word);
            if (IsPath(argument)) yield return argument;
        }
    }

    /// <summary>The names of the helpers a tag calls inside parentheses.</summary>
    public static IEnumerable<string> Calls(Mustache tag)
    {
        for (var i = 1; i < tag.Words.Count; i++)
            if (tag.Words[i - 1] is "(" || tag.Words[i - 1].EndsWith("=(", StringComparison.Ordinal)) yield return tag.Words[i];
    }

    /// <summary>The names that <c>as |item index|</c> gives.</summary>
    public static IEnumerable<string> BlockNames(Mustache tag)
    {
        var named = tag.Words.SkipWhile(word => word != "as").Skip(1);
        return named.SelectMany(word => word.Trim('|').Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>Whether a word is a path, not text, number or a constant.</summary>
    public static bool IsPath(string word) =>
        word.Length > 0
        && word is not ("true" or "false" or "null" or "undefined" or "(" or ")")
        && !char.IsAsciiDigit(word[0]) && word[0] is not ('"' or '\'' or '-' or '|');

    /// <summary>The value of <c>name=value</c>, or the word itself.</summary>
    private static string Value(string word)
    {
        if (word[0] is '"' or '\'' or '[') return word;
        var equals = word.IndexOf('=');
        return equals < 0 ? word : word[(equals + 1)..];
    }

    /// <summary>Puts words together again, so that they read as they were split.</summary>
    public static string Join(IEnumerable<string> words)
    {
        var text = new StringBuilder();
        foreach (var word in words)
        {
            if (text.Length > 0 && word != ")" && text[^1] is not ('(' or '=')) text.Append(' ');
            text.Append(word);
        }
        return text.ToString();
    }
}
