using MailFlow.Data;
using MailFlow.Engine.Execution;

namespace MailFlow.Engine.Storage;

/// <summary>The worker's side of the inbox.</summary>
internal static class InboxStore
{
    private static readonly string Prefixed = string.Join(", ", InboxRow.Columns.Split(", ").Select(column => "i." + column));

    /// <summary>
    /// Of these shards, the accounts that have something to do by now, in order: two probes of an index each. Written as EXISTS, PostgreSQL would rather read what is due in all shards.
    /// </summary>
    public static Task<List<Place>> PlacesAsync(Session session, IReadOnlyList<int> shards, long now, CancellationToken ct) => session.QueryAsync("""
        SELECT r.shard, a.id FROM {rows} CROSS JOIN account a WHERE (SELECT 1 FROM inbox WHERE shard = r.shard AND account_id = a.id LIMIT 1) = 1
           OR (SELECT 1 FROM instance WHERE shard = r.shard AND account_id = a.id AND due_at <= @now LIMIT 1) = 1 ORDER BY r.shard, a.id
        """,
        new Rows<int>(shards).Int("shard", shard => shard), row => new Place(row.Int(0), row.Int(1)), ct, ("now", now));

    /// <summary>The first rows of each place, in the order in which they were accepted, so many at most, but what is left to other nodes.</summary>
    public static Task<Reply<InboxRow>> FirstAsync(Session session, IReadOnlyList<Place> places, int limit, Unreadable others, CancellationToken ct) => session.EnqueueAsync(
        session.Dialect.IsPostgreSql
            ? $$"""
              SELECT {{Prefixed}} FROM {rows} CROSS JOIN LATERAL (SELECT * FROM inbox WHERE shard = r.shard AND account_id = r.account_id {{others.WithoutInbox("inbox", session.Dialect)}} ORDER BY id LIMIT @limit) AS i ORDER BY i.id
              """
            : $$"""
              SELECT {{Prefixed}} FROM {rows} JOIN inbox i ON i.shard = r.shard AND i.account_id = r.account_id {{others.WithoutInbox("i", session.Dialect)}} ORDER BY i.id LIMIT @limit
              """,
        new Rows<Place>(places).Int("shard", place => place.Shard).Int("account_id", place => place.AccountId), InboxRow.Read, ct, ("limit", limit));

    /// <summary>Takes consumed rows out, in the transaction that did what they asked for.</summary>
    public static Task DeleteAsync(Session session, IReadOnlyList<long> ids, CancellationToken ct) => session.EnqueueAsync(
        session.Dialect.IsPostgreSql ? "DELETE FROM inbox USING {rows} WHERE inbox.id = r.id" : "DELETE FROM inbox WHERE id IN (SELECT r.id FROM {rows})",
        new Rows<long>([.. ids.Order()]).Long("id", id => id), ct);

    /// <summary>Whether more commands that end or move single instances wait in an account than this, those left out that wait for another node.</summary>
    public static async Task<bool> HasMoreCommandsAsync(Session session, int account, int most, Unreadable others, CancellationToken ct) => await session.ScalarAsync<long>(
        // Of inbox_commands, in its own words.
        $"SELECT count(*) FROM (SELECT 1 FROM inbox WHERE kind IN (7, 9) AND account_id = @account {others.WithoutInbox("inbox", session.Dialect)} LIMIT @most) AS waiting", ct, ("account", account), ("most", most + 1)) > most;

    /// <summary>Says how far a command that takes several batches has come.</summary>
    public static Task ReplaceBodyAsync(Session session, long id, string body, CancellationToken ct) =>
        session.ExecuteAsync("UPDATE inbox SET body = @body WHERE id = @id", ct, ("id", id), ("body", body));

    /// <summary>What there is to do by now, and what comes next: two probes of an index for each shard and account.</summary>
    public static async Task<WorkAhead> LookAheadAsync(Session session, long now, CancellationToken ct)
    {
        var shards = await session.QueryAsync("""
            WITH RECURSIVE shard(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM shard WHERE n < 63)
            SELECT n, EXISTS (SELECT 1 FROM account a WHERE EXISTS (SELECT 1 FROM inbox WHERE inbox.shard = n AND inbox.account_id = a.id)),
              (SELECT min(due) FROM (SELECT (SELECT i.due_at FROM instance i WHERE i.shard = n AND i.account_id = a.id AND i.due_at IS NOT NULL ORDER BY i.due_at LIMIT 1) AS due FROM account a) AS each)
            FROM shard
            """,
            row => (Shard: row.Int(0), HasInbox: row.Bool(1), Due: row.LongOrNull(2)), ct);
        return new WorkAhead([.. shards.Where(each => each.HasInbox || each.Due <= now).Select(each => each.Shard)], shards.Where(each => each.Due > now).Min(each => each.Due) - now);
    }
}

/// <summary>An account in a shard: where work queues up.</summary>
internal readonly record struct Place(int Shard, int AccountId);

/// <summary>What the workers have before them.</summary>
/// <param name="Shards">Those that have something to do by now.</param>
/// <param name="NextIn">When the next wait of another shard is over: milliseconds from now; null for none.</param>
internal sealed record WorkAhead(List<int> Shards, long? NextIn);
