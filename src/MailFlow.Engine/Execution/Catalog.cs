using System.Collections.Concurrent;
using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Facts;
using MailFlow.Engine.Storage;
using Microsoft.Extensions.Logging;

namespace MailFlow.Engine.Execution;

/// <summary>
/// The journeys and versions that this process keeps ready. Versions never change once published; which is published and which
/// journey is paused is read again whenever the epoch has moved.
/// </summary>
internal sealed partial class Catalog(GraphBuilder graphs, Triggers triggers, ILogger<Catalog> log)
{
    private readonly ConcurrentDictionary<long, JourneyVersion?> _versions = new();
    private readonly ConcurrentDictionary<long, JourneyVersion> _unreadable = new();
    private volatile CatalogView? _view;

    /// <summary>How many accounts have journeys, as far as this process knows.</summary>
    public int Accounts => _view?.Accounts ?? 0;

    /// <summary>What this process has met and cannot read, as of now: of versions, it never will. Kept beside all versions, because every claim asks.</summary>
    public Unreadable Unreadable => new(_unreadable.Keys.ToList(), _view?.Unreadable ?? new HashSet<int>());

    /// <summary>The view as of this epoch, which the session's transaction has read.</summary>
    public async Task<CatalogView> ReadAsync(Session session, long epoch, CancellationToken ct)
    {
        if (_view is { } view && view.Epoch == epoch) return view;
        var journeys = await session.QueryAsync(
            "SELECT id, account_id, published_version_id, paused, resumed_at FROM journey",
            row => new CatalogJourney(row.Int(0), row.Int(1), row.LongOrNull(2), row.Bool(3), row.LongOrNull(4)), ct);
        await LoadAsync(session, journeys.Where(j => j.PublishedVersion is not null).Select(j => j.PublishedVersion!.Value), ct);
        var parked = await ParkedNode.ReadAllAsync(session, ct);
        var facts = await FactInterest.OfAllAsync(session, ct);
        return _view = new CatalogView(epoch, journeys, ByEventType(journeys), parked.ToDictionary(node => node.Key), facts, _versions);
    }

    /// <summary>Makes ready whatever contacts are on, those with an incident too.</summary>
    public async Task<CatalogView> ReadAllAsync(Session session, CancellationToken ct)
    {
        await LoadAsync(session, await session.QueryAsync(
            $"SELECT version_id FROM journey_count WHERE kind IN ({(int)CountKind.Waiting}, {(int)CountKind.Failed}) GROUP BY version_id HAVING sum(n) > 0", row => row.Long(0), ct), ct);
        return await ReadAsync(session, await EngineEpoch.ReadAsync(session, ct), ct);
    }

    /// <summary>Makes these versions ready. One that this node cannot read (written by a newer MailFlow) is left out and alarmed.</summary>
    public async Task LoadAsync(Session session, IEnumerable<long> versions, CancellationToken ct)
    {
        var missing = versions.Distinct().Where(id => !_versions.ContainsKey(id)).ToList();
        if (missing.Count == 0) return;
        var rows = await session.QueryAsync("""
            SELECT v.id, v.account_id, v.journey_id, v.version, j.definition_id, j.name, v.definition
            FROM {rows} JOIN definition_version v ON v.id = r.id JOIN journey j ON j.id = v.journey_id
            """,
            new Rows<long>(missing).Long("id", id => id),
            row => (Id: row.Long(0), Account: row.Int(1), Journey: row.Int(2), Version: row.Int(3), DefinitionId: row.Text(4), Name: row.Text(5), Json: row.Text(6)), ct);
        foreach (var row in rows)
        {
            try
            {
                var graph = graphs.Build(WorkflowDefinition.ReadStored(row.Json));
                var info = new JourneyInfo(row.Journey, row.DefinitionId, row.Version, row.Id, row.Name, graph.Rules);
                _versions[row.Id] = new JourneyVersion(row.Account, info, graph);
            }
            catch (Exception error)
            {
                // In this order: who finds that it is known must find, too, that it cannot be read.
                _unreadable[row.Id] = JourneyVersion.Unread(row.Account, new JourneyInfo(row.Journey, row.DefinitionId, row.Version, row.Id, row.Name, JourneyRules.Default));
                _versions[row.Id] = null;
                LogUnreadable(row.DefinitionId, row.Version, error);
            }
        }
    }

    /// <summary>What is known of a version that cannot be read; null of one that can, or that was not met.</summary>
    public JourneyVersion? Unread(long versionId) => _unreadable.GetValueOrDefault(versionId);

    /// <summary>A node as an operator knows it.</summary>
    public string NameOf(long versionId, int node) => _versions.GetValueOrDefault(versionId) is { } version
        ? $"“{version.Graph.Nodes[node].Title}” ({version.Graph.Nodes[node].Id}) of journey {version.Info.DefinitionId} version {version.Info.Version}"
        : $"node {node} of version {versionId}";

    private Dictionary<(int, string), List<JourneyTrigger>> ByEventType(List<CatalogJourney> journeys)
    {
        var byType = new Dictionary<(int, string), List<JourneyTrigger>>();
        foreach (var journey in journeys)
        {
            if (journey.PublishedVersion is not { } id || _versions.GetValueOrDefault(id) is not { } version) continue;
            foreach (var node in version.Graph.Triggers)
            {
                if (triggers.EventOf(node) is not var (type, filter)) continue;
                if (!byType.TryGetValue((journey.AccountId, type), out var list)) byType[(journey.AccountId, type)] = list = [];
                list.Add(new JourneyTrigger(version, node, filter));
            }
        }
        return byType;
    }

    [LoggerMessage(Level = LogLevel.Critical, Message = "Journey {DefinitionId} version {Version} cannot be run by this node; it leaves all that may be for it to nodes that can")]
    private partial void LogUnreadable(string definitionId, int version, Exception error);
}

/// <summary>A journey as the worker needs it.</summary>
internal sealed record CatalogJourney(int Id, int AccountId, long? PublishedVersion, bool Paused, long? ResumedAt);

/// <summary>The journeys as of one epoch.</summary>
internal sealed class CatalogView(
    long epoch, List<CatalogJourney> journeys, Dictionary<(int, string), List<JourneyTrigger>> triggers,
    IReadOnlyDictionary<(long VersionId, int Node), ParkedNode> parked, FactInterest facts, ConcurrentDictionary<long, JourneyVersion?> versions)
{
    private readonly HashSet<int> _paused = [.. journeys.Where(j => j.Paused).Select(j => j.Id)];
    private readonly Dictionary<int, long> _resumed = journeys.Where(j => j.ResumedAt is not null).ToDictionary(j => j.Id, j => j.ResumedAt!.Value);
    private readonly Dictionary<(int, string), long> _published = [];

    public long Epoch => epoch;

    /// <summary>The accounts of whose published journeys this process cannot read one.</summary>
    public IReadOnlySet<int> Unreadable { get; } = journeys.Where(j => j.PublishedVersion is { } id && versions.TryGetValue(id, out var version) && version is null).Select(j => j.AccountId).ToHashSet();

    /// <summary>How many accounts have journeys.</summary>
    public int Accounts { get; } = journeys.DistinctBy(j => j.AccountId).Count();

    /// <summary>The nodes at which everybody fails.</summary>
    public IReadOnlyDictionary<(long VersionId, int Node), ParkedNode> Parked => parked;

    /// <summary>The facts that somebody wants to be told.</summary>
    public FactInterest Facts => facts;

    public bool IsPaused(int journey) => _paused.Contains(journey);

    /// <summary>When a journey was last resumed; 0 when it never was.</summary>
    public long ResumedAt(int journey) => _resumed.GetValueOrDefault(journey);

    public JourneyVersion? Version(long id) => versions.GetValueOrDefault(id);

    /// <summary>The triggers of an account that an event of this type can pull.</summary>
    public IReadOnlyList<JourneyTrigger> Triggers(int account, string eventType) =>
        triggers.TryGetValue((account, eventType), out var found) ? found : [];

    /// <summary>The published version of a journey by its definition's id.</summary>
    public JourneyVersion? Published(int account, string definitionId)
    {
        lock (_published)
        {
            if (_published.Count == 0)
            {
                foreach (var journey in journeys)
                    if (journey.PublishedVersion is { } id && Version(id) is { } version)
                        _published[(journey.AccountId, version.Info.DefinitionId)] = id;
            }
            return _published.TryGetValue((account, definitionId), out var published) ? Version(published) : null;
        }
    }
}
