using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Journeys;

/// <summary>
/// Contacts' trips through journeys. Only the worker of a contact's shard writes instances: what is asked for here goes to it as a command, and
/// is done within moments.
/// </summary>
public sealed partial class Instances
{
    /// <summary>The kind stands there as a number: the index holds starts only, and parameters tell a planner nothing.</summary>
    internal static readonly string PendingSql = $"SELECT user_id, body, accepted_at FROM inbox WHERE key = @id AND kind = {(int)InboxKind.StartInstance} AND account_id = @account";

    private readonly Database _database;
    private readonly VersionGraphs _graphs;
    private readonly WorkSignal _signal;

    internal Instances(Database database, VersionGraphs graphs, WorkSignal signal) => (_database, _graphs, _signal) = (database, graphs, signal);

    /// <summary>Starts an instance by hand, whatever the journey's entry rule says; an unknown contact is created. Gives the id it will have.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="definitionId">The journey.</param>
    /// <param name="userId">The contact, by the application's id.</param>
    /// <param name="input">What its expressions see as <c>event</c>, <c>trigger</c> and <c>input</c>.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="NotFoundException">There is no such journey.</exception>
    /// <exception cref="ConflictException">It is not published.</exception>
    public async Task<Guid> StartAsync(int accountId, string definitionId, string userId, IReadOnlyDictionary<string, object?> input, CancellationToken ct)
    {
        var id = await _database.WriteAsync(async session =>
        {
            var published = await session.QueryAsync("SELECT published_version_id IS NOT NULL FROM journey WHERE account_id = @account AND definition_id = @definition",
                row => row.Bool(0), ct, ("account", accountId), ("definition", definitionId));
            if (published is not [var isPublished]) throw new NotFoundException($"There is no journey '{definitionId}'.");
            if (!isPublished) throw new ConflictException($"The journey '{definitionId}' is not published.");
            var start = Guid.CreateVersion7(DateTimeOffset.FromUnixTimeMilliseconds(await session.NowAsync(ct)));
            await Inbox.PostAsync(session, [InboxItem.StartInstance(accountId, userId, start, definitionId, input, underEntryRule: false)], ct);
            await Audit.RecordAsync(session, accountId, "instance.start", start.ToString(), ct, ("journey", definitionId), ("user_id", userId));
            return start;
        }, ct);
        _signal.Notify(StableHash.Shard(accountId, userId));
        return id;
    }

    /// <summary>An instance with its journal; null where there is none. One that was only just asked for is <c>Pending</c>.</summary>
    public Task<InstanceDetails?> FindAsync(int accountId, Guid id, CancellationToken ct) => _database.ReadAsync(async session =>
        // Once more at the end: between the first look and the one into the inbox its worker may have begun it.
        await BegunAsync(session, accountId, id, ct) ?? await PendingAsync(session, accountId, id, ct) ?? await BegunAsync(session, accountId, id, ct), ct);

    private async Task<InstanceDetails?> BegunAsync(Session session, int accountId, Guid id, CancellationToken ct)
    {
        var found = await session.QueryAsync("""
            SELECT i.version_id, i.contact_id, c.user_id, i.status, i.due_at, i.parked_at, i.updated_at
            FROM instance i JOIN contact c ON c.id = i.contact_id WHERE i.id = @id AND i.account_id = @account
            """,
            row => (Version: row.Long(0), Contact: row.Long(1), User: row.Text(2), Status: (InstanceStatus)row.Int(3), Due: row.InstantOrNull(4), Parked: row.InstantOrNull(5), Updated: row.Instant(6)),
            ct, ("id", id), ("account", accountId));
        if (found is not [var instance]) return null;
        var graph = (await _graphs.LoadAsync(session, [instance.Version], ct)).GetValueOrDefault(instance.Version);
        return new InstanceDetails(id, graph?.DefinitionId, graph?.Version, instance.User,
            instance.Status == InstanceStatus.Running ? "Running" : "Finished", SubStatus(instance.Status), Outcome(instance.Status),
            StartedAt(id), instance.Updated, instance.Due ?? instance.Parked, instance.Parked is not null,
            await JournalAsync(session, instance.Contact, id, ct));
    }

    /// <summary>Has the failed activities of an instance run again.</summary>
    /// <exception cref="NotFoundException">There is no such instance.</exception>
    /// <exception cref="ConflictException">It has no incident.</exception>
    public Task RetryAsync(int accountId, Guid id, CancellationToken ct) => CommandAsync(accountId, id, InboxKind.Retry, new() { ["instance"] = id.ToString() }, ct);

    /// <summary>Lets an instance leave its failed activities.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="id">The instance.</param>
    /// <param name="outcome">The exit port to take; null is <c>Done</c>.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="NotFoundException">There is no such instance.</exception>
    /// <exception cref="ConflictException">It has no incident.</exception>
    public Task SkipAsync(int accountId, Guid id, string? outcome, CancellationToken ct) =>
        CommandAsync(accountId, id, InboxKind.Skip, new() { ["instance"] = id.ToString(), ["outcome"] = outcome }, ct);

    /// <summary>Ends an instance; mail it has queued is called off.</summary>
    /// <exception cref="NotFoundException">There is no such instance.</exception>
    /// <exception cref="ConflictException">It has ended.</exception>
    public Task CancelAsync(int accountId, Guid id, string? reason, CancellationToken ct) =>
        CommandAsync(accountId, id, InboxKind.Cancel, new() { ["instance"] = id.ToString(), ["reason"] = reason ?? "cancelled by an operator" }, ct);

    private async Task CommandAsync(int accountId, Guid id, InboxKind kind, Dictionary<string, object?> body, CancellationToken ct)
    {
        var user = await _database.WriteAsync(async session =>
        {
            var found = await session.QueryAsync(
                "SELECT c.user_id, i.status FROM instance i JOIN contact c ON c.id = i.contact_id WHERE i.id = @id AND i.account_id = @account",
                row => (User: row.Text(0), Status: (InstanceStatus)row.Int(1)), ct, ("id", id), ("account", accountId));
            if (found is not [var instance])
            {
                // Only just asked for: a command posted now comes after its start.
                var pending = await PendingAsync(session, accountId, id, ct) ?? throw new NotFoundException($"There is no instance {id}.");
                instance = (pending.UserId, InstanceStatus.Running);
            }
            if (kind == InboxKind.Cancel ? instance.Status is not (InstanceStatus.Running or InstanceStatus.Faulted) : instance.Status != InstanceStatus.Faulted)
                throw new ConflictException(kind == InboxKind.Cancel ? "The instance has ended." : "The instance has no incident.");
            var key = StableHash.TimedKey(await session.NowAsync(ct), StableHash.Key(kind.ToString(), id.ToString()));
            await Inbox.PostAsync(session, [InboxItem.For(accountId, instance.User, kind, key, body)], ct);
            await Audit.RecordAsync(session, accountId, $"instance.{kind.ToString().ToLowerInvariant()}", id.ToString(), ct,
                [.. body.Where(member => member.Key != "instance").Select(member => (member.Key, member.Value)), ("user_id", instance.User)]);
            return instance.User;
        }, ct);
        _signal.Notify(StableHash.Shard(accountId, user));
    }

    private static Task<InstanceDetails?> PendingAsync(Session session, int accountId, Guid id, CancellationToken ct) => session.FirstAsync(
        PendingSql,
        row => new InstanceDetails(id, JsonData.ParseMap(row.Text(1)).GetValueOrDefault("definition_id") as string, null, row.Text(0),
            "Running", "Pending", "waiting", row.Instant(2), row.Instant(2), null, false, []),
        ct, ("id", id), ("account", accountId));

    /// <summary>Each row by the version that the instance was on then.</summary>
    private async Task<IReadOnlyList<JournalEntry>> JournalAsync(Session session, long contact, Guid id, CancellationToken ct)
    {
        var rows = await session.QueryAsync("SELECT at, steps, version_id FROM history WHERE contact_id = @contact AND instance_id = @id ORDER BY at, seq",
            row => (At: row.Instant(0), Lines: HistoryLine.ReadAll(row.Text(1)), Version: row.Long(2)), ct, ("contact", contact), ("id", id));
        var graphs = await _graphs.LoadAsync(session, rows.Select(row => row.Version), ct);
        return [.. rows.SelectMany(row => row.Lines.Select(line =>
        {
            var node = graphs.GetValueOrDefault(row.Version)?.Node(line.Node);
            return new JournalEntry(node?.Id, node?.Type, line.Event.ToString(), row.At, line.Outcome, line.Text);
        }))];
    }

    /// <summary>Elsa's words: an instance with an incident counts as finished there.</summary>
    internal static string SubStatus(InstanceStatus status) => status switch
    {
        InstanceStatus.Running => "Suspended",
        InstanceStatus.Faulted => "Faulted",
        InstanceStatus.Cancelled => "Cancelled",
        _ => "Finished",
    };

    internal static string Outcome(InstanceStatus status) => status == InstanceStatus.Running ? "waiting" : status.ToString().ToLowerInvariant();

    /// <summary>The time in the id.</summary>
    internal static DateTimeOffset StartedAt(Guid id) => DateTimeOffset.FromUnixTimeMilliseconds(Convert.ToInt64(id.ToString("N")[..12], 16));
}

/// <summary>One contact's trip through a journey.</summary>
/// <param name="Id">Its id.</param>
/// <param name="DefinitionId">The journey; null where its version is gone.</param>
/// <param name="Version">The version it is pinned to; null while pending.</param>
/// <param name="UserId">The contact, by the application's id.</param>
/// <param name="Status">Elsa's: <c>Running</c> or <c>Finished</c>.</param>
/// <param name="SubStatus">Elsa's: <c>Pending</c>, <c>Suspended</c>, <c>Finished</c>, <c>Faulted</c> or <c>Cancelled</c>.</param>
/// <param name="Outcome">Ours: <c>waiting</c>, <c>completed</c>, <c>exited</c>, <c>faulted</c> or <c>cancelled</c>.</param>
/// <param name="StartedAt">When it began.</param>
/// <param name="UpdatedAt">When it last moved.</param>
/// <param name="DueAt">When it moves next by itself; null when only an event can move it.</param>
/// <param name="IsHeld">Whether its journey's pause holds it.</param>
/// <param name="Journal">What happened, in order.</param>
public sealed record InstanceDetails(
    Guid Id, string? DefinitionId, int? Version, string UserId, string Status, string SubStatus, string Outcome,
    DateTimeOffset StartedAt, DateTimeOffset UpdatedAt, DateTimeOffset? DueAt, bool IsHeld, IReadOnlyList<JournalEntry> Journal);

/// <summary>One thing that happened to an instance.</summary>
/// <param name="ActivityId">The activity; null for the instance itself.</param>
/// <param name="ActivityType">Its type.</param>
/// <param name="Event"><c>Entered</c>, <c>Completed</c>, <c>Suspended</c>, <c>Faulted</c>, <c>Retried</c>, <c>Finished</c>, <c>Exited</c>, <c>Cancelled</c>, <c>Moved</c> or <c>Stayed</c>.</param>
/// <param name="At">When.</param>
/// <param name="Outcome">The exit port taken.</param>
/// <param name="Text">Why, in plain words; what <c>Elsa.WriteLine</c> wrote.</param>
public sealed record JournalEntry(string? ActivityId, string? ActivityType, string Event, DateTimeOffset At, string? Outcome, string? Text);
