using MailFlow.Data;
using MailFlow.Engine.Execution;

namespace MailFlow.Engine.Storage;

/// <summary>
/// Drops what has been kept long enough: event keys after their horizon, events after the time for which they can be counted, and what each module's
/// <see cref="RetentionRule"/>s say.
/// </summary>
public sealed class Retention(Database database, IEnumerable<RetentionRule> rules)
{
    /// <summary>How long a contact's events are kept, and so the longest window in which they can be counted.</summary>
    public static readonly TimeSpan Events = TimeSpan.FromDays(90);

    /// <summary>A day longer than intake refuses: clocks differ, and an id must never be forgotten before its event is too old. In order of age, so that the index by age serves however many are old.</summary>
    internal static RetentionRule EventKeys { get; } = new("event keys", EventIntake.Horizon + TimeSpan.FromDays(1),
        "DELETE FROM event_key WHERE key IN (SELECT key FROM event_key WHERE accepted_at < @before ORDER BY accepted_at LIMIT @chunk)");

    /// <summary>Nobody has been there to try it again for long: those held have left.</summary>
    private static readonly RetentionRule ParkedNodes = new("parked activities", TimeSpan.FromDays(7),
        "DELETE FROM parked_node WHERE (version_id, node) IN (SELECT version_id, node FROM parked_node WHERE retry_at < @before LIMIT @chunk)");

    private const int Chunk = 5_000;

    /// <summary>Drops all that is too old by now, in chunks that hold nobody up; gives how many rows and months.</summary>
    /// <exception cref="AggregateException">Of some kinds it failed, which are named; all others were dropped.</exception>
    public async Task<int> RunOnceAsync(CancellationToken ct)
    {
        var dropped = 0;
        var failures = new List<Exception>();
        foreach (var rule in (IEnumerable<RetentionRule>)[EventKeys, ParkedNodes, .. rules])
        {
            try
            {
                if (rule.Kept is { } kept) dropped += rule.Monthly is { } table ? await DropAsync(rule, table, kept, ct) : await DropAsync(rule.Statements, kept, ct);
            }
            catch (Exception error) when (!ct.IsCancellationRequested)
            {
                failures.Add(new InvalidOperationException($"What is too old of the {rule.Name} could not be dropped: {error.Message}", error));
            }
        }
        if (failures.Count == 0) return dropped;
        EngineMetrics.RetentionFailed();
        throw new AggregateException(failures);
    }

    private async Task<int> DropAsync(RetentionRule rule, MonthlyTable table, TimeSpan kept, CancellationToken ct)
    {
        var (dropped, parts) = (0, (IReadOnlyList<string>)[table.Name]);
        if (database.Dialect.IsPostgreSql)
        {
            var now = await database.ReadAsync(session => session.NowAsync(ct), ct);
            (dropped, parts) = await MonthlyPartitions.DropAsync(database, table, now - (long)kept.TotalMilliseconds, ct);
        }
        foreach (var part in parts)
            dropped += await DropAsync([.. rule.Statements.Select(sql => sql.Replace(MonthlyTable.Part, part, StringComparison.Ordinal))], kept, ct);
        return dropped;
    }

    private async Task<int> DropAsync(IReadOnlyList<string> statements, TimeSpan kept, CancellationToken ct)
    {
        var dropped = 0;
        int now;
        do
        {
            now = await database.WriteAsync(async session =>
            {
                var (before, count) = (await session.NowAsync(ct) - (long)kept.TotalMilliseconds, 0);
                foreach (var sql in statements) count = await session.ExecuteAsync(sql, ct, ("before", before), ("chunk", Chunk));
                return count;
            }, ct);
            dropped += now;
        }
        while (now == Chunk);
        return dropped;
    }
}
