using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Journeys;

/// <summary>Numbers.</summary>
public sealed partial class JourneyDefinitions
{
    /// <summary>A journey's numbers, all its versions together.</summary>
    /// <exception cref="NotFoundException">There is no such journey.</exception>
    public Task<JourneyStats> StatsAsync(int accountId, string definitionId, CancellationToken ct) => _database.ReadAsync(async session =>
    {
        var latest = await FindAsync(session, accountId, definitionId, null, ct) ?? throw new NotFoundException($"There is no journey '{definitionId}'.");
        var counts = await session.QueryAsync("""
            SELECT c.version_id, c.node, c.kind, CAST(sum(c.n) AS BIGINT) FROM journey j JOIN journey_count c ON c.journey_id = j.id
            WHERE j.account_id = @account AND j.definition_id = @definition GROUP BY c.version_id, c.node, c.kind
            """,
            row => (Version: row.Long(0), Node: row.Int(1), Kind: (CountKind)row.Int(2), N: row.Long(3)), ct, ("account", accountId), ("definition", definitionId));
        var parked = await session.QueryAsync("""
            SELECT p.version_id, p.node, p.reason, p.since, p.retry_at, p.attempts FROM journey j JOIN parked_node p ON p.journey_id = j.id
            WHERE j.account_id = @account AND j.definition_id = @definition ORDER BY p.version_id, p.node
            """,
            row => (Version: row.Long(0), Node: row.Int(1), Reason: row.Text(2), Since: row.Instant(3), RetryAt: row.Instant(4), Attempts: row.Int(5)),
            ct, ("account", accountId), ("definition", definitionId));
        var graphs = await _graphs.LoadAsync(session, counts.Select(count => count.Version).Concat(parked.Select(node => node.Version)).Append(latest.Id), ct);

        long Of(CountKind kind) => counts.Where(count => count.Node == -1 && count.Kind == kind).Sum(count => count.N);
        var byActivity = counts.Where(count => count.Node >= 0)
            .Select(count => (Id: graphs.GetValueOrDefault(count.Version)?.Node(count.Node)?.Id, count.Kind, count.N))
            .ToLookup(count => count.Id, count => (count.Kind, count.N));
        long At(string id, CountKind kind) => byActivity[id].Where(count => count.Kind == kind).Sum(count => count.N);

        // Activities of the latest version first, in its order, then those that only older versions had.
        var ids = (graphs.GetValueOrDefault(latest.Id)?.Graph?.Nodes.Select(node => node.Id) ?? []).Concat(byActivity.Select(group => group.Key).OfType<string>()).Distinct();
        var (entered, completed, exited, faulted) = (Of(CountKind.Entered), Of(CountKind.Completed), Of(CountKind.Exited), Of(CountKind.Faulted));
        return new JourneyStats(entered, entered - completed - exited - faulted, completed, exited, faulted,
            [.. ids.Select(id => new ActivityStats(id, At(id, CountKind.Passed), At(id, CountKind.Waiting), At(id, CountKind.Failed)))],
            [.. parked.Select(node => new ParkedActivity(graphs.GetValueOrDefault(node.Version)?.Node(node.Node)?.Id, graphs.GetValueOrDefault(node.Version)?.Version, node.Reason, node.Since, node.RetryAt, node.Attempts))]);
    }, ct);
}
