using MailFlow.Engine.Expressions;

namespace MailFlow.Engine.Tests.Expressions;

public class CelExpressionTests
{
    private const string Contact = """
        {"user_id":"u1","email":"ada@example.org","first_name":"Ada","country":"US","age":36,"score":1.5,"vip":true,"nothing":null,
         "tags":["vip","beta"],"address":{"city":"London","lines":["1 Main St",2]},"big":1e200,"zip":"0123","when":"2026-03-09T12:00:00+02:00"}
        """;

    private static readonly RuleScope Scope = RuleScope.With("contact", Contact)
        .Add("event", """{"total":60.5,"items":[{"sku":"a"},{"sku":"b"}],"coupon":""}""");

    [Theory]
    [InlineData("contact.country == 'US' && event.total > 50.0 && \"vip\" in contact.tags")]
    [InlineData("contact.age == 36.0 && contact.age != 37 && 1 == 1.0")]
    [InlineData("contact.age >= 36 && contact.age <= 36 && !(contact.age < 36) && contact.score < 2")]
    [InlineData("contact['country'] in ['DE', 'US'] && !(contact.country in ['DE'])")]
    [InlineData("contact.address.city == 'London' && contact.address.lines[1] == 2 && event.items[1].sku == 'b'")]
    [InlineData("has(contact.address.city) && !has(contact.address.street) && !has(contact.nothing)")]
    [InlineData("contact.nothing == null && contact.missing == null && contact.email != null && null == null")]
    [InlineData("size(contact.tags) == 2 && contact.tags.size() == 2 && size('h\u00e9\U0001F600') == 3 && size({'a': 1}) == 1 && size(contact.address) == 2")]
    [InlineData("contact.email.endsWith('@example.org') && contact.email.startsWith('ada') && contact.email.contains('@')")]
    [InlineData("' A\u00c4z\\t'.trim().lowerAscii() == 'a\u00c4z' && 'a\u00e4z'.upperAscii() == 'A\u00e4Z'")]
    [InlineData("7 / 2 == 3.5 && 6 / 2 == 3 && 7 % 2 == 1 && -7 % 2 == -1 && 2 + 3 * 4 == 14 && (2 + 3) * 4 == 20 && 10 - 3 - 2 == 5")]
    [InlineData("'a' + 'b' == 'ab' && 3 in [1] + [3] && 'k' in {'k': 1} && !('x' in {'k': 1}) && !('k' in {'k': null})")]
    [InlineData("contact.age > 30 ? contact.vip : false")]
    [InlineData("(contact.vip ? 'a' : 'b') == 'a' && (contact.missing ? 'a' : 'b') == 'b'")]
    [InlineData("string(1) == '1' && string(1.5) == '1.5' && string(true) == 'true' && int('42') == 42 && int(-1.7) == -1 && double('1.5e1') == 15 && bool('true')")]
    [InlineData("timestamp('2026-03-10T12:00:00Z') == now && timestamp('2026-03-10') < now && timestamp(0) < now")]
    [InlineData("now - timestamp(contact.when) == duration('26h') && timestamp(contact.when) + duration('P1DT2H') == now && now - duration('1.02:00:00') < now")]
    [InlineData("now.getFullYear() == 2026 && now.getMonth() == 2 && now.getDate() == 10 && now.getDayOfWeek() == 2 && now.getHours() == 12")]
    [InlineData("string(timestamp('2026-03-10')) == '2026-03-10T00:00:00Z' && string(duration('26h')) == 'P1DT2H'")]
    [InlineData("r'a\\d' == 'a\\\\d' && '\\u00e4\\x41\\n' == '\u00e4A\\n' // and a comment")]
    [InlineData("contact.vip == true && contact.vip && !!contact.vip && (contact.vip == false) == false")]
    public void Rule_holds(string rule) => Assert.True(CelExpression.Parse(rule).Matches(Scope));

    [Theory]
    [InlineData("contact.missing == 'x'")]
    [InlineData("contact.missing != 'x'")]
    [InlineData("contact.missing < 1")]
    [InlineData("contact.missing == contact.gone")]
    [InlineData("contact.nothing != 'x'")]
    [InlineData("contact.age < '40'")]
    [InlineData("contact.age == '36'")]
    [InlineData("contact.email > 1")]
    [InlineData("contact.address == contact.address")]
    [InlineData("contact.tags != 'x'")]
    [InlineData("contact.big > 1")]
    [InlineData("contact.missing.deeper.still == 1")]
    [InlineData("contact.email.x == 1")]
    [InlineData("1 / 0 > 0")]
    [InlineData("1 % 0 == 0")]
    [InlineData("1.5 % 2 == 1.5")]
    [InlineData("1e150 * 1e150 > 0")]
    [InlineData("contact.age.contains('3')")]
    [InlineData("contact.age + 'x' == '36x'")]
    [InlineData("contact.tags[5] == 'vip'")]
    [InlineData("contact.tags[-1] == 'beta'")]
    [InlineData("contact.tags['0'] == 'vip'")]
    [InlineData("'vip' in contact.email")]
    [InlineData("contact.missing in ['x', null]")]
    [InlineData("null in [null]")]
    [InlineData("timestamp(contact.email) < now")]
    [InlineData("timestamp('9999-12-31') + duration('30d') > now")]
    [InlineData("contact.country")]
    [InlineData("int('12x') == 12")]
    [InlineData("double('01') == 1")]
    [InlineData("now.getHours() == '12'")]
    [InlineData("input.a == 1 || variables.b == 2 || trigger.c == 3 || journey.d == 4")]
    public void Rule_over_something_missing_or_of_the_wrong_type_is_false_and_its_negation_true(string rule)
    {
        Assert.False(CelExpression.Parse(rule).Matches(Scope));
        Assert.True(CelExpression.Parse($"!({rule})").Matches(Scope));
    }

    [Fact]
    public void Values_of_different_types_are_unequal()
    {
        Assert.True(CelExpression.Parse("contact.age != '36'").Matches(Scope));
        Assert.True(CelExpression.Parse("contact.zip != 123").Matches(Scope));
    }

    [Theory]
    [InlineData("contact.age + 1", 37L)]
    [InlineData("contact.score * 2", 3L)]
    [InlineData("contact.age / 8", 4.5)]
    [InlineData("contact.missing + 1", null)]
    [InlineData("contact.first_name + '!'", "Ada!")]
    [InlineData("contact.age > 3", true)]
    [InlineData("contact.attributes.x", null)]
    [InlineData("-contact.age", -36L)]
    [InlineData("9007199254740992", 9007199254740992L)]
    public void Expression_has_the_value(string expression, object? value) =>
        Assert.Equal(value, CelExpression.Parse(expression).Evaluate(Scope));

    [Fact]
    public void Attribute_is_found_beside_the_built_in_fields_and_under_attributes_and_a_built_in_field_wins()
    {
        var scope = RuleScope.With("contact", """{"email":null,"attributes":{"plan":"pro","email":"other@example.org"}}""");
        Assert.True(CelExpression.Parse("contact.plan == 'pro' && contact.attributes.plan == 'pro' && contact['plan'] == 'pro'").Matches(scope));
        Assert.False(CelExpression.Parse("has(contact.email)").Matches(scope));
        Assert.True(CelExpression.Parse("contact.attributes.email == 'other@example.org'").Matches(scope));
    }

    [Fact]
    public void Text_is_ordered_by_code_point_as_both_databases_order_it()
    {
        // U+FF5E sorts before U+1F600 by code point, after it by UTF-16 unit.
        Assert.True(CelExpression.Parse("'\\uFF5E' < '\\U0001F600' && 'B' < 'a' && 'a' < 'ab' && 'Z' < '\u00e9'").Matches(Scope));
    }

    [Fact]
    public void Events_are_counted_in_a_window_open_at_its_start_and_closed_at_now()
    {
        var scope = new RuleScope()
            .Happened("opened", RuleScope.Noon).Happened("opened", RuleScope.Noon.AddDays(-30)).Happened("opened", RuleScope.Noon.AddDays(-30).AddMilliseconds(1))
            .Happened("opened", RuleScope.Noon.AddSeconds(1)).Happened("clicked", RuleScope.Noon);
        Assert.Equal(2L, CelExpression.Parse("count_events('opened', duration('30d'))").Evaluate(scope));
        Assert.Equal(3L, CelExpression.Parse("count_events('opened')").Evaluate(scope));
    }

    [Fact]
    public void Requirements_are_read_from_the_expression()
    {
        var needs = CelExpression.Parse("contact.country == 'US' && contact['plan'] == event.plan && now > contact.created_at && contact.attributes.x && count_events('opened', duration('30d')) > count_events('sent')").Requirements;
        Assert.Equal(["contact", "event", "now"], needs.Roots.Order());
        Assert.Equal(["attributes", "country", "created_at", "plan"], needs.ContactFields.Order());
        Assert.Equal(new HashSet<EventCount> { new("opened", TimeSpan.FromDays(30)), new("sent", null) }, needs.EventCounts);
        Assert.Equal(["*"], CelExpression.Parse("contact[event.name] == 1").Requirements.ContactFields);
    }
}
