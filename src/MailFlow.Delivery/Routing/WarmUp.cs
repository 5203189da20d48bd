namespace MailFlow.Delivery.Routing;

/// <summary>
/// A sending domain's schedule: from the first day's volume to the target in equal proportions a day. A day that was used (half of its volume or more) and drew no complaints leads
/// to the next step; an idle day leads nowhere; a day whose reputation was poor goes a step back, at half the volume.
/// </summary>
/// <param name="FirstVolume">How many mails on the first day.</param>
/// <param name="TargetVolume">How many on the last.</param>
/// <param name="Days">How many days from the first to the last.</param>
/// <param name="Step">The day of the schedule that <paramref name="Day"/> is, from 0; <paramref name="Days"/> when it is done.</param>
/// <param name="Day">A day (UTC, since 1970).</param>
internal sealed record WarmUp(int FirstVolume, int TargetVolume, int Days, int Step, int Day)
{
    public bool IsDone => Step >= Days;

    /// <summary>What the schedule has for a step.</summary>
    public int VolumeAt(int step) => (int)Math.Round(FirstVolume * Math.Pow((double)TargetVolume / FirstVolume, (double)Math.Min(step, Days - 1) / (Days - 1)));

    /// <summary>The most that may leave on <see cref="Day"/>; null when the domain is warm.</summary>
    public int? Volume(Standing standing) => IsDone ? null : standing == Standing.Good ? VolumeAt(Step) : Math.Max(1, VolumeAt(Step) / 2);

    /// <summary>The schedule as of a later day.</summary>
    /// <param name="today">The day it is.</param>
    /// <param name="log">What left on the days before.</param>
    public WarmUp On(int today, SendingLog log)
    {
        var state = this;
        for (; state.Day < today && !state.IsDone; state = state with { Day = state.Day + 1 })
        {
            var standing = log.StandingOn(state.Day);
            if (standing != Standing.Good) state = state with { Step = Math.Max(0, state.Step - 1) };
            else if (log.Of(state.Day).HandedOver * 2 >= state.VolumeAt(state.Step)) state = state with { Step = state.Step + 1 };
        }
        return state with { Day = Math.Max(today, Day) };
    }

    /// <summary>How many days until this many mails have left, today counted, if nothing goes wrong and each day is used; 0 for none.</summary>
    /// <param name="backlog">How many mails wait.</param>
    /// <param name="usedToday">How many have left today.</param>
    public int DaysFor(long backlog, int usedToday)
    {
        var days = 0;
        for (var step = Step; backlog > 0; step++)
        {
            days++;
            if (step >= Days) return days; // warm: the rest goes out in a day
            backlog -= Math.Max(0, VolumeAt(step) - (days == 1 ? usedToday : 0));
        }
        return days;
    }
}
