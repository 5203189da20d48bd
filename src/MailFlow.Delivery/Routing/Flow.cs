using System.Buffers.Binary;
using MailFlow.Data;
using MailFlow.Delivery.Sending;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Routing;

/// <summary>A route with what it still takes in the transaction at hand.</summary>
internal sealed class Way(Route route, int room, int roomForMarketing)
{
    public Route Route { get; } = route;

    /// <summary>How many more it takes.</summary>
    public int Room { get; private set; } = room;

    /// <summary>How many of the room are not promised yet to an account that claims.</summary>
    public int Unclaimed { get; private set; } = room;

    /// <summary>How many more marketing mails it takes, where that is fewer.</summary>
    public int RoomForMarketing { get; private set; } = roomForMarketing;

    public int Taken { get; private set; }

    public int RoomFor(MessageStream stream) => stream == MessageStream.Marketing ? Math.Min(Room, RoomForMarketing) : Room;

    public int Claim(MessageStream stream, int wanted)
    {
        var given = Math.Min(wanted, stream == MessageStream.Marketing ? Math.Min(Unclaimed, RoomForMarketing) : Unclaimed);
        Unclaimed -= given;
        return given;
    }

    /// <summary>Takes a promise back that was not needed. Gives how many.</summary>
    public int Release(int unneeded)
    {
        var back = Math.Min(unneeded, Room - Unclaimed);
        Unclaimed += back;
        return back;
    }

    public void Take() => (Room, RoomForMarketing, Taken) = (Room - 1, RoomForMarketing == int.MaxValue ? int.MaxValue : RoomForMarketing - 1, Taken + 1);
}

/// <summary>What may leave in one hand-over, and what was taken of it.</summary>
internal sealed class Flow(
    IReadOnlyDictionary<int, Dictionary<MessageStream, IReadOnlyList<Way>>> ways, IReadOnlyDictionary<int, Dictionary<MessageStream, IReadOnlyList<Way>>> closed, FoundRoutes routes,
    IReadOnlyDictionary<int, SenderIdentity> senders, Dictionary<int, int> marketing, IReadOnlyDictionary<int, string> domains, IRateLimits rateLimits, RateGrant grant, bool heldByRate, long now, int today)
{
    private readonly List<DayCount> _counts = [];

    /// <summary>How many more may leave the account's sending domain, where that is limited, and are not promised yet.</summary>
    private readonly Dictionary<int, int> _unclaimed = domains.Where(each => grant.Find(DomainBucket(each.Key, each.Value)) is not null)
        .ToDictionary(each => each.Key, each => grant.Find(DomainBucket(each.Key, each.Value))!.Value.Whole);

    /// <summary>Whether a limit by the second may hold more of what is due than it lets go: a moment later it lets go of the next.</summary>
    public bool IsHeldByRate => heldByRate;

    /// <summary>How many messages of a stream an account may claim, at most <paramref name="wanted"/>; they are promised to it.</summary>
    public int Claim(int account, MessageStream stream, int wanted)
    {
        if (stream == MessageStream.Marketing) wanted = Math.Min(wanted, Math.Max(0, marketing.GetValueOrDefault(account, int.MaxValue)));
        wanted = Math.Min(wanted, _unclaimed.GetValueOrDefault(account, int.MaxValue));
        var given = 0;
        foreach (var way in ways[account][stream])
            if (given < wanted) given += way.Claim(stream, wanted - given);
        Promise(account, stream, given);
        return given;
    }

    /// <summary>Gives back what was promised to an account that had less to send.</summary>
    public void Release(int account, MessageStream stream, int unneeded)
    {
        Promise(account, stream, -unneeded);
        foreach (var way in ways[account][stream]) unneeded -= way.Release(unneeded);
    }

    private void Promise(int account, MessageStream stream, int mails)
    {
        if (_unclaimed.TryGetValue(account, out var left)) _unclaimed[account] = left - mails;
        // What a domain may send in a day is of all its mail: receipts that leave with this hand-over come off it, too. Captured mail does not.
        if (stream == MessageStream.Transactional && marketing.TryGetValue(account, out var volume) && volume < int.MaxValue && ways[account][stream].Any(way => !way.Route.IsSandbox))
            marketing[account] = volume - mails;
    }

    private static BucketKey DomainBucket(int account, string domain) => new(account, SendingStops.OfDomain(domain));

    /// <summary>Whom an account's mail by this route comes from.</summary>
    public SenderIdentity SenderOf(int account, Route route) => Senders.For(route, senders[account]);

    /// <summary>The route that a message took; null when there is none any more.</summary>
    public Route? Find(ClaimedMessage message) => routes.Find(message.AccountId, message.Provider);

    /// <summary>Whether the route that a message took is there and cannot tell now: nobody can say yet whether it was taken.</summary>
    public bool IsSilent(ClaimedMessage message) => routes.IsSilent(message.AccountId, message.Provider);

    /// <summary>Whether mail of the message's stream does not leave by this route any more.</summary>
    public bool IsClosed(ClaimedMessage message, Route route) => routes.IsClosed(message.AccountId, route, message.Stream);

    /// <summary>
    /// The route of a message, by the weights of those that have room; of one whose answer was lost, the route it took, which may know of it. Null when there is no room for
    /// it at this moment.
    /// </summary>
    public Route? Pick(ClaimedMessage message, EmailAddress to)
    {
        if (message.State == MessageState.Unknown && IsSilent(message)) return null;
        IEnumerable<Way> among = ways[message.AccountId][message.Stream];
        // Of one that forgets there is nothing to be had: another may take the mail when it is closed, or did not take it again.
        if (message.State == MessageState.Unknown && Find(message) is { } own && !(own.Provider.Replay == ReplayPolicy.Neither && (IsClosed(message, own) || message.Attempt > 1)))
            among = among.Concat(closed[message.AccountId][message.Stream]).Where(way => way.Route == own);
        var open = among.Where(way => way.RoomFor(message.Stream) > 0).ToList();
        if (open.Count == 0) return null;
        var way = open.Count == 1 ? open[0] : Weighted(open, message);
        way.Take();
        if (domains.TryGetValue(message.AccountId, out var domain) && !way.Route.IsSandbox) grant.Take(DomainBucket(message.AccountId, domain), 1);
        _counts.AddRange(CountsOf(message, way.Route, domain, to, today, 1));
        return way.Route;
    }

    /// <summary>Writes down what was taken. Last in the transaction: nodes wait for each other on these rows.</summary>
    public async Task CloseAsync(Session session, CancellationToken ct)
    {
        var used = ways.Values.Concat(closed.Values).SelectMany(streams => streams.Values).SelectMany(each => each).Distinct().Where(way => way.Taken > 0).ToList();
        foreach (var way in used) grant.Take(FlowControl.BucketOf(way.Route), way.Taken);
        await rateLimits.CloseAsync(session, grant, now, ct);
        await FlowStore.CountAsync(session, _counts, ct);
    }

    /// <summary>Takes back what these count for their days: they were certainly not taken. They count again when they are tried again.</summary>
    /// <param name="session">A writing session.</param>
    /// <param name="unsent">What was taken up.</param>
    /// <param name="at">When that was.</param>
    /// <param name="ct">Cancels.</param>
    public static Task GiveBackAsync(Session session, IEnumerable<TakenMessage> unsent, DateTimeOffset at, CancellationToken ct) => FlowStore.CountAsync(
        session, [.. unsent.SelectMany(taken => CountsOf(taken.Message, taken.Route, FlowControl.DomainOf(taken.Sender), taken.To, FlowStore.DayOf(at.ToUnixTimeMilliseconds()), -1))], ct);

    /// <summary>
    /// What a mail counts for: its route's day and its domain's. One whose answer was lost has counted when it was handed over first; what the
    /// sandbox captures is not mail from the domain, and counts where the sandbox's day is limited.
    /// </summary>
    private static IEnumerable<DayCount> CountsOf(ClaimedMessage message, Route route, string? domain, EmailAddress to, int day, int mails)
    {
        if (message.State == MessageState.Unknown) yield break;
        var transactional = message.Stream == MessageStream.Transactional ? mails : 0;
        if (route.PerDay is not null || !route.IsSandbox) yield return new DayCount(message.AccountId, route.Subject, day, mails, Transactional: transactional);
        if (domain is null || route.IsSandbox) yield break;
        foreach (var count in FlowStore.InAllAndByMailbox(new DayCount(message.AccountId, SendingStops.OfDomain(domain), day, mails, Transactional: transactional), to.Domain)) yield return count;
    }

    /// <summary>
    /// Of messages to be handed over, those that the limits of their recipients' mailbox providers hold, each with the instant of its turn. What is not held is counted.
    /// </summary>
    public async Task<IReadOnlyDictionary<Guid, long>> HeldAsync(
        Session session, IReadOnlyList<(ClaimedMessage Message, EmailAddress To)> messages, CancellationToken ct)
    {
        var limits = await FlowStore.MailboxLimitsAsync(session, [.. ways.Keys], ct);
        var held = new Dictionary<Guid, long>();
        if (limits.Count == 0) return held;
        var keyed = messages.Select(each => (each.Message.Id, Limit: LimitOf(each.Message.AccountId, each.To.Domain))).Where(each => each.Limit is not null).ToList();
        var rates = keyed.DistinctBy(each => each.Limit!.Value.Key).ToDictionary(each => each.Limit!.Value.Key, each => each.Limit!.Value.Rate);
        var mailboxes = await rateLimits.OpenAsync(session, rates, now, ct);
        foreach (var group in keyed.GroupBy(each => each.Limit!.Value.Key))
        {
            var (bucket, rate) = (mailboxes.Find(group.Key)!.Value, rates[group.Key]);
            var going = Math.Min(bucket.Whole, group.Count());
            foreach (var ((id, _), place) in group.Skip(going).Select((each, i) => (each, i + 1))) held[id] = now + (long)Math.Ceiling((place - bucket.Less(going).Tokens) / rate * 1000);
            mailboxes.Take(group.Key, going);
        }
        await rateLimits.CloseAsync(session, mailboxes, now, ct);
        return held;

        (BucketKey Key, double Rate)? LimitOf(int account, string domain)
        {
            domain = domain.ToLowerInvariant();
            var mailbox = MailboxProviders.Of(domain);
            var key = new BucketKey(account, $"mailbox:{mailbox}");
            return limits.TryGetValue(new(account, mailbox), out var rate) || limits.TryGetValue(new(account, domain), out rate) || limits.TryGetValue(new(account, "*"), out rate)
                ? (key, rate) : null;
        }
    }

    /// <summary>By a hash of message and attempt: the same however it is asked, and another route is likely when one has failed.</summary>
    private static Way Weighted(List<Way> open, ClaimedMessage message)
    {
        Span<byte> bytes = stackalloc byte[16];
        message.Id.TryWriteBytes(bytes, bigEndian: true, out _);
        var hash = (BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]) + (ulong)message.Attempt) * 0x9e3779b97f4a7c15UL;
        hash ^= hash >> 32;
        var left = (int)(hash % (ulong)open.Sum(way => way.Route.WeightFor(message.Stream)));
        foreach (var way in open)
            if ((left -= way.Route.WeightFor(message.Stream)) < 0) return way;
        return open[^1];
    }
}
