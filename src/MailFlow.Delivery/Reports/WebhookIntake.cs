using System.Threading.Channels;
using MailFlow.Data;

namespace MailFlow.Delivery.Reports;

/// <summary>A verified call, before it has been read.</summary>
internal sealed record CallToStore(int AccountId, string Connection, string Type, byte[] Body);

/// <summary>Stores verified calls. Those that come at the same time share one commit, so that many small ones cost about as much as few large ones.</summary>
internal sealed class WebhookIntake : IAsyncDisposable
{
    private const int MostInOneCommit = 1_000;
    private const long MostBytesInOneCommit = 16 * 1024 * 1024;

    private readonly Database _database;
    private readonly FeedbackSignal _signal;
    private readonly IFaultPoints _faults;
    private readonly Channel<Request> _requests = Channel.CreateBounded<Request>(new BoundedChannelOptions(256) { SingleReader = true });
    private readonly Task _writer;

    /// <summary>Starts the writer.</summary>
    public WebhookIntake(Database database, FeedbackSignal signal, IFaultPoints faults)
    {
        (_database, _signal, _faults) = (database, signal, faults);
        _writer = Task.Run(WriteAllAsync);
    }

    private sealed record Request(CallToStore Call, TaskCompletionSource Stored);

    /// <summary>Stores a call; when it returns, the call is durable.</summary>
    public async Task StoreAsync(CallToStore call, CancellationToken ct)
    {
        var stored = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await _requests.Writer.WriteAsync(new Request(call, stored), ct);
        await stored.Task.WaitAsync(ct);
    }

    public async ValueTask DisposeAsync()
    {
        _requests.Writer.TryComplete();
        await _writer;
    }

    private async Task WriteAllAsync()
    {
        var group = new List<Request>();
        while (await _requests.Reader.WaitToReadAsync())
        {
            group.Clear();
            for (long bytes = 0; group.Count < MostInOneCommit && bytes < MostBytesInOneCommit && _requests.Reader.TryRead(out var request); bytes += request.Call.Body.Length) group.Add(request);
            try
            {
                await _database.WriteAsync(async session =>
                {
                    await InsertAsync(session, [.. group.Select(request => request.Call)]);
                    _faults.Reach("webhook.before-commit");
                }, default);
                foreach (var request in group) request.Stored.TrySetResult();
                _signal.Notify();
            }
            catch (Exception error)
            {
                foreach (var request in group) request.Stored.TrySetException(error);
            }
        }
    }

    private static async Task InsertAsync(Session session, IReadOnlyList<CallToStore> calls) => await session.ExecuteAsync("""
        INSERT INTO webhook_call (at, due_at, account_id, connection, type, body) SELECT @now, @now, r.account_id, r.connection, r.type, r.body FROM {rows}
        """,
        new Rows<CallToStore>(calls).Int("account_id", c => c.AccountId).Text("connection", c => c.Connection).Text("type", c => c.Type).Bytes("body", c => c.Body),
        default, ("now", await session.NowAsync(default)));
}
