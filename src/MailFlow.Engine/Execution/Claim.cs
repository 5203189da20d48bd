using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Engine.Execution;

/// <summary>What a batch took: rows of the inbox and instances whose time has come.</summary>
/// <param name="Inbox">Of each place in the order in which they were accepted.</param>
/// <param name="Due">Of each place the longest overdue first.</param>
/// <param name="Horizons">By place that has more in the inbox than was taken: up to when its waits may be worked now, those of contacts taken for another reason too.</param>
/// <param name="Full">The shards in which there may be more.</param>
/// <param name="ReadAt">The database's clock before it was taken: what is over by then is due.</param>
/// <param name="WorkedAt">The clock behind what was taken: a wait that began before the last of it was accepted would be too short.</param>
/// <param name="Epoch">The journeys' epoch behind what was taken: a resume or a publish that was committed before any of it is known of.</param>
internal sealed record Claim(List<InboxRow> Inbox, List<InstanceRow> Due, Dictionary<Place, long> Horizons, HashSet<int> Full, long ReadAt, long WorkedAt, long Epoch)
{
    public int Count => Inbox.Count + Due.Count;

    /// <summary>Up to when waits in a place may be worked.</summary>
    public long HorizonOf(Place place) => Horizons.GetValueOrDefault(place, ReadAt);

    /// <summary>
    /// Takes at most <paramref name="size"/>, in equal slices for each account that has work in a shard, half of each for timers. While more inbox
    /// rows wait, timers are taken only up to the first of those: an event accepted before a time-out fell due must not be
    /// overtaken by it.
    /// </summary>
    /// <param name="session">The transaction that holds the shards' locks.</param>
    /// <param name="shards">Where to take from.</param>
    /// <param name="size">The most to take.</param>
    /// <param name="now">The database's clock.</param>
    /// <param name="inOrder">One account after the other instead of slices: what was taken first before a crash is first again.</param>
    /// <param name="others">What is left to other nodes: it would fill the slice at every look.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task<Claim> TakeAsync(Session session, IReadOnlyList<int> shards, int size, long now, bool inOrder, Unreadable others, CancellationToken ct)
    {
        var places = await InboxStore.PlacesAsync(session, shards, now, ct);
        places.RemoveAll(place => others.Accounts.Contains(place.AccountId));
        var full = new HashSet<int>();
        var most = inOrder ? 1 : size;
        if (places.Count > most) full = [.. places.Select(place => place.Shard)];
        if (inOrder && others.Versions.Count > 0)
        {
            places = await FirstToYieldAsync(session, places, now, others, ct);
            if (places.Count == 0) full = [];
        }
        else if (places.Count > most)
        {
            // Where there are more of them than may be taken, it is by chance who goes first.
            var first = inOrder ? 0 : new Random(unchecked((int)now)).Next(places.Count);
            places = [.. places.Skip(first).Concat(places.Take(first)).Take(most)];
        }
        var slice = places.Count == 0 ? 0 : size / places.Count;
        var (inbox, due) = (await InboxStore.FirstAsync(session, places, slice, others, ct), await InstanceStore.DueAsync(session, places, slice, now, others, ct));
        var epoch = await EngineEpoch.EnqueueReadAsync(session, ct);
        var behind = await session.NowAsync(ct);
        await session.SendAsync(ct);
        var (messages, timers) = (inbox.Rows.ToLookup(row => new Place(row.Shard, row.AccountId)), due.Rows.ToLookup(row => new Place(row.Shard, row.AccountId)));

        var claim = new Claim([], [], [], full, now, behind, epoch.Rows[0]);
        foreach (var place in places)
        {
            // The row after the last read is not known, only that it was not accepted before that one.
            var horizon = messages[place].Count() == slice ? Math.Min(now, messages[place].Last().AcceptedAt) : now;
            claim.Add(place, [.. messages[place]], [.. timers[place].Where(timer => timer.DueAt <= horizon)], horizon, slice, now);
        }
        return claim;
    }

    /// <summary>The first place that holds anything for this node, alone; none where all is left to others. One after the other: the last run may have ended for want of memory.</summary>
    private static async Task<List<Place>> FirstToYieldAsync(Session session, List<Place> places, long now, Unreadable others, CancellationToken ct)
    {
        foreach (var place in places)
        {
            var (inbox, due) = (await InboxStore.FirstAsync(session, [place], 1, others, ct), await InstanceStore.DueAsync(session, [place], 1, now, others, ct));
            await session.SendAsync(ct);
            if (inbox.Rows.Count + due.Rows.Count > 0) return [place];
        }
        return [];
    }

    /// <summary>Both together fit the slice; what one leaves the other may use.</summary>
    private void Add(Place place, List<InboxRow> messages, List<InstanceRow> timers, long horizon, int slice, long now)
    {
        var isFull = messages.Count == slice || timers.Count == slice; // timers alone may fill it, too
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
        if (horizon < now) Horizons[place] = horizon;
        if (isFull) Full.Add(place.Shard);
        Inbox.AddRange(messages);
        Due.AddRange(timers);
    }

    private static bool Earlier(List<InboxRow> messages, List<InstanceRow> timers) =>
        timers.Count == 0 || (messages.Count > 0 && messages[0].AcceptedAt < timers[0].DueAt);
}
