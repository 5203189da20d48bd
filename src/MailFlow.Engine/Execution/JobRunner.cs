using System.Collections.Concurrent;
using System.Diagnostics;
using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailFlow.Engine.Execution;

/// <summary>
/// Does jobs: claims due ones under a lease, runs each outside any transaction, and answers through the inbox of the contact's shard.
/// A job whose process dies is tried again when its lease runs out; a result that comes later than that is dropped.
/// </summary>
public sealed partial class JobRunner(
    Database database, ActivityRegistry activities, IServiceScopeFactory scopes, WorkSignal signal, EffectSignal effects, Random random, IFaultPoints faults, ILogger<JobRunner> log)
    : BackgroundService
{
    private const int AtOnce = 32;
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PollEvery = TimeSpan.FromSeconds(1);

    /// <summary>Longer than nearly any attempt's deadline; who gives itself longer is hidden for longer before it begins.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    private readonly List<string> _types = [.. activities.All.Select(activity => activity.Type)];

    /// <summary>The account that was served last.</summary>
    private int _after = int.MinValue;

    /// <summary>Does what is due, at most a few dozen jobs, and waits for them; gives how many attempts were made.</summary>
    public async Task<int> RunOnceAsync(CancellationToken ct)
    {
        var (jobs, began) = await ClaimAsync(AtOnce, ct);
        await Task.WhenAll(jobs.Select(job => AttemptAsync(job, began, ct)));
        return jobs.Count;
    }

    /// <summary>Keeps its places filled: a slow job holds up one place, not the others.</summary>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var wake = new SemaphoreSlim(0);
        void Wake() { if (wake.CurrentCount == 0) wake.Release(); }
        effects.Planned += Wake;
        var running = new ConcurrentDictionary<Guid, Task>();
        await Lane.RunAsync(async () =>
        {
            var (jobs, began) = running.Count < AtOnce ? await ClaimAsync(AtOnce - running.Count, stoppingToken) : ([], 0);
            foreach (var job in jobs)
                running[job.Key] = Task.Run(() => TryAsync(job, began, stoppingToken), CancellationToken.None)
                    .ContinueWith(_ => { running.TryRemove(job.Key, out Task? _); Wake(); }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            await wake.WaitAsync(PollEvery, stoppingToken);
        }, (error, pause) => LogUnclaimed(pause.TotalSeconds, error), database.Time, stoppingToken);
        effects.Planned -= Wake;
        await Task.WhenAll(running.Values);
    }

    /// <summary>No stop cuts it off: what was taken without our knowing would be hidden until its lease runs out. Gives with the jobs this process's monotonic clock before it.</summary>
    private async Task<(List<JobRow> Jobs, long Began)> ClaimAsync(int most, CancellationToken stopping)
    {
        List<JobRow> jobs;
        int parked;
        long began;
        do
        {
            began = database.Time.GetTimestamp();
            (jobs, parked) = await database.WriteAsync(async session =>
            {
                var now = await session.NowAsync(default);
                return await JobStore.ClaimAsync(session, now, now + (long)(Longest + Grace).TotalMilliseconds, most, _after, _types, default);
            }, CancellationToken.None);
        }
        while (jobs.Count == 0 && parked > 0 && !stopping.IsCancellationRequested); // those of a paused journey stood before what there is to do
        if (jobs.Count > 0) _after = jobs[^1].AccountId;
        if (jobs.Count > 0) faults.Reach("job.claimed");
        return (jobs, began);
    }

    private async Task TryAsync(JobRow job, long began, CancellationToken ct)
    {
        try
        {
            await AttemptAsync(job, began, ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            await HandBackAsync(job, "the server was stopped");
        }
        catch (Exception error)
        {
            LogUnrecorded(job.ActivityType, error);
        }
    }

    /// <summary>Another need not wait for the lease. The attempt counts, and its number tells this one's result from the next one's.</summary>
    private async Task HandBackAsync(JobRow job, string why)
    {
        try
        {
            await database.WriteAsync(async session =>
                await JobStore.PutOffAsync(session, job, await session.NowAsync(CancellationToken.None), why, CancellationToken.None), CancellationToken.None);
        }
        catch (Exception error)
        {
            LogUnrecorded(job.ActivityType, error);
        }
    }

    private async Task AttemptAsync(JobRow row, long began, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        // A process that was frozen in between must not make a call that another has taken over, or would before its answer is there.
        if (database.Time.GetElapsedTime(began) > Grace)
        {
            await HandBackAsync(row, "the process stood still");
            return;
        }
        await using var scope = scopes.CreateAsyncScope();
        if (activities.Find(row.ActivityType) is not { } descriptor || scope.ServiceProvider.GetService(descriptor.Class) is not IJobActivity activity)
        {
            LogUnknown(row.ActivityType);
            return;
        }
        var deadline = activity.Retry.Deadline ?? TimeSpan.FromSeconds(30);
        if (deadline > Longest && !await database.WriteAsync(async session =>
            await JobStore.HideAsync(session, row, await session.NowAsync(ct) + (long)(deadline + Grace).TotalMilliseconds, ct), ct)) return;
        var started = Stopwatch.GetTimestamp();
        var result = await CallAsync(activity, row, deadline, ct);
        EngineMetrics.TriedJob(database, started, result.IsRetry);
        faults.Reach("job.after-call");
        await RecordAsync(row, activity.Retry, descriptor, result, CancellationToken.None); // the call was made: no stop undoes it
    }

    private async Task<JobResult> CallAsync(IJobActivity activity, JobRow row, TimeSpan deadline, CancellationToken ct)
    {
        var job = new Job(row.Key, row.AccountId, row.ContactId, row.UserId, row.Attempt, database.Time.GetUtcNow());
        using var timeout = new CancellationTokenSource(deadline, database.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, timeout.Token);
        try
        {
            return await activity.RunAsync(row.Input, job, either.Token);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            return JobResult.Retry($"no answer within {deadline.TotalSeconds:0} s");
        }
        catch (Exception error) when (error is not OperationCanceledException || !ct.IsCancellationRequested) // one of the activity's own is a failure like another
        {
            return JobResult.Retry($"{error.GetType().Name}: {error.Message}");
        }
    }

    private async Task RecordAsync(JobRow row, JobRetry retry, ActivityDescriptor descriptor, JobResult result, CancellationToken ct)
    {
        var answered = await database.WriteAsync(async session =>
        {
            var now = await session.NowAsync(ct);
            if (result.IsRetry && row.Attempt < retry.Attempts)
            {
                await JobStore.PutOffAsync(session, row, now + (long)Delay(retry, row.Attempt, result.After).TotalMilliseconds, result.Text!, ct);
                return false;
            }
            if (!await JobStore.FinishAsync(session, row, ct)) return false;
            var outcome = result.IsRetry ? descriptor.Outcomes.Contains("Failed") ? "Failed" : null : result.Outcome;
            var text = result.IsRetry ? $"gave up after {row.Attempt} attempts: {result.Text}" : result.Text;
            await Inbox.PostAsync(session, [InboxItem.For(row.AccountId, row.UserId, InboxKind.JobResult, row.Key, new Dictionary<string, object?>
            {
                ["instance"] = row.InstanceId.ToString(), ["node"] = (long)row.Node, ["visit"] = (long)row.Visit, ["outcome"] = outcome, ["text"] = text,
            })], ct);
            return true;
        }, ct);
        if (answered) signal.Notify(row.Shard);
    }

    private TimeSpan Delay(JobRetry retry, int attempt, TimeSpan? asked)
    {
        var first = retry.First ?? TimeSpan.FromSeconds(10);
        var longest = retry.Longest ?? TimeSpan.FromHours(1);
        var wait = TimeSpan.FromTicks((long)Math.Min(longest.Ticks, first.Ticks * Math.Pow(2, attempt - 1)));
        var jittered = wait * (0.8 + 0.4 * random.NextDouble());
        return asked > jittered ? asked.Value : jittered;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Jobs could not be claimed; next try in {Seconds:0.0} s")]
    private partial void LogUnclaimed(double seconds, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "What became of a job of {Type} could not be written down; it is tried again when its lease runs out")]
    private partial void LogUnrecorded(string type, Exception error);

    [LoggerMessage(Level = LogLevel.Critical, Message = "A job's activity {Type} is not known to this node")]
    private partial void LogUnknown(string type);
}
