namespace MailFlow.Data;

/// <summary>Work in the background that goes on whatever happens: after a failure it pauses, longer each time, and begins anew.</summary>
public static class Lane
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250), LongestPause = TimeSpan.FromSeconds(5); // the database is back sooner than most think

    /// <summary>How long to wait after so many failures before this one, one after another.</summary>
    public static TimeSpan PauseAfter(int failures) => TimeSpan.FromTicks(Math.Min(LongestPause.Ticks, FirstPause.Ticks << Math.Min(failures, 10)));

    /// <param name="round">One round of work, its waiting for more included.</param>
    /// <param name="failed">Tells of a failure and of the pause that follows.</param>
    /// <param name="time">The clock.</param>
    /// <param name="stopping">Ends it.</param>
    public static async Task RunAsync(Func<Task> round, Action<Exception, TimeSpan> failed, TimeProvider time, CancellationToken stopping)
    {
        var failures = 0;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await round();
                failures = 0;
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                var pause = PauseAfter(failures++);
                failed(error, pause);
                await Task.Delay(pause, time, stopping).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }
        }
    }
}
