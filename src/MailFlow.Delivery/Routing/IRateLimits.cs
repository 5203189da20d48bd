using MailFlow.Data;

namespace MailFlow.Delivery.Routing;

/// <summary>
/// Where the limits by the second are kept, shared by all nodes: in the database (<see cref="StoredLimits"/>), or for many nodes in Redis (<see cref="RedisLimits"/>). In any
/// window of w seconds no more leave than rate × (w + 1), nor fewer than one.
/// </summary>
internal interface IRateLimits
{
    /// <summary>What may be taken in the transaction at hand, of each bucket with its rate. No other sender can take the same until it is closed.</summary>
    /// <param name="session">A writing session.</param>
    /// <param name="rates">Mails a second; <see cref="TokenBucket.Unlimited"/> for a bucket that is no more than a lock.</param>
    /// <param name="now">Unix milliseconds by the database's clock.</param>
    /// <param name="ct">Cancels.</param>
    Task<RateGrant> OpenAsync(Session session, IReadOnlyDictionary<BucketKey, double> rates, long now, CancellationToken ct);

    /// <summary>Writes down what was taken. If the transaction is rolled back, too little leaves, never too much.</summary>
    Task CloseAsync(Session session, RateGrant grant, long now, CancellationToken ct);
}

/// <summary>What one transaction may take of the limits, and what it took.</summary>
/// <param name="stored">Buckets whose rows are locked.</param>
/// <param name="leased">Tokens that this node has already.</param>
internal sealed class RateGrant(Dictionary<BucketKey, TokenBucket> stored, Dictionary<BucketKey, TokenBucket> leased)
{
    private readonly HashSet<BucketKey> _taken = [];

    /// <summary>What is left of the tokens that this node has.</summary>
    public IReadOnlyDictionary<BucketKey, TokenBucket> Leased => leased;

    /// <summary>The locked buckets that something was taken from.</summary>
    public IEnumerable<KeyValuePair<BucketKey, TokenBucket>> StoredAndTaken => stored.Where(bucket => _taken.Contains(bucket.Key));

    /// <summary>A bucket as it is now; null for what has no limit.</summary>
    public TokenBucket? Find(BucketKey key) => leased.TryGetValue(key, out var bucket) || stored.TryGetValue(key, out bucket) ? bucket : null;

    /// <summary>Takes from a bucket; nothing where there is no limit.</summary>
    public void Take(BucketKey key, int count)
    {
        if (Find(key) is not { } bucket) return;
        _taken.Add(key);
        (leased.ContainsKey(key) ? leased : stored)[key] = bucket.Less(count);
    }
}
