using MailFlow.Data;

namespace MailFlow.Delivery.Reports;

/// <summary>A verified call, before it has been read.</summary>
internal sealed record CallToStore(int AccountId, string Connection, string Type, byte[] Body);

/// <summary>Stores verified calls, those that come at the same time in one commit.</summary>
internal sealed class WebhookIntake : IAsyncDisposable
{
    private const long MostBytesInOneCommit = 16 * 1024 * 1024, LeastWeight = 16 * 1024; // no more than a thousand, however small

    private readonly Database _database;
    private readonly FeedbackSignal _signal;
    private readonly IFaultPoints _faults;
    private readonly GroupCommit<CallToStore, bool> _commits;

    public WebhookIntake(Database database, FeedbackSignal signal, IFaultPoints faults)
    {
        (_database, _signal, _faults) = (database, signal, faults);
        _commits = new(256, MostBytesInOneCommit, call => Math.Max(LeastWeight, call.Body.Length), WriteAsync);
    }

    /// <summary>Stores a call; when it returns, the call is durable.</summary>
    public Task StoreAsync(CallToStore call, CancellationToken ct) => _commits.CommitAsync(call, ct);

    public ValueTask DisposeAsync() => _commits.DisposeAsync();

    private async Task<IReadOnlyList<bool>> WriteAsync(IReadOnlyList<CallToStore> calls)
    {
        await _database.WriteAsync(async session =>
        {
            await session.ExecuteAsync("""
                INSERT INTO webhook_call (at, due_at, account_id, connection, type, body) SELECT @now, @now, r.account_id, r.connection, r.type, r.body FROM {rows}
                """,
                new Rows<CallToStore>(calls).Int("account_id", c => c.AccountId).Text("connection", c => c.Connection).Text("type", c => c.Type).Bytes("body", c => c.Body),
                default, ("now", await session.NowAsync(default)));
            _faults.Reach("webhook.before-commit");
        }, default);
        _signal.Notify();
        return [.. calls.Select(_ => true)];
    }
}
