using MailFlow.Data;
using MailFlow.Delivery.Routing;

namespace MailFlow.Journeys.Facts;

/// <summary>A delivery that this node has taken up.</summary>
/// <param name="Attempt">From 1, over all rounds.</param>
/// <param name="Tried">The how-manieth attempt it is since the delivery was last put on its way.</param>
/// <param name="Secrets">Sealed, the present one first.</param>
internal sealed record ClaimedDelivery(
    int EndpointId, int AccountId, Uri Url, IReadOnlyList<string> Secrets, bool IsFailing, Guid FactId, string Type, long At, string Data, int Attempt, int Tried);

/// <summary>
/// Takes up what is due, endpoint by endpoint: an endpoint's row is locked while its deliveries are taken, so that all nodes together keep to its limits, and nobody waits for
/// that lock. What is taken is hidden under a lease: if this process dies, another attempt begins when it is over.
/// </summary>
internal static class WebhookClaim
{
    /// <summary>How many endpoints one look takes: the others come next.</summary>
    public const int MostEndpoints = 100;

    /// <summary>The enabled endpoints with something due, those that fail or the others: after one of them, and round the corner.</summary>
    public static Task<List<int>> DueEndpointsAsync(Session session, bool failing, int after, long now, CancellationToken ct) => session.QueryAsync("""
        SELECT e.id FROM webhook_endpoint e
        WHERE e.enabled AND (e.failing_since IS NOT NULL) = @failing AND EXISTS (SELECT 1 FROM webhook_delivery d WHERE d.endpoint_id = e.id AND d.due_at <= @now)
        ORDER BY e.id <= @after, e.id LIMIT @most
        """, row => row.Int(0), ct, ("failing", failing), ("after", after), ("now", now), ("most", MostEndpoints));

    /// <summary>
    /// Takes up what one endpoint may be told now, at most as many as there are places for it; none where another node is taking at this moment, or where it no longer stands as it did
    /// at the look.
    /// </summary>
    public static async Task<List<ClaimedDelivery>> TakeAsync(Session session, int endpointId, bool failing, int most, long now, long lease, CancellationToken ct)
    {
        var endpoint = await session.FirstAsync(
            $"""
            SELECT account_id, url, secret, previous_secret, previous_until, concurrency, per_second, tokens, tokens_at
            FROM webhook_endpoint WHERE id = @id AND enabled AND (failing_since IS NOT NULL) = @failing{(session.Dialect.IsPostgreSql ? " FOR UPDATE SKIP LOCKED" : "")}
            """,
            row => new EndpointRow(row.Int(0), row.Text(1), row.Text(2), row.LongOrNull(4) > now ? row.TextOrNull(3) : null, row.Int(5), row.DoubleOrNull(6), new TokenBucket(row.Double(7), row.Long(8))),
            ct, ("id", endpointId), ("failing", failing));
        if (endpoint is null) return [];
        var underWay = await session.ScalarAsync<long>("SELECT count(*) FROM webhook_delivery WHERE endpoint_id = @id AND lease_until > @now", ct, ("id", endpointId), ("now", now));
        var bucket = endpoint.PerSecond is { } rate ? endpoint.Bucket.Filled(rate, now) : default;
        // One that fails is only asked whether it is back.
        var places = Math.Min(most, (failing ? 1 : endpoint.Concurrency) - (int)underWay);
        if (endpoint.PerSecond is not null) places = Math.Min(places, bucket.Whole);
        if (places <= 0) return [];
        var taken = await session.QueryAsync($"""
            UPDATE webhook_delivery SET attempt = attempt + 1, due_at = @lease, lease_until = @lease
            WHERE endpoint_id = @id AND fact_id IN (
              SELECT fact_id FROM webhook_delivery WHERE endpoint_id = @id AND due_at <= @now ORDER BY due_at, fact_id LIMIT @places{(session.Dialect.IsPostgreSql ? " FOR UPDATE SKIP LOCKED" : "")})
            RETURNING fact_id, attempt, attempt - first_attempt
            """, row => (FactId: row.Uuid(0), Attempt: row.Int(1), Tried: row.Int(2)), ct, ("id", endpointId), ("now", now), ("lease", lease), ("places", places));
        if (endpoint.PerSecond is not null)
            await session.ExecuteAsync("UPDATE webhook_endpoint SET tokens = @tokens, tokens_at = @at WHERE id = @id", ct, ("tokens", bucket.Less(taken.Count).Tokens), ("at", bucket.At), ("id", endpointId));
        return await session.QueryAsync(
            "SELECT f.id, f.type, f.at, f.data, r.attempt, r.tried FROM {rows} JOIN fact f ON f.id = r.id",
            new Rows<(Guid FactId, int Attempt, int Tried)>(taken).Uuid("id", t => t.FactId).Long("attempt", t => t.Attempt).Long("tried", t => t.Tried),
            row => new ClaimedDelivery(
                endpointId, endpoint.AccountId, new Uri(endpoint.Url), endpoint.PreviousSecret is { } old ? [endpoint.Secret, old] : [endpoint.Secret], failing,
                row.Uuid(0), row.Text(1), row.Long(2), row.Text(3), row.Int(4), row.Int(5)), ct);
    }

    private sealed record EndpointRow(int AccountId, string Url, string Secret, string? PreviousSecret, int Concurrency, double? PerSecond, TokenBucket Bucket);
}
