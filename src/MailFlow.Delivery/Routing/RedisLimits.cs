using MailFlow.Data;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace MailFlow.Delivery.Routing;

/// <summary>
/// Limits that many nodes share without waiting for each other's transactions: a node leases a quarter of a second's worth of a limit from Redis at a time, so that Redis is asked
/// some times a second and not for each mail. Only speed depends on Redis: what is sent and what has been sent is in the database alone (ADR 8).
/// </summary>
/// <remarks>
/// That nodes with and without Redis together stay within a limit: Redis gives out 95 % of it, and the rows of <see cref="StoredLimits"/> the last 5 %, to those who cannot reach
/// Redis or have none. In a window of w seconds, leases come to at most 0.95 rate × (w + ¼) of what came in and 0.95 rate × ¾ of what was in store, and the rows add 0.05 rate × (w + 1):
/// rate × (w + 1) in all, as without Redis. Slow limits are seldom asked for and stay in the database.
/// </remarks>
internal sealed partial class RedisLimits : IRateLimits
{
    /// <summary>From this rate on a limit is leased, in mails a second: its 5 % is then one a second, which a bucket holds at least.</summary>
    public const double LeasedFrom = 20;

    /// <summary>How much of a limit Redis gives out.</summary>
    public const double ShareOfRedis = 0.95;

    /// <summary>How long a lease holds, and of how long a time it is the worth, in milliseconds; and of how long a time Redis keeps the worth in store.</summary>
    private const int Life = 250, Store = 1000 - Life;

    private const long Never = long.MinValue;

    /// <summary>How long Redis is left alone after it has failed.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>How often nodes without Redis are told of this one: some times before they would forget it.</summary>
    private static readonly TimeSpan AnnounceEvery = TimeSpan.FromSeconds(15);

    // A bucket that is not there (Redis has restarted, or nobody sent for a while) begins empty: full, it would give out twice what others still hold. The clock is the caller's,
    // which is the database's, so that it is one for all nodes. Numbers are written in full: tostring would round an instant.
    private const string Script = """
        local now, late, given = tonumber(ARGV[1]), tonumber(ARGV[2]), {}
        for i, key in ipairs(KEYS) do
          local rate, store, wanted = tonumber(ARGV[i * 3]), tonumber(ARGV[i * 3 + 1]), tonumber(ARGV[i * 3 + 2])
          local bucket = redis.call('HMGET', key, 'tokens', 'at')
          local tokens, at = tonumber(bucket[1]) or 0, tonumber(bucket[2]) or now
          if now > at then
            tokens, at = math.min(store, tokens + (now - at) / 1000 * rate), now
          elseif at - now > late then
            at = now
          end
          given[i] = math.min(wanted, math.floor(tokens))
          redis.call('HSET', key, 'tokens', string.format('%.17g', tokens - given[i]), 'at', string.format('%.0f', at))
          redis.call('PEXPIRE', key, 60000)
        end
        return given
        """;

    private readonly IConnectionMultiplexer _redis;
    private readonly TimeProvider _time;
    private readonly ILogger<RedisLimits> _log;
    private readonly Lock _gate = new();
    private readonly Dictionary<BucketKey, (TokenBucket Tokens, long Until)> _leases = [];
    private long _failedAt = Never, _announcedAt = Never;

    /// <summary>Whether a limit of so many mails a second is given out by Redis.</summary>
    public static bool IsLeased(double perSecond) => perSecond is >= LeasedFrom and < TokenBucket.Unlimited;

    /// <summary>What of such a limit the rows give out.</summary>
    public static double Rest(double perSecond) => perSecond * (1 - ShareOfRedis);

    public RedisLimits(IConnectionMultiplexer redis, TimeProvider time, ILogger<RedisLimits> log) => (_redis, _time, _log) = (redis, time, log);

    /// <summary>Connects, or goes on trying in the background: a server starts without Redis too.</summary>
    public static IConnectionMultiplexer Connect(string configuration)
    {
        var options = ConfigurationOptions.Parse(configuration);
        options.AbortOnConnectFail = false;
        options.BacklogPolicy = BacklogPolicy.FailFast; // a hand-over holds locks: better the database at once than Redis later
        options.AsyncTimeout = 250;
        options.ConnectTimeout = 2_000;
        options.ReconnectRetryPolicy = new LinearRetry(500);
        options.ClientName ??= "mailflow";
        return ConnectionMultiplexer.Connect(options);
    }

    public async Task<RateGrant> OpenAsync(Session session, IReadOnlyDictionary<BucketKey, double> rates, long now, CancellationToken ct)
    {
        var fast = rates.Where(each => IsLeased(each.Value)).ToDictionary();
        var leased = fast.Count == 0 ? [] : await IsAnnouncedAsync(session, now, ct) ? await LeaseAsync(fast, now, ct) : null;
        var stored = rates.Where(each => !fast.ContainsKey(each.Key)).ToDictionary();
        if (leased is null)
            foreach (var (key, rate) in fast) stored[key] = Rest(rate);
        return new RateGrant(stored.Count == 0 ? [] : await StoredLimits.LockAsync(session, stored, now, ct), leased ?? []);
    }

    public async Task CloseAsync(Session session, RateGrant grant, long now, CancellationToken ct)
    {
        lock (_gate)
            foreach (var (key, left) in grant.Leased)
                if (left.Whole > 0)
                    _leases[key] = _leases.TryGetValue(key, out var held)
                        ? (held.Tokens with { Tokens = held.Tokens.Tokens + left.Tokens }, Math.Min(held.Until, left.At + Life)) : (left, left.At + Life);
        if (grant.StoredAndTaken.Any()) await StoredLimits.SaveAsync(session, grant, ct);
    }

    /// <summary>Whether nodes that have no Redis by their configuration know of this one: they would give out all of a limit. Until they do, this one is as one that cannot reach Redis.</summary>
    private async Task<bool> IsAnnouncedAsync(Session session, long now, CancellationToken ct)
    {
        if (Volatile.Read(ref _announcedAt) is var announced && announced != Never && _time.GetElapsedTime(announced) < AnnounceEvery) return true;
        var known = await StoredLimits.IsLeasedElsewhereAsync(session, now, ct); // by a transaction that has committed
        await StoredLimits.AnnounceLeasesAsync(session, now, ct);
        if (known) Volatile.Write(ref _announcedAt, _time.GetTimestamp());
        return known;
    }

    /// <summary>Tokens for this transaction alone: those that this node has left, else a new lease. Null: Redis cannot be reached.</summary>
    private async Task<Dictionary<BucketKey, TokenBucket>?> LeaseAsync(Dictionary<BucketKey, double> rates, long now, CancellationToken ct)
    {
        var mine = new Dictionary<BucketKey, TokenBucket>(rates.Count);
        lock (_gate)
            foreach (var key in rates.Keys)
                if (_leases.Remove(key, out var held) && now < held.Until) mine[key] = held.Tokens;
        var asked = rates.Where(each => !mine.ContainsKey(each.Key)).ToList();
        if (asked.Count == 0) return mine;
        if (Volatile.Read(ref _failedAt) is var failed && failed != Never && _time.GetElapsedTime(failed) < Pause) return null;
        try
        {
            var given = (int[])(await _redis.GetDatabase().ScriptEvaluateAsync(
                Script, [.. asked.Select(each => KeyOf(each.Key))], [now, (long)TokenBucket.Late.TotalMilliseconds, .. asked.SelectMany(each => Terms(each.Value))]).WaitAsync(ct))!;
            if (Interlocked.Exchange(ref _failedAt, Never) != Never) LogBack();
            for (var i = 0; i < given.Length; i++) mine[asked[i].Key] = new TokenBucket(given[i], now);
            return mine;
        }
        catch (Exception error) when (error is RedisException or TimeoutException or ObjectDisposedException)
        {
            if (Interlocked.Exchange(ref _failedAt, _time.GetTimestamp()) == Never) LogLost(error.GetType().Name);
            return null;
        }
    }

    private static RedisValue[] Terms(double rate) => [rate * ShareOfRedis, rate * ShareOfRedis * Store / 1000, Math.Ceiling(rate * ShareOfRedis * Life / 1000)];

    /// <summary>The braces put all buckets into one slot of a cluster, as one script needs them.</summary>
    private static RedisKey KeyOf(BucketKey key) => $"{{mailflow}}:rate:{key.AccountId}:{key.Key}";

    [LoggerMessage(LogLevel.Warning, "Redis cannot be reached ({Error}): limits from 20 mails a second on go down to 5 % of what they are, by the database, until it is back. Nothing is lost.")]
    private partial void LogLost(string error);

    [LoggerMessage(LogLevel.Information, "Redis is back: limits are shared by it again.")]
    private partial void LogBack();
}
