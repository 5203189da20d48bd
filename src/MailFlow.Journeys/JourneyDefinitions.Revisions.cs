using System.Globalization;
using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Journeys.Revisions;

namespace MailFlow.Journeys;

/// <summary>Every save is kept, and can be had back.</summary>
public sealed partial class JourneyDefinitions
{
    /// <summary>A journey's saves, the newest first: the last hundred, and of each version the last.</summary>
    /// <exception cref="NotFoundException">There is no such journey.</exception>
    public Task<Page<JourneyRevision>> RevisionsAsync(int accountId, string definitionId, string? cursor, int limit, CancellationToken ct)
    {
        var before = Cursor.Read(cursor) switch
        {
            null => int.MaxValue,
            var text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new InvalidInputException("cursor", "is not a cursor that this list gave"),
        };
        return _database.ReadAsync(async session =>
        {
            var found = await RevisionStore.ListAsync(session, accountId, definitionId, before, limit + 1, ct);
            if (found.Count == 0 && await FindAsync(session, accountId, definitionId, null, ct) is null) throw NotThere(definitionId);
            return Cursor.Page(found, limit, last => last.Number.ToString(CultureInfo.InvariantCulture));
        }, ct);
    }

    /// <summary>Saves an earlier revision as the draft; what is there now stays a revision itself.</summary>
    /// <exception cref="NotFoundException">There is no such journey, or no such revision of it.</exception>
    public async Task<StoredDefinition> RestoreAsync(int accountId, string definitionId, int number, string? author, CancellationToken ct)
    {
        var json = await _database.ReadAsync(session => RevisionStore.DefinitionAsync(session, accountId, definitionId, number, ct), ct)
            ?? throw new NotFoundException($"There is no revision {number} of the journey '{definitionId}'.");
        return await SaveDraftAsync(accountId, definitionId, Draft.Of(WorkflowDefinition.ReadStored(json), $"restored from revision {number}", author), ct);
    }

    /// <summary>Throws a draft away: the version before it is the latest again. Its revisions stay.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="versionId">The draft's own id.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="NotFoundException">There is no such version.</exception>
    /// <exception cref="ConflictException">It was published once, or is all there is of the journey.</exception>
    public Task DiscardDraftAsync(int accountId, long versionId, CancellationToken ct) => _database.WriteAsync(async session =>
    {
        var found = await session.QueryAsync(
            "SELECT j.definition_id, v.version FROM definition_version v JOIN journey j ON j.id = v.journey_id WHERE v.id = @id AND v.account_id = @account",
            row => (Journey: row.Text(0), Version: row.Int(1)), ct, ("id", versionId), ("account", accountId));
        if (found is not [var draft]) throw new NotFoundException("There is no such version.");
        await LockAsync(session, accountId, draft.Journey, ct);
        var latest = (await FindAsync(session, accountId, draft.Journey, null, ct))!;
        if (latest.Id != versionId || latest.WasPublished) throw new ConflictException($"Version {draft.Version} was published once: contacts may be in it, so it is kept.");
        if (latest.Version == 1) throw new ConflictException("This is the journey's only version: delete the journey instead.");
        await session.ExecuteAsync("DELETE FROM definition_version WHERE id = @id", ct, ("id", versionId));
        await Audit.RecordAsync(session, accountId, "journey.discard", draft.Journey, ct, ("version", draft.Version));
    }, ct);

    private static NotFoundException NotThere(string definitionId) => new($"There is no journey '{definitionId}'.");
}
