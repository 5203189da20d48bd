namespace MailFlow.Delivery.Tests.Smtp;

/// <summary>A clock that stands still until a test moves it, and then fires the timers that fell due.</summary>
internal sealed class ManualClock : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<Alarm> _alarms = [];
    private DateTimeOffset _now = new(2026, 3, 1, 9, 0, 0, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
            return _now;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var alarm = new Alarm(this, () => callback(state));
        alarm.Change(dueTime, period);
        return alarm;
    }

    public void Advance(TimeSpan span)
    {
        List<Alarm> due;
        lock (_gate)
        {
            _now += span;
            due = _alarms.Where(alarm => alarm.DueAt <= _now).ToList();
            foreach (var alarm in due)
                alarm.Rearm(_now);
        }

        foreach (var alarm in due)
            alarm.Fire();
    }

    private sealed class Alarm(ManualClock clock, Action callback) : ITimer
    {
        private TimeSpan _period;

        public DateTimeOffset DueAt { get; private set; } = DateTimeOffset.MaxValue;

        public void Fire() => callback();

        public void Rearm(DateTimeOffset now) => DueAt = _period > TimeSpan.Zero ? now + _period : DateTimeOffset.MaxValue;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._gate)
            {
                _period = period;
                DueAt = dueTime == Timeout.InfiniteTimeSpan ? DateTimeOffset.MaxValue : clock._now + dueTime;
                if (!clock._alarms.Contains(this))
                    clock._alarms.Add(this);
            }

            return true;
        }

        public void Dispose()
        {
            lock (clock._gate)
                clock._alarms.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
