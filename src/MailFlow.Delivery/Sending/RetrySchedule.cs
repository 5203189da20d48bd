namespace MailFlow.Delivery.Sending;

/// <summary>How long to wait before the next attempt: doubling from 30 seconds to an hour, spread so that what failed together does not come back together.</summary>
internal sealed class RetrySchedule(Random random)
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(30), Longest = TimeSpan.FromHours(1);
    private readonly Lock _lock = new();

    /// <summary>Between a half and the whole of the back-off, and never less than the provider asked for.</summary>
    /// <param name="attempt">The attempt that failed, from 1.</param>
    /// <param name="retryAfter">What the provider asked for.</param>
    public TimeSpan After(int attempt, TimeSpan? retryAfter)
    {
        var backOff = TimeSpan.FromTicks(Math.Min(Longest.Ticks, First.Ticks << Math.Min(attempt - 1, 20)));
        double share;
        lock (_lock) share = random.NextDouble();
        var spread = backOff * (0.5 + (share / 2));
        return retryAfter > spread ? retryAfter.Value * (1 + (share / 10)) : spread;
    }
}
