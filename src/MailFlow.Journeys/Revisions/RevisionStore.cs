using MailFlow.Data;
using MailFlow.Engine.Definitions;

namespace MailFlow.Journeys.Revisions;

/// <summary>Table <c>journey_revision</c>. Written under the journey's lock.</summary>
internal static class RevisionStore
{
    /// <summary>How many of a journey's revisions are kept, beside the last one of each version: an hour or two of an editor that saves by itself.</summary>
    public const int Kept = 100;

    private const string Columns = """
        r.number, r.version, r.source, r.author, r.definition, r.created_at, r.session,
        CASE WHEN r.number = (SELECT max(l.number) FROM journey_revision l WHERE l.journey_id = r.journey_id AND l.version = r.version) THEN v.published_at END
        """;

    private const string From = """
        FROM journey j JOIN journey_revision r ON r.journey_id = j.id LEFT JOIN definition_version v ON v.journey_id = r.journey_id AND v.version = r.version
        WHERE j.account_id = @account AND j.definition_id = @definition
        """;

    public static Task<JourneyRevision?> LatestAsync(Session session, int accountId, string definitionId, CancellationToken ct) => session.FirstAsync(
        $"SELECT {Columns} {From} ORDER BY r.number DESC LIMIT 1", Read, ct, ("account", accountId), ("definition", definitionId));

    /// <summary>The newest first, those before a number.</summary>
    public static Task<List<JourneyRevision>> ListAsync(Session session, int accountId, string definitionId, int before, int limit, CancellationToken ct) => session.QueryAsync(
        $"SELECT {Columns} {From} AND r.number < @before ORDER BY r.number DESC LIMIT @limit",
        Read, ct, ("account", accountId), ("definition", definitionId), ("before", before), ("limit", limit));

    public static Task<string?> DefinitionAsync(Session session, int accountId, string definitionId, int number, CancellationToken ct) => session.FirstAsync(
        $"SELECT r.definition {From} AND r.number = @number", row => row.Text(0), ct, ("account", accountId), ("definition", definitionId), ("number", number));

    /// <summary>Adds one, and lets go of the oldest.</summary>
    public static async Task AddAsync(Session session, int accountId, WorkflowDefinition definition, string source, string? author, string? editor, long now, CancellationToken ct)
    {
        await session.ExecuteAsync("""
            INSERT INTO journey_revision (journey_id, number, account_id, version, definition, source, author, session, created_at)
            SELECT j.id, 1 + COALESCE((SELECT max(number) FROM journey_revision WHERE journey_id = j.id), 0), @account, @version, @json, @source, @author, @session, @now
            FROM journey j WHERE j.account_id = @account AND j.definition_id = @definition
            """,
            ct, ("account", accountId), ("definition", definition.DefinitionId), ("version", definition.Version), ("json", definition.ToJson()),
            ("source", source), ("author", author), ("session", editor), ("now", now));
        await session.ExecuteAsync("""
            DELETE FROM journey_revision WHERE journey_id = (SELECT id FROM journey WHERE account_id = @account AND definition_id = @definition)
            AND number <= (SELECT max(l.number) - @kept FROM journey_revision l WHERE l.journey_id = journey_revision.journey_id)
            AND number < (SELECT max(l.number) FROM journey_revision l WHERE l.journey_id = journey_revision.journey_id AND l.version = journey_revision.version)
            """,
            ct, ("account", accountId), ("definition", definition.DefinitionId), ("kept", Kept));
    }

    private static JourneyRevision Read(Row row) =>
        new(row.Int(0), row.Int(1), row.Text(2), row.TextOrNull(3), WorkflowDefinition.ReadStored(row.Text(4)).ActivityCount, row.Instant(5), row.InstantOrNull(7))
        {
            Session = row.TextOrNull(6),
        };
}
