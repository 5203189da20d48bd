using FsCheck.Fluent;
using MailFlow.Data;
using MailFlow.Engine.Expressions;
using MailFlow.Testing;

namespace MailFlow.Engine.Tests.Expressions;

public class SegmentSqlTests
{
    private static readonly RuleContact Ada = new(
        "ada", "Ada@Example.org", "Ada", RuleScope.Noon.AddDays(-10).ToUnixTimeMilliseconds(), """["vip","beta"]""",
        """{"country":"US","age":36,"score":2.5,"active":true,"plan":null,"trial_ends_at":"2026-03-12","address":{"city":"London"},"langs":["en",1],"empty":{},"last name":"L","id":9007199254740993}""",
        [("opened", RuleScope.Noon.ToUnixTimeMilliseconds()), ("opened", RuleScope.Noon.AddDays(-30).ToUnixTimeMilliseconds()), ("opened", RuleScope.Noon.AddDays(-29).ToUnixTimeMilliseconds())]);

    /// <summary>
    /// Seen red by: PostgreSQL's "->" of a position on a scalar; the order of UTF-16 instead of code points; a language's
    /// collation; text compared with numbers; "!=" over NULL.
    /// </summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Random_rules_hold_in_sql_for_exactly_the_contacts_for_which_they_hold_in_memory(DatabaseKind kind)
    {
        var contacts = RandomRules.Contact.Sample(80).DistinctBy(contact => contact.UserId).ToList();
        await using var tables = await RuleTables.CreateAsync(kind, contacts);
        var compared = 0;
        var refused = 0;
        foreach (var text in RandomRules.Rule.Sample(600))
        {
            if (!CelExpression.TryParse(text, out var rule, out _)) continue;
            try
            {
                await AgreesAsync(tables, rule, contacts);
                compared++;
            }
            catch (ExpressionException)
            {
                refused++; // by name, rather than guessed
            }
        }
        Assert.True(compared > 450, $"{compared} rules were compared, {refused} refused.");
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Rules_that_segments_are_made_of_hold_in_sql(DatabaseKind kind)
    {
        await using var tables = await RuleTables.CreateAsync(kind, Ada);
        foreach (var rule in new[]
        {
            "contact.country == 'US' && contact.age > 30 && 'vip' in contact.tags && !('gone' in contact.tags)",
            "contact.email.lowerAscii().endsWith('@example.org') && contact.email != contact.first_name && size(contact.tags) == 2",
            "contact.score * 2 == 5 && contact.age % 5 == 1 && contact.age / 8 == 4.5 && -contact.age < 0",
            "contact.created_at > now - duration('30d') && contact.created_at <= now && contact.created_at.getMonth() == 1",
            "timestamp(contact.trial_ends_at) - now < duration('72h') && timestamp(contact.trial_ends_at).getDayOfWeek() == 4",
            "count_events('opened', duration('30d')) == 2 && count_events('opened') == 3 && count_events('clicked') == 0",
            "contact.active && contact.active == true && contact.active != false",
            "contact.country in ['DE', 'US'] && contact.age in [35, 36.0] && 'en' in contact.langs && 1 in contact.langs && 'city' in contact.address",
            "contact.age > 18 ? contact.country == 'US' : contact.country == 'DE'",
            "has(contact.country) && !has(contact.plan) && contact.plan == null && !has(contact.last_name) && has(contact.empty) && size(contact.empty) == 0",
            "contact.address.city == 'London' && contact['last name'] == 'L' && contact.langs[1] == 1 && contact.attributes.country == 'US'",
            "contact.id == 9007199254740992",
        })
        {
            Assert.True(CelExpression.Parse(rule).Matches(Ada.Scope()), rule);
            await AgreesAsync(tables, CelExpression.Parse(rule), [Ada]);
        }
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Rules_at_the_limits_of_the_language_run_in_sql(DatabaseKind kind)
    {
        await using var tables = await RuleTables.CreateAsync(kind, Ada);
        foreach (var rule in new[]
        {
            string.Join(" && ", Enumerable.Repeat("contact.age > 1", 240)),
            string.Join(" || ", Enumerable.Repeat("contact.age < 1", 240)),
            string.Concat(Enumerable.Repeat("!(", 31)) + "contact.age > 1" + new string(')', 31),
            string.Join(" + ", Enumerable.Repeat("contact.age", 60)) + " == 2160",
            $"contact.country in [{string.Join(", ", Enumerable.Range(0, 700).Select(i => $"'C{i}'"))}, 'US']",
            string.Concat(Enumerable.Repeat("(contact.age + ", 60)) + "1" + new string(')', 60) + " > 1",
            string.Concat(Enumerable.Repeat("(contact.active == ", 60)) + "true" + new string(')', 60),
            "contact.email" + string.Concat(Enumerable.Repeat(".trim()", 60)) + " == 'x'",
            string.Concat(Enumerable.Range(0, 30).Select(i => $"contact.age == {i} ? true : (")) + "contact.age == 36" + new string(')', 30),
        })
            await AgreesAsync(tables, CelExpression.Parse(rule), [Ada]);
    }

    [Theory]
    [InlineData("event.total > 1", "'event' is not known there")]
    [InlineData("contact.age > 1 && has(variables.x)", "'variables' is not known there")]
    [InlineData("trigger.a == journey.b", "'trigger' is not known there")]
    [InlineData("size(contact) > 1", "'contact'")]
    [InlineData("contact[contact.first_name] == 1", "has a key that is computed")]
    [InlineData("string(contact.age) == '36'", "may turn a number")]
    [InlineData("contact.plan in (contact.a + contact.b)", "may join two lists")]
    [InlineData("size(contact.vip ? contact.a : contact.b) == 1", "may choose a list")]
    [InlineData("duration(contact.a) > duration('1h')", "needs it written out")]
    [InlineData("contact.a in {'k': contact.b}", "is a list or map written out")]
    public void What_sql_cannot_say_is_refused_by_name(string rule, string problem)
    {
        var error = Assert.Throws<ExpressionException>(() => CelExpression.Parse(rule).ToSql(new SqlNames(Dialect.Sqlite)));
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Column);
    }

    [Fact]
    public void Sql_that_would_grow_without_bound_is_refused()
    {
        var rule = "contact.a";
        for (var level = 0; level < 12; level++) rule = $"({rule} != 1 ? contact.a : contact.b)";
        var error = Assert.Throws<ExpressionException>(() => CelExpression.Parse(rule + " == 1").ToSql(new SqlNames(Dialect.PostgreSql)));
        Assert.Contains("too large", error.Message, StringComparison.Ordinal);
    }

    private static async Task AgreesAsync(RuleTables tables, CelExpression rule, IReadOnlyList<RuleContact> contacts)
    {
        Dictionary<string, bool> answers;
        try
        {
            answers = await tables.AskAsync(rule);
        }
        catch (Exception error) when (error is not ExpressionException)
        {
            throw new InvalidOperationException($"{rule.Text} cannot be run as {rule.ToSql(new SqlNames(Dialect.PostgreSql)).Text}", error);
        }
        foreach (var contact in contacts)
            Assert.True(rule.Matches(contact.Scope()) == answers[contact.UserId], $"In SQL {answers[contact.UserId]}: {rule.Text} for {contact} {string.Join(' ', contact.Events)}");
    }
}
