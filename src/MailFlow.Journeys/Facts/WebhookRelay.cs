using MailFlow.Data;

namespace MailFlow.Journeys.Facts;

/// <summary>Takes facts from the outbox and puts each on its way to every endpoint that wants it, once, however often the process dies in between.</summary>
internal sealed class WebhookRelay(Database database, IFaultPoints faults)
{
    private const int Most = 1_000;

    /// <summary>Takes a batch; gives how many facts it took.</summary>
    public async Task<int> RunOnceAsync(CancellationToken ct)
    {
        if (!await database.ReadAsync(session => session.ScalarAsync<bool>("SELECT EXISTS (SELECT 1 FROM fact WHERE to_webhooks)", ct), ct)) return 0;
        return await database.WriteAsync(async session =>
        {
            // Locked rows are another node's; who commits later than we look is found the next time.
            var taken = await session.QueryAsync(
                $"SELECT seq FROM fact WHERE to_webhooks ORDER BY seq LIMIT @most{(session.Dialect.IsPostgreSql ? " FOR UPDATE SKIP LOCKED" : "")}", row => row.Long(0), ct, ("most", Most));
            var rows = new Rows<long>(taken).Long("seq", seq => seq);
            await session.ExecuteAsync("""
                INSERT INTO webhook_delivery (endpoint_id, fact_id, account_id, state, due_at)
                SELECT e.id, f.id, f.account_id, 0, @now
                FROM {rows} JOIN fact f ON f.seq = r.seq JOIN webhook_endpoint e ON e.account_id = f.account_id AND e.enabled
                WHERE EXISTS (SELECT 1 FROM webhook_subscription s WHERE s.endpoint_id = e.id AND s.type IN (f.type, '*'))
                ON CONFLICT DO NOTHING
                """, rows, ct, ("now", await session.NowAsync(ct)));
            await session.ExecuteAsync("UPDATE fact SET to_webhooks = @no FROM {rows} WHERE fact.seq = r.seq", rows, ct, ("no", false));
            faults.Reach("webhooks.relay.before-commit");
            return taken.Count;
        }, ct);
    }
}
