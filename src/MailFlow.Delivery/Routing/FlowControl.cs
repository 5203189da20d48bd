using System.Collections.Concurrent;
using MailFlow.Data;
using MailFlow.Delivery.Deliverability;
using MailFlow.Delivery.Sending;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Routing;

/// <summary>
/// How much mail may leave now, and by which route. All limits are taken from with the hand-over, so that they hold over all nodes and through crashes: what is taken up
/// was within them.
/// </summary>
internal sealed class FlowControl(Routes routes, Senders senders, IRateLimits limits, DeliveryOptions options)
{
    private readonly ConcurrentDictionary<(int AccountId, string Key), CircuitBreaker> _breakers = new();

    /// <summary>This node's view of a route.</summary>
    public CircuitBreaker BreakerOf(Route route) => _breakers.GetOrAdd((route.AccountId, route.Key), _ => new CircuitBreaker());

    /// <summary>What these accounts may send in the transaction at hand.</summary>
    /// <param name="session">A writing session.</param>
    /// <param name="accounts">The accounts.</param>
    /// <param name="busy">Routes that get nothing now: the sender that asks has not got all their answers to what it gave them.</param>
    /// <param name="now">Unix milliseconds.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<Flow> OpenAsync(Session session, IReadOnlyList<int> accounts, IReadOnlySet<Route> busy, long now, CancellationToken ct)
    {
        // A stop is made, or ends, together with a change of routes or sender, and each statement sees what is committed by then. With the routes between two looks at the stops,
        // and the sender after them, no mail leaves by a change without its stop or by what a stop was for: at worst it waits once more.
        var before = await SendingStops.AmongAsync(session, accounts, ct);
        var all = await routes.AmongAsync(session, accounts, ct);
        var found = all.ByAccount;
        await SendingStops.StopAsync(session, all.Broken, ct);
        var stopped = before.Concat(await SendingStops.AmongAsync(session, accounts, ct)).Select(each => (each.AccountId, each.Stop.Subject, each.Stop.Stream)).ToHashSet();
        var from = await senders.AmongAsync(session, accounts, ct);
        // In the order in which all take the accounts' locks.
        foreach (var account in accounts.Order().Where(account => senders.Missing(from[account]).Count > 0))
        {
            var isDue = false;
            foreach (var stream in Streams.Where(stream => (stream == MessageStream.Marketing || SenderRules.IsNobody(from[account])) && found[account].Any(route => route.IsReal && route.WeightFor(stream) > 0)))
                isDue |= stopped.Add((account, SendingStops.OfSender, stream)) && await DueMessages.AnyAsync(session, account, stream, now, ct);
            if (isDue) await senders.StopIfUnfitAsync(session, account, ct); // which asks once more, alone: a sender mended just now has its mail leave with the next look
        }
        var limited = found.Values.SelectMany(each => each).Distinct().ToList();
        var domains = accounts.Where(account => found[account].Any(route => !route.IsSandbox)).ToDictionary(account => account, account => DomainOf(from[account]));
        var warmUps = domains.Count == 0 ? [] : await FlowStore.WarmUpsAsync(session, [.. domains.Keys], ct);
        var rates = domains.Count == 0 ? [] : await FlowStore.DomainRatesAsync(session, domains, ct);
        foreach (var route in limited.Where(route => route.PerSecond is not null)) rates[BucketOf(route)] = route.PerSecond!.Value;
        var today = FlowStore.DayOf(now);
        var counted = accounts.Where(account => domains.ContainsKey(account) || found[account].Any(route => route.PerDay is not null)).ToList();
        var days = await FlowStore.DaysAsync(session, counted, today - (2 * SendingLog.Window), ct);
        // A day's volume is counted under a lock too: two senders would otherwise both find it unused. It is one of its own, as a limit by the second may be kept in Redis.
        var daily = limited.Where(route => route.PerDay is not null).Select(BucketOf).Concat(
            from each in domains
            where warmUps.ContainsKey(new BucketKey(each.Key, each.Value)) || LogOf(each.Key, each.Value).StandingOn(today) != Standing.Good
            select new BucketKey(each.Key, SendingStops.OfDomain(each.Value))).ToList();
        foreach (var key in daily) rates[DayLock(key)] = TokenBucket.Unlimited;
        var grant = await limits.OpenAsync(session, rates, now, ct);
        if (daily.Count > 0) days = await FlowStore.DaysAsync(session, counted, today - (2 * SendingLog.Window), ct); // another's hand-over may have been waited for

        var heldByRate = rates.Any(each => each.Value < TokenBucket.Unlimited && grant.Find(each.Key)!.Value.Whole < options.BatchSize);
        var ways = limited.Union(all.Closed.Values.SelectMany(each => each)).ToDictionary(route => route, route => new Way(route, busy.Contains(route) ? 0 : RoomOf(route, grant, days, today, now), RoomToday(route, MessageStream.Marketing, days, today)));
        var allowed = new Dictionary<int, int>();
        foreach (var (account, domain) in domains)
            allowed[account] = await MarketingAsync(session, account, domain, stopped, LogOf(account, domain), warmUps, today, ct);
        return new Flow(ByStream(closed: false), ByStream(closed: true), all, from, allowed, domains, limits, grant, heldByRate, now, today);

        SendingLog LogOf(int account, string domain) => FlowStore.LogOf(days, new BucketKey(account, SendingStops.OfDomain(domain)));

        Dictionary<int, Dictionary<MessageStream, IReadOnlyList<Way>>> ByStream(bool closed) =>
            accounts.ToDictionary(account => account, account => Streams.ToDictionary(stream => stream, stream => (IReadOnlyList<Way>)[.. found[account].Concat(all.Closed[account])
                .Where(route => all.IsClosed(account, route, stream) == closed && !stopped.Contains((account, route.Subject, stream))
                    && !(domains.TryGetValue(account, out var domain) && stopped.Contains((account, SendingStops.OfDomain(domain), stream)))
                    && !(stopped.Contains((account, SendingStops.OfSender, stream)) && found[account].Any(each => each.IsReal)))
                .Select(route => ways[route])]));
    }

    private static MessageStream[] Streams { get; } = [MessageStream.Transactional, MessageStream.Marketing];

    /// <summary>The domain that mail comes from.</summary>
    public static string DomainOf(SenderIdentity sender) => EmailAddress.Parse(sender.Email).Domain.ToLowerInvariant();

    internal static BucketKey DayLock(BucketKey key) => key with { Key = $"day:{key.Key}" };

    internal static BucketKey BucketOf(Route route) => new(route.AccountId, route.Subject);

    /// <summary>
    /// Of a provider that forgets what it was sent, no more is taken up than can be under way at once: all that is taken up is in doubt when the process dies.
    /// </summary>
    private int RoomOf(Route route, RateGrant grant, ILookup<BucketKey, SendingDay> days, int today, long now)
    {
        var underWay = route.Provider is IBulkEmailProvider bulk ? Math.Max(bulk.MaxBatch, bulk.Concurrency) : route.Provider.Concurrency;
        var room = route.Provider.Replay == ReplayPolicy.Neither ? Math.Min(underWay, options.BatchSize) : options.BatchSize;
        room = Math.Min(room, BreakerOf(route).Room(now));
        if (grant.Find(BucketOf(route)) is { } bucket) room = Math.Min(room, bucket.Whole);
        return Math.Max(0, Math.Min(room, RoomToday(route, MessageStream.Transactional, days, today)));
    }

    /// <summary>What a connection's limit leaves of a day. Marketing leaves a twentieth of it to receipts and password resets.</summary>
    internal static int RoomToday(Route route, MessageStream stream, ILookup<BucketKey, SendingDay> days, int today) => route.PerDay is not { } perDay ? int.MaxValue
        : Math.Max(0, perDay - (stream == MessageStream.Marketing ? Math.Max(1, perDay / 20) : 0) - new SendingLog([.. days[BucketOf(route)]]).Of(today).HandedOver);

    /// <summary>How much marketing mail may leave from a domain today, of one that draws too many complaints none from now on.</summary>
    private static async Task<int> MarketingAsync(
        Session session, int account, string domain, HashSet<(int, string, MessageStream)> stopped, SendingLog log, Dictionary<BucketKey, WarmUp> warmUps, int today, CancellationToken ct)
    {
        var (subject, standing) = (SendingStops.OfDomain(domain), log.StandingOn(today));
        if (standing == Standing.Bad && stopped.Add((account, subject, MessageStream.Marketing)))
            await SendingStops.StopAsync(session, [new(account, subject, MessageStream.Marketing, WhyStopped(log, today))], ct);
        var stored = warmUps.GetValueOrDefault(new BucketKey(account, domain));
        if (stored?.On(today, log) is { } warmUp && warmUp != stored) await FlowStore.SaveAsync(session, new BucketKey(account, domain), warmUp, ct);
        return VolumeLeft(log, stored, today);
    }

    /// <summary>What is left of a domain's volume of marketing mail today: of its warm-up's, or of half the usual where it draws complaints.</summary>
    internal static int VolumeLeft(SendingLog log, WarmUp? stored, int today)
    {
        var standing = log.StandingOn(today);
        var volume = stored?.On(today, log).Volume(standing) ?? (standing == Standing.Good ? int.MaxValue : Math.Max(1, log.Most(today - 1) / 2));
        return volume == int.MaxValue ? volume : Math.Max(0, volume - log.Of(today).HandedOver);
    }

    private static string WhyStopped(SendingLog log, int today) => log.WorstMailbox(today) is { ComplaintRate: >= SendingLog.StopComplaints } worst && worst.ComplaintRate > log.ComplaintRate(today)
        ? FormattableString.Invariant($"{worst.ComplaintRate:0.00%} of the last seven days' mails to mailboxes at {worst.Mailbox} were called spam; mailbox providers block a sender at 0.3 %. Find out who complains, then resume.")
        : log.ComplaintRate(today) >= SendingLog.StopComplaints
        ? FormattableString.Invariant($"{log.ComplaintRate(today):0.00%} of the last seven days' mails were called spam; mailbox providers block a sender at 0.3 %. Find out who complains, then resume.")
        : FormattableString.Invariant($"{log.BounceRate(today):0.0%} of the last seven days' mails went to addresses that do not exist. Clean the contacts, then resume.");
}
