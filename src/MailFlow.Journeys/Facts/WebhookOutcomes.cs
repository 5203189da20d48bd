using MailFlow.Data;
using Microsoft.Extensions.Logging;

namespace MailFlow.Journeys.Facts;

/// <summary>What came of one attempt of a delivery.</summary>
internal sealed record Outcome(ClaimedDelivery Delivery, CallResult Result, TimeSpan? Retry);

/// <summary>
/// Writes down what came of attempts, those that end at the same time in one commit: the log, the delivery's next step, and how the endpoint stands. An attempt whose lease was
/// over, and which another has begun since, is logged and decides nothing.
/// </summary>
internal sealed partial class WebhookOutcomes(Database database, OutgoingOptions options, IFaultPoints faults, ILogger<WebhookOutcomes> log) : IAsyncDisposable
{
    private GroupCommit<Outcome, bool>? _commits;

    private GroupCommit<Outcome, bool> Commits => LazyInitializer.EnsureInitialized(ref _commits, () => new GroupCommit<Outcome, bool>(1_000, 500, _ => 1, CommitAsync));

    /// <summary>Durable when it returns.</summary>
    public Task RecordAsync(Outcome outcome, CancellationToken ct) => Commits.CommitAsync(outcome, ct);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_commits is not null) await _commits.DisposeAsync();
    }

    private async Task<IReadOnlyList<bool>> CommitAsync(IReadOnlyList<Outcome> outcomes)
    {
        var disabled = await database.WriteAsync(async session =>
        {
            var now = await session.NowAsync(default);
            var sorted = outcomes.OrderBy(outcome => (outcome.Delivery.EndpointId, outcome.Delivery.FactId)).ToList();
            var decided = await WriteAsync(session, sorted, now);
            var ended = await JudgeAsync(session, sorted.FindAll(outcome => decided.Contains((outcome.Delivery.EndpointId, outcome.Delivery.FactId, outcome.Delivery.Attempt))), now);
            faults.Reach("webhooks.outcomes.before-commit");
            return ended;
        }, default);
        foreach (var (id, _, reason) in disabled) LogDisabled(id, reason);
        return [.. outcomes.Select(_ => true)];
    }

    /// <summary>Gives those attempts that none has overtaken.</summary>
    private static async Task<HashSet<(int EndpointId, Guid FactId, int Attempt)>> WriteAsync(Session session, List<Outcome> outcomes, long now)
    {
        // By way of the delivery: a contact that was erased meanwhile leaves no log.
        await session.ExecuteAsync("""
            INSERT INTO webhook_attempt (account_id, endpoint_id, fact_id, attempt, at, status, latency_ms, answer)
            SELECT d.account_id, r.endpoint_id, r.fact_id, r.attempt, @now, r.status, r.latency_ms, r.answer
            FROM {rows} JOIN webhook_delivery d ON d.endpoint_id = r.endpoint_id AND d.fact_id = r.fact_id WHERE true
            ON CONFLICT DO NOTHING
            """,
            new Rows<Outcome>(outcomes).Int("endpoint_id", o => o.Delivery.EndpointId).Uuid("fact_id", o => o.Delivery.FactId).Int("attempt", o => o.Delivery.Attempt)
                .IntOrNull("status", o => o.Result.Status).Int("latency_ms", o => o.Result.LatencyMs).Text("answer", o => o.Result.Answer), default, ("now", now));
        return [.. await session.QueryAsync("""
            UPDATE webhook_delivery SET state = r.state, due_at = r.due_at, lease_until = NULL
            FROM {rows} WHERE webhook_delivery.endpoint_id = r.endpoint_id AND webhook_delivery.fact_id = r.fact_id AND webhook_delivery.attempt = r.attempt AND webhook_delivery.state = 0
            RETURNING webhook_delivery.endpoint_id, webhook_delivery.fact_id, webhook_delivery.attempt
            """,
            new Rows<Outcome>(outcomes).Int("endpoint_id", o => o.Delivery.EndpointId).Uuid("fact_id", o => o.Delivery.FactId).Int("attempt", o => o.Delivery.Attempt)
                .Int("state", o => (int)(o.Result.IsTaken ? DeliveryState.Delivered : o.Retry is null ? DeliveryState.Failed : DeliveryState.Pending))
                .LongOrNull("due_at", o => o.Result.IsTaken || o.Retry is null ? null : now + (long)o.Retry.Value.TotalMilliseconds), row => (row.Int(0), row.Uuid(1), row.Int(2)), default)];
    }

    /// <summary>How the endpoints stand now; gives those that were disabled, and why.</summary>
    private async Task<List<(int Id, int Account, string Reason)>> JudgeAsync(Session session, List<Outcome> outcomes, long now)
    {
        var endpoints = outcomes.GroupBy(outcome => outcome.Delivery.EndpointId).Select(group => (Id: group.Key, Account: group.First().Delivery.AccountId, Outcomes: group.ToList())).ToList();
        var since = (await session.QueryAsync("SELECT e.id, e.failing_since FROM {rows} JOIN webhook_endpoint e ON e.id = r.id",
            new Rows<int>(endpoints.ConvertAll(endpoint => endpoint.Id)).Int("id", id => id), row => (Id: row.Int(0), Since: row.LongOrNull(1)), default)).ToDictionary(each => each.Id, each => each.Since);
        var judged = endpoints.ConvertAll(endpoint => (endpoint.Id, endpoint.Account, IsSound: endpoint.Outcomes.Exists(outcome => outcome.Result.IsTaken), Reason: Why(endpoint.Outcomes, since.GetValueOrDefault(endpoint.Id), now)));
        foreach (var account in judged.FindAll(each => each.Reason is not null).Select(each => each.Account).Distinct().Order()) await session.LockAccountAsync(account, default);
        await session.ExecuteAsync("""
            UPDATE webhook_endpoint SET failing_since = CASE WHEN r.sound THEN NULL ELSE @now END FROM {rows} WHERE webhook_endpoint.id = r.id AND (webhook_endpoint.failing_since IS NULL) <> r.sound
            """, new Rows<(int Id, bool IsSound)>(judged.FindAll(each => each.Reason is null).ConvertAll(each => (each.Id, each.IsSound))).Int("id", each => each.Id).Bool("sound", each => each.IsSound), default, ("now", now));
        var disabled = new List<(int Id, int Account, string Reason)>();
        foreach (var (id, account, _, reason) in judged)
            if (reason is not null && await WebhookEndpoints.DisableAsync(session, id, account, reason, now, default)) disabled.Add((id, account, reason));
        // After all endpoints: what an account wants is counted up in a row that all share.
        foreach (var account in disabled.Select(each => each.Account).Distinct()) await WebhookEndpoints.InterestAsync(session, account, default);
        return disabled;
    }

    /// <summary>Why an endpoint is to be disabled, if it is.</summary>
    private string? Why(List<Outcome> outcomes, long? since, long now) =>
        outcomes.Exists(outcome => outcome.Result.IsGone) ? "the receiver answered 410: it wants nothing any more"
        : !outcomes.Exists(outcome => outcome.Result.IsTaken) && now - since >= (long)options.DisableAfter.TotalMilliseconds
            ? $"it has taken nothing for {options.DisableAfter.TotalDays:0.#} days; last: {Words(outcomes[^1].Result)}"
        : null;

    private static string Words(CallResult result) => result.Status is { } status ? $"it answered {status}" : result.Answer;

    [LoggerMessage(Level = LogLevel.Error, Message = "Webhook endpoint {Endpoint} is disabled: {Reason}")]
    private partial void LogDisabled(int endpoint, string reason);
}
