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
    /// </summary>
    public static async Task<List<JobRow>> ClaimAsync(Session session, long now, long lease, int limit, int after, CancellationToken ct)
    {
        var accounts = await AccountsInTurn.DueAsync(session, "job", now, after, limit, ct);
        var claimed = new List<JobRow>();
        while (accounts.Count > 0 && claimed.Count < limit)
        {
            var share = Math.Max(1, (limit - claimed.Count) / accounts.Count);
            var more = new List<int>();
            foreach (var account in accounts.TakeWhile(_ => claimed.Count < limit))
            {
                var taken = await ClaimOfAsync(session, account, now, lease, Math.Min(share, limit - claimed.Count), ct);
                claimed.AddRange(taken);
                if (taken.Count == share) more.Add(account);
            }
            accounts = more;
        }
        return claimed;
    }

    private static Task<List<JobRow>> ClaimOfAsync(Session session, int account, long now, long lease, int limit, CancellationToken ct) => session.QueryAsync($"""
        UPDATE job SET attempt = attempt + 1, due_at = @lease
        WHERE key IN (SELECT key FROM job WHERE account_id = @account AND due_at <= @now AND NOT EXISTS (
            SELECT 1 FROM instance i JOIN journey j ON j.id = i.journey_id WHERE i.id = job.instance_id AND j.paused)
          ORDER BY due_at LIMIT @limit{(session.Dialect.IsPostgreSql ? " FOR UPDATE SKIP LOCKED" : "")})
        RETURNING {Columns}
        """,
        JobRow.Read, ct, ("account", account), ("now", now), ("lease", lease), ("limit", limit));

    /// <summary>Puts a job off after a failed attempt. False when a later attempt has taken over.</summary>
    public static async Task<bool> PutOffAsync(Session session, JobRow job, long dueAt, string error, CancellationToken ct) => await session.ExecuteAsync(
        "UPDATE job SET due_at = @due, last_error = @error WHERE key = @key AND attempt = @attempt",
        ct, ("due", dueAt), ("error", error), ("key", job.Key), ("attempt", job.Attempt)) == 1;

    /// <summary>Takes a finished job out. False when a later attempt has taken over: this one's result is stale.</summary>
    public static async Task<bool> FinishAsync(Session session, JobRow job, CancellationToken ct) => await session.ExecuteAsync(
        "DELETE FROM job WHERE key = @key AND attempt = @attempt", ct, ("key", job.Key), ("attempt", job.Attempt)) == 1;
}
