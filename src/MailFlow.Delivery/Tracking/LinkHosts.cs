using System.Collections.Concurrent;
using MailFlow.Data;
using MailFlow.Delivery.Deliverability;

namespace MailFlow.Delivery.Tracking;

/// <summary>Where the tracked links of a domain's mail lead to. Looked up once a minute each: a change on any node is followed that soon.</summary>
internal sealed class LinkHosts(Database database, DeliveryOptions options)
{
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(1);

    private readonly string _ours = options.PublicBaseUrl.TrimEnd('/');
    private readonly ConcurrentDictionary<(int AccountId, string Domain), (string Address, long At)> _known = new();

    /// <summary>Scheme and host, such as <c>https://links.shop.example</c>; the server's own address where the domain has no host of its own that is proven to lead here.</summary>
    public async ValueTask<string> AddressAsync(int accountId, string domain, CancellationToken ct)
    {
        if (_known.TryGetValue((accountId, domain), out var known) && database.Time.GetElapsedTime(known.At) < Kept) return known.Address;
        var found = await database.ReadAsync(session => SendingDomains.FindAsync(session, accountId, domain, ct), ct);
        var address = found?.ProvenTrackingHost is { } host ? $"https://{host}" : _ours;
        _known[(accountId, domain)] = (address, database.Time.GetTimestamp());
        return address;
    }
}
