using System.Data.Common;
using System.Diagnostics.Metrics;
using MailFlow.Data;
using MailFlow.Server.Nodes;

namespace MailFlow.Server.Telemetry;

/// <summary>
/// What stands in the database, as gauges: nodes, shards, backlogs. Read when somebody asks for them and not otherwise; every node gives the same, so ask for the greatest, not the sum.
/// Whether the database is up is asked for itself: a look that takes long goes on alone, and until it is done the gauges keep, for a while, what was seen last.
/// </summary>
internal sealed partial class ClusterGauges : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3), Stale = TimeSpan.FromSeconds(15), Old = TimeSpan.FromMinutes(5);

    internal Meter Meter { get; } = new("MailFlow.Server");

    /// <summary>How long whoever asks waits for a look.</summary>
    internal TimeSpan LookPatience { get; set; } = Patience;

    private readonly Cluster _cluster;
    private readonly Database _database;
    private readonly TimeProvider _time;
    private readonly ILogger<ClusterGauges> _log;
    private readonly Lock _once = new();
    private Task? _asking, _looking;
    private volatile ClusterView? _seen;
    private long _lookedAt, _seenAt;
    private volatile bool _isBlind;
    private volatile int _isUp = -1; // not asked yet

    public ClusterGauges(Cluster cluster, Database database, ILogger<ClusterGauges> log)
    {
        (_cluster, _database, _time, _log, _seenAt) = (cluster, database, database.Time, log, database.Time.GetTimestamp());
        Meter.CreateObservableGauge("mailflow.database.up", () => Up(), null, "Whether this node reaches the database");
        Meter.CreateObservableGauge("mailflow.backlog.age", () => Age(), "s", "How long ago what stands in the database was seen, or this node began and has not seen it");
        Gauge("mailflow.nodes", "{node}", "Nodes by how they stand", view => Enum.GetValues<NodeStatus>().Select(status =>
            new Measurement<double>(view.Nodes.Count(node => node.Status == status), new KeyValuePair<string, object?>("status", status.ToString().ToLowerInvariant()))));
        Gauge("mailflow.role.nodes", "{node}", "Nodes that are up, by what they do", view => NodeRoles.All.Words().Select(role =>
            new Measurement<double>(view.Nodes.Count(node => node.Status == NodeStatus.Up && node.Roles.Contains(role)), new KeyValuePair<string, object?>("role", role))));
        Gauge("mailflow.backlog.lag", "s", "How long the oldest stimulus waits that is to be worked by now", view => [new(view.LagSeconds)]);
        Gauge("mailflow.shard.lag", "s", "The same, by shard", view => view.Engine.Shards.Select(shard => new Measurement<double>(
            shard.OldestAt is { } at ? Math.Max(0, (view.At - at).TotalSeconds) : 0, new KeyValuePair<string, object?>("shard", shard.Shard))));
        Gauge("mailflow.inbox.depth", "{row}", "Events, commands and results of jobs that wait for a worker", view => [new(view.Engine.Shards.Sum(shard => shard.Inbox))]);
        Gauge("mailflow.timers.due", "{instance}", "Instances whose time has come and that wait for a worker", view => [new(view.Engine.Shards.Sum(shard => shard.Timers))]);
        Gauge("mailflow.jobs.due", "{job}", "Jobs that are due", view => [new(view.Engine.Jobs)]);
        Gauge("mailflow.parked_activities", "{activity}", "Activities that fail for everybody and are held", view => [new(view.Engine.ParkedActivities)]);
        Gauge("mailflow.dead_letters", "{row}", "Dead letters that nobody has replayed", view => [new(view.Engine.DeadLetters)]);
        Gauge("mailflow.messages.open", "{message}", "Messages that have not come to an end, by state", view =>
        [
            Of("queued", view.Messages.Queued), Of("inflight", view.Messages.Inflight), Of("deferred", view.Messages.Deferred), Of("unknown", view.Messages.Unknown),
        ]);
        Gauge("mailflow.messages.lag", "s", "How long the oldest due message waits for a sender",
            view => [new(view.Messages.OldestDueAt is { } at ? Math.Max(0, (view.At - at).TotalSeconds) : 0)]);
        Gauge("mailflow.facts.lag", "s", "How long the oldest fact waits to be published to the broker or dealt to the webhooks",
            view => [new(view.Engine.OldestFactAt is { } at ? Math.Max(0, (view.At - at).TotalSeconds) : 0)]);
        Gauge("mailflow.reports.waiting", "{call}", "What providers reported and is not worked off", view => [new(view.Messages.Reports)]);
    }

    /// <summary>Looks anew, as far as that is done in time. Fails with the database, not with an exception: the gauges say so.</summary>
    public async Task RefreshAsync(CancellationToken ct)
    {
        Interlocked.Exchange(ref _lookedAt, _time.GetTimestamp());
        // What an earlier one has begun and is not done is waited for, not begun again.
        if (!await IsDoneAsync(Once(ref _asking, AskAsync), Patience, ct)) _isUp = 0;
        if (_isUp == 1) await IsDoneAsync(Once(ref _looking, LookAsync), LookPatience, ct);
    }

    public void Dispose() => Meter.Dispose();

    private async Task AskAsync()
    {
        try
        {
            using var lifted = AccountWall.Lift();
            await _database.ReadAsync(session => session.ScalarAsync<long>("SELECT 1", CancellationToken.None), CancellationToken.None);
            _isUp = 1;
        }
        catch (Exception error)
        {
            if (_isUp != 0) LogAway(error);
            _isUp = error is DbException && !_database.Dialect.IsTransient(error) ? 1 : 0; // it has answered, if only that it will not
        }
    }

    private async Task LookAsync()
    {
        try
        {
            _seen = await _cluster.ReadAsync(CancellationToken.None);
            Interlocked.Exchange(ref _seenAt, _time.GetTimestamp());
            _isBlind = false;
        }
        catch (Exception error)
        {
            if (!_isBlind) LogUnseen(error);
            _isBlind = true;
        }
    }

    private Task Once(ref Task? running, Func<Task> run)
    {
        lock (_once) return running is { IsCompleted: false } ? running : running = Task.Run(run);
    }

    private static async Task<bool> IsDoneAsync(Task task, TimeSpan patience, CancellationToken ct)
    {
        await task.WaitAsync(patience, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ct.ThrowIfCancellationRequested();
        return task.IsCompleted;
    }

    private static Measurement<double> Of(string state, long count) => new(count, new KeyValuePair<string, object?>("state", state));

    /// <summary>A pull by <c>/metrics</c> has looked before; a push by OTLP reports what was seen, and has it looked at again for the next one.</summary>
    private ClusterView? Seen()
    {
        var looked = Interlocked.Read(ref _lookedAt);
        if (looked == 0 || _time.GetElapsedTime(looked) > Stale) _ = RefreshAsync(CancellationToken.None);
        return _isUp == 1 && Unseen < Old ? _seen : null;
    }

    private TimeSpan Unseen => _time.GetElapsedTime(Interlocked.Read(ref _seenAt));

    private IEnumerable<Measurement<int>> Up()
    {
        Seen();
        return _isUp < 0 ? [] : [new(_isUp)];
    }

    private IEnumerable<Measurement<double>> Age() => _isUp == 1 ? [new(Unseen.TotalSeconds)] : [];

    private void Gauge(string name, string unit, string description, Func<ClusterView, IEnumerable<Measurement<double>>> measure) =>
        Meter.CreateObservableGauge(name, () => Seen() is { } view ? measure(view) : [], unit, description);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The database does not answer")]
    private partial void LogAway(Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "What waits in the database could not be read for the metrics")]
    private partial void LogUnseen(Exception error);
}
