using MailFlow.Data;
using MailFlow.Engine.Expressions;
using MailFlow.Testing;

namespace MailFlow.Engine.Tests.Expressions;

/// <summary>One contact as both a row and what a compiled rule sees.</summary>
internal sealed record RuleContact(
    string UserId, string? Email, string? FirstName, long CreatedAt, string Tags, string Attributes, IReadOnlyList<(string Type, long At)> Events)
{
    public RuleScope Scope()
    {
        var scope = new RuleScope();
        scope.Add("contact", new Dictionary<string, object?>
        {
            ["user_id"] = UserId,
            ["email"] = Email,
            ["first_name"] = FirstName,
            ["last_name"] = null,
            ["time_zone"] = "Europe/Berlin",
            ["created_at"] = DateTimeOffset.FromUnixTimeMilliseconds(CreatedAt),
            ["tags"] = JsonData.Parse(Tags),
            ["attributes"] = JsonData.Parse(Attributes),
        });
        foreach (var (type, at) in Events) scope.Happened(type, DateTimeOffset.FromUnixTimeMilliseconds(at));
        return scope;
    }
}

/// <summary>The two tables that a segment's rule reads, on a database of their own.</summary>
internal sealed class RuleTables(TestDatabase test) : IAsyncDisposable
{
    private const int Account = 7;

    private Database Database => test.Database;

    public static async Task<RuleTables> CreateAsync(DatabaseKind kind, params IReadOnlyList<RuleContact> contacts)
    {
        var tables = new RuleTables(await TestDatabase.CreateAsync(kind));
        await tables.Database.WriteAsync(session => Fill(session, contacts), CancellationToken.None);
        return tables;
    }

    /// <summary>What the rule's SQL says of each user.</summary>
    public async Task<Dictionary<string, bool>> AskAsync(CelExpression rule)
    {
        var fragment = rule.ToSql(new SqlNames(Database.Dialect, Events: "rule_event"));
        (string, object?)[] parameters = [("account", Account), ("now", RuleScope.Noon), .. fragment.Parameters];
        var found = await Database.ReadAsync(session => session.QueryAsync($"""
            SELECT c.user_id, {fragment.Text} AS holds
            FROM rule_contact c
            WHERE c.account_id = @account
            """, row => (User: row.Text(0), Holds: row.Bool(1)), CancellationToken.None, parameters), CancellationToken.None);
        return found.ToDictionary(row => row.User, row => row.Holds);
    }

    public ValueTask DisposeAsync() => test.DisposeAsync();

    private static async Task Fill(Session session, IReadOnlyList<RuleContact> contacts)
    {
        var json = session.Dialect.IsPostgreSql ? "jsonb" : "TEXT";
        // A database may sort its text as a language does; a rule must not.
        var text = session.Dialect.IsPostgreSql ? "text COLLATE \"und-x-icu\"" : "text";
        await session.ExecuteAsync($"""
            CREATE TABLE rule_contact (
                account_id int NOT NULL, id bigint NOT NULL, user_id {text} NOT NULL, email {text}, first_name {text}, last_name {text}, time_zone {text},
                created_at bigint NOT NULL, tags {json} NOT NULL, attributes {json} NOT NULL)
            """, CancellationToken.None);
        await session.ExecuteAsync("CREATE TABLE rule_event (account_id int NOT NULL, contact_id bigint NOT NULL, event_type text NOT NULL, occurred_at bigint NOT NULL)", CancellationToken.None);
        for (var id = 0L; id < contacts.Count; id++)
        {
            var contact = contacts[(int)id];
            await session.ExecuteAsync("""
                INSERT INTO rule_contact (account_id, id, user_id, email, first_name, time_zone, created_at, tags, attributes)
                VALUES (@account, @id, @user, @email, @first, 'Europe/Berlin', @created, @tags, @attributes)
                """, CancellationToken.None, ("account", Account), ("id", id), ("user", contact.UserId), ("email", contact.Email), ("first", contact.FirstName),
                ("created", contact.CreatedAt), ("tags", new JsonText(contact.Tags)), ("attributes", new JsonText(contact.Attributes)));
            foreach (var (type, at) in contact.Events)
                await session.ExecuteAsync("INSERT INTO rule_event VALUES (@account, @id, @type, @at), (8, @id, @type, @at)", CancellationToken.None,
                    ("account", Account), ("id", id), ("type", type), ("at", at));
        }
    }
}
