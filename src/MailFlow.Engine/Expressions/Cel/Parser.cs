namespace MailFlow.Engine.Expressions.Cel;

/// <summary>A Pratt parser over CEL's grammar, less what rules do not need. Everything it accepts can be evaluated.</summary>
internal sealed class Parser
{
    public const int LongestText = 8_192, DeepestNesting = 64, MostNodes = 1_000;

    private readonly string _text;
    private readonly IReadOnlySet<string> _roots;
    private readonly Lexer _lexer;
    private Token _token;
    private int _previousEnd;
    private int _depth;
    private int _nodes;

    private Parser(string text, IReadOnlySet<string> roots)
    {
        (_text, _roots, _lexer) = (text, roots, new Lexer(text));
        _token = _lexer.Next();
    }

    public static Node Parse(string text, IReadOnlySet<string> roots)
    {
        if (text.Length > LongestText) throw ExpressionException.At(text, LongestText, $"an expression is at most {LongestText} characters long");
        var parser = new Parser(text, roots);
        var node = parser.Expression();
        if (parser._token.Kind != TokenKind.End) throw parser.Unexpected("an operator");
        return node;
    }

    /// <summary>A whole expression: <c>a ? b : c</c> or what binds tighter.</summary>
    private Node Expression()
    {
        Deeper(_token.Start);
        var node = Binary(0);
        if (Take("?"))
        {
            var then = Expression();
            Expect(":");
            var otherwise = Expression();
            node = Made(new Conditional(node, then, otherwise, node.Start, _previousEnd));
        }
        _depth--;
        return node;
    }

    private static int Binding(Token token) => token switch
    {
        { Kind: TokenKind.Name, Text: "in" } => 3,
        { Kind: not TokenKind.Symbol } => 0,
        { Text: "||" } => 1,
        { Text: "&&" } => 2,
        { Text: "==" or "!=" or "<" or "<=" or ">" or ">=" } => 3,
        { Text: "+" or "-" } => 4,
        { Text: "*" or "/" or "%" } => 5,
        _ => 0,
    };

    private Node Binary(int least)
    {
        var left = Unary();
        var chain = 0;
        while (Binding(_token) is var binding && binding > least)
        {
            var sign = _token;
            if (binding <= 2)
            {
                left = Chain(sign.Text, binding, left);
                continue;
            }
            Advance();
            var right = Binary(binding);
            // A long sum is as deep as it is long; && and || are flat.
            if (binding > 3 && ++chain + _depth > DeepestNesting) throw TooDeep(sign.Start);
            left = binding == 3 ? Relation(sign, left, right) : Made(new Arithmetic(sign.Text[0], left, right, left.Start, right.End));
            if (binding == 3 && Binding(_token) == 3)
                throw Error(_token.Start, "comparisons cannot be chained: write a < b && b < c");
        }
        return left;
    }

    private Node Chain(string sign, int binding, Node first)
    {
        var operands = new List<Node> { first };
        while (Take(sign)) operands.Add(Binary(binding));
        return Made(sign == "&&" ? new And(operands, first.Start, _previousEnd) : new Or(operands, first.Start, _previousEnd));
    }

    private Node Relation(Token sign, Node left, Node right)
    {
        var (start, end) = (left.Start, right.End);
        if (sign.Kind == TokenKind.Name) return Made(new In(left, right, start, end));
        var comparator = sign.Text switch
        {
            "==" => Comparator.Equal,
            "!=" => Comparator.NotEqual,
            "<" => Comparator.Less,
            "<=" => Comparator.LessOrEqual,
            ">" => Comparator.Greater,
            _ => Comparator.GreaterOrEqual,
        };
        foreach (var side in (ReadOnlySpan<Node>)[left, right])
            if (side is ListLiteral or MapLiteral) throw Error(side.Start, "lists and maps cannot be compared: use 'in' or size()");
        if (left is Literal { Value: null } || right is Literal { Value: null })
        {
            var present = Made(new Present(left is Literal { Value: null } ? right : left, start, end));
            return comparator switch
            {
                Comparator.NotEqual => present,
                Comparator.Equal => Made(new Not(present, start, end)),
                _ => throw Error(sign.Start, "null has no order: compare it with == or !="),
            };
        }
        return Made(new Comparison(comparator, left, right, start, end));
    }

    private Node Unary()
    {
        var start = _token.Start;
        if (Take("!"))
        {
            Deeper(start);
            var operand = Unary();
            _depth--;
            return Made(new Not(operand, start, operand.End));
        }
        if (!Take("-")) return Postfix(Primary());
        Deeper(start);
        var negated = Unary();
        _depth--;
        if (negated is Literal { Value: long or double } number) return number with { Value = Numbers.Negate(number.Value), Start = start };
        return Made(new Negate(negated, start, negated.End));
    }

    private Node Postfix(Node node)
    {
        var entered = _depth;
        while (true)
        {
            var start = _token.Start;
            if (Take("."))
            {
                Deeper(start);
                if (_token.Kind != TokenKind.Name) throw Unexpected("a name");
                var name = _token;
                Advance();
                node = _token.Is("(") ? Method(node, name) : Made(new Member(node, name.Text, node.Start, name.End));
            }
            else if (Take("["))
            {
                Deeper(start);
                var key = Expression();
                Expect("]");
                node = Made(key is Literal { Value: string name }
                    ? new Member(node, name, node.Start, _previousEnd)
                    : new Lookup(node, key, node.Start, _previousEnd));
            }
            else break;
        }
        _depth = entered;
        return node;
    }

    private Node Primary()
    {
        var token = _token;
        Advance();
        switch (token.Kind)
        {
            case TokenKind.Text or TokenKind.Number:
                return Made(new Literal(token.Value, token.Start, token.End));
            case TokenKind.Name:
                return Named(token);
            case TokenKind.Symbol when token.Text == "(":
                var inner = Expression();
                Expect(")");
                return inner;
            case TokenKind.Symbol when token.Text == "[":
                var items = Listed("]", Expression);
                return Made(new ListLiteral(items, token.Start, _previousEnd));
            case TokenKind.Symbol when token.Text == "{":
                var entries = Listed("}", Entry);
                if (entries.DistinctBy(entry => entry.Key).Count() != entries.Count) throw Error(token.Start, "a key stands twice in this map");
                return Made(new MapLiteral(entries, token.Start, _previousEnd));
            default:
                _token = token;
                throw Unexpected("a value");
        }
    }

    private (string Key, Node Value) Entry()
    {
        if (_token.Kind != TokenKind.Text) throw Unexpected("a key in quotes");
        var key = (string)_token.Value!;
        Advance();
        Expect(":");
        return (key, Expression());
    }

    private Node Named(Token name)
    {
        switch (name.Text)
        {
            case "true": return Made(new Literal(true, name.Start, name.End));
            case "false": return Made(new Literal(false, name.Start, name.End));
            case "null": return Made(new Literal(null, name.Start, name.End));
        }
        if (_token.Is("(")) return Functions.Global(name.Text, Arguments(), name.Start, _previousEnd, Error) is { } call ? Made(call) : throw Error(name.Start, Functions.UnknownFunction(name.Text));
        if (!_roots.Contains(name.Text)) throw Error(name.Start, $"'{name.Text}' is not known here; an expression starts from {string.Join(", ", _roots.Order())}");
        return Made(name.Text == "now" ? new Now(name.Start, name.End) : new Root(name.Text, name.Start, name.End));
    }

    private Node Method(Node target, Token name) =>
        Functions.Method(name.Text, target, Arguments(), _previousEnd, Error) is { } call ? Made(call) : throw Error(name.Start, Functions.UnknownMethod(name.Text));

    private List<Node> Arguments()
    {
        Expect("(");
        return Listed(")", Expression);
    }

    /// <summary>Items between commas, up to the closing symbol; a comma after the last is allowed, as in CEL.</summary>
    private List<T> Listed<T>(string close, Func<T> item)
    {
        var items = new List<T>();
        while (!_token.Is(close))
        {
            items.Add(item());
            if (!_token.Is(close)) Expect(",");
        }
        Advance();
        return items;
    }

    private Node Made(Node node) =>
        ++_nodes <= MostNodes ? node : throw Error(node.Start, $"an expression has at most {MostNodes} parts");

    private void Deeper(int start)
    {
        if (++_depth > DeepestNesting) throw TooDeep(start);
    }

    private ExpressionException TooDeep(int start) => Error(start, $"an expression is nested at most {DeepestNesting} deep");

    private void Advance()
    {
        _previousEnd = _token.End;
        _token = _lexer.Next();
    }

    private bool Take(string symbol)
    {
        if (!_token.Is(symbol)) return false;
        Advance();
        return true;
    }

    private void Expect(string symbol)
    {
        if (!Take(symbol)) throw Unexpected($"'{symbol}'");
    }

    private ExpressionException Unexpected(string wanted)
    {
        var found = _token.Kind switch
        {
            TokenKind.End => _token.Text,
            _ => $"'{_text[_token.Start.._token.End]}'",
        };
        return Error(_token.Start, $"{wanted} is expected here, not {found}");
    }

    private ExpressionException Error(int position, string problem) => ExpressionException.At(_text, position, problem);
}
