using MailFlow.Data;
using MailFlow.Delivery.Reports;
using MailFlow.Delivery.Sending;
using MailFlow.Delivery.Tracking;
using MailFlow.Delivery.Unsubscribing;
using MailFlow.Engine.Storage;
using Microsoft.Extensions.Logging;

namespace MailFlow.Delivery;

/// <summary>
/// Reads the calls that were stored and does what they say. A batch is one transaction: its calls are gone when their effects are there, so a crash repeats a batch and
/// never half of it. Any number may work on one database.
/// </summary>
public sealed class FeedbackProcessor
{
    private const int MostCalls = 200, MostError = 500;
    private const long MostBytes = 4 * 1024 * 1024, UntilKnownMs = 60_000;

    private readonly Database _database;
    private readonly SigningKeys _keys;
    private readonly Effects _effects;
    private readonly Settling _settling;
    private readonly EventIntake _events;
    private readonly IFaultPoints _faults;
    private readonly ILogger<FeedbackProcessor> _log;
    private readonly Dictionary<string, IProviderWebhook> _readers;
    private int _singly;

    internal FeedbackProcessor(
        Database database, Connections connections, SigningKeys keys, Effects effects, Settling settling, EventIntake events, IFaultPoints faults, ILogger<FeedbackProcessor> log)
    {
        (_database, _keys, _effects, _settling, _events, _faults, _log) = (database, keys, effects, settling, events, faults, log);
        _readers = connections.Types.Where(type => type.Webhook is not null).ToDictionary(type => type.Name, type => type.Webhook!);
        _readers[TrackingHit.Type] = new TrackingHitReader();
        _readers[RefusedMail.Type] = new RefusedMailReader();
    }

    /// <summary>One round: a batch of calls, and the opens and clicks that are due to be judged. Gives how many calls, opens and clicks it worked off; 0 when nothing is left.</summary>
    public async Task<int> RunOnceAsync(CancellationToken ct) => await WorkAsync(ct) + await _settling.RunOnceAsync(ct);

    private async Task<int> WorkAsync(CancellationToken ct)
    {
        var keys = await _keys.AllAsync(ct);
        var (batch, isDone, single) = (new List<long>(), false, _singly > 0);
        IReadOnlyCollection<int> shards;
        try
        {
            shards = await _database.WriteAsync(async session =>
            {
                isDone = false;
                var applied = await WorkAsync(session, single ? 1 : MostCalls, batch, keys, ct);
                isDone = true; // what fails from here on is no call's fault
                _faults.Reach("feedback.before-commit");
                return applied;
            }, ct);
        }
        catch (Exception error) when (batch.Count > 0 && !isDone && error is not OperationCanceledException && !_database.Dialect.IsTransient(error))
        {
            // One of them cannot be worked off: it must not hold up the others.
            if (batch.Count > 1) _singly = batch.Count;
            else await LayAsideAsync(batch[0], error, ct);
            return batch.Count;
        }
        _faults.Reach("feedback.after-commit");
        _events.Signal(shards);
        DeliveryMetrics.WorkedOff(batch.Count);
        if (single) _singly--;
        return batch.Count;
    }

    private async Task<IReadOnlyCollection<int>> WorkAsync(Session session, int most, List<long> batch, IReadOnlyList<SigningKey> keys, CancellationToken ct)
    {
        batch.Clear();
        var now = await session.NowAsync(ct);
        var claimed = await ClaimAsync(session, most, now, ct);
        batch.AddRange(claimed.Select(call => call.Id));
        if (claimed.Count == 0) return [];

        var read = new List<(StoredCall Call, IReadOnlyList<Report> Reports)>(claimed.Count);
        var unreadable = new List<(long Id, string Error)>();
        foreach (var call in claimed)
        {
            try
            {
                var reader = _readers.GetValueOrDefault(call.Type) ?? throw new FormatException($"this server does not know the provider type '{call.Type}'");
                read.Add((call, [.. reader.Read(call.Body).Where(IsSound).Select(feedback => Report.Of(call, feedback, keys, now))]));
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                unreadable.Add((call.Id, Describe(error)));
            }
        }

        var applied = await _effects.ApplyAsync(session, read, now, ct);
        await session.ExecuteAsync("DELETE FROM webhook_call WHERE id IN (SELECT r.id FROM {rows})",
            new Rows<long>([.. read.Select(each => each.Call.Id).Where(id => !applied.Waiting.Contains(id))]).Long("id", id => id), ct);
        await session.ExecuteAsync("UPDATE webhook_call SET due_at = @later, attempt = attempt + 1 FROM {rows} WHERE webhook_call.id = r.id",
            new Rows<long>([.. applied.Waiting.Order()]).Long("id", id => id), ct, ("later", now + UntilKnownMs));
        await LayAsideAsync(session, unreadable, ct);
        return applied.Shards;
    }

    /// <summary>The oldest that are due, as far as memory goes. Others pass over what one holds.</summary>
    private static async Task<List<StoredCall>> ClaimAsync(Session session, int most, long now, CancellationToken ct)
    {
        var due = await session.QueryAsync(
            $"SELECT id, length(body) FROM webhook_call WHERE due_at <= @now ORDER BY due_at, id LIMIT @most {(session.Dialect.IsPostgreSql ? "FOR UPDATE SKIP LOCKED" : "")}",
            row => (Id: row.Long(0), Bytes: row.Long(1)), ct, ("now", now), ("most", most));
        var (ids, bytes) = (new List<long>(due.Count), 0L);
        foreach (var call in due)
        {
            if (ids.Count > 0 && bytes + call.Bytes > MostBytes) break;
            ids.Add(call.Id);
            bytes += call.Bytes;
        }
        return await session.QueryAsync("SELECT w.id, w.account_id, w.connection, w.type, w.attempt, w.body FROM {rows} JOIN webhook_call w ON w.id = r.id ORDER BY w.id",
            new Rows<long>(ids).Long("id", id => id), row => new StoredCall(row.Long(0), row.Int(1), row.Text(2), row.Text(3), row.Int(4), row.Bytes(5)), ct);
    }

    private static bool IsSound(Feedback feedback) => feedback.Key.Length is > 0 and <= 200;

    private async Task LayAsideAsync(long id, Exception error, CancellationToken ct)
    {
        _log.LogError("A webhook call could not be worked off and is laid aside: {Error}.", error.GetType().Name); // its message may hold what was sent
        await _database.WriteAsync(session => LayAsideAsync(session, [(id, Describe(error))], ct), ct);
        if (_singly > 0) _singly--;
    }

    private static Task<int> LayAsideAsync(Session session, IReadOnlyList<(long Id, string Error)> calls, CancellationToken ct) => session.ExecuteAsync(
        "UPDATE webhook_call SET due_at = NULL, error = r.error FROM {rows} WHERE webhook_call.id = r.id",
        new Rows<(long Id, string Error)>([.. calls.OrderBy(call => call.Id)]).Long("id", c => c.Id).Text("error", c => c.Error), ct);

    private static string Describe(Exception error) => Report.Clean(error.Message, MostError) ?? error.GetType().Name;
}
