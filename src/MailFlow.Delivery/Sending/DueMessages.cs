using MailFlow.Data;

namespace MailFlow.Delivery.Sending;

/// <summary>Finds what is due, fairly over the accounts.</summary>
internal static class DueMessages
{
    private const int MostAccounts = 50;

    /// <summary>Accounts with due messages, from the one after <paramref name="after"/> on, around to it again; at most fifty.</summary>
    public static async Task<IReadOnlyList<int>> AccountsAsync(Session session, int after, CancellationToken ct)
    {
        var now = await session.NowAsync(ct);
        var accounts = await AccountsAsync(session, now, after, int.MaxValue, MostAccounts, ct);
        if (accounts.Count < MostAccounts && after > int.MinValue)
            accounts.AddRange(await AccountsAsync(session, now, int.MinValue, after, MostAccounts - accounts.Count, ct));
        return accounts;
    }

    /// <summary>Hops along the index from account to account: its cost is the number of accounts with anything to do, not of messages.</summary>
    private static Task<List<int>> AccountsAsync(Session session, long now, int after, int upTo, int limit, CancellationToken ct) => session.QueryAsync("""
        WITH RECURSIVE pending (account_id) AS (
          SELECT (SELECT account_id FROM message WHERE due_at IS NOT NULL AND account_id > @after AND account_id <= @up_to ORDER BY account_id LIMIT 1)
          UNION ALL
          SELECT (SELECT message.account_id FROM message WHERE due_at IS NOT NULL AND message.account_id > pending.account_id AND message.account_id <= @up_to
                  ORDER BY message.account_id LIMIT 1)
          FROM pending WHERE pending.account_id IS NOT NULL)
        SELECT account_id FROM pending
        WHERE account_id IS NOT NULL AND EXISTS (SELECT 1 FROM message WHERE message.account_id = pending.account_id AND message.due_at <= @now)
        LIMIT @limit
        """, row => row.Int(0), ct, ("after", after), ("up_to", upTo), ("now", now), ("limit", limit));

    /// <summary>
    /// The due messages of these accounts, an equal slice of each, their rows locked until the transaction ends. Rows that another sender has locked are passed
    /// over, so that two senders never wait for each other.
    /// </summary>
    public static Task<List<ClaimedMessage>> ClaimAsync(Session session, IReadOnlyList<int> accounts, int limit, long now, CancellationToken ct)
    {
        accounts = [.. accounts.Take(limit)];
        var slice = (limit + accounts.Count - 1) / Math.Max(1, accounts.Count);
        // SQLite runs the statement once an account, so that its LIMIT is each account's.
        var sql = session.Dialect.IsPostgreSql
            ? $$"""
              SELECT {{ClaimedMessage.Columns}} FROM {rows} CROSS JOIN LATERAL (
                SELECT * FROM message WHERE message.account_id = r.account_id AND message.due_at <= @now ORDER BY message.due_at LIMIT @slice FOR UPDATE SKIP LOCKED) m
              LIMIT @limit
              """
            : $$"""
              SELECT {{ClaimedMessage.Columns}} FROM {rows} JOIN message m ON m.account_id = r.account_id AND m.due_at <= @now ORDER BY m.due_at LIMIT min(@slice, @limit)
              """;
        return session.QueryAsync(sql, new Rows<int>(accounts).Int("account_id", account => account), ClaimedMessage.Read, ct, ("now", now), ("slice", slice), ("limit", limit));
    }
}
