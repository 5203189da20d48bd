using MailFlow.Engine.Expressions;

namespace MailFlow.Engine.Tests.Expressions;

public class CelParserTests
{
    [Theory]
    [InlineData("", "a value is expected", 1, 1)]
    [InlineData("contact.age >", "a value is expected here, not the end", 1, 14)]
    [InlineData("contact.age = 3", "compare with '=='", 1, 13)]
    [InlineData("contact.age &\n 3", "write '&&'", 1, 13)]
    [InlineData("true &&\n  contcat.age > 3", "'contcat' is not known here", 2, 3)]
    [InlineData("matches(contact.email)", "there is no function 'matches'", 1, 1)]
    [InlineData("contact.email.matches('.*')", "regular expressions are not part of rules", 1, 15)]
    [InlineData("contact.tags.exists(t, t == 'a')", "'t' is not known here", 1, 21)]
    [InlineData("contact.email.foo()", "there is no method 'foo'", 1, 15)]
    [InlineData("'abc", "no closing quote", 1, 1)]
    [InlineData("'a\\q'", "escape is not known", 1, 3)]
    [InlineData("'\\uD800'", "not a character", 1, 2)]
    [InlineData("'\\u0000'", "NUL", 1, 1)]
    [InlineData("12abc", "not a number", 1, 1)]
    [InlineData("9007199254740993", "keep a longer one", 1, 1)]
    [InlineData("1e200", "too large", 1, 1)]
    [InlineData("1 < 2 < 3", "cannot be chained", 1, 7)]
    [InlineData("[1] == [1]", "lists and maps cannot be compared", 1, 1)]
    [InlineData("null < 1", "null has no order", 1, 6)]
    [InlineData("has(contact)", "has() asks about a member", 1, 5)]
    [InlineData("size()", "takes one argument", 1, 1)]
    [InlineData("contact.email.trim(1)", "takes no arguments", 1, 1)]
    [InlineData("timestamp('yesterday')", "not an instant", 1, 11)]
    [InlineData("timestamp('2026-02-29')", "not an instant", 1, 11)]
    [InlineData("duration('1 month')", "not a duration", 1, 10)]
    [InlineData("count_events(contact.x)", "literal text", 1, 14)]
    [InlineData("count_events('a', duration('0s'))", "literal duration", 1, 19)]
    [InlineData("{'a': 1, 'a': 2}", "a key stands twice", 1, 1)]
    [InlineData("(1 + 2", "')' is expected", 1, 7)]
    [InlineData("1 2", "an operator is expected here, not '2'", 1, 3)]
    [InlineData("a\u00e4", "is not expected here", 1, 2)]
    public void Mistake_is_named_with_its_place(string text, string problem, int line, int column)
    {
        Assert.False(CelExpression.TryParse(text, out _, out var error));
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.Equal((line, column), (error.Line, error.Column));
    }

    [Fact]
    public void Roots_are_the_callers_to_give()
    {
        Assert.Throws<ExpressionException>(() => CelExpression.Parse("event.total > 1", ExpressionRoots.Segment));
        CelExpression.Parse("sender.name == 'x'", new HashSet<string> { "sender" });
    }

    [Fact]
    public void Size_is_bounded_in_characters_depth_and_parts()
    {
        Assert.Throws<ExpressionException>(() => CelExpression.Parse("true".PadRight(8_193)));
        CelExpression.Parse("true".PadRight(8_192));
        CelExpression.Parse(new string('(', 60) + "true" + new string(')', 60));
        foreach (var deep in new[] { new string('(', 5_000), new string('!', 5_000), new string('-', 5_000), string.Concat(Enumerable.Repeat("[", 4_000)), string.Concat(Enumerable.Repeat("true?", 1_600)), "now" + string.Concat(Enumerable.Repeat(".a", 2_000)), "now" + string.Concat(Enumerable.Repeat("+1", 2_000)) })
            Assert.Contains("nested", Assert.Throws<ExpressionException>(() => CelExpression.Parse(deep)).Message, StringComparison.Ordinal);
        CelExpression.Parse(string.Join("&&", Enumerable.Repeat("true", 900)));
        Assert.Contains("parts", Assert.Throws<ExpressionException>(() => CelExpression.Parse(string.Join("||", Enumerable.Repeat("true", 1_000)))).Message, StringComparison.Ordinal);
    }
}
