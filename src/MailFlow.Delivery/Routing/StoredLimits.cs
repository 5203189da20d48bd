using MailFlow.Data;

namespace MailFlow.Delivery.Routing;

/// <summary>
/// Limits as rows, locked until the hand-over's transaction ends: what one sender takes no other can, over all nodes and through crashes (ADR 6). While other nodes have most of the fast
/// limits from Redis, as when it is being rolled out, the rows give out what is left (<see cref="RedisLimits"/>).
/// </summary>
internal sealed class StoredLimits : IRateLimits
{
    /// <summary>The row by which nodes with Redis let the others know of themselves.</summary>
    private const string Announcement = "redis";

    /// <summary>How long after its last word a node with Redis may still lease.</summary>
    private static readonly TimeSpan Holds = TimeSpan.FromMinutes(1);

    public async Task<RateGrant> OpenAsync(Session session, IReadOnlyDictionary<BucketKey, double> rates, long now, CancellationToken ct)
    {
        if (rates.Values.Any(RedisLimits.IsLeased) && await IsLeasedElsewhereAsync(session, now, ct))
            rates = rates.ToDictionary(each => each.Key, each => RedisLimits.IsLeased(each.Value) ? RedisLimits.Rest(each.Value) : each.Value);
        return new(await LockAsync(session, rates, now, ct), []);
    }

    public Task CloseAsync(Session session, RateGrant grant, long now, CancellationToken ct) => SaveAsync(session, grant, ct);

    /// <summary>Whether a node with Redis has let it be known that it leases limits.</summary>
    internal static async Task<bool> IsLeasedElsewhereAsync(Session session, long now, CancellationToken ct) => await session.ScalarAsync<bool>(
        "SELECT EXISTS (SELECT 1 FROM rate_bucket WHERE account_id = 0 AND key = @key AND at > @since)", ct, ("key", Announcement), ("since", now - (long)Holds.TotalMilliseconds));

    /// <summary>
    /// Lets nodes without Redis know that this one leases limits; to be said again before <see cref="Holds"/> is over. Where another says so at this moment, its word is enough: nobody waits
    /// for that row in the middle of a hand-over.
    /// </summary>
    internal static async Task AnnounceLeasesAsync(Session session, long now, CancellationToken ct)
    {
        await session.ExecuteAsync("INSERT INTO rate_bucket (account_id, key, tokens, at) SELECT 0, @key, 0, @now WHERE NOT EXISTS (SELECT 1 FROM rate_bucket WHERE account_id = 0 AND key = @key) ON CONFLICT (account_id, key) DO NOTHING",
            ct, ("key", Announcement), ("now", now));
        await session.ExecuteAsync($"UPDATE rate_bucket SET at = @now WHERE (account_id, key) IN (SELECT account_id, key FROM rate_bucket WHERE account_id = 0 AND key = @key{(session.Dialect.IsPostgreSql ? " FOR UPDATE SKIP LOCKED" : "")})",
            ct, ("key", Announcement), ("now", now));
    }

    /// <summary>Buckets, made full where there is none, locked until the transaction ends.</summary>
    internal static async Task<Dictionary<BucketKey, TokenBucket>> LockAsync(Session session, IReadOnlyDictionary<BucketKey, double> rates, long now, CancellationToken ct)
    {
        var keys = InOrder(rates.Keys);
        await session.ExecuteAsync("""
            INSERT INTO rate_bucket (account_id, key, tokens, at) SELECT r.owner, r.name, r.tokens, @now FROM {rows} WHERE true ON CONFLICT (account_id, key) DO NOTHING
            """, new Rows<BucketKey>(keys).Int("owner", key => key.AccountId).Text("name", key => key.Key).Double("tokens", key => TokenBucket.Capacity(rates[key])), ct, ("now", now));
        var found = await session.QueryAsync($$"""
            SELECT b.account_id, b.key, b.tokens, b.at FROM {rows} JOIN rate_bucket b ON b.account_id = r.owner AND b.key = r.name
            ORDER BY b.account_id, b.key {{(session.Dialect.IsPostgreSql ? "FOR UPDATE OF b" : "")}}
            """, new Rows<BucketKey>(keys).Int("owner", key => key.AccountId).Text("name", key => key.Key),
            row => (Key: new BucketKey(row.Int(0), row.Text(1)), Bucket: new TokenBucket(row.Double(2), row.Long(3))), ct);
        return found.ToDictionary(each => each.Key, each => each.Bucket.Filled(rates[each.Key], now));
    }

    internal static Task SaveAsync(Session session, RateGrant grant, CancellationToken ct)
    {
        var buckets = grant.StoredAndTaken.ToDictionary();
        return session.ExecuteAsync(
            "UPDATE rate_bucket SET tokens = r.tokens, at = r.at FROM {rows} WHERE rate_bucket.account_id = r.owner AND rate_bucket.key = r.name",
            new Rows<BucketKey>(InOrder(buckets.Keys)).Int("owner", key => key.AccountId).Text("name", key => key.Key).Double("tokens", key => buckets[key].Tokens).Long("at", key => buckets[key].At), ct);
    }

    /// <summary>As every writer locks them.</summary>
    private static List<BucketKey> InOrder(IEnumerable<BucketKey> keys) => [.. keys.OrderBy(key => key.AccountId).ThenBy(key => key.Key, StringComparer.Ordinal)];
}
