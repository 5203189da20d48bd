using MailFlow.Data;

namespace MailFlow.Engine.Storage;

/// <summary>
/// A number that grows with every change of what the nodes keep in memory (published versions, pauses, segments). A batch reads it
/// behind what it took; a node whose copy is older reads again.
/// </summary>
public static class EngineEpoch
{
    private const string Sql = "SELECT epoch FROM engine_epoch WHERE id = 1";

    /// <summary>Counts it up, in the transaction of the change.</summary>
    public static Task BumpAsync(Session session, CancellationToken ct) =>
        session.ExecuteAsync("UPDATE engine_epoch SET epoch = epoch + 1 WHERE id = 1", ct);

    /// <summary>The epoch as of now.</summary>
    public static Task<long> ReadAsync(Session session, CancellationToken ct) => session.ScalarAsync<long>(Sql, ct);

    /// <summary>The same, enqueued.</summary>
    internal static Task<Reply<long>> EnqueueReadAsync(Session session, CancellationToken ct) => session.EnqueueAsync(Sql, row => row.Long(0), ct);
}
