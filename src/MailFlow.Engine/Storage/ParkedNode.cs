using MailFlow.Data;

namespace MailFlow.Engine.Storage;

/// <summary>A row of table <c>parked_node</c>: where a whole group of contacts failed alike, and when they are tried again.</summary>
internal sealed record ParkedNode(long VersionId, int Node, int AccountId, int JourneyId, string Reason, long Since, long RetryAt, int Attempts)
{
    private static readonly TimeSpan First = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    public (long VersionId, int Node) Key => (VersionId, Node);

    /// <summary>It has failed once more: the wait doubles, up to an hour.</summary>
    public ParkedNode Failed(string reason, long now) => this with
    {
        Reason = reason,
        Attempts = Attempts + 1,
        RetryAt = now + (long)Math.Min(Longest.TotalMilliseconds, First.TotalMilliseconds * Math.Pow(2, Attempts)),
    };

    public static Task<List<ParkedNode>> ReadAllAsync(Session session, CancellationToken ct) => session.QueryAsync(
        "SELECT version_id, node, account_id, journey_id, reason, since, retry_at, attempts FROM parked_node",
        row => new ParkedNode(row.Long(0), row.Int(1), row.Int(2), row.Int(3), row.Text(4), row.Long(5), row.Long(6), row.Int(7)), ct);

    /// <summary>Parks, or parks for longer. Where two shards find the same at the same time, the first counts.</summary>
    public static Task WriteAsync(Session session, IEnumerable<ParkedNode> nodes, CancellationToken ct) => session.ExecuteAsync("""
        INSERT INTO parked_node (version_id, node, account_id, journey_id, reason, since, retry_at, attempts)
        SELECT r.version_id, r.node, r.account_id, r.journey_id, r.reason, r.since, r.retry_at, r.attempts FROM {rows} WHERE true
        ON CONFLICT (version_id, node) DO UPDATE SET reason = excluded.reason, retry_at = excluded.retry_at, attempts = excluded.attempts
        WHERE parked_node.attempts < excluded.attempts
        """,
        new Rows<ParkedNode>([.. nodes.OrderBy(n => n.Key)]).Long("version_id", n => n.VersionId).Int("node", n => n.Node).Int("account_id", n => n.AccountId)
            .Int("journey_id", n => n.JourneyId).Text("reason", n => n.Reason).Long("since", n => n.Since).Long("retry_at", n => n.RetryAt).Int("attempts", n => n.Attempts), ct);

    public static Task DeleteAsync(Session session, IEnumerable<(long VersionId, int Node)> keys, CancellationToken ct) => session.ExecuteAsync(
        session.Dialect.IsPostgreSql
            ? "DELETE FROM parked_node USING {rows} WHERE parked_node.version_id = r.version_id AND parked_node.node = r.node"
            : "DELETE FROM parked_node WHERE (version_id, node) IN (SELECT r.version_id, r.node FROM {rows})",
        new Rows<(long VersionId, int Node)>([.. keys.Order()]).Long("version_id", k => k.VersionId).Int("node", k => k.Node), ct);
}
