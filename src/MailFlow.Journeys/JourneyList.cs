using System.Collections.Concurrent;
using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Storage;

namespace MailFlow.Journeys;

/// <summary>The account's journeys as they are listed: how each stands, and its numbers.</summary>
public sealed class JourneyList
{
    /// <summary>Mails of a journey are counted up to here.</summary>
    public const int MostMailsCounted = 100_000;

    private const int Days = 7;
    private static readonly TimeSpan Fresh = TimeSpan.FromMinutes(1);
    private static readonly string[] States = ["draft", "published", "paused", "unpublished"];

    private readonly Database _database;
    private readonly ConcurrentDictionary<int, (long Count, DateTimeOffset At)> _mails = new();

    internal JourneyList(Database database) => _database = database;

    private sealed record Found(int Id, string DefinitionId, string Json, int Latest, int? Published, bool Paused, bool WasPublished, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

    /// <summary>A page of the journeys by their ids.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="search">Part of the name or the id; null for all.</param>
    /// <param name="state"><c>draft</c>, <c>published</c>, <c>paused</c> or <c>unpublished</c>; null for all.</param>
    /// <param name="cursor">Where to go on; null to begin.</param>
    /// <param name="limit">1 to 1,000.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="InvalidInputException">There is no such state.</exception>
    public async Task<Page<JourneyListItem>> ListAsync(int accountId, string? search, string? state, string? cursor, int limit, CancellationToken ct)
    {
        if (state is not null && !States.Contains(state)) throw new InvalidInputException("state", $"'{state}' is none of {string.Join(", ", States)}");
        List<(string, object?)> parameters = [("account", accountId), ("after", Cursor.Read(cursor) ?? ""), ("limit", limit + 1)];
        var like = string.IsNullOrWhiteSpace(search) ? null : $"%{search.Trim().Replace(@"\", @"\\").Replace("%", @"\%").Replace("_", @"\_")}%";
        if (like is not null) parameters.Add(("search", like));
        const string WasPublished = "EXISTS (SELECT 1 FROM definition_version w WHERE w.journey_id = j.id AND w.published_at IS NOT NULL)";
        var ofState = state switch
        {
            "published" => "AND j.published_version_id IS NOT NULL AND NOT j.paused",
            "paused" => "AND j.published_version_id IS NOT NULL AND j.paused",
            "unpublished" => $"AND j.published_version_id IS NULL AND {WasPublished}",
            "draft" => $"AND j.published_version_id IS NULL AND NOT {WasPublished}",
            _ => "",
        };
        return await _database.ReadAsync(async session =>
        {
            var found = await session.QueryAsync($"""
                SELECT j.id, j.definition_id, v.definition, v.version, p.version, j.paused, CASE WHEN {WasPublished} THEN 1 ELSE 0 END, j.created_at, j.updated_at
                FROM journey j
                JOIN definition_version v ON v.journey_id = j.id AND v.version = (SELECT max(l.version) FROM definition_version l WHERE l.journey_id = j.id)
                LEFT JOIN definition_version p ON p.id = j.published_version_id
                WHERE j.account_id = @account AND j.definition_id > @after
                {(like is null ? "" : """AND (lower(j.name) LIKE lower(@search) ESCAPE '\' OR lower(j.definition_id) LIKE lower(@search) ESCAPE '\')""")}
                {ofState}
                ORDER BY j.definition_id LIMIT @limit
                """,
                row => new Found(row.Int(0), row.Text(1), row.Text(2), row.Int(3), row.IntOrNull(4), row.Bool(5), row.Int(6) == 1, row.Instant(7), row.Instant(8)), ct, [.. parameters]);
            var page = Cursor.Page(found, limit, last => last.DefinitionId);
            var stats = await StatsAsync(session, page.Items, ct);
            return new Page<JourneyListItem>([.. page.Items.Select(journey => Item(journey, stats[journey.Id]))], page.Next);
        }, ct);
    }

    private static JourneyListItem Item(Found journey, JourneyTotals stats)
    {
        var definition = WorkflowDefinition.ReadStored(journey.Json);
        var state = journey.Published is not null ? journey.Paused ? "paused" : "published" : journey.WasPublished ? "unpublished" : "draft";
        return new JourneyListItem(journey.DefinitionId, definition.Name, definition.Description, state, journey.Published ?? journey.Latest, journey.Latest, journey.Published,
            journey.Paused, journey.CreatedAt, journey.UpdatedAt, stats);
    }

    private async Task<Dictionary<int, JourneyTotals>> StatsAsync(Session session, IReadOnlyList<Found> journeys, CancellationToken ct)
    {
        var today = DateOnly.FromDateTime(DateTimeOffset.FromUnixTimeMilliseconds(await session.NowAsync(ct)).UtcDateTime);
        var since = today.AddDays(-Days);
        var rows = new Rows<Found>(journeys).Int("id", journey => journey.Id);
        var counts = (await session.QueryAsync("""
            SELECT r.id, c.kind, CAST(sum(c.n) AS BIGINT) FROM {rows} JOIN journey_count c ON c.journey_id = r.id AND c.node = -1 GROUP BY r.id, c.kind
            """,
            rows, row => (Journey: row.Int(0), Kind: (CountKind)row.Int(1), N: row.Long(2)), ct)).ToDictionary(count => (count.Journey, count.Kind), count => count.N);
        // Of a journey as old as that, the first day on record stands in for one that nobody recorded.
        var before = (await session.QueryAsync("""
            SELECT r.id, (SELECT COALESCE(
              (SELECT d.entered FROM journey_day d WHERE d.journey_id = r.id AND d.day <= @day ORDER BY d.day DESC LIMIT 1),
              (SELECT d.entered FROM journey_day d JOIN journey j ON j.id = d.journey_id AND j.created_at < @since WHERE d.journey_id = r.id ORDER BY d.day LIMIT 1), 0)) FROM {rows}
            """,
            rows, row => (Journey: row.Int(0), N: row.Long(1)), ct, ("day", JourneyDays.Number(since)), ("since", StartOf(since)))).ToDictionary(day => day.Journey, day => day.N);
        var mails = new Dictionary<int, long>();
        foreach (var journey in journeys) mails[journey.Id] = await MailsAsync(session, journey.Id, StartOf(since), ct);
        return journeys.ToDictionary(journey => journey.Id, journey =>
        {
            long Of(CountKind kind) => counts.GetValueOrDefault((journey.Id, kind));
            var (entered, completed, exited, faulted) = (Of(CountKind.Entered), Of(CountKind.Completed), Of(CountKind.Exited), Of(CountKind.Faulted));
            return new JourneyTotals(entered, entered - completed - exited - faulted, completed, exited, faulted, mails[journey.Id], Math.Max(0, entered - before[journey.Id]));
        });
    }

    /// <summary>Counting is bounded, and done once a minute: the list is looked at by many, again and again.</summary>
    private async Task<long> MailsAsync(Session session, int journey, long since, CancellationToken ct)
    {
        var now = _database.Time.GetUtcNow();
        if (_mails.TryGetValue(journey, out var known) && now - known.At < Fresh && now >= known.At) return known.Count;
        var count = await session.ScalarAsync<long>("SELECT count(*) FROM (SELECT 1 FROM message WHERE journey_id = @journey AND queued_at >= @since LIMIT @most) AS lately", ct,
            ("journey", journey), ("since", since), ("most", MostMailsCounted));
        _mails[journey] = (count, now);
        return count;
    }

    private static long StartOf(DateOnly day) => new DateTimeOffset(day, TimeOnly.MinValue, TimeSpan.Zero).ToUnixTimeMilliseconds();
}

/// <summary>A journey in the list.</summary>
/// <param name="DefinitionId">Stable across versions.</param>
/// <param name="Name">What people call it.</param>
/// <param name="Description">What it is for, or null.</param>
/// <param name="State"><c>draft</c> (never published), <c>published</c>, <c>paused</c> or <c>unpublished</c> (no longer).</param>
/// <param name="Version">The published version, or the latest where none is.</param>
/// <param name="LatestVersion">The latest version, published or not.</param>
/// <param name="PublishedVersion">The version that contacts enter now, or null.</param>
/// <param name="IsPaused">Whether it is paused.</param>
/// <param name="CreatedAt">When it was first saved.</param>
/// <param name="UpdatedAt">When it was last saved, published, paused or resumed.</param>
/// <param name="Stats">Its numbers, all versions together.</param>
public sealed record JourneyListItem(
    string DefinitionId, string Name, string? Description, string State, int Version, int LatestVersion, int? PublishedVersion, bool IsPaused,
    DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, JourneyTotals Stats);

/// <summary>A journey's numbers: <c>Entered = Waiting + Completed + Exited + Faulted</c>.</summary>
/// <param name="Entered">Instances that began.</param>
/// <param name="Waiting">Those not at an end yet and without an incident.</param>
/// <param name="Completed">Those that came to their end.</param>
/// <param name="Exited">Those that left early or were cancelled.</param>
/// <param name="Faulted">Those that stand still with an incident.</param>
/// <param name="Emails7d">The mails it has queued since midnight (UTC) seven days ago; 100,000 stands for that many or more. May be a minute old.</param>
/// <param name="Entered7d">Instances that began since then.</param>
public sealed record JourneyTotals(
    long Entered, long Waiting, long Completed, long Exited, long Faulted,
    [property: System.Text.Json.Serialization.JsonPropertyName("emails_7d")] long Emails7d,
    [property: System.Text.Json.Serialization.JsonPropertyName("entered_7d")] long Entered7d);
