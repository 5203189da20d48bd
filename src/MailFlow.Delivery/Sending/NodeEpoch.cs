using MailFlow.Data;

namespace MailFlow.Delivery.Sending;

/// <summary>
/// This start of this node. A new start ends the node's earlier epochs, so that what these left half-sent is found at
/// once, without waiting for its lease.
/// </summary>
internal sealed class NodeEpoch(Database database, DeliveryOptions options) : IDisposable
{
    private readonly SemaphoreSlim _once = new(1, 1);
    private long _epoch;

    public async Task<long> CurrentAsync(CancellationToken ct)
    {
        if (Interlocked.Read(ref _epoch) is > 0 and var known) return known;
        await _once.WaitAsync(ct);
        try
        {
            if (_epoch == 0) Interlocked.Exchange(ref _epoch, await database.WriteAsync(session => BeginAsync(session, ct), ct));
            return _epoch;
        }
        finally
        {
            _once.Release();
        }
    }

    /// <summary>Nothing of this start is under way any longer.</summary>
    public async Task EndAsync(CancellationToken ct)
    {
        if (Interlocked.Exchange(ref _epoch, 0) is > 0 and var epoch)
            await database.WriteAsync(async session => await session.ExecuteAsync(
                "UPDATE node_epoch SET ended_at = @now WHERE epoch = @epoch", ct, ("now", await session.NowAsync(ct)), ("epoch", epoch)), ct);
    }

    public void Dispose() => _once.Dispose();

    private async Task<long> BeginAsync(Session session, CancellationToken ct)
    {
        var now = await session.NowAsync(ct);
        await session.ExecuteAsync("UPDATE node_epoch SET ended_at = @now WHERE node = @node AND ended_at IS NULL", ct, ("now", now), ("node", options.Node));
        return await session.ScalarAsync<long>("INSERT INTO node_epoch (node, started_at) VALUES (@node, @now) RETURNING epoch", ct, ("node", options.Node), ("now", now));
    }
}
