using MailFlow.Data;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Policies;

/// <summary>How much mail contacts have had.</summary>
internal static class MessagesHad
{
    /// <summary>The instants (Unix milliseconds, in order) of the mails of a stream that left for each contact since then, those under way and those that may have left included.</summary>
    public static async Task<ILookup<long, long>> SinceAsync(Session session, MessageStream stream, IReadOnlyList<long> contactIds, long since, CancellationToken ct) => (await session.QueryAsync($$"""
        SELECT m.contact_id, coalesce(m.handed_over_at, m.updated_at) FROM {rows} JOIN message m ON m.contact_id = r.contact
        WHERE m.stream = @stream AND coalesce(m.handed_over_at, m.updated_at) > @since
          AND m.state IN ({{(int)MessageState.Inflight}}, {{(int)MessageState.Accepted}}, {{(int)MessageState.Unknown}}, {{(int)MessageState.Unconfirmed}})
        ORDER BY coalesce(m.handed_over_at, m.updated_at)
        """, new Rows<long>([.. contactIds.Distinct()]).Long("contact", id => id), row => (Contact: row.Long(0), At: row.Long(1)), ct, ("stream", (int)stream), ("since", since)))
        .ToLookup(each => each.Contact, each => each.At);

    /// <summary>How many mails of a stream were queued for each contact since then and have not been withheld; contacts without any are left out.</summary>
    public static async Task<IReadOnlyDictionary<long, int>> QueuedSinceAsync(Session session, MessageStream stream, IReadOnlyList<long> contactIds, long since, CancellationToken ct) => (await session.QueryAsync($$"""
        SELECT m.contact_id, count(*) FROM {rows} JOIN message m ON m.contact_id = r.contact
        WHERE m.stream = @stream AND m.queued_at > @since
          AND m.state IN ({{(int)MessageState.Queued}}, {{(int)MessageState.Inflight}}, {{(int)MessageState.Accepted}}, {{(int)MessageState.Deferred}}, {{(int)MessageState.Unknown}}, {{(int)MessageState.Unconfirmed}})
        GROUP BY m.contact_id
        """, new Rows<long>([.. contactIds.Distinct()]).Long("contact", id => id), row => (Contact: row.Long(0), Count: row.Int(1)), ct, ("stream", (int)stream), ("since", since)))
        .ToDictionary(each => each.Contact, each => each.Count);
}
