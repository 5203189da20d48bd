using MailFlow.Data;
using MailFlow.Engine.Execution;

namespace MailFlow.Engine.Storage;

/// <summary>How a batch moves the journeys' counters. Each shard has rows of its own, so no two workers write the same one.</summary>
internal sealed class Counters
{
    private readonly SortedDictionary<(long Version, int Node, CountKind Kind), Sum> _sums = [];

    public void Add(JourneyVersion version, int node, CountKind kind, int n) => Add(new Sum(version.Info.VersionId, version.AccountId, version.Info.Id, node, kind, n));

    /// <summary>Counts of the journey itself.</summary>
    public void Add(InstanceRow row, CountKind kind, int n) => Add(new Sum(row.VersionId, row.AccountId, row.JourneyId, -1, kind, n));

    private void Add(Sum added)
    {
        if (added.N == 0) return;
        var key = (added.Version, added.Node, added.Kind);
        _sums[key] = added with { N = added.N + (_sums.GetValueOrDefault(key)?.N ?? 0) };
    }

    public Task WriteAsync(Session session, int shard, CancellationToken ct) => session.EnqueueAsync("""
        INSERT INTO journey_count (version_id, node, kind, shard, account_id, journey_id, n)
        SELECT r.version_id, r.node, r.kind, @shard, r.account_id, r.journey_id, r.n FROM {rows} WHERE true
        ON CONFLICT (version_id, node, kind, shard) DO UPDATE SET n = journey_count.n + excluded.n
        """,
        new Rows<Sum>([.. _sums.Values.Where(sum => sum.N != 0)]).Long("version_id", s => s.Version).Int("node", s => s.Node).Int("kind", s => (int)s.Kind)
            .Int("account_id", s => s.Account).Int("journey_id", s => s.Journey).Long("n", s => s.N), ct, ("shard", shard));

    private sealed record Sum(long Version, int Account, int Journey, int Node, CountKind Kind, long N);
}
