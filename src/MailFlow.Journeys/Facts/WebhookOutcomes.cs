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
            await WriteAsync(session, sorted, now);
            var ended = new List<(int Id, string Reason)>();
            foreach (var endpoint in sorted.GroupBy(outcome => outcome.Delivery.EndpointId))
                if (await JudgeAsync(session, endpoint.Key, [.. endpoint], now) is { } reason) ended.Add((endpoint.Key, reason));
            faults.Reach("webhooks.outcomes.before-commit");
            return ended;
        }, default);
        foreach (var (id, reason) in disabled) LogDisabled(id, reason);
        return [.. outcomes.Select(_ => true)];
    }

    private static async Task WriteAsync(Session session, List<Outcome> outcomes, long now)
    {
        // By way of the delivery: a contact that was erased meanwhile leaves no log.
        await session.ExecuteAsync("""
            INSERT INTO webhook_attempt (endpoint_id, fact_id, attempt, at, status, latency_ms, answer)
            SELECT r.endpoint_id, r.fact_id, r.attempt, @now, r.status, r.latency_ms, r.answer
            FROM {rows} JOIN webhook_delivery d ON d.endpoint_id = r.endpoint_id AND d.fact_id = r.fact_id WHERE true
            ON CONFLICT DO NOTHING
            """,
            new Rows<Outcome>(outcomes).Int("endpoint_id", o => o.Delivery.EndpointId).Uuid("fact_id", o => o.Delivery.FactId).Int("attempt", o => o.Delivery.Attempt)
                .IntOrNull("status", o => o.Result.Status).Int("latency_ms", o => o.Result.LatencyMs).Text("answer", o => o.Result.Answer), default, ("now", now));
        await session.ExecuteAsync("""
            UPDATE webhook_delivery SET state = r.state, due_at = r.due_at, lease_until = NULL
            FROM {rows} WHERE webhook_delivery.endpoint_id = r.endpoint_id AND webhook_delivery.fact_id = r.fact_id AND webhook_delivery.attempt = r.attempt AND webhook_delivery.state = 0
            """,
            new Rows<Outcome>(outcomes).Int("endpoint_id", o => o.Delivery.EndpointId).Uuid("fact_id", o => o.Delivery.FactId).Int("attempt", o => o.Delivery.Attempt)
                .Int("state", o => (int)(o.Result.IsTaken ? DeliveryState.Delivered : o.Retry is null ? DeliveryState.Failed : DeliveryState.Pending))
                .LongOrNull("due_at", o => o.Result.IsTaken || o.Retry is null ? null : now + (long)o.Retry.Value.TotalMilliseconds), default);
    }

    /// <summary>Gives why an endpoint was disabled, if it was.</summary>
    private async Task<string?> JudgeAsync(Session session, int id, List<Outcome> outcomes, long now)
    {
        var account = outcomes[0].Delivery.AccountId;
        if (outcomes.Exists(outcome => outcome.Result.IsGone)) return await DisableAsync("the receiver answered 410: it wants nothing any more");
        if (outcomes.Exists(outcome => outcome.Result.IsTaken))
        {
            await session.ExecuteAsync("UPDATE webhook_endpoint SET failing_since = NULL WHERE id = @id AND failing_since IS NOT NULL", default, ("id", id));
            return null;
        }
        var since = await session.ScalarAsync<long?>("SELECT failing_since FROM webhook_endpoint WHERE id = @id", default, ("id", id));
        if (since is null) await session.ExecuteAsync("UPDATE webhook_endpoint SET failing_since = @now WHERE id = @id AND failing_since IS NULL", default, ("now", now), ("id", id));
        return since is { } began && now - began >= (long)options.DisableAfter.TotalMilliseconds
            ? await DisableAsync($"it has taken nothing for {options.DisableAfter.TotalDays:0.#} days; last: {Words(outcomes[^1].Result)}")
            : null;

        async Task<string?> DisableAsync(string reason) => await WebhookEndpoints.DisableAsync(session, id, account, reason, now, default) ? reason : null;
    }

    private static string Words(CallResult result) => result.Status is { } status ? $"it answered {status}" : result.Answer;

    [LoggerMessage(Level = LogLevel.Error, Message = "Webhook endpoint {Endpoint} is disabled: {Reason}")]
    private partial void LogDisabled(int endpoint, string reason);
}
