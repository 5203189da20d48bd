using System.Collections.Concurrent;
using MailFlow.Data;
using MailFlow.Engine.Definitions;

namespace MailFlow.Journeys;

/// <summary>
/// The graphs of definition versions by their dense key, to put names to the node numbers that history and counters hold.
/// A version that was ever published never changes, so it is read once; one that cannot be built any more has none.
/// </summary>
internal sealed class VersionGraphs(GraphBuilder builder)
{
    private readonly ConcurrentDictionary<long, VersionGraph> _known = new();

    public async Task<IReadOnlyDictionary<long, VersionGraph>> LoadAsync(Session session, IEnumerable<long> versions, CancellationToken ct)
    {
        var wanted = versions.Distinct().ToList();
        var rows = await session.QueryAsync("""
            SELECT v.id, v.version, j.definition_id, j.name, v.definition, v.published_at
            FROM {rows} JOIN definition_version v ON v.id = r.id JOIN journey j ON j.id = v.journey_id
            """,
            new Rows<long>(wanted.FindAll(id => !_known.ContainsKey(id))).Long("id", id => id),
            row => (Id: row.Long(0), Version: row.Int(1), DefinitionId: row.Text(2), Name: row.Text(3), Json: row.Text(4), IsFixed: !row.IsNull(5)), ct);
        var found = new Dictionary<long, VersionGraph>();
        foreach (var row in rows)
        {
            var graph = found[row.Id] = new VersionGraph(row.DefinitionId, row.Name, row.Version, Build(row.Json));
            if (row.IsFixed) _known[row.Id] = graph;
        }
        foreach (var id in wanted)
            if (_known.TryGetValue(id, out var graph)) found[id] = graph;
        return found;
    }

    /// <summary>Forgets a deleted journey's versions.</summary>
    public void Forget(IEnumerable<long> versions)
    {
        foreach (var id in versions) _known.TryRemove(id, out _);
    }

    private Graph? Build(string json)
    {
        try
        {
            return builder.Build(WorkflowDefinition.ReadStored(json));
        }
        catch (InvalidDefinitionException)
        {
            return null; // made with an activity that this server no longer has
        }
    }
}

/// <summary>A version of a journey, as far as its history needs it.</summary>
internal sealed record VersionGraph(string DefinitionId, string Name, int Version, Graph? Graph)
{
    /// <summary>The node with this number; null for the instance itself (-1) and where the graph is not known.</summary>
    public Node? Node(int index) => Graph is { } graph && index >= 0 && index < graph.Nodes.Length ? graph.Nodes[index] : null;
}
