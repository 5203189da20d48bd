using MailFlow.Delivery.Deliverability.Checks;
using MailFlow.Delivery.Deliverability.Dns;

namespace MailFlow.Delivery.Deliverability;

/// <summary>Looks at all of a domain. It asks DNS and, for tracking, makes one connection; it writes nothing.</summary>
internal sealed class DomainChecks(IDnsResolver dns, ITlsProbe tls, DeliveryOptions options)
{
    /// <summary>The checks in the order of importance, and whether the key that waits was seen in DNS.</summary>
    public async Task<(IReadOnlyList<DomainCheck> Checks, bool NextKeyIsThere)> RunAsync(SendingDomain domain, IReadOnlyList<SendingRoute> routes, CancellationToken ct)
    {
        var context = new CheckContext(dns, domain, routes, new Uri(options.PublicBaseUrl).IdnHost);
        var (dkim, nextKeyIsThere) = await DkimCheck.RunAsync(context, ct);
        return ([
            await SpfCheck.RunAsync(context, ct),
            dkim,
            await DmarcCheck.RunAsync(context, ct),
            await MailCheck.RunAsync(context, ct),
            await RelayCheck.RunAsync(context, ct),
            await TrackingCheck.RunAsync(context, tls, ct),
        ], nextKeyIsThere);
    }
}
