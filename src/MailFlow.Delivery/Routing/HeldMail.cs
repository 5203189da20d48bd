using MailFlow.Data;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Routing;

/// <summary>Tells which mail waits for a person or for the next day, and why: it is nobody's lag, for no sender more would help it.</summary>
internal sealed class HeldMail(Routes routes, Senders senders)
{
    /// <summary>The streams of these accounts of which nothing may leave: stopped, without a connection, or at the end of a day's limit or of a warm-up's volume; each with the reason, in plain words.</summary>
    public async Task<IReadOnlyDictionary<(int AccountId, MessageStream Stream), string>> AmongAsync(Session session, IReadOnlyList<int> accounts, long now, CancellationToken ct)
    {
        var today = FlowStore.DayOf(now);
        var stops = (await SendingStops.AmongAsync(session, accounts, ct)).ToDictionary(each => (each.AccountId, each.Stop.Subject, each.Stop.Stream), each => each.Stop.Reason);
        var found = await routes.AmongAsync(session, accounts, ct);
        var from = await senders.AmongAsync(session, accounts, ct);
        var days = await FlowStore.DaysAsync(session, accounts, today - (2 * SendingLog.Window), ct);
        var warmUps = await FlowStore.WarmUpsAsync(session, accounts, ct);
        return (from account in accounts
                from stream in Enum.GetValues<MessageStream>()
                let why = WhyHeld(account, stream)
                where why is not null
                select (Of: (account, stream), Why: why)).ToDictionary(each => each.Of, each => each.Why);

        string? WhyHeld(int account, MessageStream stream)
        {
            var ofAccount = found.ByAccount[account];
            if (ofAccount.Any(route => route.IsReal) && stops.TryGetValue((account, SendingStops.OfSender, stream), out var ofSender)) return Stopped(ofSender);
            if (ofAccount.Any(route => !route.IsSandbox) && WhyDomainHolds(account, FlowControl.DomainOf(from[account]), stream) is { } ofDomain) return ofDomain;
            var open = ofAccount.Where(route => !found.IsClosed(account, route, stream)).ToList();
            if (open.Count == 0) return $"Waits: no connection takes {stream.ToString().ToLowerInvariant()} mail. Enable one, give one a weight, or see to it that one is in the account's region.";
            var whys = open.ConvertAll(route => stops.TryGetValue((account, route.Subject, stream), out var stop) ? Stopped(stop)
                : FlowControl.RoomToday(route, stream, days, today) > 0 ? null : "Waits for tomorrow (UTC): the connection's limit of a day is reached.");
            return whys.Contains(null) ? null : whys[0];
        }

        string? WhyDomainHolds(int account, string domain, MessageStream stream)
        {
            if (stops.TryGetValue((account, SendingStops.OfDomain(domain), stream), out var stop)) return Stopped(stop);
            var log = FlowStore.LogOf(days, new BucketKey(account, SendingStops.OfDomain(domain)));
            return stream == MessageStream.Marketing && FlowControl.VolumeLeft(log, warmUps.GetValueOrDefault(new BucketKey(account, domain)), today) == 0
                ? $"Waits for tomorrow (UTC): today's volume of {domain} is used up, because it is warmed up or draws complaints." : null;
        }

        static string Stopped(string reason) => $"Waits, because it is stopped: {reason}";
    }
}
