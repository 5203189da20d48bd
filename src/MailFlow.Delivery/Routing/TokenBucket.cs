namespace MailFlow.Delivery.Routing;

/// <summary>
/// A limit of so many a second, with a second's worth (at least one) in store: in any window of w seconds no more than rate × (w + 1) leave, nor fewer than one.
/// </summary>
/// <param name="Tokens">What was in store at <paramref name="At"/>.</param>
/// <param name="At">Unix milliseconds.</param>
public readonly record struct TokenBucket(double Tokens, long At)
{
    /// <summary>A rate that nothing reaches: the bucket is then no more than a lock.</summary>
    public const double Unlimited = 1e9;

    /// <summary>The most that is kept in store.</summary>
    public static double Capacity(double perSecond) => Math.Max(1, perSecond);

    /// <summary>A bucket with all that it can keep.</summary>
    public static TokenBucket Full(double perSecond, long now) => new(Capacity(perSecond), now);

    /// <summary>How far behind an instant may be that is only late: who waited for a lock tells the time at which the wait began. Further, the clock was set back.</summary>
    public static TimeSpan Late { get; } = TimeSpan.FromSeconds(30);

    /// <summary>The bucket as of now. A clock that steps back fills nothing; one that was set back, as by a fail-over to another machine, is gone by from then on.</summary>
    public TokenBucket Filled(double perSecond, long now) => now > At
        ? new(Math.Min(Capacity(perSecond), Tokens + ((now - At) / 1000.0 * perSecond)), now)
        : new(Math.Min(Capacity(perSecond), Tokens), At - now > (long)Late.TotalMilliseconds ? now : At);

    /// <summary>How many may leave.</summary>
    public int Whole => (int)Math.Min(int.MaxValue, Math.Floor(Tokens + 1e-9));

    /// <summary>The bucket after so many have left.</summary>
    public TokenBucket Less(int taken) => this with { Tokens = Tokens - taken };
}
