using System.Text;
using MailFlow.Data;
using MailFlow.Engine.Facts;

namespace MailFlow.Journeys.Facts;

/// <summary>How a delivery stands. The numbers are stored.</summary>
public enum DeliveryState
{
    /// <summary>On its way: not tried yet, or to be tried again.</summary>
    Pending = 0,

    /// <summary>The receiver answered 2xx.</summary>
    Delivered = 1,

    /// <summary>Given up.</summary>
    Failed = 2,
}

/// <summary>One fact on its way to one endpoint.</summary>
/// <param name="Id">The fact's: the header <c>webhook-id</c> at the receiver.</param>
/// <param name="Type">The fact's type.</param>
/// <param name="OccurredAt">When it happened.</param>
/// <param name="UserId">The contact it is about.</param>
/// <param name="State">How it stands.</param>
/// <param name="Attempts">How many calls there have been.</param>
/// <param name="NextAttemptAt">When it is tried next; null when it is not.</param>
/// <param name="LastAttempt">The last call; null when there was none.</param>
public sealed record WebhookDelivery(
    Guid Id, string Type, DateTimeOffset OccurredAt, string UserId, DeliveryState State, int Attempts, DateTimeOffset? NextAttemptAt, WebhookAttempt? LastAttempt);

/// <summary>One call.</summary>
/// <param name="Attempt">From 1.</param>
/// <param name="At">When it ended.</param>
/// <param name="Status">The HTTP status; null where there was no answer.</param>
/// <param name="LatencyMs">How long it took, in milliseconds.</param>
/// <param name="Answer">The first 500 characters of what the receiver said, or what went wrong.</param>
public sealed record WebhookAttempt(int Attempt, DateTimeOffset At, int? Status, int LatencyMs, string Answer);

/// <summary>A delivery with all that is known of it.</summary>
/// <param name="Delivery">The delivery.</param>
/// <param name="Body">What the receiver is sent.</param>
/// <param name="Attempts">Every call, in order.</param>
public sealed record WebhookDeliveryDetails(WebhookDelivery Delivery, string Body, IReadOnlyList<WebhookAttempt> Attempts);

/// <summary>The deliveries of an account's endpoints, and their replay.</summary>
public sealed class WebhookLog(Database database)
{
    /// <summary>The most facts that one replay of a period puts on their way.</summary>
    public const int MostReplayed = 100_000;

    private const string Columns = """
        f.id, f.type, f.at, f.user_id, d.state, d.attempt, d.due_at, a.attempt, a.at, a.status, a.latency_ms, a.answer
        """;

    private const string Joins = """
        webhook_delivery d JOIN fact f ON f.id = d.fact_id
        LEFT JOIN webhook_attempt a ON a.fact_id = d.fact_id AND a.endpoint_id = d.endpoint_id AND a.attempt = (
          SELECT max(l.attempt) FROM webhook_attempt l WHERE l.fact_id = d.fact_id AND l.endpoint_id = d.endpoint_id)
        """;

    /// <summary>What an endpoint was and is to be told, the latest first.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="endpointId">The endpoint.</param>
    /// <param name="state">Only these; null for all.</param>
    /// <param name="type">Only facts of this type; null for all.</param>
    /// <param name="cursor">Where the page begins.</param>
    /// <param name="limit">The most items.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="NotFoundException">There is no such endpoint.</exception>
    public async Task<Page<WebhookDelivery>> ListAsync(int accountId, Guid endpointId, DeliveryState? state, string? type, string? cursor, int limit, CancellationToken ct)
    {
        var before = Cursor.Read(cursor) is not { } key ? (Guid?)null : Guid.TryParse(key, out var id) ? id : throw Cursor.Unknown();
        var found = await database.ReadAsync(async session =>
        {
            List<(string Sql, string Name, object Value)> conditions = [("d.endpoint_id = @endpoint", "endpoint", await EndpointAsync(session, accountId, endpointId, ct))];
            if (before is { } last) conditions.Add(("d.fact_id < @before", "before", last));
            if (state is { } wanted) conditions.Add((wanted == DeliveryState.Delivered ? "d.state = @state" : "d.state <> 1 AND d.state = @state", "state", (int)wanted)); // as webhook_delivery_failed has it
            if (type is { } only) conditions.Add(("f.type = @type", "type", only));
            return await session.QueryAsync($"SELECT {Columns} FROM {Joins} WHERE {string.Join(" AND ", conditions.Select(condition => condition.Sql))} ORDER BY d.fact_id DESC LIMIT @limit",
                Read, ct, [.. conditions.Select(condition => (condition.Name, (object?)condition.Value)), ("limit", limit + 1)]);
        }, ct);
        return Cursor.Page(found, limit, last => last.Id.ToString());
    }

    /// <summary>One delivery with its body and every attempt, or null.</summary>
    public Task<WebhookDeliveryDetails?> FindAsync(int accountId, Guid endpointId, Guid factId, CancellationToken ct) => database.ReadAsync(async session =>
    {
        var endpoint = await EndpointAsync(session, accountId, endpointId, ct);
        var delivery = await session.FirstAsync($"SELECT {Columns}, f.data FROM {Joins} WHERE d.endpoint_id = @endpoint AND d.fact_id = @fact",
            row => (Delivery: Read(row), Data: row.Text(12)), ct, ("endpoint", endpoint), ("fact", factId));
        if (delivery.Delivery is not { } found) return null;
        var attempts = await session.QueryAsync("SELECT attempt, at, status, latency_ms, answer FROM webhook_attempt WHERE fact_id = @fact AND endpoint_id = @endpoint ORDER BY attempt",
            row => ReadAttempt(row, 0), ct, ("endpoint", endpoint), ("fact", factId));
        return new WebhookDeliveryDetails(found, Encoding.UTF8.GetString(FactBody.Write(found.Id, found.Type, found.OccurredAt.ToUnixTimeMilliseconds(), delivery.Data)), attempts);
    }, ct);

    /// <summary>Puts one delivery on its way again, whatever became of it, under the same id; its attempts begin anew.</summary>
    /// <exception cref="NotFoundException">There is no such endpoint, or no such delivery to it.</exception>
    public Task ReplayAsync(int accountId, Guid endpointId, Guid factId, CancellationToken ct) => database.WriteAsync(async session =>
    {
        var endpoint = await EndpointAsync(session, accountId, endpointId, ct);
        // One that is at this moment in a node's hands stays there: it is on its way already.
        var found = await session.ExecuteAsync("""
            UPDATE webhook_delivery SET state = 0, first_attempt = attempt, due_at = CASE WHEN lease_until > @now THEN due_at ELSE @now END WHERE endpoint_id = @endpoint AND fact_id = @fact
            """, ct, ("now", await session.NowAsync(ct)), ("endpoint", endpoint), ("fact", factId));
        if (found == 0) throw new NotFoundException($"Endpoint '{endpointId}' was never to be told of '{factId}'.");
        await Audit.RecordAsync(session, accountId, "webhook_delivery.replay", factId.ToString(), ct, ("endpoint", endpointId.ToString()));
    }, ct);

    /// <summary>
    /// Puts on their way again the facts of a period that an endpoint wants and has not taken; also those that it was never told, because it was disabled or asked for less then, as far as
    /// they were written down for others. Gives how many.
    /// </summary>
    /// <param name="accountId">The account.</param>
    /// <param name="endpointId">The endpoint.</param>
    /// <param name="from">The period's begin.</param>
    /// <param name="to">Its end, exclusive.</param>
    /// <param name="all">Those that were delivered too.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="NotFoundException">There is no such endpoint.</exception>
    /// <exception cref="InvalidInputException">The period is none, or holds more than <see cref="MostReplayed"/> facts.</exception>
    public async Task<int> ReplayAsync(int accountId, Guid endpointId, DateTimeOffset from, DateTimeOffset to, bool all, CancellationToken ct)
    {
        if (from >= to) throw new InvalidInputException("from", "must be before 'to'");
        return await database.WriteAsync(async session =>
        {
            var endpoint = await EndpointAsync(session, accountId, endpointId, ct);
            (string, object?)[] period = [("account", accountId), ("endpoint", endpoint), ("from", from), ("to", to), ("now", await session.NowAsync(ct))];
            const string Wanted = """
                f.account_id = @account AND f.at >= @from AND f.at < @to AND EXISTS (SELECT 1 FROM webhook_subscription s WHERE s.endpoint_id = @endpoint AND s.type IN (f.type, '*'))
                """;
            if (await session.ScalarAsync<long>($"SELECT count(*) FROM (SELECT 1 FROM fact f WHERE {Wanted} LIMIT {MostReplayed + 1}) AS found", ct, period) > MostReplayed)
                throw new InvalidInputException("from", $"the period holds more than {MostReplayed:N0} facts: replay it in parts");
            // What the outbox still holds goes out by itself.
            var again = await session.ExecuteAsync($"""
                UPDATE webhook_delivery SET state = 0, first_attempt = attempt, due_at = @now
                WHERE endpoint_id = @endpoint AND {(all ? "" : "state <> 1 AND ")}(lease_until IS NULL OR lease_until <= @now) AND fact_id IN (SELECT f.id FROM fact f WHERE {Wanted})
                """, ct, period);
            var never = await session.ExecuteAsync($"""
                INSERT INTO webhook_delivery (endpoint_id, fact_id, account_id, state, due_at)
                SELECT @endpoint, f.id, f.account_id, 0, @now FROM fact f WHERE {Wanted} AND NOT f.to_webhooks
                ON CONFLICT DO NOTHING
                """, ct, period);
            await Audit.RecordAsync(session, accountId, "webhook_endpoint.replay", endpointId.ToString(), ct, ("from", from), ("to", to), ("all", all), ("queued", (long)(again + never)));
            return again + never;
        }, ct);
    }

    private static async Task<int> EndpointAsync(Session session, int accountId, Guid endpointId, CancellationToken ct) => await session.ScalarAsync<int?>(
        "SELECT id FROM webhook_endpoint WHERE account_id = @account AND key = @key", ct, ("account", accountId), ("key", endpointId)) ?? throw WebhookEndpoints.Missing(endpointId);

    private static WebhookDelivery Read(Row row) => new(
        row.Uuid(0), row.Text(1), row.Instant(2), row.Text(3), (DeliveryState)row.Int(4), row.Int(5), row.InstantOrNull(6), row.IsNull(7) ? null : ReadAttempt(row, 7));

    private static WebhookAttempt ReadAttempt(Row row, int first) => new(row.Int(first), row.Instant(first + 1), row.IntOrNull(first + 2), row.Int(first + 3), row.Text(first + 4));
}
