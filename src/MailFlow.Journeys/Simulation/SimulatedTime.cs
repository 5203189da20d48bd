namespace MailFlow.Journeys.Simulation;

/// <summary>A clock that jumps. Time-outs of calls still run on real time: they guard against what hangs.</summary>
internal sealed class SimulatedTime(DateTimeOffset start) : TimeProvider
{
    private long _ticks = start.UtcTicks;

    public override DateTimeOffset GetUtcNow() => new(Interlocked.Read(ref _ticks), TimeSpan.Zero);

    /// <summary>Moves the clock on; never back.</summary>
    public void MoveTo(DateTimeOffset instant)
    {
        if (instant > GetUtcNow()) Interlocked.Exchange(ref _ticks, instant.UtcTicks);
    }
}
