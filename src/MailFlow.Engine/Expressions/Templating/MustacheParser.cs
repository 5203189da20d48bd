namespace MailFlow.Engine.Expressions.Templating;

/// <summary>
/// Finds the tags of a template and checks them before the compiler sees them: blocks close in order, helpers exist, and
/// nothing is nested so deep that a compiler which recurses could exhaust the stack of the whole process. It must see every tag
/// that the compiler sees: so words are held to a plain shape that both read alike, and tags are written anew from them.
/// </summary>
internal sealed class MustacheParser(string text, IReadOnlySet<string>? helpers)
{
    private const int MostTags = 5_000, DeepestBlock = 40;

    private readonly List<Mustache> _tags = [];
    private readonly Stack<Mustache> _open = [];
    private readonly HashSet<string> _blockNames = [];
    private int _depth;

    public IReadOnlyList<Mustache> Parse()
    {
        var at = 0;
        while ((at = text.IndexOf("{{", at, StringComparison.Ordinal)) >= 0)
        {
            var backslashes = 0;
            while (at - backslashes > 0 && text[at - backslashes - 1] == '\\') backslashes++;
            if (backslashes % 2 == 1)
            {
                _tags.Add(new Mustache(MustacheKind.Literal, at - 1, at + 2, false, false, [], _depth));
                at += 2;
                continue;
            }
            var tag = Read(at);
            Check(tag);
            _tags.Add(tag);
            if (_tags.Count > MostTags) throw Error(at, $"a template can hold at most {MostTags} tags");
            at = tag.End;
        }
        if (_open.TryPeek(out var left)) throw Error(left.Start, $"'{{{{#{left.Name}}}}}' is not closed");
        return _tags;
    }

    private Mustache Read(int start)
    {
        if (Is(start, "{{{{")) throw Error(start, "raw blocks ('{{{{') are not supported");
        if (Is(start, "{{!") || Is(start, "{{~!")) return Comment(start);

        var triple = Is(start, "{{{");
        var inside = start + (triple ? 3 : 2);
        var trimBefore = Is(inside, "~");
        if (trimBefore) inside++;

        var close = Closing(inside, start);
        var end = close + 2;
        var last = close;
        if (triple)
        {
            if (!Is(close, "}}}")) throw Error(start, "'{{{' must be closed by '}}}'");
            end = close + 3;
        }
        var trimAfter = last > inside && text[last - 1] == '~';
        if (trimAfter) last--;
        return Tag(start, end, inside, last, trimBefore, trimAfter, triple);
    }

    private Mustache Tag(int start, int end, int inside, int last, bool trimBefore, bool trimAfter, bool raw)
    {
        while (inside < last && char.IsWhiteSpace(text[inside])) inside++;
        if (inside >= last) throw Error(start, "this tag is empty");
        var kind = text[inside] switch
        {
            _ when raw => MustacheKind.RawOutput,
            '#' or '^' => MustacheKind.Open,
            '/' => MustacheKind.Close,
            '>' => MustacheKind.Include,
            '&' => MustacheKind.RawOutput,
            '*' or '%' or '=' or '}' => throw Error(start, $"'{text[inside]}' cannot begin a tag"),
            _ => MustacheKind.Output,
        };
        var negated = text[inside] == '^';
        if (kind == MustacheKind.Open && inside + 1 < last && text[inside + 1] is '*' or '>')
            throw Error(start, text[inside + 1] == '*' ? "inline partials are not supported: make the part a template of its own" : "blocks around an include are not supported: use a layout");
        var signed = kind != MustacheKind.Output && !raw;
        var words = MustacheWords.Split(text, signed ? inside + 1 : inside, last);
        if (negated && words.Count == 0) kind = MustacheKind.Else;
        else if (words.Count == 0) throw Error(start, "there is no name in the tag");
        if (kind == MustacheKind.Output && words[0] == "else") kind = MustacheKind.Else;
        var sign = kind switch { MustacheKind.Open => negated ? "^" : "#", MustacheKind.Close => "/", _ => "" };
        // The library knows {{^}} only in some blocks.
        if (kind == MustacheKind.Else && words.Count == 0) words.Add("else");
        return new Mustache(kind, start, end, trimBefore, trimAfter, words, _depth) { Sign = sign };
    }

    private void Check(Mustache tag)
    {
        foreach (var call in MustacheWords.Calls(tag))
            if (!IsHelper(call)) throw NoHelper(tag, call);

        switch (tag.Kind)
        {
            case MustacheKind.Output or MustacheKind.RawOutput:
                if (tag.Name == "(") throw Error(tag.Start, "a call in parentheses cannot stand alone");
                if (!tag.IsPath && !IsHelper(tag.Name)) throw NoHelper(tag, tag.Name);
                if (tag.IsPath && (TemplateHelpers.IsBlock(tag.Name) || !MustacheWords.IsPath(tag.Name))) throw Error(tag.Start, $"'{tag.Name}' cannot be put out");
                break;
            case MustacheKind.Include:
                if (tag.Name == "(") throw Error(tag.Start, "what is included must be written out, not computed");
                break;
            case MustacheKind.Else:
                if (_open.Count == 0) throw Error(tag.Start, "'{{else}}' stands outside a block");
                break;
            case MustacheKind.Open:
                Open(tag);
                break;
            case MustacheKind.Close:
                if (!_open.TryPop(out var open)) throw Error(tag.Start, $"'{{{{/{tag.Name}}}}}' closes nothing");
                if (open.Name != tag.Name) throw Error(tag.Start, $"'{{{{/{tag.Name}}}}}' stands where '{{{{/{open.Name}}}}}' was expected");
                if (TemplateHelpers.ShiftsNames(open.Name)) _depth--;
                break;
            default:
                break;
        }
    }

    private void Open(Mustache tag)
    {
        if (TemplateHelpers.IsBlock(tag.Name) && tag.Words.Count < 2) throw Error(tag.Start, $"'{{{{#{tag.Name}}}}}' needs what it is about");
        if (!TemplateHelpers.IsBlock(tag.Name) && tag.Words.Count > 1 && tag.Words[1] != "as") throw Error(tag.Start, $"there is no block helper '{tag.Name}': there are if, unless, each, with");
        _open.Push(tag);
        if (_open.Count > DeepestBlock) throw Error(tag.Start, $"blocks are nested deeper than {DeepestBlock}");
        if (TemplateHelpers.ShiftsNames(tag.Name)) _depth++;
        _blockNames.UnionWith(MustacheWords.BlockNames(tag));
    }

    private Mustache Comment(int start)
    {
        var mark = text.IndexOf('!', start);
        var dashed = Is(mark, "!--");
        var close = text.IndexOf(dashed ? "--}}" : "}}", mark + 1, StringComparison.Ordinal);
        var trimmed = dashed ? text.IndexOf("--~}}", mark + 1, StringComparison.Ordinal) : -1;
        if (trimmed >= 0 && (close < 0 || trimmed < close)) close = trimmed;
        if (close < 0) throw Error(start, "the comment is not closed");
        var end = text.IndexOf("}}", close, StringComparison.Ordinal) + 2;
        return new Mustache(MustacheKind.Comment, start, end, text[start + 2] == '~', text[end - 3] == '~', [], _depth);
    }

    /// <summary>Where "}}" stands outside of quotes.</summary>
    private int Closing(int from, int start)
    {
        var limit = text.Length;
        for (var at = from; at < limit - 1; at++)
        {
            if (text[at] is '"' or '\'')
            {
                at = text.IndexOf(text[at], at + 1, limit - at - 1);
                if (at < 0) break;
            }
            else if (text[at] == '}' && text[at + 1] == '}') return at;
        }
        throw Error(start, "this tag has no closing '}}'");
    }

    private bool IsHelper(string name) => TemplateHelpers.IsInline(name) || helpers?.Contains(name) == true;

    private ExpressionException NoHelper(Mustache tag, string name) =>
        Error(tag.Start, $"there is no helper '{name}': there are {string.Join(", ", TemplateHelpers.All.Keys.Append("lookup").Concat(helpers ?? new HashSet<string>()).Order(StringComparer.Ordinal))}");

    private bool Is(int at, string sign) => string.CompareOrdinal(text, at, sign, 0, sign.Length) == 0;

    private ExpressionException Error(int position, string problem) => MustacheSource.ErrorAt(text, position, problem);
}
