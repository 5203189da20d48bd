using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Engine.Execution;

/// <summary>What a batch took: rows of the inbox and instances whose time has come.</summary>
/// <param name="Inbox">In the order in which they were accepted.</param>
/// <param name="Due">The longest overdue first.</param>
/// <param name="Horizons">By account that has more in the inbox than was taken: up to when its waits may be worked now, those of contacts taken for another reason too.</param>
/// <param name="IsFull">Whether there may be more.</param>
internal sealed record Claim(List<InboxRow> Inbox, List<InstanceRow> Due, IReadOnlyDictionary<int, long> Horizons, bool IsFull)
{
    public int Count => Inbox.Count + Due.Count;

    /// <summary>
    /// Takes at most <paramref name="size"/>, in equal slices for each account that has work, half of each for timers. While more inbox
    /// rows wait, timers are taken only up to the first of those: an event accepted before a time-out fell due must not be
    /// overtaken by it.
    /// </summary>
    public static async Task<Claim> TakeAsync(Session session, int shard, int size, long now, CancellationToken ct)
    {
        var accounts = await session.QueryAsync("""
            SELECT id FROM account WHERE EXISTS (SELECT 1 FROM inbox WHERE shard = @shard AND account_id = account.id)
               OR EXISTS (SELECT 1 FROM instance WHERE shard = @shard AND account_id = account.id AND due_at <= @now) ORDER BY id
            """,
            row => row.Int(0), ct, ("shard", shard), ("now", now));
        var inbox = new List<InboxRow>();
        var due = new List<InstanceRow>();
        var horizons = new Dictionary<int, long>();
        var isFull = false;
        // Where there are more accounts than places, a different one goes first each time.
        var first = accounts.Count == 0 ? 0 : (int)(now / 100 % accounts.Count);
        for (var i = 0; i < accounts.Count; i++)
        {
            var left = size - inbox.Count - due.Count;
            if (left <= 0)
            {
                isFull = true;
                break;
            }
            var slice = Math.Min(left, Math.Max(1, size / accounts.Count));
            var account = accounts[(first + i) % accounts.Count];
            var messages = await session.QueryAsync("""
                SELECT id, account_id, kind, key, user_id, accepted_at, body FROM inbox
                WHERE shard = @shard AND account_id = @account ORDER BY id LIMIT @limit
                """,
                InboxRow.Read, ct, ("shard", shard), ("account", account), ("limit", slice));
            var more = messages.Count == slice;
            // The row after the last read is not known, only that it was not accepted before that one.
            var horizon = more ? Math.Min(now, messages[^1].AcceptedAt) : now;
            var timers = await InstanceStore.DueAsync(session, shard, account, horizon, slice, ct);
            // Both together fit the slice; what one leaves the other may use.
            if (messages.Count + timers.Count > slice)
            {
                isFull = true;
                var forTimers = Math.Min(timers.Count, Math.Max(slice / 2, slice - messages.Count));
                var forMessages = slice - forTimers;
                if (slice == 1) (forMessages, forTimers) = Earlier(messages, timers) ? (1, 0) : (0, 1);
                if (messages.Count > forMessages)
                {
                    horizon = Math.Min(horizon, messages[forMessages].AcceptedAt);
                    messages.RemoveRange(forMessages, messages.Count - forMessages);
                }
                timers.RemoveRange(Math.Min(forTimers, timers.Count), Math.Max(0, timers.Count - forTimers));
                timers.RemoveAll(timer => timer.DueAt > horizon);
            }
            if (horizon < now) horizons[account] = horizon;
            // Timers alone may fill the slice, too.
            isFull |= more || timers.Count == slice;
            inbox.AddRange(messages);
            due.AddRange(timers);
        }
        return new Claim(inbox, due, horizons, isFull);
    }

    private static bool Earlier(List<InboxRow> messages, List<InstanceRow> timers) =>
        timers.Count == 0 || (messages.Count > 0 && messages[0].AcceptedAt < timers[0].DueAt);
}
