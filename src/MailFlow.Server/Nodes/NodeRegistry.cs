using System.Reflection;
using MailFlow.Data;
using MailFlow.Delivery;

namespace MailFlow.Server.Nodes;

/// <summary>
/// Signs this node into table <c>node</c> and gives a sign of life every few seconds. For those who look after the nodes; nothing is decided by it: shards are held by locks that die
/// with their connections, hand-overs by leases. At the same time it looks for transactions in which another node stands still.
/// </summary>
internal sealed partial class NodeRegistry(Database database, DeliveryOptions options, NodeRoles roles, ILogger<NodeRegistry> log) : BackgroundService
{
    /// <summary>Without a sign of life for so long, a node counts as dead.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>A node that is dead or has stopped is listed for so long.</summary>
    public static readonly TimeSpan Remembered = TimeSpan.FromHours(1);

    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    private static readonly string Version =
        typeof(NodeRegistry).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    private long _startedAt;

    /// <summary>One sign of life; forgets nodes of which nothing was seen for long.</summary>
    public Task SignAsync(CancellationToken ct) => database.WriteAsync(async session =>
    {
        var now = await session.NowAsync(ct);
        if (_startedAt == 0) _startedAt = now;
        await session.ExecuteAsync("""
            INSERT INTO node (name, roles, version, started_at, seen_at) VALUES (@name, @roles, @version, @started, @now)
            ON CONFLICT (name) DO UPDATE SET roles = excluded.roles, version = excluded.version, started_at = excluded.started_at, seen_at = excluded.seen_at, stopped_at = NULL
            """, ct, ("name", options.Node), ("roles", string.Join(',', roles.Words())), ("version", Version), ("started", _startedAt), ("now", now));
        await session.ExecuteAsync("DELETE FROM node WHERE seen_at < @before", ct, ("before", now - (long)Remembered.TotalMilliseconds));
    }, ct);

    /// <summary>It stopped in good order.</summary>
    public Task SignOffAsync(CancellationToken ct) => database.WriteAsync(async session => await session.ExecuteAsync(
        "UPDATE node SET stopped_at = @now, seen_at = @now WHERE name = @name AND started_at = @started", ct,
        ("now", await session.NowAsync(ct)), ("name", options.Node), ("started", _startedAt)), ct);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, database.Time);
        try
        {
            do
            {
                await TryAsync(() => SignAsync(stoppingToken), LogFailed);
                await TryAsync(() => EndStalledAsync(stoppingToken), LogNotLooked);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException)
        {
            await TryAsync(() => SignOffAsync(CancellationToken.None), LogFailed);
        }
    }

    /// <summary>What a frozen node holds is for the others.</summary>
    private async Task EndStalledAsync(CancellationToken ct)
    {
        if (await database.EndStalledAsync(ct) is > 0 and var ended) LogStalled(ended);
    }

    private static async Task TryAsync(Func<Task> act, Action<Exception> failed)
    {
        try
        {
            await act();
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            failed(error);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "This node could not give a sign of life; others will take it for dead until it can")]
    private partial void LogFailed(Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "This node could not look for transactions in which another stands still")]
    private partial void LogNotLooked(Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Ended {Count} transactions of a node that stands still in the middle of what it was sending")]
    private partial void LogStalled(int count);
}
