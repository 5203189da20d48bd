using MailFlow.Data;

namespace MailFlow.Engine.Storage;

/// <summary>
/// One thing for the worker of a contact's shard to do. Only that worker writes instances; everything else that wants
/// to change one posts here.
/// </summary>
/// <param name="AccountId">The account (tenant).</param>
/// <param name="Shard">The contact's shard.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Key">Of an event, its key; of a start, the instance's id; of a job's result, the job's key.</param>
/// <param name="UserId">The contact, by the application's id; null only where there is none.</param>
/// <param name="Body">JSON; its members depend on the kind.</param>
public sealed record InboxItem(int AccountId, int Shard, InboxKind Kind, Guid Key, string? UserId, string Body)
{
    /// <summary>A command for one contact.</summary>
    public static InboxItem For(int accountId, string userId, InboxKind kind, Guid key, IReadOnlyDictionary<string, object?> body) =>
        new(accountId, StableHash.Shard(accountId, userId), kind, key, userId, JsonData.Write(body));

    /// <summary>Starts an instance of a journey; <paramref name="id"/> becomes the instance's id (<see cref="StableHash.TimedKey"/>).</summary>
    /// <param name="accountId">The account (tenant).</param>
    /// <param name="userId">The contact.</param>
    /// <param name="id">The instance's id to be.</param>
    /// <param name="definitionId">The journey.</param>
    /// <param name="input">What its expressions see as <c>event</c>, <c>trigger</c> and <c>input</c>.</param>
    /// <param name="underEntryRule">False to start it whatever the journey's entry rule says.</param>
    /// <param name="activity">The trigger it starts at; null for where the journey starts.</param>
    public static InboxItem StartInstance(
        int accountId, string userId, Guid id, string definitionId, IReadOnlyDictionary<string, object?> input, bool underEntryRule, string? activity = null) =>
        For(accountId, userId, InboxKind.StartInstance, id, new Dictionary<string, object?>
        {
            ["definition_id"] = definitionId,
            ["input"] = input,
            ["entry"] = underEntryRule,
            ["activity"] = activity,
        });
}

/// <summary>Posts to the inbox, within the transaction that has cause to, and tells whether there is room.</summary>
public static class Inbox
{
    // The index of the inbox begins with the shard.
    private static readonly string AllShards = string.Join(", ", Enumerable.Range(0, StableHash.Shards));

    /// <summary>Whether more rows of an account wait than this; reads no more of them.</summary>
    public static async Task<bool> IsLongerThanAsync(Session session, int accountId, int most, CancellationToken ct) => await session.ScalarAsync<long>(
        $"SELECT count(*) FROM (SELECT 1 FROM inbox WHERE shard IN ({AllShards}) AND account_id = @account LIMIT @most) AS waiting", ct, ("account", accountId), ("most", most + 1)) > most;

    /// <summary>Writes the items, accepted as of now. Call <see cref="WorkSignal.Notify(int)"/> for their shards after the commit.</summary>
    public static async Task PostAsync(Session session, IReadOnlyList<InboxItem> items, CancellationToken ct)
    {
        if (items.Count == 0) return;
        await PostAsync(session, items, await session.NowAsync(ct), ct);
    }

    internal static Task PostAsync(Session session, IReadOnlyList<InboxItem> items, long now, CancellationToken ct) => session.EnqueueAsync("""
        INSERT INTO inbox (account_id, shard, kind, key, user_id, accepted_at, body)
        SELECT r.account_id, r.shard, r.kind, r.key, r.user_id, @now, r.body FROM {rows}
        """,
        new Rows<InboxItem>(items).Int("account_id", i => i.AccountId).Int("shard", i => i.Shard).Int("kind", i => (int)i.Kind)
            .Uuid("key", i => i.Key).Text("user_id", i => i.UserId).Text("body", i => i.Body), ct, ("now", now));
}
