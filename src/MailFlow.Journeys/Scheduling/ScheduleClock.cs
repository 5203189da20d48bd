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
/// Quartz strikes the hours: at a schedule's time it has it written down, and no more. It is told what to wait for from the published journeys, again whenever one was changed. What it
/// missed because nobody was running is found by comparing the last time of each schedule with what is written down.
/// </summary>
internal sealed partial class ScheduleClock(
    Database database, PublishedSchedules published, ScheduleFires fires, ScheduleOptions options, IEnumerable<Upkeep> upkeep, ILoggerFactory logs) : BackgroundService, IJobFactory
{
    private const string Journeys = "journeys", Upkeeps = "upkeep";
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);

    private readonly ILogger _log = logs.CreateLogger<ScheduleClock>();
    private readonly Dictionary<string, Upkeep> _upkeep = upkeep.ToDictionary(each => each.Name);
    private readonly ScheduleFires _fires = fires;
    private volatile Dictionary<string, PublishedSchedule> _known = [];

    /// <summary>A scheduler that knows the upkeep; journeys come with <see cref="ReconcileAsync"/>.</summary>
    internal async Task<IScheduler> CreateAsync(CancellationToken ct)
    {
        var scheduler = await QuartzSchedulerBuilder.Create(quartz =>
        {
            quartz.Services.AddSingleton(logs);
            quartz.ConfigureScheduler(scheduler => (scheduler.InstanceName, scheduler.GenerateInstanceId) = ("mailflow", true));
            quartz.UseJobFactory(this).UseTimeProvider(database.Time).UseDefaultThreadPool(2);
            if (options.ClusterConnectionString is { } connection) quartz.UsePersistentStore(store => store.UsePostgres(NpgsqlFactory.Instance, connection).ProvisionSchema().UseClustering());
            else quartz.UseInMemoryStore();
        }).BuildScheduler(ct);
        foreach (var each in _upkeep.Values)
            await PutAsync<UpkeepJob>(scheduler, Upkeeps, each.Name, $"{each.Every}", trigger => trigger.StartAt(database.Time.GetUtcNow() + TimeSpan.FromMinutes(1)).WithSchedule(
                SimpleScheduleBuilder.Create().WithInterval(each.Every).RepeatForever().WithMisfireInstruction(SimpleTriggerMisfireInstruction.NextWithRemainingCount)), ct);
        return scheduler;
    }

    /// <summary>Tells the scheduler of the schedules as they are published now, and writes down times that were missed. Gives how many were.</summary>
    internal async Task<int> ReconcileAsync(IScheduler scheduler, CancellationToken ct)
    {
        var (schedules, last, now) = await database.ReadAsync(async session => (
            await published.ReadAsync(session, ct), await ScheduleFires.LastAsync(session, ct), DateTimeOffset.FromUnixTimeMilliseconds(await session.NowAsync(ct))), ct);
        _known = schedules.ToDictionary(KeyOf);
        foreach (var gone in (await KeysAsync(scheduler, Journeys, ct)).Where(key => !_known.ContainsKey(key.Name))) await scheduler.UnscheduleJob(gone, ct);
        var missed = 0;
        foreach (var (name, schedule) in _known)
        {
            await PutAsync<StrikeJob>(scheduler, Journeys, name, schedule.Shape, trigger => ScheduleOf(trigger, schedule), ct);
            if (Times.LastUpTo(schedule.Schedule, schedule.PublishedAt, now) is not { } due || due <= schedule.PublishedAt) continue;
            if (last.TryGetValue((schedule.JourneyId, schedule.ActivityId), out var before) && before >= due) continue;
            if (schedule.ExpireLate is { } most && now - due > most) continue;
            if (await _fires.FireAsync(schedule, due, ct)) missed++;
        }
        return missed;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        IScheduler? scheduler = null;
        var (epoch, failures) = (long.MinValue, 0);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (scheduler is null) await (scheduler = await CreateAsync(stoppingToken)).Start(stoppingToken);
                var current = await database.ReadAsync(session => EngineEpoch.ReadAsync(session, stoppingToken), stoppingToken);
                if (current != epoch && await ReconcileAsync(scheduler, stoppingToken) is > 0 and var missed) LogMissed(missed);
                epoch = current;
                while (await _fires.LetInAsync(stoppingToken)) { }
                failures = 0;
                await Task.Delay(Poll, database.Time, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception error)
            {
                if (failures++ == 0) LogFailed(error);
                await Task.Delay(Poll, database.Time, stoppingToken).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }
        }
        if (scheduler is not null) await scheduler.Shutdown(waitForJobsToComplete: true, CancellationToken.None);
    }

    ValueTask<JobScope> IJobFactory.CreateJob(TriggerFiredBundle bundle, IScheduler scheduler, CancellationToken cancellationToken) =>
        ValueTask.FromResult(new JobScope(bundle.JobDetail.Key.Group == Upkeeps ? new UpkeepJob(this) : new StrikeJob(this), null!));

    ValueTask IJobFactory.ReturnJob(JobScope scope, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    private static string KeyOf(PublishedSchedule schedule) => $"{schedule.JourneyId}/{schedule.ActivityId}";

    private static TriggerBuilder<StrikeJob> ScheduleOf(TriggerBuilder<StrikeJob> trigger, PublishedSchedule schedule) => schedule.Schedule.Cron is { } cron
        ? trigger.WithSchedule(CronScheduleBuilder.Create(Times.Parse(cron, schedule.Schedule.TimeZone)).WithMisfireInstruction(CronTriggerMisfireInstruction.DoNothing))
        : trigger.StartAt(schedule.PublishedAt + schedule.Schedule.Every!.Value).WithSchedule(SimpleScheduleBuilder.Create().WithInterval(schedule.Schedule.Every.Value).RepeatForever()
            .WithMisfireInstruction(SimpleTriggerMisfireInstruction.NextWithRemainingCount));

    /// <summary>Leaves a trigger that is as it should be alone: another node may be about to fire it.</summary>
    private async Task PutAsync<TJob>(IScheduler scheduler, string group, string name, string shape, Func<TriggerBuilder<TJob>, TriggerBuilder<TJob>> schedule, CancellationToken ct) where TJob : IJob
    {
        var key = new TriggerKey(name, group);
        if ((await scheduler.GetTrigger(key, ct))?.Description == shape) return;
        var job = JobBuilder.Create<TJob>().WithIdentity(name, group).DisallowConcurrentExecution(true).Build();
        var trigger = schedule(TriggerBuilder.Create<TJob>(database.Time).WithIdentity(key).WithDescription(shape)).ForJob(job).Build();
        await scheduler.ScheduleJob(job, [trigger], ScheduleJobOptions.Replacing, ct);
    }

    private static async Task<List<TriggerKey>> KeysAsync(IScheduler scheduler, string group, CancellationToken ct)
    {
        var keys = new List<TriggerKey>();
        PagedResult<TriggerHeader> page;
        do
        {
            page = await scheduler.QueryTriggers(new TriggerQuery { Group = GroupMatcher<TriggerKey>.GroupEquals(group), Skip = keys.Count, Take = 500 }, ct);
            keys.AddRange(page.Items.Select(item => item.Key));
        }
        while (page.HasMore);
        return keys;
    }

    /// <summary>A schedule's time has come.</summary>
    private sealed class StrikeJob(ScheduleClock clock) : IJob
    {
        public async ValueTask Execute(IJobExecutionContext context, CancellationToken ct)
        {
            // One that was unpublished a moment ago is not known any more.
            if (clock._known.GetValueOrDefault(context.Trigger.Key.Name) is { } schedule) await clock._fires.FireAsync(schedule, context.ScheduledFireTimeUtc ?? context.FireTimeUtc, ct);
        }
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

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} schedules' times had passed while no server ran: made up for now")]
    private partial void LogMissed(int count);

    [LoggerMessage(Level = LogLevel.Error, Message = "Schedules cannot be followed; tried again every second, and what is missed is made up for")]
    private partial void LogFailed(Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The upkeep '{Name}' failed; it is done again the next time")]
    private partial void LogUpkeepFailed(string name, Exception error);
}
