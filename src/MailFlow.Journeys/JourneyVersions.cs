using System.Globalization;
using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Storage;

namespace MailFlow.Journeys;

/// <summary>A journey's versions: which there are, how they differ, and what a publish would mean for the contacts inside.</summary>
public sealed class JourneyVersions
{
    private readonly Database _database;
    private readonly JourneyDefinitions _journeys;
    private readonly VersionGraphs _graphs;
    private readonly DefinitionDiff _diff;

    internal JourneyVersions(Database database, JourneyDefinitions journeys, VersionGraphs graphs, DefinitionDiff diff) =>
        (_database, _journeys, _graphs, _diff) = (database, journeys, graphs, diff);

    /// <summary>A page of the versions, the newest first.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="definitionId">The journey.</param>
    /// <param name="cursor">Where to go on; null to begin.</param>
    /// <param name="limit">1 to 1,000.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="NotFoundException">There is no such journey.</exception>
    public async Task<Page<VersionSummary>> ListAsync(int accountId, string definitionId, string? cursor, int limit, CancellationToken ct)
    {
        var before = Cursor.ReadNumber(cursor);
        var found = await _database.ReadAsync(session => session.QueryAsync("""
            SELECT v.version, CASE WHEN v.id = j.published_version_id THEN 1 ELSE 0 END, v.created_at, v.published_at, (
              SELECT CAST(COALESCE(sum(c.n), 0) AS BIGINT) FROM journey_count c WHERE c.version_id = v.id AND c.node >= 0 AND c.kind = @waiting)
            FROM journey j JOIN definition_version v ON v.journey_id = j.id
            WHERE j.account_id = @account AND j.definition_id = @definition AND v.version < @before ORDER BY v.version DESC LIMIT @limit
            """,
            row => new VersionSummary(row.Int(0), row.Int(1) == 1 ? "published" : row.IsNull(3) ? "draft" : "retired", row.Instant(2), row.InstantOrNull(3), row.Long(4)), ct,
            ("account", accountId), ("definition", definitionId), ("before", before ?? long.MaxValue), ("limit", limit + 1), ("waiting", (int)CountKind.Waiting)), ct);
        if (found.Count == 0 && before is null) throw NotThere(definitionId, null);
        return Cursor.Page(found, limit, last => last.Version.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>How two versions differ, in words.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="definitionId">The journey.</param>
    /// <param name="from">The older one; null for the published one, or the one before <paramref name="to"/> where no older one is published.</param>
    /// <param name="to">The newer one; null for the latest.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="NotFoundException">There is no such journey or version.</exception>
    public async Task<VersionDiff> DiffAsync(int accountId, string definitionId, int? from, int? to, CancellationToken ct)
    {
        var newer = await _journeys.FindAsync(accountId, definitionId, to, ct) ?? throw NotThere(definitionId, to);
        if (from is null)
        {
            var published = await _journeys.FindPublishedAsync(accountId, definitionId, ct);
            from = published is not null && published.Version < newer.Version ? published.Version : newer.Version - 1;
            if (from == 0) return new VersionDiff(null, newer.Version, []);
        }
        var older = await _journeys.FindAsync(accountId, definitionId, from, ct) ?? throw NotThere(definitionId, from);
        return new VersionDiff(older.Version, newer.Version, _diff.Compare(older.Definition, newer.Definition));
    }

    /// <summary>What publishing the latest version would find, change, and mean for the contacts who wait in older ones.</summary>
    /// <exception cref="NotFoundException">There is no such journey.</exception>
    public async Task<PublishPreview> PreviewAsync(int accountId, string definitionId, CancellationToken ct)
    {
        var latest = await _journeys.FindAsync(accountId, definitionId, null, ct) ?? throw NotThere(definitionId, null);
        var published = await _journeys.FindPublishedAsync(accountId, definitionId, ct);
        var findings = await _journeys.CheckAsync(accountId, latest, ct);
        var changes = published is null ? [] : _diff.Compare(published.Definition, latest.Definition);
        var (waiting, total) = await _database.ReadAsync(session => WaitingAsync(session, accountId, latest, ct), ct);
        return new PublishPreview(published?.Version, latest.Version, findings, changes, waiting, total);
    }

    private async Task<(IReadOnlyList<WaitingAtActivity> Waiting, long Total)> WaitingAsync(Session session, int accountId, StoredDefinition latest, CancellationToken ct)
    {
        var counts = await session.QueryAsync("""
            SELECT c.version_id, c.node, c.kind, CAST(sum(c.n) AS BIGINT) FROM journey j JOIN journey_count c ON c.journey_id = j.id
            WHERE j.account_id = @account AND j.definition_id = @definition GROUP BY c.version_id, c.node, c.kind
            """,
            row => (Version: row.Long(0), Node: row.Int(1), Kind: (CountKind)row.Int(2), N: row.Long(3)), ct,
            ("account", accountId), ("definition", latest.DefinitionId));
        // Who entered one version and was moved is counted as entered in the one and as completed in the other: only the journey's totals tell how many are inside.
        long Sum(CountKind kind) => counts.Where(count => count.Node == -1 && count.Kind == kind).Sum(count => count.N);
        var inside = Sum(CountKind.Entered) - Sum(CountKind.Completed) - Sum(CountKind.Exited) - Sum(CountKind.Faulted);
        var everywhere = counts.FindAll(count => count is { Node: >= 0, Kind: CountKind.Waiting, N: > 0 });
        var places = everywhere.FindAll(place => place.Version != latest.Id);
        var total = Math.Clamp(inside - everywhere.Where(place => place.Version == latest.Id).Sum(place => place.N), 0, places.Sum(place => place.N));
        var graphs = await _graphs.LoadAsync(session, places.Select(place => place.Version).Append(latest.Id), ct);
        var kept = graphs.GetValueOrDefault(latest.Id)?.Graph;
        var touched = await TouchedAsync(session, places.Select(place => place.Version).Distinct(), latest.Definition, ct);
        var waiting = places.Select(place => (Node: graphs.GetValueOrDefault(place.Version)?.Node(place.Node), place.Version, place.N)).Where(place => place.Node is not null)
            .GroupBy(place => place.Node!.Id)
            .Select(group => new WaitingAtActivity(group.Key, (kept?.Find(group.Key) ?? group.First().Node!).Title, group.Sum(place => place.N), group.Max(place => touched[place.Version](group.Key))))
            .OrderByDescending(place => place.Change).ThenByDescending(place => place.Count);
        return ([.. waiting], total);
    }

    /// <summary>By version: what becomes of an activity of it in the latest one.</summary>
    private async Task<Dictionary<long, Func<string, ActivityChange>>> TouchedAsync(Session session, IEnumerable<long> versions, WorkflowDefinition latest, CancellationToken ct)
    {
        var definitions = await session.QueryAsync("SELECT v.id, v.definition FROM {rows} JOIN definition_version v ON v.id = r.id",
            new Rows<long>([.. versions]).Long("id", id => id), row => (Id: row.Long(0), Json: row.Text(1)), ct);
        return definitions.ToDictionary(version => version.Id, version =>
        {
            var changes = _diff.Compare(WorkflowDefinition.ReadStored(version.Json), latest).Where(change => change.ActivityId is not null).ToLookup(change => change.ActivityId!, change => change.Kind);
            return (Func<string, ActivityChange>)(id => !changes.Contains(id) ? ActivityChange.Unchanged : changes[id].Contains(ChangeKind.Removed) ? ActivityChange.Removed : ActivityChange.Changed);
        });
    }

    private static NotFoundException NotThere(string definitionId, int? version) => new($"There is no journey '{definitionId}'{(version is null ? "" : $" of version {version}")}.");
}

/// <summary>A version in the list of a journey's versions.</summary>
/// <param name="Version">From 1.</param>
/// <param name="State"><c>draft</c> (never published), <c>published</c> (contacts enter it now) or <c>retired</c> (they once did).</param>
/// <param name="CreatedAt">When it was first saved.</param>
/// <param name="PublishedAt">When it was first published.</param>
/// <param name="Waiting">How many contacts wait at its activities now; one who is in two branches counts twice.</param>
public sealed record VersionSummary(int Version, string State, DateTimeOffset CreatedAt, DateTimeOffset? PublishedAt, long Waiting);

/// <summary>How two versions differ.</summary>
/// <param name="From">The older version; null where there is none to compare with.</param>
/// <param name="To">The newer version.</param>
/// <param name="Changes">Every difference.</param>
public sealed record VersionDiff(int? From, int To, IReadOnlyList<DefinitionChange> Changes);

/// <summary>What a publish would mean.</summary>
/// <param name="From">The version that contacts enter now; null for none.</param>
/// <param name="To">The version that would be published: the latest.</param>
/// <param name="Findings">What would be found; an error refuses the publish.</param>
/// <param name="Changes">What is different from <paramref name="From"/>; empty where nothing is published.</param>
/// <param name="Waiting">Where contacts wait in older versions: what is gone first, then what is changed.</param>
/// <param name="TotalWaiting">How many contacts wait in older versions.</param>
public sealed record PublishPreview(
    int? From, int To, IReadOnlyList<Finding> Findings, IReadOnlyList<DefinitionChange> Changes, IReadOnlyList<WaitingAtActivity> Waiting, long TotalWaiting);

/// <summary>How many contacts wait at an activity, and what a publish does to it.</summary>
/// <param name="ActivityId">The activity.</param>
/// <param name="ActivityName">What people call it.</param>
/// <param name="Count">How many wait at it; one who is in two branches waits at two.</param>
/// <param name="Change">What would become of it.</param>
public sealed record WaitingAtActivity(string ActivityId, string ActivityName, long Count, ActivityChange Change);

/// <summary>What becomes of an activity.</summary>
public enum ActivityChange
{
    /// <summary>It stays as it is.</summary>
    Unchanged,

    /// <summary>Its settings, its name or where it leads are different.</summary>
    Changed,

    /// <summary>It is gone.</summary>
    Removed,
}
