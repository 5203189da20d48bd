using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Execution;
using MailFlow.Engine.Storage;

namespace MailFlow.Journeys;

/// <summary>One thing that happened on a trip.</summary>
/// <param name="ActivityId">The activity; null for the trip as a whole.</param>
/// <param name="Event">What happened.</param>
/// <param name="At">When.</param>
/// <param name="Outcome">The exit port taken, or null.</param>
/// <param name="Text">Why, in plain words, or null.</param>
public sealed record TripStep(string? ActivityId, HistoryEvent Event, DateTimeOffset At, string? Outcome, string? Text);

/// <summary>Where a trip is at this moment.</summary>
/// <param name="ActivityId">The activity.</param>
/// <param name="Token">What it is doing there.</param>
public sealed record TripPlace(string ActivityId, TokenSnapshot Token);

/// <summary>An instance with all that is known of it.</summary>
/// <param name="Instance">The instance.</param>
/// <param name="Definition">The version it is pinned to.</param>
/// <param name="Steps">What happened, in order.</param>
/// <param name="Places">Where it is now; empty when it has ended.</param>
/// <param name="Variables">Its variables, those with their initial values included.</param>
/// <param name="Trigger">The event or input that started it.</param>
public sealed record InstanceTrip(
    InstanceLine Instance, StoredDefinition Definition, IReadOnlyList<TripStep> Steps, IReadOnlyList<TripPlace> Places,
    IReadOnlyDictionary<string, object?> Variables, IReadOnlyDictionary<string, object?> Trigger);

/// <summary>Reads single instances whole.</summary>
public sealed class InstanceTrips
{
    private readonly Database _database;
    private readonly VersionGraphs _graphs;

    internal InstanceTrips(Database database, VersionGraphs graphs) => (_database, _graphs) = (database, graphs);

    /// <summary>The instance; null where there is none (one that was only just asked for may still wait in the inbox).</summary>
    public Task<InstanceTrip?> FindAsync(int accountId, Guid id, CancellationToken ct) => _database.ReadAsync(async session =>
    {
        var found = await session.QueryAsync(
            $"SELECT {InstanceSearch.Columns}, i.contact_id, i.format, i.state {InstanceSearch.From} WHERE i.id = @id AND i.account_id = @account",
            row => (Line: InstanceSearch.Read(row), Contact: row.Long(8), Format: row.Int(9), State: row.Bytes(10)), ct, ("id", id), ("account", accountId));
        if (found is not [var instance]) return null;
        var definition = await session.FirstAsync(
            $"SELECT {StoredDefinition.Columns} FROM definition_version v JOIN journey j ON j.id = v.journey_id WHERE v.id = @version", StoredDefinition.Read, ct, ("version", instance.Line.VersionId));
        var history = await session.QueryAsync("SELECT at, steps, version_id FROM history WHERE contact_id = @contact AND instance_id = @id ORDER BY at, seq",
            row => (At: row.Instant(0), Lines: HistoryLine.ReadAll(row.Text(1)), Version: row.Long(2)), ct, ("contact", instance.Contact), ("id", id));
        // A trip that was moved began on another version: its first lines count that one's activities.
        var graphs = await _graphs.LoadAsync(session, history.Select(row => row.Version).Append(instance.Line.VersionId), ct);
        var graph = graphs.GetValueOrDefault(instance.Line.VersionId);
        var steps = history.SelectMany(row => row.Lines.Select(line => new TripStep(graphs.GetValueOrDefault(row.Version)?.Node(line.Node)?.Id, line.Event, row.At, line.Outcome, line.Text)));
        var state = InstanceSnapshot.Read(instance.State, instance.Format);
        return new InstanceTrip(instance.Line, definition!, [.. steps], Places(state, graph), Variables(state, graph?.Graph), state?.Trigger ?? JsonData.Empty);
    }, ct);

    /// <summary>When instances last moved and how they stand, for those of the ids that exist.</summary>
    public async Task<IReadOnlyDictionary<Guid, (InstanceStatus Status, DateTimeOffset UpdatedAt, int Ver)>> LastMovesAsync(IReadOnlyCollection<Guid> ids, CancellationToken ct)
    {
        var found = await _database.ReadAsync(session => session.QueryAsync(
            "SELECT i.id, i.status, i.updated_at, i.ver FROM {rows} JOIN instance i ON i.id = r.id", new Rows<Guid>([.. ids.Distinct()]).Uuid("id", id => id),
            row => (Id: row.Uuid(0), Status: (InstanceStatus)row.Int(1), At: row.Instant(2), Ver: row.Int(3)), ct), ct);
        return found.ToDictionary(each => each.Id, each => (each.Status, each.At, each.Ver));
    }

    private static List<TripPlace> Places(InstanceSnapshot? state, VersionGraph? graph) =>
        [.. (state?.Tokens ?? []).Select(token => (Id: graph?.Node(token.Node)?.Id, Token: token)).Where(place => place.Id is not null).Select(place => new TripPlace(place.Id!, place.Token))];

    private static Dictionary<string, object?> Variables(InstanceSnapshot? state, Graph? graph)
    {
        var variables = new Dictionary<string, object?>(graph?.Variables ?? JsonData.Empty);
        foreach (var (name, value) in state?.Variables ?? JsonData.Empty) variables[name] = value;
        return variables;
    }
}
