using System.Security.Cryptography;
using MailFlow.Data;

namespace MailFlow.Delivery.Reports;

/// <summary>A verified call, before it has been read.</summary>
/// <param name="Token">What was signed in place of the body; see <see cref="WebhookVerdict.Verified"/>.</param>
internal sealed record CallToStore(int AccountId, string Connection, string Type, byte[] Body, string? Token = null);

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

    /// <summary>Stores a call; when it returns true, the call is durable. False for one whose token came with another body before: it is not stored.</summary>
    public Task<bool> StoreAsync(CallToStore call, CancellationToken ct) => _commits.CommitAsync(call, ct);

    public ValueTask DisposeAsync() => _commits.DisposeAsync();

    private async Task<IReadOnlyList<bool>> WriteAsync(IReadOnlyList<CallToStore> calls)
    {
        var taken = await _database.WriteAsync(async session =>
        {
            var now = await session.NowAsync(default);
            var taken = await TakeTokensAsync(session, calls, now);
            await session.ExecuteAsync("""
                INSERT INTO webhook_call (at, due_at, account_id, connection, type, body) SELECT @now, @now, r.account_id, r.connection, r.type, r.body FROM {rows}
                """,
                new Rows<CallToStore>([.. calls.Where((_, i) => taken[i])]).Int("account_id", c => c.AccountId).Text("connection", c => c.Connection).Text("type", c => c.Type).Bytes("body", c => c.Body),
                default, ("now", now));
            _faults.Reach("webhook.before-commit");
            return taken;
        }, default);
        _signal.Notify();
        return taken;
    }

    /// <summary>Whether each call is the first with its token, or that one's repetition.</summary>
    private static async Task<bool[]> TakeTokensAsync(Session session, IReadOnlyList<CallToStore> calls, long now)
    {
        var tokens = calls.Select(call => call.Token is { } token ? new UsedToken(call.AccountId, call.Connection, StableHash.Key("webhook-token", token), BodyHash(call.Body)) : null).ToList();
        var firsts = tokens.OfType<UsedToken>().DistinctBy(token => (token.AccountId, token.Connection, token.Token))
            .OrderBy(token => token.AccountId).ThenBy(token => token.Connection, StringComparer.Ordinal).ThenBy(token => token.Token).ToList();
        if (firsts.Count == 0) return [.. calls.Select(_ => true)];
        await session.ExecuteAsync("""
            INSERT INTO webhook_token (account_id, connection, token, body, at) SELECT r.owner, r.connection, r.token, r.body, @now FROM {rows} WHERE true
            ON CONFLICT (account_id, connection, token) DO NOTHING
            """,
            Rows(firsts).Uuid("body", t => t.Body), default, ("now", now));
        // After the insertion, which waits for another node that writes the same token.
        var known = (await session.QueryAsync(
            "SELECT t.account_id, t.connection, t.token, t.body FROM {rows} JOIN webhook_token t ON t.account_id = r.owner AND t.connection = r.connection AND t.token = r.token",
            Rows(firsts), row => new UsedToken(row.Int(0), row.Text(1), row.Uuid(2), row.Uuid(3)), default)).ToHashSet();
        return [.. tokens.Select(token => token is null || known.Contains(token))];
    }

    private static Guid BodyHash(byte[] body) => new(SHA256.HashData(body).AsSpan(0, 16), bigEndian: true);

    private static Rows<UsedToken> Rows(IReadOnlyList<UsedToken> tokens) =>
        new Rows<UsedToken>(tokens).Int("owner", t => t.AccountId).Text("connection", t => t.Connection).Uuid("token", t => t.Token);

    private sealed record UsedToken(int AccountId, string Connection, Guid Token, Guid Body);
}
