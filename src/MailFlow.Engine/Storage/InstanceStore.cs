using MailFlow.Data;
using MailFlow.Engine.Execution;

namespace MailFlow.Engine.Storage;

/// <summary>Reads and writes instances, always many at once, always under their shard's lock.</summary>
internal static class InstanceStore
{
    private static readonly string Prefixed = string.Join(", ", InstanceRow.Columns.Split(", ").Select(column => "i." + column));

    /// <summary>The running instances of these contacts.</summary>
    public static Task<List<InstanceRow>> OfContactsAsync(Session session, IReadOnlyList<long> contacts, CancellationToken ct) => session.QueryAsync($$"""
        SELECT {{Prefixed}} FROM {rows} JOIN instance i ON i.contact_id = r.contact_id AND i.status = 0
        """,
        new Rows<long>(contacts).Long("contact_id", id => id), InstanceRow.Read, ct);

    /// <summary>The open incidents of these contacts.</summary>
    public static Task<Reply<(Guid Instance, int Journey, long Contact)>> IncidentsAsync(Session session, IReadOnlyList<long> contacts, CancellationToken ct) => session.EnqueueAsync(
        "SELECT i.id, i.journey_id, i.contact_id FROM {rows} JOIN instance i ON i.contact_id = r.contact_id AND i.status = 3",
        new Rows<long>(contacts).Long("contact_id", id => id), row => (row.Uuid(0), row.Int(1), row.Long(2)), ct);

    /// <summary>The instances with these ids, whatever their status.</summary>
    public static Task<List<InstanceRow>> WithIdsAsync(Session session, IReadOnlyList<Guid> ids, CancellationToken ct) => session.QueryAsync($$"""
        SELECT {{Prefixed}} FROM {rows} JOIN instance i ON i.id = r.id
        """,
        new Rows<Guid>(ids).Uuid("id", id => id), InstanceRow.Read, ct);

    /// <summary>Of each place the instances due by now, the longest overdue first, so many at most, but what is left to other nodes.</summary>
    public static Task<Reply<InstanceRow>> DueAsync(Session session, IReadOnlyList<Place> places, int limit, long now, Unreadable others, CancellationToken ct) =>
        session.EnqueueAsync(
            session.Dialect.IsPostgreSql
                ? $$"""
                  SELECT {{Prefixed}} FROM {rows} CROSS JOIN LATERAL
                    (SELECT * FROM instance WHERE shard = r.shard AND account_id = r.account_id AND due_at <= @now {{others.WithoutInstance("instance")}} ORDER BY due_at LIMIT @limit) AS i ORDER BY i.due_at
                  """
                : $$"""
                  SELECT {{Prefixed}} FROM {rows} JOIN instance i ON i.shard = r.shard AND i.account_id = r.account_id AND i.due_at <= @now {{others.WithoutInstance("i")}} ORDER BY i.due_at LIMIT @limit
                  """,
            new Rows<Place>(places).Int("shard", place => place.Shard).Int("account_id", place => place.AccountId), InstanceRow.Read, ct, ("limit", limit), ("now", now));

    /// <summary>Adds new instances.</summary>
    public static Task InsertAsync(Session session, IReadOnlyList<InstanceRow> rows, long now, CancellationToken ct) => session.EnqueueAsync("""
        INSERT INTO instance (id, account_id, shard, journey_id, version_id, contact_id, status, due_at, parked_at, ver, format, state, updated_at)
        SELECT r.id, r.account_id, r.shard, r.journey_id, r.version_id, r.contact_id, r.status, r.due_at, r.parked_at, r.ver, r.format, r.state, @now FROM {rows}
        """,
        Rows(rows).Int("account_id", i => i.AccountId).Int("shard", i => i.Shard).Int("journey_id", i => i.JourneyId)
            .Long("version_id", i => i.VersionId).Long("contact_id", i => i.ContactId), ct, ("now", now));

    /// <summary>Writes changed instances back. Each row's <c>ver</c> must still be what it was: the shard's lock promises so, this proves it.</summary>
    public static async Task UpdateAsync(Session session, IReadOnlyList<InstanceRow> rows, long now, CancellationToken ct)
    {
        var updated = await session.ExecuteAsync("""
            UPDATE instance SET status = r.status, due_at = r.due_at, parked_at = r.parked_at, ver = r.ver, format = r.format, state = r.state, updated_at = @now
            FROM {rows} WHERE instance.id = r.id AND instance.ver = r.ver - 1
            """, Rows(rows), ct, ("now", now));
        if (updated != rows.Count)
            throw new InvalidOperationException($"{rows.Count - updated} of {rows.Count} instances were changed by another while their shard was locked.");
    }

    /// <summary>Pins moved instances to their new versions.</summary>
    public static Task SetVersionsAsync(Session session, IReadOnlyList<InstanceRow> rows, CancellationToken ct) => session.EnqueueAsync(
        "UPDATE instance SET version_id = r.version_id FROM {rows} WHERE instance.id = r.id",
        new Rows<InstanceRow>(rows).Uuid("id", i => i.Id).Long("version_id", i => i.VersionId), ct);

    /// <summary>The last of the next so many instances by id, whosever they are; null when there are no more than that.</summary>
    public static async Task<Guid?> LastOfChunkAsync(Session session, Guid after, int count, CancellationToken ct)
    {
        var last = await session.QueryAsync("SELECT id FROM instance WHERE id > @after ORDER BY id LIMIT 1 OFFSET @skip", row => row.Uuid(0), ct, ("after", after), ("skip", count - 1));
        return last is [var id] ? id : null;
    }

    /// <summary>A journey's unfinished instances in a range of ids, those on one version left out.</summary>
    public static Task<List<(Guid Id, long Contact)>> WaitingAsync(Session session, int journey, long? except, int? shard, Guid after, Guid? last, CancellationToken ct) => session.QueryAsync($"""
        SELECT id, contact_id FROM instance
        WHERE id > @after {(last is null ? "" : "AND id <= @last")} AND journey_id = @journey AND status IN (0, 3)
        {(except is null ? "" : "AND version_id <> @except")} {(shard is null ? "" : "AND shard = @shard")} ORDER BY id
        """,
        row => (row.Uuid(0), row.Long(1)), ct,
        [("after", after), ("journey", journey), .. Given("last", last), .. Given("except", except), .. Given("shard", shard)]);

    private static (string, object?)[] Given(string name, object? value) => value is null ? [] : [(name, value)];

    /// <summary>Makes a resumed journey's parked instances due again, at most <paramref name="limit"/>; gives how many.</summary>
    public static Task<int> UnparkAsync(Session session, int shard, int journey, int limit, CancellationToken ct) => session.ExecuteAsync("""
        UPDATE instance SET due_at = parked_at, parked_at = NULL, ver = ver + 1
        WHERE id IN (SELECT id FROM instance WHERE shard = @shard AND journey_id = @journey AND parked_at IS NOT NULL LIMIT @limit)
        """,
        ct, ("shard", shard), ("journey", journey), ("limit", limit));

    private static Rows<InstanceRow> Rows(IReadOnlyList<InstanceRow> rows) => new Rows<InstanceRow>(rows).Uuid("id", i => i.Id)
        .Int("status", i => (int)i.Status).LongOrNull("due_at", i => i.DueAt).LongOrNull("parked_at", i => i.ParkedAt)
        .Int("ver", i => i.Ver).Int("format", i => i.Format).Bytes("state", i => i.State);
}
