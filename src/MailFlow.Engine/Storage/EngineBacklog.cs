using MailFlow.Data;

namespace MailFlow.Engine.Storage;

/// <summary>What of a shard is to be done by now and is not.</summary>
/// <param name="Shard">Its number.</param>
/// <param name="Inbox">How many rows of the inbox wait: events, commands, results of jobs.</param>
/// <param name="Timers">How many instances are due.</param>
/// <param name="OldestAt">Since when the longest of them waits; null where nothing does.</param>
/// <param name="InWork">Whether a worker holds the shard's lock at this moment. On SQLite always false: its lock is the file's.</param>
public sealed record ShardBacklog(int Shard, long Inbox, long Timers, DateTimeOffset? OldestAt, bool InWork);

/// <summary>What the engine has still to do, over all accounts.</summary>
/// <param name="At">The database's clock.</param>
/// <param name="Shards">Each shard in the order of their numbers.</param>
/// <param name="Jobs">How many jobs are due; of a paused journey only those that no claim has met yet.</param>
/// <param name="ParkedActivities">How many activities are parked because they fail for everybody.</param>
/// <param name="DeadLetters">How many dead letters nobody has replayed.</param>
/// <param name="OldestFactAt">When that happened which the oldest fact tells that is not published to the bus yet, or not dealt to the webhooks; null where none waits.</param>
public sealed record EngineBacklog(DateTimeOffset At, IReadOnlyList<ShardBacklog> Shards, long Jobs, long ParkedActivities, long DeadLetters, DateTimeOffset? OldestFactAt)
{
    /// <summary>Counting stops here, for each shard and for each of the others: so a look costs little however much waits.</summary>
    public const int MostCounted = 10_000;

    /// <summary>Looks.</summary>
    public static async Task<EngineBacklog> ReadAsync(Session session, CancellationToken ct)
    {
        var now = await session.NowAsync(ct);
        var locked = await session.LockedShardsAsync(ct);
        var shards = await session.QueryAsync("""
            WITH RECURSIVE shard(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM shard WHERE n < 63)
            SELECT n,
              (SELECT count(*) FROM (SELECT 1 FROM inbox i WHERE i.shard = n LIMIT @most) AS counted),
              (SELECT min(at) FROM (SELECT (SELECT accepted_at FROM inbox i WHERE i.shard = n AND i.account_id = a.id ORDER BY i.id LIMIT 1) AS at FROM account a) AS each),
              (SELECT count(*) FROM (SELECT 1 FROM account a CROSS JOIN instance i WHERE i.shard = n AND i.account_id = a.id AND i.due_at <= @now LIMIT @most) AS counted),
              (SELECT min(at) FROM (SELECT (SELECT min(due_at) FROM instance i WHERE i.shard = n AND i.account_id = a.id AND i.due_at <= @now) AS at FROM account a) AS each)
            FROM shard
            """,
            row => new ShardBacklog(row.Int(0), row.Long(1), row.Long(3), Earlier(row.LongOrNull(2), row.LongOrNull(4)), locked.Contains(row.Int(0))),
            ct, ("now", now), ("most", MostCounted));
        return new EngineBacklog(
            DateTimeOffset.FromUnixTimeMilliseconds(now), shards,
            await CountAsync(session, "job WHERE parked_journey IS NULL AND due_at <= @now", ct, ("now", now)),
            await CountAsync(session, "parked_node", ct),
            await CountAsync(session, "dead_letter", ct),
            (await session.QueryAsync("SELECT (SELECT at FROM fact WHERE to_bus ORDER BY seq LIMIT 1), (SELECT at FROM fact WHERE to_webhooks ORDER BY seq LIMIT 1)",
                row => Earlier(row.LongOrNull(0), row.LongOrNull(1)), ct))[0]);
    }

    private static DateTimeOffset? Earlier(long? one, long? other) =>
        (one ?? other) is { } either ? DateTimeOffset.FromUnixTimeMilliseconds(Math.Min(either, other ?? either)) : null;

    private static Task<long> CountAsync(Session session, string from, CancellationToken ct, params (string, object?)[] parameters) =>
        session.ScalarAsync<long>($"SELECT count(*) FROM (SELECT 1 FROM {from} LIMIT @most) AS counted", ct, [("most", MostCounted), .. parameters]);
}
