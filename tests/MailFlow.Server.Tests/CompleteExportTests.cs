using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.RegularExpressions;
using MailFlow.Data;
using MailFlow.Testing;

namespace MailFlow.Server.Tests;

/// <summary>
/// Whatever an erasure takes out of the database, an export gives before: found out over the real schema, by words that are planted in every column and then looked for. What the erasure
/// takes and the export does not give stands in <see cref="NotGiven"/>, with the reason.
/// </summary>
public sealed partial class CompleteExportTests
{
    /// <summary>What is erased and not given to the person.</summary>
    private static readonly Dictionary<string, string> NotGiven = new()
    {
        ["job.input"] = "made of profile, events and journey; may hold secrets of the system that is called",
        ["sandbox_email.headers"] = "signed links; the same as in a real mail",
        ["sandbox_email.from_mailbox"] = "the account's own address",
        ["sandbox_email.template"] = "stands with the message",
        ["sandbox_email.journey"] = "stands with the message",
        ["webhook_call.body"] = "may be about many people; that there is one, when and from whom is told",
        ["webhook_call.error"] = "may quote the body",
    };

    /// <summary>Columns of erased tables that hold one of a few fixed words, or a hash.</summary>
    private static readonly HashSet<string> FixedWords = ["suppression.scope", "consent.basis", "privacy_request.kind", "privacy_request.subject", "audit.action"];

    /// <summary>A table with one of these knows contacts, or looks as if.</summary>
    private static readonly HashSet<string> PersonColumns = ["contact_id", "user_id", "email", "to_address", "message_id", "instance_id", "fact_id"];

    /// <summary>Those that only look as if.</summary>
    private static readonly Dictionary<string, string> NotOfContacts = new()
    {
        ["sender"] = "the account's own address",
        ["console_user"] = "who works for the account",
        ["user_session"] = "who works for the account",
    };

    private const string UserId = "zz-ada-contact-user_id-zz", Email = "zz-ada-contact-email-zz@example.org";

    [GeneratedRegex("zz-([a-z]+)-([a-z_]+)-([a-z_]+)-zz")]
    private static partial Regex Word();

    // Seen red with each section left out that alone tells of a table (dead_letters, jobs, entries, trace, audit, report_summaries, soft_bounces, …), and with a table of persons or a column added to the schema.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Whatever_an_erasure_takes_an_export_gives_before_and_nothing_of_others(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        await server.Database.WriteAsync(session => session.ExecuteAsync("INSERT INTO account (id, name, created_at) VALUES (2, 'Two', 0)", default), default);
        var ada = await new Plants(server.Database, "ada", 1, UserId, Email).PlantAsync();
        await new Plants(server.Database, "bob", 1, "zz-bob-contact-user_id-zz", "zz-bob-contact-email-zz@example.org").PlantAsync();
        await new Plants(server.Database, "twin", 2, UserId, Email).PlantAsync(); // the same person with another account
        await server.Admin.PostAsJsonAsync("/api/v1/privacy/requests", new { kind = "erasure", user_id = UserId });
        ada.ShownAs["privacy_request"] = "\"kind\":\"erasure\"";
        var before = await SnapshotAsync(server.Database);

        var answer = await server.Admin.GetAsync($"/api/v1/contacts/{UserId}/export");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var export = await answer.Content.ReadAsStringAsync();
        Assert.Equal(HttpStatusCode.OK, (await server.Admin.PostAsync($"/api/v1/contacts/{UserId}/erase", null)).StatusCode);
        var after = await SnapshotAsync(server.Database);

        var touched = before.Keys.Where(table => IsTouched(before[table], after[table])).ToHashSet();
        var planted = touched.Where(ada.ShownAs.ContainsKey).ToList();
        Assert.Equal(touched.Order(), planted.Order()); // a table that is erased and not planted here
        var gone = planted.SelectMany(table => WordsOf(before[table], "ada").Except(WordsOf(after[table], "ada"))).Distinct().Order();
        Assert.Equal([], gone.Where(word => !export.Contains(word, StringComparison.Ordinal) && !NotGiven.ContainsKey(ColumnOf(word))));
        Assert.Equal([], planted.Where(table => !export.Contains(ada.ShownAs[table], StringComparison.Ordinal)));

        // No secret is given, and nothing of others is given or erased.
        foreach (var secret in new[] { "zz-ada-webhook_endpoint-secret-zz", "hooks.example/", "zz-ada-audit-actor-zz" }) Assert.DoesNotContain(secret, export);
        Assert.Equal([], Word().Matches(export).Where(word => word.Groups[1].Value != "ada").Select(word => word.Value).Distinct());
        foreach (var other in new[] { "bob", "twin" })
            Assert.Equal([], before.Keys.SelectMany(table => WordsOf(before[table], other).Except(WordsOf(after[table], other))));

        // No table, and no column with words in one that is erased, was forgotten here.
        Assert.Equal([], before.Where(table => table.Value.Columns.Any(column => PersonColumns.Contains(column.Name))).Select(table => table.Key)
            .Where(table => !ada.ShownAs.ContainsKey(table) && !NotOfContacts.ContainsKey(table)));
        Assert.Equal([], from table in planted
                         from column in before[table].Columns
                         where column.IsText && !FixedWords.Contains($"{table}.{column.Name}") && !before[table].Rows.Any(row => row[column.Name].Contains("zz-ada-", StringComparison.Ordinal))
                         select $"{table}.{column.Name}");
    }

    private static string ColumnOf(string word) => Word().Match(word) is var match ? $"{match.Groups[2].Value}.{match.Groups[3].Value}" : "";

    private static HashSet<string> WordsOf(Table table, string whose) =>
        [.. table.Rows.SelectMany(row => row.Values).SelectMany(text => Word().Matches(text)).Where(word => word.Groups[1].Value == whose).Select(word => word.Value)];

    private static bool IsTouched(Table before, Table after) => after.Rows.Count < before.Rows.Count || WordsOf(before, "ada").Except(WordsOf(after, "ada")).Any();

    private sealed record Column(string Name, bool IsText);

    private sealed record Table(IReadOnlyList<Column> Columns, IReadOnlyList<Dictionary<string, string>> Rows);

    /// <summary>All tables of the schema, each cell as text; octets as what they say in ASCII.</summary>
    private static Task<Dictionary<string, Table>> SnapshotAsync(Database database) => database.ReadAsync(async session =>
    {
        var postgres = session.Dialect.IsPostgreSql;
        var columns = await session.QueryAsync(postgres
            ? """
              SELECT c.relname::text, a.attname::text, t.typname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped JOIN pg_type t ON t.oid = a.atttypid
              WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
              """
            : "SELECT m.name, c.name, lower(c.type) FROM sqlite_master m JOIN pragma_table_xinfo(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'",
            row => (Table: row.Text(0), Column: row.Text(1), Type: row.Text(2)), default);
        var tables = new Dictionary<string, Table>();
        foreach (var table in columns.GroupBy(column => column.Table))
        {
            var of = table.ToList();
            var selected = of.Select(column => column.Type switch
            {
                "bytea" => $"encode({column.Column}, 'hex')",
                "blob" => $"hex({column.Column})",
                _ => $"CAST({column.Column} AS TEXT)",
            });
            var rows = await session.QueryAsync($"SELECT {string.Join(", ", selected)} FROM {table.Key}", row =>
                of.Select((column, index) => (column.Column, Text: row.TextOrNull(index) is not { } text ? "" : column.Type is "bytea" or "blob" ? Encoding.Latin1.GetString(Convert.FromHexString(text)) : text))
                    .ToDictionary(cell => cell.Column, cell => cell.Text), default);
            tables[table.Key] = new([.. of.Select(column => new Column(column.Column, column.Type is "text" or "jsonb"))], rows);
        }
        return tables;
    }, default);

    /// <summary>A person of whom there is something everywhere: a word in every column that takes one.</summary>
    private sealed class Plants(Database database, string who, int account, string userId, string email)
    {
        private const long At = 1_767_603_600_000;

        /// <summary>By table that was planted: what shows in an export that it is in there.</summary>
        public Dictionary<string, string> ShownAs { get; } = [];

        public async Task<Plants> PlantAsync()
        {
            await database.WriteAsync(PlantAsync, default);
            return this;
        }

        private async Task<int> PlantAsync(Session session)
        {
            var (shard, trip, message, fact) = (StableHash.Shard(account, userId), NewId(), NewId(), NewId());
            var contact = await AddAsync(session, "contact", "first_name", ("account_id", account), ("shard", shard), ("user_id", userId), ("email", email), ("first_name", "*"), ("last_name", "*"), ("time_zone", "*"),
                ("attributes", new JsonText($$"""{"likes":"{{Of("contact", "attributes")}}"}""")), ("tags", new JsonText($"""["{Of("contact", "tags")}"]""")), ("created_at", At), ("updated_at", At));
            await AddAsync(session, "consent", "evidence", ("account_id", account), ("contact_id", contact), ("purpose", "*"), ("granted", true), ("source", "*"), ("at", At), ("evidence", "*"), ("wording", "*"),
                ("wording_version", "*"), ("ip", "*"), ("user_agent", "*"), ("jurisdiction", "*"));
            await AddAsync(session, "suppression", "detail", ("account_id", account), ("email", email), ("scope", "marketing"), ("reason", "*"), ("severity", 3), ("source", "*"), ("at", At), ("detail", "*"));
            await PlantTripAsync(session, contact, shard, trip);
            await PlantMailAsync(session, contact, trip, message);

            var endpoint = await AddAsync(session, "webhook_endpoint", "name", ("key", NewId()), ("account_id", account), ("name", "*"), ("url", "https://hooks.example/secret"), ("types", "*"), ("enabled", true),
                ("concurrency", 1), ("secret", "*"), ("created_at", At), ("updated_at", At));
            await AddAsync(session, "fact", "data", ("id", fact), ("at", At), ("contact_id", contact), ("account_id", account), ("to_webhooks", false), ("to_bus", false), ("type", "*"), ("user_id", userId), ("data", $$"""{"a":"{{Of("fact", "data")}}"}"""));
            await AddAsync(session, "webhook_delivery", "\"state\":\"delivered\"", ("endpoint_id", endpoint), ("fact_id", fact), ("account_id", account), ("state", 1));
            await AddAsync(session, "webhook_attempt", "answer", ("endpoint_id", endpoint), ("fact_id", fact), ("account_id", account), ("attempt", 1), ("at", At), ("status", 200), ("latency_ms", 1), ("answer", "*"));
            ShownAs.Remove("webhook_endpoint"); // the account's
            // By address, by user id, by a trip, and by what the detail alone tells.
            foreach (var (subject, named) in new[] { (email, ""), (userId, ""), (trip.ToString(), userId), (Of("audit", "subject"), userId), (Of("audit", "subject"), email) })
                await AddAsync(session, "audit", "detail", ("at", At), ("account_id", account), ("actor", "*"), ("action", "contact.zz"), ("subject", subject),
                    ("detail", new JsonText($$"""{"user_id":"{{named}}","a":"{{Of("audit", "detail")}}"}""")));
            return 0;
        }

        private async Task PlantTripAsync(Session session, long contact, int shard, Guid trip)
        {
            var journey = await session.ScalarAsync<long>("INSERT INTO journey (account_id, definition_id, name, created_at, updated_at) VALUES (@account, @id, @id, 0, 0) RETURNING CAST(id AS BIGINT)", default,
                ("account", account), ("id", who + "s-journey"));
            await AddAsync(session, "instance", "state", ("id", trip), ("contact_id", contact), ("version_id", 1L), ("updated_at", At), ("account_id", account), ("journey_id", (int)journey), ("ver", 1), ("shard", shard), ("status", 1),
                ("format", 1), ("state", StateOf($$"""{"a":"{{Of("instance", "state")}}"}""")));
            await AddAsync(session, "history", "steps", ("at", At), ("contact_id", contact), ("version_id", 1L), ("instance_id", trip), ("account_id", account), ("steps", $"""[[0,"C",null,"{Of("history", "steps")}"]]"""));
            await AddAsync(session, "entry", "7700001", ("journey_id", (int)journey), ("contact_id", contact), ("account_id", account), ("entries", 7_700_001), ("entered_at", At));
            await AddAsync(session, "event", "payload", ("account_id", account), ("contact_id", contact), ("event_type", "*"), ("event_id", "*"), ("occurred_at", At), ("accepted_at", At), ("payload", $$"""{"a":"{{Of("event", "payload")}}"}"""));
            await AddAsync(session, "inbox", "body", ("account_id", account), ("shard", shard), ("kind", 1), ("key", NewId()), ("user_id", userId), ("accepted_at", At), ("body", $$"""{"a":"{{Of("inbox", "body")}}"}"""));
            await AddAsync(session, "dead_letter", "body", ("id", NewId()), ("account_id", account), ("shard", shard), ("kind", 1), ("key", NewId()), ("user_id", userId), ("at", At), ("error", "*"), ("body", $"torn {Of("dead_letter", "body")}"));
            await AddAsync(session, "job", "activity_type", ("key", NewId()), ("account_id", account), ("shard", shard), ("contact_id", contact), ("user_id", userId), ("instance_id", trip), ("node", 0), ("visit", 1),
                ("activity_type", "*"), ("input", "*"), ("attempt", 1), ("due_at", At), ("last_error", "*"));
        }

        private async Task PlantMailAsync(Session session, long contact, Guid trip, Guid message)
        {
            await AddAsync(session, "message", "snapshot", ("id", message), ("contact_id", contact), ("queued_at", At), ("updated_at", At), ("instance_id", trip), ("account_id", account), ("template_version", 1), ("attempt", 1),
                ("state", 2), ("stream", 0), ("user_id", userId), ("activity_id", "*"), ("template", "*"), ("subject", "*"), ("purpose", "*"), ("to_address", email), ("provider", "*"), ("provider_id", "*"), ("reason", "*"),
                ("cancel_reason", "*"), ("from_domain", "*"), ("snapshot", $$"""{"a":"{{Of("message", "snapshot")}}"}"""));
            await AddAsync(session, "message_attempt", "answer", ("message_id", message), ("at", At), ("account_id", account), ("attempt", 1), ("state", 2), ("answer", "*"));
            foreach (var id in new[] { message, NewId() }) // a mail, and a trial rendered for the person
                await AddAsync(session, "sandbox_email", "html", ("id", id), ("at", At), ("account_id", account), ("from_mailbox", "*"), ("to_address", email), ("subject", "*"), ("html", "*"), ("text", "*"), ("headers", $$"""{"a":"{{Of("sandbox_email", "headers")}}"}"""),
                    ("template", "*"), ("user_id", userId), ("journey", "*"));
            await AddAsync(session, "message_event", "url", ("key", NewId()), ("message_id", message), ("at", At), ("received_at", At), ("account_id", account), ("kind", 8), ("verdict", "*"), ("reason", "*"), ("url", "*"), ("user_agent", "*"), ("network", "*"));
            await AddAsync(session, "message_feedback", "second_provider_id", ("message_id", message), ("account_id", account), ("second_provider_id", "*"));
            await AddAsync(session, "soft_bounce", "2024-10-04", ("account_id", account), ("email", email), ("day", 20_000));
            await AddAsync(session, "sender_fault", "receiver", ("account_id", account), ("subject", "*"), ("stream", 0), ("contact_id", contact), ("receiver", "*"), ("at", At));
            await AddAsync(session, "webhook_call", "connection", ("at", At), ("account_id", account), ("connection", "*"), ("type", "*"), ("error", "*"), ("body", Encoding.UTF8.GetBytes($"{Of("webhook_call", "body")} of {email.ToUpperInvariant()}")));
        }

        private Guid NewId() => Guid.CreateVersion7(database.Time.GetUtcNow());

        private string Of(string table, string column) => $"zz-{who}-{table}-{column}-zz";

        /// <summary>Adds a row, a word of its own for each <c>*</c>. What shows it: a column's word, or that very text. Gives its number, where it has one.</summary>
        private async Task<long> AddAsync(Session session, string table, string shownAs, params (string Column, object Value)[] cells)
        {
            ShownAs[table] = cells.Any(cell => cell.Column == shownAs) ? Of(table, shownAs) : shownAs;
            var numbered = table is "contact" or "webhook_endpoint";
            var sql = $"INSERT INTO {table} ({string.Join(", ", cells.Select(cell => cell.Column))}) VALUES ({string.Join(", ", cells.Select(cell => "@" + cell.Column))})";
            var parameters = cells.Select(cell => (cell.Column, cell.Value is "*" ? Of(table, cell.Column) : (object?)cell.Value)).ToArray();
            return numbered ? await session.ScalarAsync<long>(sql + " RETURNING CAST(id AS BIGINT)", default, parameters) : await session.ExecuteAsync(sql, default, parameters);
        }

        /// <summary>An instance's state with these variables, as its format 1 has it.</summary>
        private static byte[] StateOf(string variables)
        {
            using var buffer = new MemoryStream();
            using var writer = new BinaryWriter(buffer);
            writer.Write((byte)0); // no token
            writer.Write((byte)0); // no visit
            writer.Write7BitEncodedInt(variables.Length);
            writer.Write(Encoding.ASCII.GetBytes(variables));
            writer.Write((byte)0); // no trigger
            writer.Write(true); // the event is the trigger
            writer.Flush();
            return buffer.ToArray();
        }
    }
}
