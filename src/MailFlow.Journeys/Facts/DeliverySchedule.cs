namespace MailFlow.Journeys.Facts;

/// <summary>When a delivery that failed is tried again: ten attempts over three days, each put off by up to a fifth more or less, so that many do not come back at once.</summary>
internal static class DeliverySchedule
{
    private static readonly TimeSpan[] Waits =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(5),
        TimeSpan.FromHours(10), TimeSpan.FromHours(14), TimeSpan.FromHours(20), TimeSpan.FromHours(24),
    ];

    private static readonly TimeSpan LongestAsked = TimeSpan.FromDays(1);

    /// <summary>The wait after so many failed attempts, at least what the receiver asked for (at most a day); null when it is given up.</summary>
    public static TimeSpan? After(int attempts, TimeSpan? asked, Random random)
    {
        if (attempts > Waits.Length) return null;
        var wait = Waits[attempts - 1] * (0.8 + (0.4 * random.NextDouble()));
        var least = asked is { } given ? TimeSpan.FromTicks(Math.Clamp(given.Ticks, 0, LongestAsked.Ticks)) : TimeSpan.Zero;
        return wait > least ? wait : least;
    }
}
