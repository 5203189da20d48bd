using MailFlow.Data;

namespace MailFlow.Journeys;

/// <summary>Which of a journey's versions are asked for.</summary>
public enum VersionChoice
{
    /// <summary>The latest, published or not.</summary>
    Latest,

    /// <summary>The one contacts enter now.</summary>
    Published,

    /// <summary>The latest, and the published one where that is another.</summary>
    LatestOrPublished,

    /// <summary>The latest where it is the published one.</summary>
    LatestAndPublished,

    /// <summary>The latest where it was never published.</summary>
    Draft,

    /// <summary>Every version.</summary>
    All,
}

/// <summary>Looking for versions.</summary>
public sealed partial class JourneyDefinitions
{
    /// <summary>Versions of the account's journeys, by definition id and then the newest first.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="choice">Which versions of each journey.</param>
    /// <param name="definitionIds">Only of these journeys; null: of all.</param>
    /// <param name="ids">Only these versions; null: all.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<IReadOnlyList<StoredDefinition>> FindAsync(
        int accountId, VersionChoice choice, IReadOnlyCollection<string>? definitionIds, IReadOnlyCollection<long>? ids, CancellationToken ct)
    {
        var chosen = choice switch
        {
            VersionChoice.Latest => "AND l.latest = v.version",
            VersionChoice.Published => "AND v.id = j.published_version_id",
            VersionChoice.LatestOrPublished => "AND (l.latest = v.version OR v.id = j.published_version_id)",
            VersionChoice.LatestAndPublished => "AND l.latest = v.version AND v.id = j.published_version_id",
            VersionChoice.Draft => "AND l.latest = v.version AND v.published_at IS NULL",
            _ => "",
        };
        const string Versions = """
            journey j JOIN definition_version v ON v.journey_id = j.id
            JOIN (SELECT journey_id, max(version) AS latest FROM definition_version WHERE account_id = @account GROUP BY journey_id) l ON l.journey_id = j.id
            """;
        return await _database.ReadAsync(async session =>
        {
            var found = definitionIds is not null
                ? await session.QueryAsync(
                    $"SELECT {StoredDefinition.Columns} FROM {{rows}}, {Versions} WHERE j.account_id = @account AND j.definition_id = r.definition_id {chosen}",
                    new Rows<string>([.. definitionIds.Distinct()]).Text("definition_id", id => id), StoredDefinition.Read, ct, ("account", accountId))
                : ids is not null
                    ? await session.QueryAsync(
                        $"SELECT {StoredDefinition.Columns} FROM {{rows}}, {Versions} WHERE j.account_id = @account AND v.id = r.id {chosen}",
                        new Rows<long>([.. ids.Distinct()]).Long("id", id => id), StoredDefinition.Read, ct, ("account", accountId))
                    : await session.QueryAsync($"SELECT {StoredDefinition.Columns} FROM {Versions} WHERE j.account_id = @account {chosen}",
                        StoredDefinition.Read, ct, ("account", accountId));
            return found.Where(version => ids is null || ids.Contains(version.Id))
                .OrderBy(version => version.DefinitionId, StringComparer.Ordinal).ThenByDescending(version => version.Version).ToList();
        }, ct);
    }
}
