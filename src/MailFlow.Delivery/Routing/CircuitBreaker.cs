namespace MailFlow.Delivery.Routing;

/// <summary>
/// Whether a route is worth trying, as this node has seen it. Half of the last calls (those of half a minute, or ten where these took longer, as they do when each times
/// out) failing by the provider's own trouble opens it: nothing is handed over for 30 seconds, and after each try that fails again for twice as long, up to ten minutes. Then one mail tries; if that is taken, it is closed again.
/// A provider that asks for a pause (429) gets it, up to two hours.
/// </summary>
internal sealed class CircuitBreaker
{
    private const int FewestCalls = 10;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(30), FirstPause = TimeSpan.FromSeconds(30), LongestPause = TimeSpan.FromMinutes(10), LongestAsked = TimeSpan.FromHours(2);

    private readonly Lock _lock = new();
    private long _windowSince, _openUntil;
    private int _calls, _troubles, _openings;

    /// <summary>Until when nothing may be tried, Unix milliseconds; null when it may.</summary>
    public long? OpenUntil(long now)
    {
        lock (_lock) return _openUntil > now ? _openUntil : null;
    }

    /// <summary>How many may be tried now: any number, one after it was open, none while it is.</summary>
    public int Room(long now)
    {
        lock (_lock) return _openUntil > now ? 0 : _openings > 0 ? 1 : int.MaxValue;
    }

    /// <summary>What became of a batch of calls.</summary>
    /// <param name="calls">How many were made.</param>
    /// <param name="troubles">How many of them failed by the provider's own trouble.</param>
    /// <param name="pause">What the provider asked for.</param>
    /// <param name="now">When they were answered, Unix milliseconds.</param>
    public void Record(int calls, int troubles, TimeSpan? pause, long now)
    {
        lock (_lock)
        {
            if (now - _windowSince > Window.TotalMilliseconds && _calls >= FewestCalls) (_windowSince, _calls, _troubles) = (now, 0, 0);
            (_calls, _troubles) = (_calls + calls, _troubles + troubles);
            if (troubles < calls && _openings > 0) (_openings, _calls, _troubles) = (0, 0, 0);
            var isOpened = troubles > 0 && (_openings > 0 || (_calls >= FewestCalls && _troubles * 2 >= _calls));
            if (isOpened)
            {
                var wait = TimeSpan.FromTicks(Math.Min(LongestPause.Ticks, FirstPause.Ticks << Math.Min(_openings++, 10)));
                (_openUntil, _calls, _troubles) = (Math.Max(_openUntil, now + (long)wait.TotalMilliseconds), 0, 0);
            }
            if (pause is { } asked) _openUntil = Math.Max(_openUntil, now + (long)Math.Min(asked.TotalMilliseconds, LongestAsked.TotalMilliseconds));
        }
    }
}
