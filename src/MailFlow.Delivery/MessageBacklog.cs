using MailFlow.Data;
using MailFlow.Delivery.Routing;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery;

/// <summary>The messages that have not come to an end, over all accounts.</summary>
/// <param name="Queued">Planned, and not tried.</param>
/// <param name="Inflight">Being handed over.</param>
/// <param name="Deferred">To be tried again.</param>
/// <param name="Unknown">Whose answer was lost.</param>
/// <param name="OldestDueAt">Since when the longest due of them waits for a sender; null where none does. What a stop, a day's limit or a warm-up's volume holds waits for none.</param>
/// <param name="Reports">What providers reported and nobody has worked off.</param>
public sealed record MessageBacklog(long Queued, long Inflight, long Deferred, long Unknown, DateTimeOffset? OldestDueAt, long Reports)
{
    /// <summary>Counting stops here, for each: so a look costs little however much waits.</summary>
    public const int MostCounted = 100_000;

    /// <summary>In the words of the index of open messages, so that of the ledger no more is read than is counted.</summary>
    internal static string CountSql(MessageState state) => $"SELECT count(*) FROM (SELECT 1 FROM message WHERE state IN ({MessageStates.SqlOpen}) AND state = {(int)state} LIMIT @most) AS counted";
}

/// <summary>Reads the backlog.</summary>
public sealed class MessageBacklogs
{
    private const int Chunk = 100;

    private readonly HeldMail _held;

    internal MessageBacklogs(HeldMail held) => _held = held;

    /// <summary>Looks.</summary>
    public async Task<MessageBacklog> ReadAsync(Session session, CancellationToken ct) => new(
        await CountAsync(session, MessageState.Queued, ct), await CountAsync(session, MessageState.Inflight, ct),
        await CountAsync(session, MessageState.Deferred, ct), await CountAsync(session, MessageState.Unknown, ct),
        await OldestAsync(session, ct),
        await session.ScalarAsync<long>("SELECT count(*) FROM (SELECT 1 FROM webhook_call WHERE due_at IS NOT NULL LIMIT @most) AS counted", ct, ("most", MessageBacklog.MostCounted)));

    private async Task<DateTimeOffset?> OldestAsync(Session session, CancellationToken ct)
    {
        var now = await session.NowAsync(ct);
        var due = await session.QueryAsync("""
            SELECT id, n, at FROM (
              SELECT a.id, s.n, (SELECT min(due_at) FROM message m WHERE m.account_id = a.id AND m.stream = s.n AND m.due_at <= @now) AS at
              FROM account a CROSS JOIN (SELECT 0 AS n UNION ALL SELECT 1) AS s) AS each
            WHERE at IS NOT NULL ORDER BY at
            """, row => (AccountId: row.Int(0), Stream: (MessageStream)row.Int(1), At: row.Long(2)), ct, ("now", now));
        // Mostly the first is not held, and only few accounts are looked at.
        foreach (var chunk in due.Chunk(Chunk))
        {
            var held = await _held.AmongAsync(session, [.. chunk.Select(each => each.AccountId).Distinct()], now, ct);
            foreach (var (account, stream, at) in chunk)
                if (!held.ContainsKey((account, stream))) return DateTimeOffset.FromUnixTimeMilliseconds(at);
        }
        return null;
    }

    private static Task<long> CountAsync(Session session, MessageState state, CancellationToken ct) =>
        session.ScalarAsync<long>(MessageBacklog.CountSql(state), ct, ("most", MessageBacklog.MostCounted));
}
