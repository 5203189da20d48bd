using MailFlow.Data;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Routing;

/// <summary>How an account's mail leaves at this moment, and what holds it back.</summary>
/// <param name="Routes">By what it leaves.</param>
/// <param name="Domain">What it comes from; null where all of it is captured by the sandbox.</param>
/// <param name="Stops">What is stopped until somebody mends it.</param>
/// <param name="Waiting">How many messages wait, by stream.</param>
/// <param name="Notes">What an operator should know, in plain words; empty when all is well.</param>
public sealed record SendingState(
    IReadOnlyList<RouteState> Routes, DomainState? Domain, IReadOnlyList<SendingStop> Stops, IReadOnlyDictionary<MessageStream, long> Waiting, IReadOnlyList<string> Notes);

/// <summary>One way out.</summary>
/// <param name="Key">The connection's key, or the name of the server's own provider.</param>
/// <param name="Type">The kind of provider.</param>
/// <param name="MarketingWeight">Its share of marketing mail.</param>
/// <param name="TransactionalWeight">Its share of transactional mail.</param>
/// <param name="PerSecond">The most mails a second.</param>
/// <param name="PerDay">The most mails a day.</param>
/// <param name="Today">How many it was given today (UTC), where a day's limit is set.</param>
/// <param name="OpenUntil">Until when this node does not try it, because it fails.</param>
public sealed record RouteState(
    string Key, string Type, int MarketingWeight, int TransactionalWeight, double? PerSecond, int? PerDay, int? Today, DateTimeOffset? OpenUntil);

/// <summary>The sending domain.</summary>
/// <param name="Name">The domain.</param>
/// <param name="Standing"><c>good</c>, <c>poor</c> (slowed down) or <c>bad</c> (marketing stopped).</param>
/// <param name="ComplaintRate">Complaints a mail over seven days, Gmail left out, which reports none: 0.001 slows down, 0.0025 stops.</param>
/// <param name="BounceRate">Hard bounces a mail over seven days: 0.05 slows down, 0.1 stops.</param>
/// <param name="Mailboxes">The same by who keeps the recipients' mailboxes; those without mail are left out.</param>
/// <param name="ResumedAt">When it was resumed within these seven days: standing and rates are of what came after; null when it was not.</param>
/// <param name="Today">How many mails left today (UTC).</param>
/// <param name="WarmUp">Its warm-up; null when it has none.</param>
public sealed record DomainState(string Name, string Standing, double ComplaintRate, double BounceRate, IReadOnlyList<MailboxStanding> Mailboxes, DateTimeOffset? ResumedAt, int Today, WarmUpState? WarmUp);

/// <summary>How the users of one mailbox provider took the domain's mail over seven days.</summary>
/// <param name="Mailbox"><c>gmail</c>, <c>microsoft</c>, <c>yahoo</c>, <c>apple</c> or <c>other</c>.</param>
/// <param name="Mails">How many mails it had.</param>
/// <param name="Complaints">How many its users called spam.</param>
/// <param name="ComplaintRate">Complaints a mail; null of one that reports none.</param>
/// <param name="Counts">Whether it is judged by itself: of 500 mails and three complaints on, at the same rates as the whole.</param>
public sealed record MailboxStanding(string Mailbox, int Mails, int Complaints, double? ComplaintRate, bool Counts);

/// <summary>A warm-up, as of today.</summary>
/// <param name="FirstVolume">How many mails on its first day.</param>
/// <param name="TargetVolume">How many on its last.</param>
/// <param name="Days">How many days from one to the other.</param>
/// <param name="Day">The day of the schedule that today is, from 1; more than <paramref name="Days"/> when it is done.</param>
/// <param name="Volume">The most that may leave today; null when the domain is warm.</param>
/// <param name="Left">How many of them are left; null when the domain is warm.</param>
/// <param name="BacklogDone">The day (UTC) on which all marketing mail that waits now will have left, if nothing goes wrong; null when none waits.</param>
/// <param name="Schedule">What each day's volume is to be.</param>
public sealed record WarmUpState(int FirstVolume, int TargetVolume, int Days, int Day, int? Volume, int? Left, DateOnly? BacklogDone, IReadOnlyList<int> Schedule);

/// <summary>Tells how mail leaves.</summary>
public sealed class SendingOverview
{
    private readonly Database _database;
    private readonly Routes _routes;
    private readonly FlowControl _control;
    private readonly Senders _senders;

    internal SendingOverview(Database database, Routes routes, FlowControl control, Senders senders) => (_database, _routes, _control, _senders) = (database, routes, control, senders);

    /// <summary>The state of one account.</summary>
    public Task<SendingState> ReadAsync(int accountId, CancellationToken ct) => _database.ReadAsync(async session =>
    {
        var now = await session.NowAsync(ct);
        var today = FlowStore.DayOf(now);
        var found = await _routes.AmongAsync(session, [accountId], ct);
        var routes = found.ByAccount[accountId];
        var stops = (await SendingStops.AmongAsync(session, [accountId], ct)).Select(each => each.Stop).ToList();
        var waiting = (await session.QueryAsync(
            "SELECT stream, count(*) FROM message WHERE account_id = @account AND due_at IS NOT NULL GROUP BY stream",
            row => (Stream: (MessageStream)row.Int(0), Count: row.Long(1)), ct, ("account", accountId))).ToDictionary(each => each.Stream, each => each.Count);
        var sender = (await _senders.AmongAsync(session, [accountId], ct))[accountId];
        var domain = routes.Any(route => !route.IsSandbox) ? FlowControl.DomainOf(sender) : null;
        var domainKey = new BucketKey(accountId, SendingStops.OfDomain(domain ?? ""));
        var days = await FlowStore.DaysAsync(session, [accountId], today - (2 * SendingLog.Window), ct);
        var resumedAt = await FlowStore.ResumedAtAsync(session, domainKey, ct);
        if (resumedAt is { } at && FlowStore.DayOf(at.ToUnixTimeMilliseconds()) <= today - SendingLog.Window) resumedAt = null;
        var state = domain is null ? null
            : Domain(domain, FlowStore.LogOf(days, domainKey), resumedAt, (await FlowStore.WarmUpsAsync(session, [accountId], ct)).GetValueOrDefault(new BucketKey(accountId, domain)), waiting.GetValueOrDefault(MessageStream.Marketing), today);
        List<RouteState> states = [.. routes.Select(route => new RouteState(
            route.Key, route.Provider.Name, route.MarketingWeight, route.TransactionalWeight, route.PerSecond, route.PerDay,
            route.PerDay is null ? null : new SendingLog([.. days[FlowControl.BucketOf(route)]]).Of(today).HandedOver,
            _control.BreakerOf(route).OpenUntil(now) is { } until ? DateTimeOffset.FromUnixTimeMilliseconds(until) : null))];
        return new SendingState(
            states, state, stops, Enum.GetValues<MessageStream>().ToDictionary(stream => stream, stream => waiting.GetValueOrDefault(stream)), [.. await HeldByRegionAsync(session, accountId, routes, ct), .. Failing(states), .. Notes(routes, state, stops, found.Broken), .. MissingNotes(sender, routes, stops)]);
    }, ct);

    private static async Task<IReadOnlyList<string>> HeldByRegionAsync(Session session, int accountId, IReadOnlyList<Route> routes, CancellationToken ct) =>
        routes.Count == 0 && await AccountSettings.RegionAsync(session, accountId, ct) is { } region ? [AccountSettings.WhyHeld(region)] : [];

    private static DomainState Domain(string name, SendingLog log, DateTimeOffset? resumedAt, WarmUp? stored, long backlog, int today)
    {
        var (standing, used) = (log.StandingOn(today), log.Of(today).HandedOver);
        var warmUp = stored?.On(today, log);
        var volume = warmUp?.Volume(standing);
        return new DomainState(name, standing.ToString().ToLowerInvariant(), log.ComplaintRate(today), log.BounceRate(today), log.Mailboxes(today), resumedAt, used, warmUp is null ? null : new WarmUpState(
            warmUp.FirstVolume, warmUp.TargetVolume, warmUp.Days, warmUp.Step + 1, volume, volume is { } most ? Math.Max(0, most - used) : null,
            backlog == 0 ? null : DateOnly.FromDayNumber(DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber + today + warmUp.DaysFor(backlog, used) - 1),
            [.. Enumerable.Range(0, warmUp.Days).Select(warmUp.VolumeAt)]));
    }

    /// <summary>What would stop marketing mail, before there is any.</summary>
    private IEnumerable<string> MissingNotes(SenderIdentity sender, IReadOnlyList<Route> routes, List<SendingStop> stops) =>
        routes.Any(route => route.IsReal && route.MarketingWeight > 0) && !stops.Any(stop => stop.Subject == SendingStops.OfSender) ? _senders.Missing(sender).Select(missing => $"Marketing mail will not leave: {missing}") : [];

    private static IEnumerable<string> Failing(IEnumerable<RouteState> states) => states.Where(route => route.OpenUntil is not null)
        .Select(route => $"Calls to {route.Key} fail. Its mail waits or goes by another connection, and it is tried again every little while.");

    private static List<string> Notes(IReadOnlyList<Route> routes, DomainState? domain, List<SendingStop> stops, IReadOnlyList<NewStop> broken)
    {
        var notes = new List<string>();
        foreach (var stream in Enum.GetValues<MessageStream>())
            if (routes.All(route => route.WeightFor(stream) == 0)) notes.Add($"No connection takes {stream.ToString().ToLowerInvariant()} mail: it waits. Enable one, give one a weight, or see to it that one is in the account's region.");
        notes.AddRange(stops.Select(stop => $"{stop.Stream} mail is stopped{(stop.Subject == SendingStops.OfSender ? "" : $" at {stop.Subject}")}: {stop.Reason}"));
        notes.AddRange(broken.Where(each => !stops.Any(stop => stop.Subject == each.Subject)).Select(each => $"{each.Subject}: {each.Reason}").Distinct());
        if (domain is { Standing: "poor" }) notes.Add($"{domain.Name} is slowed down to half: too many complaints or bounces in the last seven days.");
        if (domain?.WarmUp is { Left: 0 }) notes.Add($"{domain.Name} is being warmed up, and today's volume of {domain.WarmUp.Volume} is used up: marketing mail goes on tomorrow (UTC).");
        return notes;
    }
}
