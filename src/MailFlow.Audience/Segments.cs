using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using MailFlow.Data;
using MailFlow.Engine.Expressions;
using MailFlow.Engine.Storage;

namespace MailFlow.Audience;

/// <summary>The account's segments: one rule, asked in memory at a branch and in SQL for counts and lists, with the same answer.</summary>
public sealed partial class Segments(Database database, Contacts contacts)
{
    private const int LongestName = 200;
    private readonly ConcurrentDictionary<(int AccountId, string Key), (long Epoch, SegmentRule? Rule)> _rules = new();

    /// <summary>Creates a segment or replaces its name and rule; branches evaluated from the commit on see the new rule.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="key">1 to 100 of letters, digits, <c>_</c>, <c>.</c> and <c>-</c>.</param>
    /// <param name="name">What a marketer calls it; default: its key.</param>
    /// <param name="rule">CEL over <c>contact</c>, <c>now</c> and <c>count_events</c>.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="InvalidInputException">The key, the name or the rule cannot be taken; of a rule, the message says where.</exception>
    public Task<Segment> PutAsync(int accountId, string key, string? name, string rule, CancellationToken ct) => PutAsync(accountId, key, name, rule, null, ct);

    /// <summary>As above, but only over what the writer has seen.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="key">As above.</param>
    /// <param name="name">As above.</param>
    /// <param name="rule">As above.</param>
    /// <param name="ifUpdatedAt">The segment's <see cref="Segment.UpdatedAt"/> when it was read; null to write in any case.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="InvalidInputException">As above.</exception>
    /// <exception cref="ConflictException">It was changed, or removed, since.</exception>
    public Task<Segment> PutAsync(int accountId, string key, string? name, string rule, DateTimeOffset? ifUpdatedAt, CancellationToken ct)
    {
        if (!KeyPattern().IsMatch(key)) throw new InvalidInputException("key", "must be 1 to 100 of letters, digits, '_', '.' and '-'");
        name = string.IsNullOrWhiteSpace(name) ? key : name.Trim();
        ContactFieldsCheck.Characters(name, "name");
        if (name.Length > LongestName) throw new InvalidInputException("name", $"is {name.Length} characters long; at most {LongestName}");
        ContactFieldsCheck.Characters(rule, "rule");
        Translate(rule);
        return database.WriteAsync(async session =>
        {
            var now = await session.NowAsync(ct);
            if (ifUpdatedAt is { } seen)
            {
                // Updating the row, even to what it was, locks it: of two writers at once the later one sees what the other wrote.
                await session.ExecuteAsync("UPDATE segment SET updated_at = updated_at WHERE account_id = @account AND key = @key", ct, ("account", accountId), ("key", key));
                var current = await FindAsync(session, accountId, key, ct) ?? throw new ConflictException($"The segment '{key}' has been removed since you opened it.");
                if (current.UpdatedAt.ToUnixTimeMilliseconds() != seen.ToUnixTimeMilliseconds())
                    throw new ConflictException($"The segment '{key}' has been changed since you opened it: read it again, then make your change.");
                // Two changes in one millisecond are told apart.
                now = Math.Max(now, current.UpdatedAt.ToUnixTimeMilliseconds() + 1);
            }
            await session.ExecuteAsync(
                """
                INSERT INTO segment (account_id, key, name, rule, created_at, updated_at) VALUES (@account, @key, @name, @rule, @now, @now)
                ON CONFLICT (account_id, key) DO UPDATE SET name = excluded.name, rule = excluded.rule, updated_at = excluded.updated_at
                """,
                ct, ("account", accountId), ("key", key), ("name", name), ("rule", rule), ("now", now));
            await Audit.RecordAsync(session, accountId, "segment.put", key, ct, ("name", name), ("rule", rule));
            await EngineEpoch.BumpAsync(session, ct);
            return (await FindAsync(session, accountId, key, ct))!;
        }, ct);
    }

    /// <summary>The segment, or null.</summary>
    public Task<Segment?> FindAsync(int accountId, string key, CancellationToken ct) =>
        database.ReadAsync(session => FindAsync(session, accountId, key, ct), ct);

    /// <summary>A page of the account's segments, by key.</summary>
    public Task<Page<Segment>> ListAsync(int accountId, string? cursor, int limit, CancellationToken ct)
    {
        var after = Cursor.Read(cursor) ?? "";
        return database.ReadAsync(async session =>
        {
            var found = await session.QueryAsync(
                "SELECT key, name, rule, created_at, updated_at FROM segment WHERE account_id = @account AND key > @after ORDER BY key LIMIT @limit",
                Read, ct, ("account", accountId), ("after", after), ("limit", limit + 1));
            return Cursor.Page(found, limit, last => last.Key);
        }, ct);
    }

    /// <summary>Removes a segment; false when there is none. A journey that still names it raises incidents at that branch.</summary>
    public Task<bool> DeleteAsync(int accountId, string key, CancellationToken ct) =>
        database.WriteAsync(async session =>
        {
            var removed = await session.ExecuteAsync("DELETE FROM segment WHERE account_id = @account AND key = @key", ct, ("account", accountId), ("key", key));
            if (removed == 0) return false;
            await Audit.RecordAsync(session, accountId, "segment.delete", key, ct);
            await EngineEpoch.BumpAsync(session, ct);
            return true;
        }, ct);

    /// <summary>How many contacts are in it now.</summary>
    /// <exception cref="NotFoundException">There is no such segment.</exception>
    public Task<long> CountAsync(int accountId, string key, CancellationToken ct) =>
        database.ReadAsync(async session => await contacts.CountAsync(session, accountId, await ConditionAsync(session, accountId, key, ct), ct), ct);

    /// <summary>A page of the contacts who are in it now, in the order in which they were created.</summary>
    /// <exception cref="NotFoundException">There is no such segment.</exception>
    public Task<Page<ContactDetails>> MembersAsync(int accountId, string key, string? cursor, int limit, CancellationToken ct) =>
        database.ReadAsync(async session =>
            await contacts.ListAsync(session, accountId, cursor, limit, await ConditionAsync(session, accountId, key, ct), ct), ct);

    /// <summary>Some of those who are in it now, by dense key from after <paramref name="after"/> on; empty at the end, null where there is no such segment.</summary>
    public async Task<IReadOnlyList<(long Id, string UserId)>?> MembersAsync(Session session, int accountId, string key, long after, int limit, CancellationToken ct) =>
        await FindAsync(session, accountId, key, ct) is { } segment ? await contacts.KeysAsync(session, accountId, Translate(segment.Rule), after, limit, ct) : null;

    /// <summary>How many contacts a rule would hold for now, before it is kept.</summary>
    /// <exception cref="InvalidInputException">The rule cannot be taken; the message says where.</exception>
    public Task<long> PreviewAsync(int accountId, string rule, CancellationToken ct)
    {
        var condition = Translate(rule);
        return database.ReadAsync(session => contacts.CountAsync(session, accountId, condition, ct), ct);
    }

    /// <summary>Some of the contacts a rule would hold for now, before it is kept.</summary>
    /// <exception cref="InvalidInputException">The rule cannot be taken; the message says where.</exception>
    public async Task<IReadOnlyList<ContactDetails>> SampleAsync(int accountId, string rule, int limit, CancellationToken ct)
    {
        var condition = Translate(rule);
        return (await database.ReadAsync(session => contacts.ListAsync(session, accountId, null, limit, condition, ct), ct)).Items;
    }

    /// <summary>Whether a contact is in a segment now, and how each condition of its rule came out.</summary>
    /// <exception cref="NotFoundException">There is no such segment, or no such contact.</exception>
    public Task<SegmentExplanation> ExplainAsync(int accountId, string key, string userId, CancellationToken ct) => database.ReadAsync(async session =>
    {
        var rule = await RuleAsync(session, accountId, key, ct) ?? throw new NotFoundException($"There is no segment '{key}'.");
        var contact = await session.FirstAsync($"SELECT {ContactRecord.Columns} FROM contact c WHERE c.account_id = @account AND c.user_id = @user",
            ContactRecord.Read, ct, ("account", accountId), ("user", userId)) ?? throw new NotFoundException($"There is no contact '{userId}'.");
        var now = DateTimeOffset.FromUnixTimeMilliseconds(await session.NowAsync(ct));
        var evaluation = await SegmentEvaluation.PrepareAsync(session, rule, [contact.Id], now, ct);
        return new SegmentExplanation(evaluation.Contains(contact), evaluation.Explain(contact));
    }, ct);

    /// <summary>The segment's rule to be asked in memory, or null where there is no such segment; kept until the engine's epoch moves on.</summary>
    public async Task<SegmentRule?> RuleAsync(Session session, int accountId, string key, CancellationToken ct)
    {
        // Read before the rule: a rule changed in between is kept under the older epoch and read again next time.
        var epoch = await EngineEpoch.ReadAsync(session, ct);
        if (_rules.TryGetValue((accountId, key), out var kept) && kept.Epoch == epoch) return kept.Rule;
        var segment = await FindAsync(session, accountId, key, ct);
        var rule = segment is null ? null : new SegmentRule(key, segment.Name, CelExpression.Parse(segment.Rule, ExpressionRoots.Segment));
        if (rule is not null) _rules[(accountId, key)] = (epoch, rule);
        return rule;
    }

    /// <summary>Those of the keys that name a segment.</summary>
    public async Task<IReadOnlySet<string>> ExistingAsync(Session session, int accountId, IReadOnlyCollection<string> keys, CancellationToken ct)
    {
        var found = await session.QueryAsync(
            "SELECT s.key FROM {rows} JOIN segment s ON s.account_id = @account AND s.key = r.key",
            new Rows<string>([.. keys.Distinct()]).Text("key", key => key), row => row.Text(0), ct, ("account", accountId));
        return found.ToHashSet();
    }

    private static Task<Segment?> FindAsync(Session session, int accountId, string key, CancellationToken ct) =>
        session.FirstAsync(
            "SELECT key, name, rule, created_at, updated_at FROM segment WHERE account_id = @account AND key = @key",
            Read, ct, ("account", accountId), ("key", key));

    private async Task<SqlFragment> ConditionAsync(Session session, int accountId, string key, CancellationToken ct) =>
        await FindAsync(session, accountId, key, ct) is { } segment
            ? Translate(segment.Rule)
            : throw new NotFoundException($"There is no segment '{key}'.");

    private SqlFragment Translate(string rule)
    {
        try
        {
            return CelExpression.Parse(rule, ExpressionRoots.Segment).ToSql(new SqlNames(database.Dialect));
        }
        catch (ExpressionException error)
        {
            throw new InvalidInputException("rule", error.Message);
        }
    }

    private static Segment Read(Row row) => new(row.Text(0), row.Text(1), row.Text(2), row.Instant(3), row.Instant(4));

    [GeneratedRegex(@"^[A-Za-z0-9_.-]{1,100}\z")]
    private static partial Regex KeyPattern();
}
