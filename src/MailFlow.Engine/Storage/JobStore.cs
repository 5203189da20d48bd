using System.Text.Json;
using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Execution;

namespace MailFlow.Engine.Storage;

/// <summary>A row of table <c>job</c>.</summary>
internal sealed record JobRow(
    Guid Key, int AccountId, int Shard, long ContactId, string UserId, Guid InstanceId, int Node, int Visit, string ActivityType, string Input, int Attempt, long DueAt)
{
    public static JobRow For(BatchStep step, Node node, long now) => new(
        step.Key, step.AccountId, StableHash.Shard(step.AccountId, step.Contact.UserId), step.ContactId, step.Contact.UserId, step.InstanceId, node.Index, step.Visit, node.Type,
        JsonSerializer.Serialize(step.Input, node.Activity.Descriptor.InputClass, IJobActivity.InputJson), 0, now);

    public static JobRow Read(Row row) => new(
        row.Uuid(0), row.Int(1), row.Int(2), row.Long(3), row.Text(4), row.Uuid(5), row.Int(6), row.Int(7), row.Text(8), row.Text(9), row.Int(10), row.Long(11));
}

/// <summary>Jobs: planned by a batch, done outside any transaction, answered through the inbox.</summary>
internal static class JobStore
{
    /// <summary>About the most jobs that one claim puts aside, and the most that it brings back.</summary>
    internal const int Chunk = 1_000;

    private const string InTurn = "parked_journey IS NULL";
    private const string Columns = "key, account_id, shard, contact_id, user_id, instance_id, node, visit, activity_type, input, attempt, due_at";

    public static Task InsertAsync(Session session, IReadOnlyList<JobRow> jobs, CancellationToken ct) => session.EnqueueAsync($$"""
        INSERT INTO job ({{Columns}})
        SELECT r.key, r.account_id, r.shard, r.contact_id, r.user_id, r.instance_id, r.node, r.visit, r.activity_type, r.input, 0, r.due_at FROM {rows} WHERE true
        ON CONFLICT DO NOTHING
        """,
        new Rows<JobRow>(jobs).Uuid("key", j => j.Key).Int("account_id", j => j.AccountId).Int("shard", j => j.Shard).Long("contact_id", j => j.ContactId).Text("user_id", j => j.UserId)
            .Uuid("instance_id", j => j.InstanceId).Int("node", j => j.Node).Int("visit", j => j.Visit).Text("activity_type", j => j.ActivityType).Text("input", j => j.Input)
            .Long("due_at", j => j.DueAt), ct);

    /// <summary>Drops what instances that ended early had still to do.</summary>
    public static Task DropAsync(Session session, IReadOnlyList<Guid> instances, CancellationToken ct) => session.EnqueueAsync(
        session.Dialect.IsPostgreSql ? "DELETE FROM job USING {rows} WHERE job.instance_id = r.id" : "DELETE FROM job WHERE instance_id IN (SELECT r.id FROM {rows})",
        new Rows<Guid>(instances).Uuid("id", id => id), ct);

    /// <summary>Drops jobs that their instances no longer wait for.</summary>
    public static Task DropKeysAsync(Session session, IReadOnlyList<Guid> keys, CancellationToken ct) => session.EnqueueAsync(
        session.Dialect.IsPostgreSql ? "DELETE FROM job USING {rows} WHERE job.key = r.key" : "DELETE FROM job WHERE key IN (SELECT r.key FROM {rows})",
        new Rows<Guid>(keys).Uuid("key", key => key), ct);

    /// <summary>
    /// Takes due jobs of journeys that are not paused, each with its attempt counted and hidden until <paramref name="lease"/>: if this process dies, another attempt begins then. Accounts
    /// have equal shares, from the one after <paramref name="after"/> on and around to it again: whoever has a hundred thousand calls to a slow host waits for himself.
    /// What it meets of a paused journey it puts aside, so that no claim looks at it again before the journey goes on. What is of none of these <paramref name="types"/> it leaves to nodes that know it.
    /// </summary>
    /// <returns>What it took, and how many it put aside: behind those there may be others that are due.</returns>
    public static async Task<(List<JobRow> Jobs, int Parked)> ClaimAsync(Session session, long now, long lease, int limit, int after, IReadOnlyCollection<string> types, CancellationToken ct)
    {
        session.AvoidScans();
        var known = $"activity_type IN ({string.Join(", ", types.Select(type => $"'{type.Replace("'", "''", StringComparison.Ordinal)}'"))})";
        await UnparkAsync(session, ct);
        var accounts = await AccountsInTurn.DueAsync(session, "job", now, after, limit, ct, pending: InTurn, due: $"{InTurn} AND {known}");
        var (claimed, parked) = (new List<JobRow>(), 0);
        while (accounts.Count > 0 && claimed.Count < limit && parked < Chunk)
        {
            var share = Math.Max(1, (limit - claimed.Count) / accounts.Count);
            var more = new List<int>();
            foreach (var account in accounts.TakeWhile(_ => claimed.Count < limit))
            {
                var met = await TakeAsync(session, known, account, now, lease, Math.Min(share, limit - claimed.Count), ct);
                claimed.AddRange(met.Where(each => !each.IsParked).Select(each => each.Job));
                var ofPaused = met.Count(each => each.IsParked);
                // Where there are some there may be very many.
                if (ofPaused > 0 && parked < Chunk) ofPaused += await ParkAsync(session, known, account, now, Chunk - parked, ct);
                parked += ofPaused;
                if (met.Count == share) more.Add(account);
            }
            accounts = more;
        }
        return (claimed, parked);
    }

    /// <summary>The first due jobs of an account, locked, each with its journey where that is paused. What others have locked is passed over.</summary>
    private static string Met(Session session, string known) => $"""
        WITH met AS (
          SELECT key AS met_key, (SELECT j.id FROM instance i JOIN journey j ON j.id = i.journey_id WHERE i.id = job.instance_id AND j.paused) AS paused
          FROM job WHERE account_id = @account AND {InTurn} AND due_at <= @now AND {known} ORDER BY due_at LIMIT @limit{(session.Dialect.IsPostgreSql ? " FOR UPDATE SKIP LOCKED" : "")})
        """;

    private static Task<List<(JobRow Job, bool IsParked)>> TakeAsync(Session session, string known, int account, long now, long lease, int limit, CancellationToken ct) => session.QueryAsync($"""
        {Met(session, known)}
        UPDATE job SET attempt = CASE WHEN paused IS NULL THEN attempt + 1 ELSE attempt END, due_at = CASE WHEN paused IS NULL THEN @lease ELSE due_at END, parked_journey = paused
        FROM met WHERE key = met_key
        RETURNING {Columns}, parked_journey
        """,
        row => (JobRow.Read(row), row.LongOrNull(12) is not null), ct, ("account", account), ("now", now), ("lease", lease), ("limit", limit));

    private static Task<int> ParkAsync(Session session, string known, int account, long now, int limit, CancellationToken ct) => session.ExecuteAsync(
        $"{Met(session, known)} UPDATE job SET parked_journey = paused FROM met WHERE key = met_key AND paused IS NOT NULL", ct, ("account", account), ("now", now), ("limit", limit));

    /// <summary>
    /// Brings back a chunk of what was put aside for a journey that goes on, one journey after the other. Looked for by every claim instead of told by the resume: a claim that still held the journey for paused may
    /// commit after that. It hops along the index, from paused journey to paused journey.
    /// </summary>
    private static Task<Reply<Guid>> UnparkAsync(Session session, CancellationToken ct) => session.EnqueueAsync($"""
        UPDATE job SET parked_journey = NULL WHERE key IN (
          SELECT key FROM job WHERE parked_journey = (
            WITH RECURSIVE parked (id) AS (
              SELECT (SELECT min(parked_journey) FROM job WHERE parked_journey IS NOT NULL)
              UNION ALL
              SELECT (SELECT min(parked_journey) FROM job WHERE parked_journey > parked.id) FROM parked WHERE parked.id IS NOT NULL)
            SELECT parked.id FROM parked LEFT JOIN journey j ON j.id = parked.id WHERE parked.id IS NOT NULL AND j.paused IS NOT TRUE LIMIT 1)
          LIMIT @chunk{(session.Dialect.IsPostgreSql ? " FOR UPDATE SKIP LOCKED" : "")})
        RETURNING key
        """, row => row.Uuid(0), ct, ("chunk", Chunk));

    /// <summary>Hides a job for longer than it was claimed for. False when a later attempt has taken over.</summary>
    public static async Task<bool> HideAsync(Session session, JobRow job, long lease, CancellationToken ct) => await session.ExecuteAsync(
        "UPDATE job SET due_at = @lease WHERE key = @key AND attempt = @attempt", ct, ("lease", lease), ("key", job.Key), ("attempt", job.Attempt)) == 1;

    /// <summary>Puts a job off after a failed attempt. False when a later attempt has taken over.</summary>
    public static async Task<bool> PutOffAsync(Session session, JobRow job, long dueAt, string error, CancellationToken ct) => await session.ExecuteAsync(
        "UPDATE job SET due_at = @due, last_error = @error WHERE key = @key AND attempt = @attempt",
        ct, ("due", dueAt), ("error", error), ("key", job.Key), ("attempt", job.Attempt)) == 1;

    /// <summary>Takes a finished job out. False when a later attempt has taken over: this one's result is stale.</summary>
    public static async Task<bool> FinishAsync(Session session, JobRow job, CancellationToken ct) => await session.ExecuteAsync(
        "DELETE FROM job WHERE key = @key AND attempt = @attempt", ct, ("key", job.Key), ("attempt", job.Attempt)) == 1;
}
