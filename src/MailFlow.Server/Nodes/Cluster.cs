using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Engine.Storage;

namespace MailFlow.Server.Nodes;

/// <summary>How a node stands.</summary>
internal enum NodeStatus
{
    /// <summary>It gives signs of life.</summary>
    Up,

    /// <summary>It gives none: killed, frozen, or cut off from the database.</summary>
    Dead,

    /// <summary>It said goodbye.</summary>
    Stopped,
}

/// <summary>A process on this database.</summary>
/// <param name="Name">Its own; the same after a restart in the same data directory.</param>
/// <param name="Roles">What it does: api, worker, ingest, sender.</param>
/// <param name="Version">Of MailFlow.</param>
/// <param name="StartedAt">When it last started.</param>
/// <param name="SeenAt">Its last sign of life.</param>
/// <param name="Status">up, dead or stopped.</param>
internal sealed record NodeView(string Name, IReadOnlyList<string> Roles, string Version, DateTimeOffset StartedAt, DateTimeOffset SeenAt, NodeStatus Status);

/// <summary>All nodes on one database and what they have still to do, over all accounts.</summary>
/// <param name="At">The database's clock when it was looked at.</param>
/// <param name="Nodes">Those that run, and those that stopped or died within the last hour.</param>
/// <param name="LagSeconds">How long the oldest stimulus waits that is to be worked by now; 0 where nothing waits.</param>
/// <param name="Engine">Shards, jobs, what failed.</param>
/// <param name="Messages">What has not come to an end.</param>
internal sealed record ClusterView(DateTimeOffset At, IReadOnlyList<NodeView> Nodes, double LagSeconds, EngineBacklog Engine, MessageBacklog Messages);

/// <summary>Reads what runs and what waits: for the API, and for the gauges of the metrics. Looks at the database at most every few seconds, however often it is asked.</summary>
internal sealed class Cluster(Database database, MessageBacklogs messages) : IDisposable
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _once = new(1, 1);
    private ClusterView? _latest;
    private long _lookedAt;

    public async Task<ClusterView> ReadAsync(CancellationToken ct)
    {
        await _once.WaitAsync(ct);
        try
        {
            if (_latest is { } latest && database.Time.GetElapsedTime(_lookedAt) < Fresh) return latest;
            using var lifted = AccountWall.Lift(); // it is about all accounts
            _latest = await database.ReadAsync(session => LookAsync(session, ct), ct);
            _lookedAt = database.Time.GetTimestamp();
            return _latest;
        }
        finally
        {
            _once.Release();
        }
    }

    public void Dispose() => _once.Dispose();

    private async Task<ClusterView> LookAsync(Session session, CancellationToken ct)
    {
        var engine = await EngineBacklog.ReadAsync(session, ct);
        var nodes = await session.QueryAsync(
            "SELECT name, roles, version, started_at, seen_at, stopped_at FROM node ORDER BY name",
            row => new NodeView(row.Text(0), row.Text(1).Split(','), row.Text(2), row.Instant(3), row.Instant(4), StatusOf(engine.At, row.Instant(4), row.InstantOrNull(5))), ct);
        var oldest = engine.Shards.Min(shard => shard.OldestAt);
        return new ClusterView(engine.At, nodes, oldest is { } at ? Math.Max(0, (engine.At - at).TotalSeconds) : 0, engine, await messages.ReadAsync(session, ct));
    }

    private static NodeStatus StatusOf(DateTimeOffset now, DateTimeOffset seen, DateTimeOffset? stopped) =>
        stopped is not null ? NodeStatus.Stopped : now - seen > NodeRegistry.Patience ? NodeStatus.Dead : NodeStatus.Up;
}
