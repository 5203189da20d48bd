using System.Globalization;
using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Journeys;

/// <summary>
/// The instances of one journey. There may be ten million, so a page looks at a bounded number of contacts: it goes through those who ever entered, the
/// contacts known latest first, and may come back short or empty with a cursor to go on by.
/// </summary>
public sealed class JourneyInstances
{
    private const int Chunk = 400, MostChunks = 10;
    private static readonly Dictionary<string, InstanceStatus> States = new()
    {
        ["waiting"] = InstanceStatus.Running,
        ["completed"] = InstanceStatus.Completed,
        ["exited"] = InstanceStatus.Exited,
        ["faulted"] = InstanceStatus.Faulted,
        ["cancelled"] = InstanceStatus.Cancelled,
    };

    private readonly Database _database;
    private readonly VersionGraphs _graphs;

    internal JourneyInstances(Database database, VersionGraphs graphs) => (_database, _graphs) = (database, graphs);

    private sealed record Filter(int Account, int Journey, string? UserId, InstanceStatus? Status, string? ActivityId);

    private sealed record Found(Guid Id, long Contact, string UserId, long Version, InstanceStatus Status, DateTimeOffset UpdatedAt, DateTimeOffset? DueAt, byte[] State, int Format);

    /// <summary>A page of them.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="definitionId">The journey.</param>
    /// <param name="userId">Only this contact's.</param>
    /// <param name="state">Only those <c>waiting</c>, <c>completed</c>, <c>exited</c>, <c>faulted</c> or <c>cancelled</c>.</param>
    /// <param name="activityId">Only those that are at this activity now, waiting or with an incident.</param>
    /// <param name="cursor">Where to go on; null to begin.</param>
    /// <param name="limit">1 to 1,000.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="NotFoundException">There is no such journey.</exception>
    /// <exception cref="InvalidInputException">There is no such state.</exception>
    public async Task<Page<JourneyInstance>> ListAsync(
        int accountId, string definitionId, string? userId, string? state, string? activityId, string? cursor, int limit, CancellationToken ct)
    {
        InstanceStatus? status = null;
        if (state is not null) status = States.TryGetValue(state, out var known) ? known : throw new InvalidInputException("state", $"'{state}' is none of {string.Join(", ", States.Keys)}");
        var (contact, id) = ReadCursor(cursor);
        return await _database.ReadAsync(async session =>
        {
            var journeys = await session.QueryAsync("SELECT id FROM journey WHERE account_id = @account AND definition_id = @definition", row => row.Int(0), ct,
                ("account", accountId), ("definition", definitionId));
            if (journeys is not [var journey]) throw new NotFoundException($"There is no journey '{definitionId}'.");
            return await PageAsync(session, new Filter(accountId, journey, userId, status, activityId), contact, id, limit, ct);
        }, ct);
    }

    private async Task<Page<JourneyInstance>> PageAsync(Session session, Filter filter, long contact, Guid id, int limit, CancellationToken ct)
    {
        var items = new List<(Found Row, JourneyInstance Item)>();
        for (var looked = 0; looked < MostChunks; looked++)
        {
            var contacts = await ContactsAsync(session, filter, contact, ct);
            var found = await FindAsync(session, filter, contacts, ct);
            var graphs = await _graphs.LoadAsync(session, found.Select(row => row.Version), ct);
            foreach (var row in found.Where(row => row.Contact < contact || row.Id.CompareTo(id) < 0).OrderByDescending(row => row.Contact).ThenByDescending(row => row.Id))
                if (Item(row, graphs.GetValueOrDefault(row.Version), filter.ActivityId) is { } item) items.Add((row, item));
            if (items.Count > limit)
            {
                var page = Cursor.Page(items, limit, last => Key(last.Row.Contact, last.Row.Id));
                return new Page<JourneyInstance>([.. page.Items.Select(pair => pair.Item)], page.Next);
            }
            if (contacts.Count < Chunk) return new Page<JourneyInstance>([.. items.Select(pair => pair.Item)], null);
            (contact, id) = (contacts[^1], Guid.Empty); // with all of this contact's done
        }
        return new Page<JourneyInstance>([.. items.Select(pair => pair.Item)], Cursor.Write(Key(contact, id)));
    }

    /// <summary>The next contacts to look at, the one at which the last page broke off included.</summary>
    private static Task<List<long>> ContactsAsync(Session session, Filter filter, long before, CancellationToken ct) => (filter.UserId, filter.Status) switch
    {
        ({ } user, _) => session.QueryAsync("SELECT id FROM contact WHERE account_id = @account AND user_id = @user", row => row.Long(0), ct, ("account", filter.Account), ("user", user)),
        (_, InstanceStatus.Faulted) => session.QueryAsync(
            "SELECT DISTINCT contact_id FROM instance WHERE journey_id = @journey AND status = 3 AND contact_id <= @before ORDER BY contact_id DESC LIMIT @chunk",
            row => row.Long(0), ct, ("journey", filter.Journey), ("before", before), ("chunk", Chunk)),
        _ => session.QueryAsync("SELECT contact_id FROM entry WHERE journey_id = @journey AND contact_id <= @before ORDER BY contact_id DESC LIMIT @chunk",
            row => row.Long(0), ct, ("journey", filter.Journey), ("before", before), ("chunk", Chunk)),
    };

    /// <summary>
    /// Running ones and incidents have an index by contact; for the others the contact's history tells the ids. At an activity are only running ones and
    /// incidents, whatever was asked for.
    /// </summary>
    private static async Task<List<Found>> FindAsync(Session session, Filter filter, List<long> contacts, CancellationToken ct)
    {
        const string Columns = "i.id, i.contact_id, c.user_id, i.version_id, i.status, i.updated_at, COALESCE(i.due_at, i.parked_at), i.state, i.format";
        const string Rest = "JOIN contact c ON c.id = i.contact_id WHERE i.journey_id = @journey";
        var rows = new Rows<long>(contacts).Long("id", id => id);
        Task<List<Found>> Ask(string from) => session.QueryAsync($"SELECT {Columns} FROM {from} {Rest}", rows,
            row => new Found(row.Uuid(0), row.Long(1), row.Text(2), row.Long(3), (InstanceStatus)row.Int(4), row.Instant(5), row.InstantOrNull(6), row.Bytes(7), row.Int(8)), ct, ("journey", filter.Journey));
        // The status as a number in the text, or no partial index matches.
        Task<List<Found>> With(InstanceStatus status) => Ask($"{{rows}} JOIN instance i ON i.contact_id = r.id AND i.journey_id = @journey AND i.status = {(int)status}");
        if (filter is { ActivityId: not null, Status: null }) return [.. await With(InstanceStatus.Running), .. await With(InstanceStatus.Faulted)];
        if (filter.Status is InstanceStatus.Running or InstanceStatus.Faulted) return await With(filter.Status.Value);
        var all = await Ask("(SELECT DISTINCT h.instance_id AS id FROM {rows} JOIN history h ON h.contact_id = r.id) told JOIN instance i ON i.id = told.id");
        return all.FindAll(row => filter.Status is null || row.Status == filter.Status);
    }

    private static JourneyInstance? Item(Found row, VersionGraph? graph, string? activityId)
    {
        var tokens = row.Status is InstanceStatus.Running or InstanceStatus.Faulted ? InstanceSnapshot.Read(row.State, row.Format)?.Tokens ?? [] : [];
        var at = activityId is null
            ? tokens.FirstOrDefault(token => token.State == TokenState.Faulted) ?? (tokens.Count > 0 ? tokens[0] : null)
            : tokens.FirstOrDefault(token => graph?.Node(token.Node)?.Id == activityId);
        if (activityId is not null && at is null) return null;
        var node = at is null ? null : graph?.Node(at.Node);
        return new JourneyInstance(row.Id, row.UserId, graph?.Version, row.Status == InstanceStatus.Running ? "Running" : "Finished", Instances.SubStatus(row.Status), Instances.Outcome(row.Status),
            node?.Id, node?.Title, at?.Since ?? row.UpdatedAt, at?.DueAt ?? row.DueAt, at?.Error);
    }

    private static string Key(long contact, Guid id) => string.Create(CultureInfo.InvariantCulture, $"{contact}/{id:n}");

    private static (long Contact, Guid Id) ReadCursor(string? cursor)
    {
        if (Cursor.Read(cursor) is not { } key) return (long.MaxValue, Guid.AllBitsSet);
        return key.Split('/') is [var contact, var id] && long.TryParse(contact, NumberStyles.None, CultureInfo.InvariantCulture, out var before) && Guid.TryParseExact(id, "n", out var beforeId)
            ? (before, beforeId)
            : throw new InvalidInputException("cursor", "is not a cursor that this list gave");
    }
}

/// <summary>One contact's trip in the list of a journey's.</summary>
/// <param name="Id">The instance.</param>
/// <param name="UserId">The contact, by the application's id.</param>
/// <param name="Version">The version it is pinned to.</param>
/// <param name="Status">Elsa's: <c>Running</c> or <c>Finished</c>.</param>
/// <param name="SubStatus">Elsa's: <c>Suspended</c>, <c>Finished</c>, <c>Faulted</c> or <c>Cancelled</c>.</param>
/// <param name="Outcome">Ours: <c>waiting</c>, <c>completed</c>, <c>exited</c>, <c>faulted</c> or <c>cancelled</c>.</param>
/// <param name="ActivityId">Where it is; of several places the one with the incident, or the first. Null when it has ended.</param>
/// <param name="ActivityName">What people call that activity.</param>
/// <param name="Since">Since when it is there; of one that has ended, when it did.</param>
/// <param name="DueAt">When it goes on by itself; null when only an event can move it, or nothing.</param>
/// <param name="Incident">Why it failed; null for no incident.</param>
public sealed record JourneyInstance(
    Guid Id, string UserId, int? Version, string Status, string SubStatus, string Outcome, string? ActivityId, string? ActivityName, DateTimeOffset Since, DateTimeOffset? DueAt, string? Incident);
