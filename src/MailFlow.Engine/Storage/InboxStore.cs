using MailFlow.Data;

namespace MailFlow.Engine.Storage;

/// <summary>The worker's side of the inbox.</summary>
internal static class InboxStore
{
    /// <summary>Takes consumed rows out, in the transaction that did what they asked for.</summary>
    public static Task DeleteAsync(Session session, IReadOnlyList<long> ids, CancellationToken ct) => session.ExecuteAsync(
        session.Dialect.IsPostgreSql ? "DELETE FROM inbox USING {rows} WHERE inbox.id = r.id" : "DELETE FROM inbox WHERE id IN (SELECT r.id FROM {rows})",
        new Rows<long>([.. ids.Order()]).Long("id", id => id), ct);

    /// <summary>Whether more rows than this wait, whosever they are.</summary>
    public static async Task<bool> IsLongerThanAsync(Session session, int most, CancellationToken ct) =>
        await session.ScalarAsync<long>("SELECT count(*) FROM (SELECT 1 FROM inbox LIMIT @most) AS waiting", ct, ("most", most + 1)) > most;

    /// <summary>Says how far a command that takes several batches has come.</summary>
    public static Task ReplaceBodyAsync(Session session, long id, string body, CancellationToken ct) =>
        session.ExecuteAsync("UPDATE inbox SET body = @body WHERE id = @id", ct, ("id", id), ("body", body));

    /// <summary>The shards that have something to do by now: one probe of an index for each shard and account.</summary>
    public static Task<List<int>> ShardsWithWorkAsync(Session session, long now, CancellationToken ct) => session.QueryAsync("""
        WITH RECURSIVE shard(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM shard WHERE n < 63)
        SELECT n FROM shard
        WHERE EXISTS (SELECT 1 FROM account a WHERE EXISTS (SELECT 1 FROM inbox WHERE inbox.shard = n AND inbox.account_id = a.id))
           OR EXISTS (SELECT 1 FROM account a WHERE EXISTS (SELECT 1 FROM instance i WHERE i.shard = n AND i.account_id = a.id AND i.due_at <= @now))
        """,
        row => row.Int(0), ct, ("now", now));
}
