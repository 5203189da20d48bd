using FsCheck.Fluent;
using MailFlow.Engine.Expressions;
using MailFlow.Testing;

namespace MailFlow.Engine.Tests.Expressions;

public class SegmentSqlTests
{
    /// <summary>Seen red: with SQLite's BINARY order against .NET's UTF-16 order, and without the guards on casts on PostgreSQL.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Random_rules_hold_in_sql_for_exactly_the_contacts_for_which_they_hold_in_memory(DatabaseKind kind)
    {
        var contacts = RandomRules.Contact.Sample(60).DistinctBy(contact => contact.UserId).ToList();
        await using var tables = await RuleTables.CreateAsync(kind, contacts);
        var compared = 0;
        foreach (var rule in RandomRules.Rule.Sample(600))
        {
            if (!CelExpression.TryParse(rule, out var expression, out _)) continue;
            var holds = contacts.Where(contact => expression.Matches(contact.Scope())).Select(contact => contact.UserId).Order(StringComparer.Ordinal).ToList();
            try
            {
                var found = await tables.FindAsync(rule);
                Assert.Equal((holds.Count, contacts.Count - holds.Count), (found.In.Count, found.Out.Count));
                Assert.Equal(holds, found.In);
                compared++;
            }
            catch (ExpressionException)
            {
                // Refused by name rather than guessed.
            }
            catch (Exception error)
            {
                throw new InvalidOperationException($"Rule: {rule}\nSQL: {expression.ToSql(new SqlNames(kind == DatabaseKind.Sqlite ? Data.Dialect.Sqlite : Data.Dialect.PostgreSql)).Text}", error);
            }
        }
        Assert.InRange(compared, 400, 600);
    }
}
