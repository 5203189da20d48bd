using System.Collections.Concurrent;
using System.Data.Common;
using MailFlow.Data;
using MailFlow.Engine.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Quartz;
using Quartz.Extensibility;

namespace MailFlow.Journeys.Scheduling;

/// <summary>
/// Quartz strikes the hours: at a schedule's time it has it written down, and no more. It goes by the node's clock, and what it strikes before the time has come by the database's
/// waits until it has. It is told what to wait for from the published journeys, again whenever one was changed. What was missed, because nobody was running, the database was
/// away or Quartz could not be told, is found by comparing the last time of each schedule with what is written down: after a failure, and every minute.
/// </summary>
internal sealed partial class ScheduleClock(
    Database database, PublishedSchedules published, ScheduleFires fires, ScheduleOptions options, IEnumerable<Upkeep> upkeep, IFaultPoints faults, ILoggerFactory logs)
    : BackgroundService, IJobFactory
{
    private const string Journeys = "journeys", Upkeeps = "upkeep";
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1), CompareEvery = TimeSpan.FromMinutes(1);

    private readonly ILogger _log = logs.CreateLogger<ScheduleClock>();
    private readonly Dictionary<string, Upkeep> _upkeep = upkeep.ToDictionary(each => each.Name);
    private readonly ConcurrentDictionary<DateTimeOffset, byte> _early = new();
    private volatile Dictionary<string, PublishedSchedule> _known = [];
    private volatile bool _behind = true, _untold;
    private long _epoch, _comparedAt;

    /// <summary>The one that strikes; null before the first round.</summary>
    internal IScheduler? Scheduler { get; private set; }

    /// <summary>A scheduler that does not know anything yet; <see cref="TellAsync"/> tells it.</summary>
    internal Task<IScheduler> CreateAsync(CancellationToken ct) => QuartzSchedulerBuilder.Create(quartz =>
    {
        quartz.Services.AddSingleton(logs);
        quartz.ConfigureScheduler(scheduler =>
            (scheduler.InstanceName, scheduler.GenerateInstanceId, scheduler.ShutdownJobInterruption) = ("mailflow", true, ShutdownJobInterruption.WhenWaitingForJobs)); // upkeep goes on where it was the next time
        quartz.UseJobFactory(this).UseTimeProvider(database.Time).UseDefaultThreadPool(2);
        if (options.ClusterConnectionString is { } connection) quartz.UsePersistentStore(store => store.UsePostgres(NpgsqlFactory.Instance, connection).ProvisionSchema().UseClustering());
        else quartz.UseInMemoryStore();
    }).BuildScheduler(ct).AsTask();

    /// <summary>Reads the schedules as they are published now, and writes down times that were missed. Gives how many were.</summary>
    internal async Task<int> MakeUpAsync(CancellationToken ct)
    {
        var (schedules, now) = await database.ReadAsync(async session => (await published.ReadAsync(session, ct), await InstantAsync(session, ct)), ct);
        _known = schedules.ToDictionary(KeyOf);
        var due = new List<(PublishedSchedule Schedule, DateTimeOffset At)>();
        foreach (var schedule in schedules)
        {
            try
            {
                if (schedule.MissedUpTo(now) is { } at) due.Add((schedule, at));
            }
            catch (Exception error)
            {
                LogUnscheduled(schedule.DefinitionId, schedule.ActivityId, error);
            }
        }
        var missed = 0;
        foreach (var (schedule, at) in await fires.UnwrittenAsync(due, ct))
            if (await fires.FireAsync(schedule, at, ct)) missed++;
        return missed;
    }

    /// <summary>Tells the scheduler of the upkeep and of the schedules as they were read last.</summary>
    internal async Task TellAsync(IScheduler scheduler, CancellationToken ct)
    {
        var now = await database.ReadAsync(session => InstantAsync(session, ct), ct);
        var known = _known;
        var triggers = await TriggersAsync(scheduler, ct);
        foreach (var each in _upkeep.Values)
            await PutAsync<UpkeepJob>(scheduler, triggers, Upkeeps, each.Name, $"{each.Every}", now + 2 * each.Every, trigger => trigger.StartAt(now + TimeSpan.FromMinutes(1)).WithSchedule(
                SimpleScheduleBuilder.Create().WithInterval(each.Every).RepeatForever().WithMisfireInstruction(SimpleTriggerMisfireInstruction.NextWithRemainingCount)), ct);
        foreach (var gone in triggers.Keys.Where(key => key.Group == Journeys && !known.ContainsKey(key.Name))) await scheduler.UnscheduleJob(gone, ct);
        foreach (var (name, schedule) in known)
        {
            try
            {
                if (Times.HasNext(schedule.Schedule, now)) await PutAsync<StrikeJob>(scheduler, triggers, Journeys, name, schedule.Shape, null, trigger => ScheduleOf(trigger, schedule), ct);
            }
            catch (Exception error) when (error is not (OperationCanceledException or DbException or JobPersistenceException)) // those are everybody's
            {
                LogUnscheduled(schedule.DefinitionId, schedule.ActivityId, error);
            }
        }
    }

    /// <summary>One look at what was changed or missed, and at who is to be let in; it needs no Quartz. True: more of them wait.</summary>
    internal async Task<bool> RoundAsync(CancellationToken ct)
    {
        var (epoch, now) = await database.ReadAsync(async session => (await EngineEpoch.ReadAsync(session, ct), await session.NowAsync(ct)), ct);
        foreach (var at in _early.Keys.Where(at => at.ToUnixTimeMilliseconds() <= now))
            if (_early.TryRemove(at, out _)) _behind = true;
        if (_behind || epoch != _epoch || database.Time.GetElapsedTime(_comparedAt) >= CompareEvery)
        {
            var began = database.Time.GetTimestamp();
            _behind = false; // before: what is missed meanwhile is for the next round
            if (await MakeUpAsync(ct) is > 0 and var missed) LogMissed(missed);
            (_epoch, _comparedAt, _untold) = (epoch, began, true);
        }
        return await fires.LetInAsync(ct);
    }

    /// <summary>Starts the scheduler if need be, and tells it what has been read since it was told last.</summary>
    internal async Task TellRoundAsync(CancellationToken ct)
    {
        if (!_untold) return;
        Scheduler ??= await StartedAsync(ct);
        _untold = false; // before: what is read meanwhile is for the next round
        try
        {
            await TellAsync(Scheduler, ct);
        }
        catch
        {
            _untold = true;
            throw;
        }
    }

    /// <summary>A schedule's time has come by this node's clock. What cannot be written down, is not known here yet, or is still to come by the database's clock, is made up for.</summary>
    internal async Task StrikeAsync(string name, DateTimeOffset at, CancellationToken ct)
    {
        try
        {
            if (_known.GetValueOrDefault(name) is not { } schedule) _behind = true; // published by another node, or unpublished, a moment ago
            else if (at <= schedule.PublishedAt) return; // Quartz takes the very instant of the publish for one
            else if (Times.LastUpTo(schedule.Schedule, schedule.PublishedAt, at) != at) _behind = true; // of what was published before, or after what is known here; or Quartz's alone (see Times)
            else if (at.ToUnixTimeMilliseconds() > await database.ReadAsync(session => session.NowAsync(ct), ct)) _early[at] = default;
            else await fires.FireAsync(schedule, at, ct);
        }
        catch (Exception error) when (!ct.IsCancellationRequested)
        {
            _behind = true;
            LogUnwritten(name, error);
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Each on its own: whoever keeps Quartz waiting, such as a frozen node that holds its lock, keeps nobody from being let in.
        await Task.WhenAll(
            Lane.RunAsync(async () =>
            {
                if (!await RoundAsync(stoppingToken)) await Task.Delay(Poll, database.Time, stoppingToken);
            }, (error, pause) =>
            {
                _behind = true;
                LogFailed(pause.TotalSeconds, error);
            }, database.Time, stoppingToken),
            Lane.RunAsync(async () =>
            {
                await TellRoundAsync(stoppingToken);
                await Task.Delay(Poll, database.Time, stoppingToken);
            }, (error, pause) => LogNotTold(pause.TotalSeconds, error), database.Time, stoppingToken));
        if (Scheduler is not null) await Scheduler.Shutdown(waitForJobsToComplete: true, CancellationToken.None);
    }

    /// <summary>One whose start failed is not of use any more: the next try makes another.</summary>
    private async Task<IScheduler> StartedAsync(CancellationToken ct)
    {
        var scheduler = await CreateAsync(ct);
        try
        {
            faults.Reach("schedules.before-start");
            await scheduler.Start(ct);
            return scheduler;
        }
        catch
        {
            await scheduler.Shutdown(waitForJobsToComplete: false, CancellationToken.None);
            throw;
        }
    }

    private static async Task<DateTimeOffset> InstantAsync(Session session, CancellationToken ct) => DateTimeOffset.FromUnixTimeMilliseconds(await session.NowAsync(ct));

    ValueTask<JobScope> IJobFactory.CreateJob(TriggerFiredBundle bundle, IScheduler scheduler, CancellationToken cancellationToken) =>
        ValueTask.FromResult(new JobScope(bundle.JobDetail.Key.Group == Upkeeps ? new UpkeepJob(this) : new StrikeJob(this), null!));

    ValueTask IJobFactory.ReturnJob(JobScope scope, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    private static string KeyOf(PublishedSchedule schedule) => $"{schedule.JourneyId}/{schedule.ActivityId}";

    private static TriggerBuilder<StrikeJob> ScheduleOf(TriggerBuilder<StrikeJob> trigger, PublishedSchedule schedule) => schedule.Schedule.Cron is { } cron
        ? trigger.WithSchedule(CronScheduleBuilder.Create(Times.Parse(cron, schedule.Schedule.TimeZone)).WithMisfireInstruction(CronTriggerMisfireInstruction.DoNothing))
        : trigger.StartAt(schedule.PublishedAt + schedule.Schedule.Every!.Value).WithSchedule(SimpleScheduleBuilder.Create().WithInterval(schedule.Schedule.Every.Value).RepeatForever()
            .WithMisfireInstruction(SimpleTriggerMisfireInstruction.NextWithRemainingCount));

    /// <summary>
    /// Leaves a trigger that is as it should be alone: another node may be about to fire it. One that is to fire after <paramref name="latest"/> was put off by a node whose clock was
    /// far ahead (clocks that differ a little do not come to that).
    /// </summary>
    private async Task PutAsync<TJob>(
        IScheduler scheduler, Dictionary<TriggerKey, TriggerHeader> triggers, string group, string name, string shape, DateTimeOffset? latest, Func<TriggerBuilder<TJob>, TriggerBuilder<TJob>> schedule, CancellationToken ct) where TJob : IJob
    {
        var key = new TriggerKey(name, group);
        if (triggers.TryGetValue(key, out var there) && there.Description == shape && !(there.NextFireTimeUtc > latest)) return;
        var job = JobBuilder.Create<TJob>().WithIdentity(name, group).DisallowConcurrentExecution(true).Build();
        var trigger = schedule(TriggerBuilder.Create<TJob>(database.Time).WithIdentity(key).WithDescription(shape)).ForJob(job).Build();
        await scheduler.ScheduleJob(job, [trigger], ScheduleJobOptions.Replacing, ct);
    }

    private static async Task<Dictionary<TriggerKey, TriggerHeader>> TriggersAsync(IScheduler scheduler, CancellationToken ct)
    {
        var triggers = new Dictionary<TriggerKey, TriggerHeader>();
        var skip = 0;
        PagedResult<TriggerHeader> page;
        do
        {
            page = await scheduler.QueryTriggers(new TriggerQuery { Skip = skip, Take = 500 }, ct);
            skip += page.Items.Count;
            foreach (var header in page.Items) triggers[header.Key] = header;
        }
        while (page.HasMore);
        return triggers;
    }

    /// <summary>A schedule's time has come.</summary>
    private sealed class StrikeJob(ScheduleClock clock) : IJob
    {
        public async ValueTask Execute(IJobExecutionContext context, CancellationToken ct) =>
            await clock.StrikeAsync(context.Trigger.Key.Name, context.ScheduledFireTimeUtc ?? context.FireTimeUtc, ct);
    }

    /// <summary>Work that is due again and again.</summary>
    private sealed class UpkeepJob(ScheduleClock clock) : IJob
    {
        public async ValueTask Execute(IJobExecutionContext context, CancellationToken ct)
        {
            if (!clock._upkeep.TryGetValue(context.Trigger.Key.Name, out var upkeep)) return; // another node's, of another version
            try
            {
                await upkeep.RunAsync(ct);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                clock.LogUpkeepFailed(upkeep.Name, error);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} schedules' times had not been written down: made up for now")]
    private partial void LogMissed(int count);

    [LoggerMessage(Level = LogLevel.Error, Message = "Schedules cannot be followed; next try in {Seconds:0.0} s, and what is missed is made up for")]
    private partial void LogFailed(double seconds, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "The clock of schedules and upkeep cannot be told what to wait for; next try in {Seconds:0.0} s, and until then schedules strike up to a minute late")]
    private partial void LogNotTold(double seconds, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "The time of schedule {Name} cannot be written down; it is made up for")]
    private partial void LogUnwritten(string name, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "The schedule {ActivityId} of journey {DefinitionId} cannot be followed: the others are")]
    private partial void LogUnscheduled(string definitionId, string activityId, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The upkeep '{Name}' failed; it is done again the next time")]
    private partial void LogUpkeepFailed(string name, Exception error);
}
