using System.Text.RegularExpressions;
using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Storage;
using MailFlow.Journeys.Revisions;
using MailFlow.Journeys.Scheduling;

namespace MailFlow.Journeys;

/// <summary>
/// Journeys: drafts, versions, publishing, pausing, numbers. A version that was ever published never changes: instances are pinned to it.
/// </summary>
public sealed partial class JourneyDefinitions
{
    private readonly Database _database;
    private readonly Linter _linter;
    private readonly IReadOnlyList<IPublishCheck> _checks;
    private readonly VersionGraphs _graphs;
    private readonly PublishedSchedules _schedules;
    private readonly WorkSignal _signal;

    internal JourneyDefinitions(Database database, Linter linter, IEnumerable<IPublishCheck> checks, VersionGraphs graphs, PublishedSchedules schedules, WorkSignal signal) =>
        (_database, _linter, _checks, _graphs, _schedules, _signal) = (database, linter, [.. checks], graphs, schedules, signal);

    /// <summary>
    /// Saves a draft: over the draft there is, or as the next version on top of one that was published. What says the same as the latest version is not saved again.
    /// </summary>
    /// <param name="accountId">The account.</param>
    /// <param name="definitionId">1 to 100 letters, digits, dots, hyphens and underscores; it replaces the one in the JSON.</param>
    /// <param name="json">Elsa 3 JSON. It need not be sound yet, but it must be a definition.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="InvalidInputException">The id or the JSON cannot be taken.</exception>
    public Task<StoredDefinition> SaveDraftAsync(int accountId, string definitionId, string json, CancellationToken ct) =>
        SaveDraftAsync(accountId, definitionId, Draft.Of(WorkflowDefinition.Parse(json), "API"), ct);

    /// <inheritdoc cref="SaveDraftAsync(int, string, string, CancellationToken)"/>
    /// <param name="draft">What to save, and who saves it.</param>
    public async Task<StoredDefinition> SaveDraftAsync(int accountId, string definitionId, Draft draft, CancellationToken ct)
    {
        if (!IdShape().IsMatch(definitionId)) throw new InvalidInputException("definition_id", "must be 1 to 100 letters, digits, dots, hyphens and underscores");
        return await _database.WriteAsync(async session =>
        {
            var now = await session.NowAsync(ct);
            // Taken first, the journey's row is the lock under which version numbers are given and publishes decided.
            await session.ExecuteAsync("""
                INSERT INTO journey (account_id, definition_id, name, created_at, updated_at) VALUES (@account, @definition, @definition, @now, @now)
                ON CONFLICT (account_id, definition_id) DO UPDATE SET updated_at = journey.updated_at
                """, ct, ("account", accountId), ("definition", definitionId), ("now", now));
            var latest = await FindAsync(session, accountId, definitionId, null, ct);
            var revision = await RevisionStore.LatestAsync(session, accountId, definitionId, ct);
            var given = draft.Make(latest, revision);
            var definition = given.With(new DefinitionStamp(definitionId, "", (latest?.Version ?? 0) + 1, true, false, DateTimeOffset.FromUnixTimeMilliseconds(now)));
            if (latest is not null && WorkflowDefinition.Same(latest.Definition, definition)) return latest;
            // Saved before revisions were kept: what is overwritten now would be lost.
            if (latest is not null && revision is null) await RevisionStore.AddAsync(session, accountId, latest.Definition, "before revisions were kept", null, null, now, ct);
            if (latest is null or { WasPublished: true }) await AddVersionAsync(session, accountId, definition, now, ct);
            else
                await session.ExecuteAsync("UPDATE definition_version SET definition = @json WHERE id = @id", ct, ("json", definition.ToJson()), ("id", latest.Id));
            await session.ExecuteAsync("""
                UPDATE journey SET updated_at = @now, name = CASE WHEN published_version_id IS NULL THEN @name ELSE name END
                WHERE account_id = @account AND definition_id = @definition
                """, ct, ("account", accountId), ("definition", definitionId), ("name", definition.Name), ("now", now));
            var saved = (await FindAsync(session, accountId, definitionId, null, ct))!;
            await Audit.RecordAsync(session, accountId, "journey.save", definitionId, ct, ("version", saved.Version));
            await RevisionStore.AddAsync(session, accountId, saved.Definition, draft.Source, draft.Author, draft.Session, now, ct);
            return saved;
        }, ct);
    }

    /// <summary>A version of a journey; null where there is none.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="definitionId">The journey.</param>
    /// <param name="version">Which; null for the latest.</param>
    /// <param name="ct">Cancels.</param>
    public Task<StoredDefinition?> FindAsync(int accountId, string definitionId, int? version, CancellationToken ct) =>
        _database.ReadAsync(session => FindAsync(session, accountId, definitionId, version, ct), ct);

    /// <summary>The version of a journey that contacts enter now; null where none is published.</summary>
    internal Task<StoredDefinition?> FindPublishedAsync(int accountId, string definitionId, CancellationToken ct) => _database.ReadAsync(session => session.FirstAsync(
        $"SELECT {StoredDefinition.Columns} FROM journey j JOIN definition_version v ON v.id = j.published_version_id WHERE j.account_id = @account AND j.definition_id = @definition",
        StoredDefinition.Read, ct, ("account", accountId), ("definition", definitionId)), ct);

    /// <summary>A version by its own id; null where there is none.</summary>
    public Task<StoredDefinition?> FindVersionAsync(int accountId, long id, CancellationToken ct) => _database.ReadAsync(session => session.FirstAsync(
        $"SELECT {StoredDefinition.Columns} FROM definition_version v JOIN journey j ON j.id = v.journey_id WHERE v.id = @id AND v.account_id = @account",
        StoredDefinition.Read, ct, ("id", id), ("account", accountId)), ct);

    /// <summary>Every version of a journey, the newest first.</summary>
    public async Task<IReadOnlyList<StoredDefinition>> VersionsAsync(int accountId, string definitionId, CancellationToken ct) => await _database.ReadAsync(session => session.QueryAsync(
        $"""
        SELECT {StoredDefinition.Columns} FROM journey j JOIN definition_version v ON v.journey_id = j.id
        WHERE j.account_id = @account AND j.definition_id = @definition ORDER BY v.version DESC
        """,
        StoredDefinition.Read, ct, ("account", accountId), ("definition", definitionId)), ct);

    /// <summary>The account's journeys by their ids.</summary>
    public async Task<Page<JourneySummary>> ListAsync(int accountId, string? cursor, int limit, CancellationToken ct)
    {
        var after = Cursor.Read(cursor) ?? "";
        var found = await _database.ReadAsync(session => session.QueryAsync("""
            SELECT j.definition_id, v.definition, v.version, p.version, j.paused, j.created_at, j.updated_at
            FROM journey j
            JOIN definition_version v ON v.journey_id = j.id AND v.version = (SELECT max(l.version) FROM definition_version l WHERE l.journey_id = j.id)
            LEFT JOIN definition_version p ON p.id = j.published_version_id
            WHERE j.account_id = @account AND j.definition_id > @after ORDER BY j.definition_id LIMIT @limit
            """,
            row =>
            {
                var definition = WorkflowDefinition.ReadStored(row.Text(1));
                return new JourneySummary(row.Text(0), definition.Name, definition.Description, row.Int(2), row.IntOrNull(3), row.Bool(4), row.Instant(5), row.Instant(6));
            },
            ct, ("account", accountId), ("after", after), ("limit", limit + 1)), ct);
        return Cursor.Page(found, limit, last => last.DefinitionId);
    }

    /// <summary>Deletes a journey with all its versions and finished instances, and calls off its mail that is still queued. What the contacts' histories say stays.</summary>
    /// <exception cref="NotFoundException">There is no such journey.</exception>
    /// <exception cref="ConflictException">Contacts are still in it.</exception>
    public async Task DeleteAsync(int accountId, string definitionId, CancellationToken ct)
    {
        var versions = await _database.WriteAsync(async session =>
        {
            // With every shard in hand no worker is in the middle of a batch that lets another contact in.
            for (var shard = 0; shard < StableHash.Shards; shard++) await session.LockShardAsync(shard, wait: true, ct);
            var journey = await LockAsync(session, accountId, definitionId, ct);
            var inside = await session.ScalarAsync<long>("""
                SELECT COALESCE(sum(CASE WHEN kind = @entered THEN n ELSE -n END), 0) FROM journey_count
                WHERE journey_id = @journey AND node = -1 AND kind IN (@entered, @completed, @exited)
                """,
                ct, ("journey", journey), ("entered", (int)CountKind.Entered), ("completed", (int)CountKind.Completed), ("exited", (int)CountKind.Exited));
            if (inside > 0) throw new ConflictException($"{inside} contacts are still in the journey '{definitionId}': unpublish it and wait, or cancel them.");

            var ids = await session.QueryAsync("SELECT id FROM definition_version WHERE journey_id = @journey", row => row.Long(0), ct, ("journey", journey));
            // Mail outlives its instance, and a paused journey's would be held for ever.
            await Messages.CancelOfJourneyAsync(session, journey, $"the journey “{definitionId}” was deleted", ct);
            foreach (var table in new[] { "instance", "entry", "journey_count", "parked_node", "schedule_fire", "journey_revision", "definition_version" })
                await session.ExecuteAsync($"DELETE FROM {table} WHERE journey_id = @journey", ct, ("journey", journey));
            await session.ExecuteAsync("DELETE FROM journey WHERE id = @journey", ct, ("journey", journey));
            await Audit.RecordAsync(session, accountId, "journey.delete", definitionId, ct);
            await EngineEpoch.BumpAsync(session, ct);
            return ids;
        }, ct);
        _graphs.Forget(versions);
    }

    private static Task<StoredDefinition?> FindAsync(Session session, int accountId, string definitionId, int? version, CancellationToken ct) => session.FirstAsync(
        $"""
        SELECT {StoredDefinition.Columns} FROM journey j JOIN definition_version v ON v.journey_id = j.id
        WHERE j.account_id = @account AND j.definition_id = @definition {(version is null ? "" : "AND v.version = @version")}
        ORDER BY v.version DESC LIMIT 1
        """,
        StoredDefinition.Read, ct, [("account", accountId), ("definition", definitionId), .. version is null ? Array.Empty<(string, object?)>() : [("version", version)]]);

    private static Task<int> AddVersionAsync(Session session, int accountId, WorkflowDefinition definition, long now, CancellationToken ct) => session.ExecuteAsync("""
        INSERT INTO definition_version (account_id, journey_id, version, definition, created_at)
        SELECT @account, id, @version, @json, @now FROM journey WHERE account_id = @account AND definition_id = @definition
        """,
        ct, ("account", accountId), ("definition", definition.DefinitionId), ("version", definition.Version), ("json", definition.ToJson()), ("now", now));

    /// <summary>Locks the journey's row until the transaction ends, and gives its dense key.</summary>
    private static async Task<int> LockAsync(Session session, int accountId, string definitionId, CancellationToken ct)
    {
        var locked = await session.QueryAsync(
            "UPDATE journey SET updated_at = updated_at WHERE account_id = @account AND definition_id = @definition RETURNING id",
            row => row.Int(0), ct, ("account", accountId), ("definition", definitionId));
        return locked is [var journey] ? journey : throw new NotFoundException($"There is no journey '{definitionId}'.");
    }

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\\z")]
    private static partial Regex IdShape();
}
