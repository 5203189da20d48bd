using MailFlow.Data;

namespace MailFlow.Engine.Storage;

/// <summary>Finds the accounts that have something due in a table, each in its turn: what is served in this order keeps no account waiting for another's end.</summary>
public static class AccountsInTurn
{
    /// <summary>
    /// The accounts from the one after <paramref name="after"/> on, around to it again. It hops along an index that begins with the account, so that its cost is the number of accounts with
    /// anything to do, not of rows.
    /// </summary>
    /// <param name="session">Reads.</param>
    /// <param name="table">With the columns <c>account_id</c> and <c>due_at</c>.</param>
    /// <param name="now">Unix milliseconds: what is due at this instant counts.</param>
    /// <param name="after">The account that was served last; <see cref="int.MinValue"/> for none.</param>
    /// <param name="most">How many accounts at most.</param>
    /// <param name="ct">Cancels.</param>
    /// <param name="pending">What rows have in common that the index holds, in SQL.</param>
    /// <param name="due">What must hold of a row beside being due, in SQL.</param>
    public static async Task<List<int>> DueAsync(Session session, string table, long now, int after, int most, CancellationToken ct, string pending = "true", string due = "true")
    {
        var accounts = await HopAsync(after, int.MaxValue, most);
        if (accounts.Count < most && after > int.MinValue) accounts.AddRange(await HopAsync(int.MinValue, after, most - accounts.Count));
        return accounts;

        Task<List<int>> HopAsync(int from, int upTo, int limit) => session.QueryAsync($"""
            WITH RECURSIVE pending (account_id) AS (
              SELECT (SELECT account_id FROM {table} WHERE {pending} AND account_id > @from AND account_id <= @up_to ORDER BY account_id LIMIT 1)
              UNION ALL
              SELECT (SELECT t.account_id FROM {table} t WHERE {pending} AND t.account_id > pending.account_id AND t.account_id <= @up_to ORDER BY t.account_id LIMIT 1)
              FROM pending WHERE pending.account_id IS NOT NULL)
            SELECT account_id FROM pending
            WHERE account_id IS NOT NULL AND EXISTS (SELECT 1 FROM {table} t WHERE t.account_id = pending.account_id AND {due} AND t.due_at <= @now)
            LIMIT @limit
            """, row => row.Int(0), ct, ("from", from), ("up_to", upTo), ("now", now), ("limit", limit));
    }
}
