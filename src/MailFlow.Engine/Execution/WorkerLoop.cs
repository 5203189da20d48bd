using MailFlow.Data;
using MailFlow.Engine.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailFlow.Engine.Execution;

/// <summary>
/// Keeps the workers of this process going, from when the whole host has started: at once for a shard that was signalled, and for whatever the database says is due, which is looked
/// for when the next wait is over, every quarter of a second at least. Stopping lets the batches in hand commit.
/// </summary>
internal sealed partial class WorkerLoop(
    Worker worker, WorkSignal signal, EffectSignal effects, Database database, IHostApplicationLifetime lifetime, ILogger<WorkerLoop> log) : BackgroundService
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(250);

    // Looks closer together would make batches of one, which cost the most: waits that are over within it are worked together.
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!await HasStartedAsync(stoppingToken) || !await BeginAsync(stoppingToken)) return;
        EngineMetrics.Begin();
        // SQLite has one writer at a time: more workers would only queue at its gate.
        var workers = database.Dialect.IsPostgreSql ? Math.Clamp(Environment.ProcessorCount, 2, 8) : 1;
        await Task.WhenAll(Enumerable.Range(0, workers).Select(_ => Task.Run(() => WorkAsync(workers, stoppingToken), CancellationToken.None))
            .Append(Task.Run(() => PollAsync(stoppingToken), CancellationToken.None)));
        try
        {
            await worker.EndAsync(CancellationToken.None);
        }
        catch (Exception error)
        {
            LogNotEnded(error);
        }
    }

    /// <summary>A start that comes to nothing, because its port is taken, dies with no work in hand: <see cref="CrashWatch"/> would blame that.</summary>
    private async Task<bool> HasStartedAsync(CancellationToken stopping)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registered = lifetime.ApplicationStarted.Register(started.SetResult);
        try
        {
            await started.Task.WaitAsync(stopping);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task<bool> BeginAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await worker.BeginAsync(stopping);
                return true;
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                LogPollFailed(error);
                await Task.Delay(AfterFailure, database.Time, stopping).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }
            catch (OperationCanceledException)
            {
                // Stopping.
            }
        }
        return false;
    }

    private async Task WorkAsync(int workers, CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            var shards = signal.Take(workers, worker.Together, worker.Joins);
            if (shards.Count == 0)
            {
                await signal.WaitAsync(stopping).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
                continue;
            }
            IReadOnlyCollection<int> more = [];
            var hasFailed = false;
            try
            {
                // A batch once begun commits.
                (var turn, more) = await worker.RunTogetherAsync(shards, CancellationToken.None);
                if (turn.HasEffects) effects.Notify();
            }
            catch (Exception error)
            {
                LogFailed(string.Join(", ", shards), error);
                (more, hasFailed) = (shards, true);
            }
            finally
            {
                signal.Release(shards, more);
            }
            if (hasFailed) await Task.Delay(AfterFailure, database.Time, stopping).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private async Task PollAsync(CancellationToken stopping)
    {
        var pause = LongestPause;
        try
        {
            while (true)
            {
                await Task.Delay(pause, database.Time, stopping);
                try
                {
                    var began = database.Time.GetTimestamp();
                    var ahead = await worker.LookAheadAsync(stopping);
                    signal.Notify(ahead.Shards);
                    pause = PauseAfter(ahead, database.Time.GetElapsedTime(began));
                }
                catch (Exception error) when (error is not OperationCanceledException)
                {
                    LogPollFailed(error);
                    pause = LongestPause;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }

    /// <summary>
    /// How long to wait before the next look. What comes next in a shard that is being worked is not known: it may be soon. A look takes the longer the more accounts there are, and is
    /// then made less often: looks take a tenth of the time, and where even the longest pause is too short for that, a quarter at most.
    /// </summary>
    internal static TimeSpan PauseAfter(WorkAhead ahead, TimeSpan took)
    {
        var wanted = ahead.Shards.Count > 0 ? TimeSpan.Zero : TimeSpan.FromMilliseconds(ahead.NextIn ?? LongestPause.TotalMilliseconds);
        var least = 10 * took > ShortestPause ? 10 * took : ShortestPause;
        return TimeSpan.FromTicks(Math.Max(3 * took.Ticks, Math.Min(LongestPause.Ticks, Math.Max(wanted.Ticks, least.Ticks))));
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Work in shard {Shards} failed and is tried again in a second")]
    private partial void LogFailed(string shards, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "It could not be noted that this node stopped; its next start begins slowly")]
    private partial void LogNotEnded(Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "The database could not be asked for due work")]
    private partial void LogPollFailed(Exception error);
}
