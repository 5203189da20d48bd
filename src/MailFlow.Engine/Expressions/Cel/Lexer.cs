using System.Globalization;

namespace MailFlow.Engine.Expressions.Cel;

/// <summary>Cuts the text of an expression into tokens, one at a time.</summary>
internal sealed class Lexer(string text)
{
    /// <summary>A double holds every whole number up to here, and not every one beyond.</summary>
    public const long LargestWhole = 1L << 53;

    private static readonly string[] TwoCharSymbols = ["==", "!=", "<=", ">=", "&&", "||"];

    private int _position;

    public Token Next()
    {
        SkipBlanks();
        var start = _position;
        if (start == text.Length) return new Token(TokenKind.End, "the end of the expression", null, start, start);
        var first = text[start];
        if (first is 'r' or 'R' && start + 1 < text.Length && text[start + 1] is '\'' or '"') return Quoted(start, start + 1, raw: true);
        if (first is '\'' or '"') return Quoted(start, start, raw: false);
        if (char.IsAsciiDigit(first) || (first == '.' && start + 1 < text.Length && char.IsAsciiDigit(text[start + 1]))) return Number(start);
        if (char.IsAsciiLetter(first) || first == '_')
        {
            while (_position < text.Length && (char.IsAsciiLetterOrDigit(text[_position]) || text[_position] == '_')) _position++;
            return new Token(TokenKind.Name, text[start.._position], null, start, _position);
        }
        return Symbol(start);
    }

    private Token Symbol(int start)
    {
        foreach (var symbol in TwoCharSymbols)
            if (string.CompareOrdinal(text, start, symbol, 0, 2) == 0)
            {
                _position = start + 2;
                return new Token(TokenKind.Symbol, symbol, null, start, _position);
            }
        if (!"+-*/%<>!?:.,()[]{}".Contains(text[start])) throw Error(start, Complaint(text[start]));
        _position = start + 1;
        return new Token(TokenKind.Symbol, text[start].ToString(), null, start, _position);
    }

    private static string Complaint(char found) => found switch
    {
        '=' => "'=' is not an operator: compare with '=='",
        '&' => "'&' is not an operator: write '&&'",
        '|' => "'|' is not an operator: write '||'",
        _ => $"'{found}' is not expected here",
    };

    private void SkipBlanks()
    {
        while (_position < text.Length)
        {
            if (text[_position] is ' ' or '\t' or '\r' or '\n') _position++;
            else if (text.AsSpan(_position).StartsWith("//"))
            {
                var end = text.IndexOf('\n', _position);
                _position = end < 0 ? text.Length : end;
            }
            else return;
        }
    }

    private Token Number(int start)
    {
        var whole = true;
        while (_position < text.Length && char.IsAsciiDigit(text[_position])) _position++;
        if (_position + 1 < text.Length && text[_position] == '.' && char.IsAsciiDigit(text[_position + 1]))
        {
            whole = false;
            _position++;
            while (_position < text.Length && char.IsAsciiDigit(text[_position])) _position++;
        }
        if (_position < text.Length && text[_position] is 'e' or 'E')
        {
            whole = false;
            _position++;
            if (_position < text.Length && text[_position] is '+' or '-') _position++;
            while (_position < text.Length && char.IsAsciiDigit(text[_position])) _position++;
        }
        var digits = text.AsSpan(start, _position - start);
        if (_position < text.Length && (char.IsAsciiLetterOrDigit(text[_position]) || text[_position] == '_') || !char.IsAsciiDigit(digits[^1]))
            throw Error(start, "this is not a number; a name cannot begin with a digit");
        if (!whole)
            return Numbers.From(double.Parse(digits, NumberStyles.Float, CultureInfo.InvariantCulture)) is { } value
                ? new Token(TokenKind.Number, "", value, start, _position)
                : throw Error(start, "the number is too large");
        if (!long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number > LargestWhole)
            throw Error(start, $"a whole number is exact up to {LargestWhole}; keep a longer one, such as an id, as text in quotes");
        return new Token(TokenKind.Number, "", number, start, _position);
    }

    private Token Quoted(int start, int open, bool raw)
    {
        var quote = text[open];
        var value = new System.Text.StringBuilder();
        for (_position = open + 1; _position < text.Length; _position++)
        {
            var found = text[_position];
            if (found == quote)
            {
                _position++;
                return Checked(new Token(TokenKind.Text, "", value.ToString(), start, _position));
            }
            if (found is '\r' or '\n') break;
            if (found == '\\' && !raw) Escape(value);
            else value.Append(found);
        }
        throw Error(start, "this text has no closing quote");
    }

    private void Escape(System.Text.StringBuilder value)
    {
        var start = _position++;
        var letter = _position < text.Length ? text[_position] : '\0';
        var simple = "abfnrtv\\'\"`?".IndexOf(letter);
        if (simple >= 0) value.Append("\a\b\f\n\r\t\v\\'\"`?"[simple]);
        else if (letter is 'x' or 'X') Code(value, start, 2, NumberStyles.AllowHexSpecifier);
        else if (letter == 'u') Code(value, start, 4, NumberStyles.AllowHexSpecifier);
        else if (letter == 'U') Code(value, start, 8, NumberStyles.AllowHexSpecifier);
        else throw Error(start, "this escape is not known; write '\\\\' for a backslash");
    }

    private void Code(System.Text.StringBuilder value, int start, int digits, NumberStyles style)
    {
        if (_position + digits >= text.Length
            || !int.TryParse(text.AsSpan(_position + 1, digits), style, CultureInfo.InvariantCulture, out var code)
            || code > 0x10FFFF || code < 0 || code is >= 0xD800 and <= 0xDFFF)
            throw Error(start, "this escape is not a character");
        value.Append(char.ConvertFromUtf32(code));
        _position += digits;
    }

    /// <summary>Neither database can hold a NUL or half a surrogate pair, so no rule can be about them.</summary>
    private Token Checked(Token token)
    {
        var value = (string)token.Value!;
        if (value.Contains('\0')) throw Error(token.Start, "text cannot hold the character NUL");
        for (var i = 0; i < value.Length; i++)
        {
            if (!char.IsSurrogate(value[i])) continue;
            if (i + 1 == value.Length || !char.IsSurrogatePair(value[i], value[i + 1])) throw Error(token.Start, "text holds half a surrogate pair");
            i++;
        }
        return token;
    }

    private ExpressionException Error(int position, string problem) => ExpressionException.At(text, position, problem);
}
