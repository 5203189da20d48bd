using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Storage;

namespace MailFlow.Journeys.Simulation;

/// <summary>Takes the place of the job runner: nothing outside is called, each job comes at once to the outcome the script gives it.</summary>
internal sealed class SimulatedJobs(Database database, VersionGraphs graphs, IReadOnlyDictionary<string, string> outcomes)
{
    private sealed record Job(Guid Key, int AccountId, string UserId, Guid InstanceId, int Node, int Visit, long VersionId);

    /// <summary>Throws <see cref="InvalidInputException"/> for an outcome that its activity does not have.</summary>
    public static void Check(Graph graph, IReadOnlyDictionary<string, string> outcomes)
    {
        foreach (var (id, outcome) in outcomes)
        {
            var node = graph.Find(id) ?? throw new InvalidInputException($"outcomes.{id}", "is no activity of this version");
            if (!node.Outcomes.Contains(outcome)) throw new InvalidInputException($"outcomes.{id}", $"“{node.Title}” has no outcome '{outcome}': it has {string.Join(", ", node.Outcomes)}");
        }
    }

    /// <summary>Answers every job there is; gives how many.</summary>
    public Task<int> RunOnceAsync(CancellationToken ct) => database.WriteAsync(async session =>
    {
        var jobs = await session.QueryAsync("""
            SELECT j.key, j.account_id, j.user_id, j.instance_id, j.node, j.visit, i.version_id FROM job j JOIN instance i ON i.id = j.instance_id ORDER BY j.key LIMIT 1000
            """,
            row => new Job(row.Uuid(0), row.Int(1), row.Text(2), row.Uuid(3), row.Int(4), row.Int(5), row.Long(6)), ct);
        if (jobs.Count == 0) return 0;
        var versions = await graphs.LoadAsync(session, jobs.Select(job => job.VersionId), ct);
        await session.ExecuteAsync("DELETE FROM job WHERE key IN (SELECT r.key FROM {rows})", new Rows<Job>(jobs).Uuid("key", job => job.Key), ct);
        await Inbox.PostAsync(session, [.. jobs.Select(job => Answer(job, versions[job.VersionId].Node(job.Node)!))], ct);
        return jobs.Count;
    }, ct);

    private InboxItem Answer(Job job, Node node)
    {
        var outcome = outcomes.GetValueOrDefault(node.Id) ?? (node.Outcomes is [var first, ..] ? first : "Done");
        return InboxItem.For(job.AccountId, job.UserId, InboxKind.JobResult, job.Key, new Dictionary<string, object?>
        {
            ["instance"] = job.InstanceId.ToString(),
            ["node"] = (long)job.Node,
            ["visit"] = (long)job.Visit,
            ["outcome"] = outcome,
            ["text"] = $"not really done in a simulation: taken to come to {outcome}",
        });
    }
}
