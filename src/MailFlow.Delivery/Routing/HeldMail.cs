using MailFlow.Data;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Routing;

/// <summary>Tells which mail waits for a person or for the next day, so that it is nobody's lag: no sender more would help it.</summary>
internal sealed class HeldMail(Routes routes, Senders senders)
{
    /// <summary>The streams of these accounts of which nothing may leave: stopped, without a connection, or at the end of a day's limit or of a warm-up's volume.</summary>
    public async Task<IReadOnlySet<(int AccountId, MessageStream Stream)>> AmongAsync(Session session, IReadOnlyList<int> accounts, long now, CancellationToken ct)
    {
        var today = FlowStore.DayOf(now);
        var stops = (await SendingStops.AmongAsync(session, accounts, ct)).Select(each => (each.AccountId, each.Stop.Subject, each.Stop.Stream)).ToHashSet();
        var found = await routes.AmongAsync(session, accounts, ct);
        var from = await senders.AmongAsync(session, accounts, ct);
        var days = await FlowStore.DaysAsync(session, accounts, today - (2 * SendingLog.Window), ct);
        var warmUps = await FlowStore.WarmUpsAsync(session, accounts, ct);
        return (from account in accounts from stream in Enum.GetValues<MessageStream>() where IsHeld(account, stream) select (account, stream)).ToHashSet();

        bool IsHeld(int account, MessageStream stream)
        {
            var ofAccount = found.ByAccount[account];
            if (ofAccount.Any(route => !route.IsSandbox))
            {
                var domain = FlowControl.DomainOf(from[account]);
                var log = FlowStore.LogOf(days, new BucketKey(account, SendingStops.OfDomain(domain)));
                if (stops.Contains((account, SendingStops.OfDomain(domain), stream))) return true;
                if (stream == MessageStream.Marketing && FlowControl.VolumeLeft(log, warmUps.GetValueOrDefault(new BucketKey(account, domain)), today) == 0) return true;
            }
            if (stops.Contains((account, SendingStops.OfSender, stream)) && ofAccount.Any(route => route.IsReal)) return true;
            return !ofAccount.Any(route => !found.IsClosed(account, route, stream) && !stops.Contains((account, route.Subject, stream)) && FlowControl.RoomToday(route, stream, days, today) > 0);
        }
    }
}
