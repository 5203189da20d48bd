using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Storage;

namespace MailFlow.Delivery.Sending;

/// <summary>Finds what is due, fairly over the accounts.</summary>
internal static class DueMessages
{
    private const int MostAccounts = 50;

    /// <summary>Accounts with due messages, from the one after <paramref name="after"/> on, around to it again; at most fifty.</summary>
    public static async Task<IReadOnlyList<int>> AccountsAsync(Session session, int after, CancellationToken ct) =>
        await AccountsInTurn.DueAsync(session, "message", await session.NowAsync(ct), after, MostAccounts, ct, pending: "due_at IS NOT NULL", due: "stream IN (0, 1)");

    /// <summary>Whether a stream of an account has a due message.</summary>
    public static async Task<bool> AnyAsync(Session session, int account, MessageStream stream, long now, CancellationToken ct) => await session.FirstAsync(
        "SELECT 1 FROM message WHERE account_id = @account AND stream = @stream AND due_at <= @now LIMIT 1", _ => true, ct, ("account", account), ("stream", (int)stream), ("now", now));

    /// <summary>
    /// The due messages of these slices, their rows locked until the transaction ends. Rows that another sender has locked are passed over, so that two senders never wait
    /// for each other.
    /// </summary>
    public static Task<List<ClaimedMessage>> ClaimAsync(Session session, IReadOnlyList<Slice> slices, long now, CancellationToken ct)
    {
        // SQLite runs the statement once a slice.
        var sql = session.Dialect.IsPostgreSql
            ? $$"""
              SELECT {{ClaimedMessage.Columns}} FROM {rows} CROSS JOIN LATERAL (
                SELECT * FROM message WHERE message.account_id = r.owner AND message.stream = r.stream AND message.due_at <= @now
                ORDER BY message.due_at LIMIT r.most FOR UPDATE SKIP LOCKED) m
              """
            : $$"""
              SELECT {{ClaimedMessage.Columns}} FROM {rows} JOIN message m ON m.account_id = r.owner AND m.stream = r.stream AND m.due_at <= @now
              ORDER BY m.due_at LIMIT @r_most
              """;
        return session.QueryAsync(
            sql, new Rows<Slice>(slices).Int("owner", slice => slice.AccountId).Int("stream", slice => (int)slice.Stream).Int("most", slice => slice.Most),
            ClaimedMessage.Read, ct, ("now", now));
    }
}

/// <summary>How much is claimed of one account's stream.</summary>
internal readonly record struct Slice(int AccountId, MessageStream Stream, int Most);
