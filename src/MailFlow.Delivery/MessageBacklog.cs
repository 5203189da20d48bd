using MailFlow.Data;

namespace MailFlow.Delivery;

/// <summary>The messages that have not come to an end, over all accounts.</summary>
/// <param name="Queued">Planned, and not tried.</param>
/// <param name="Inflight">Being handed over.</param>
/// <param name="Deferred">To be tried again.</param>
/// <param name="Unknown">Whose answer was lost.</param>
/// <param name="OldestDueAt">Since when the longest due of them waits for a sender; null where none does.</param>
/// <param name="Reports">What providers reported and nobody has worked off.</param>
public sealed record MessageBacklog(long Queued, long Inflight, long Deferred, long Unknown, DateTimeOffset? OldestDueAt, long Reports)
{
    /// <summary>Counting stops here, for each: so a look costs little however much waits.</summary>
    public const int MostCounted = 100_000;

    /// <summary>Looks.</summary>
    public static async Task<MessageBacklog> ReadAsync(Session session, CancellationToken ct)
    {
        var now = await session.NowAsync(ct);
        var oldest = await session.ScalarAsync<long?>("""
            SELECT min(at) FROM (
              SELECT (SELECT min(due_at) FROM message m WHERE m.account_id = a.id AND m.stream = s.n AND m.due_at <= @now) AS at
              FROM account a CROSS JOIN (SELECT 0 AS n UNION ALL SELECT 1) AS s) AS each
            """, ct, ("now", now));
        return new MessageBacklog(
            await CountAsync(session, MessageState.Queued, ct), await CountAsync(session, MessageState.Inflight, ct),
            await CountAsync(session, MessageState.Deferred, ct), await CountAsync(session, MessageState.Unknown, ct),
            oldest is { } at ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null,
            await session.ScalarAsync<long>("SELECT count(*) FROM (SELECT 1 FROM webhook_call WHERE due_at IS NOT NULL LIMIT @most) AS counted", ct, ("most", MostCounted)));
    }

    /// <summary>In the words of the index of open messages, so that of the ledger no more is read than is counted.</summary>
    internal static string CountSql(MessageState state) => $"SELECT count(*) FROM (SELECT 1 FROM message WHERE state IN ({MessageStates.SqlOpen}) AND state = {(int)state} LIMIT @most) AS counted";

    private static Task<long> CountAsync(Session session, MessageState state, CancellationToken ct) => session.ScalarAsync<long>(CountSql(state), ct, ("most", MostCounted));
}
