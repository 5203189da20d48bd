using System.Net;
using MailFlow.Data;
using MailFlow.Delivery.Deliverability.Dns;

namespace MailFlow.Delivery.Deliverability.Checks;

/// <summary>What the checks of one domain share.</summary>
internal sealed record CheckContext(IDnsResolver Dns, SendingDomain Domain, IReadOnlyList<SendingRoute> Routes, string PublicHost)
{
    /// <summary>What is said where DNS did not tell.</summary>
    public static DomainCheck Unknown(string name, DnsAnswer answer) => DomainCheck.Silent(name,
        $"DNS could not tell about {answer.Name}: {(answer.Outcome == DnsOutcome.TimedOut ? "no name server answered in time" : "the name servers answered with an error")}. So nothing is known, good or bad.",
        "Check again in a few minutes. If it stays so, the domain's name servers, or the ones this server asks, are in trouble.");

    /// <summary>A host's addresses, or those of an address literal; null where DNS did not tell.</summary>
    public async Task<IReadOnlyList<IPAddress>?> AddressesAsync(string host, CancellationToken ct)
    {
        if (IPAddress.TryParse(host.Trim('[', ']'), out var literal)) return [literal];
        if (!IsName(host)) return [];
        var four = await Dns.QueryAsync(host, DnsType.A, ct);
        var six = await Dns.QueryAsync(host, DnsType.Aaaa, ct);
        var found = four.Records.Concat(six.Records).Select(record => IPAddress.Parse(record.Text)).ToList();
        return found.Count > 0 || (four.IsKnown && six.IsKnown) ? found : null;
    }

    /// <summary>The public addresses of the relays of our own; null where DNS did not tell of one.</summary>
    public async Task<IReadOnlyList<(string Relay, IPAddress Address)>?> PublicRelaysAsync(CancellationToken ct)
    {
        var found = new List<(string, IPAddress)>();
        foreach (var relay in OwnRelays())
        {
            if (await AddressesAsync(relay, ct) is not { } addresses) return null;
            found.AddRange(addresses.Where(address => PublicAddress.WhyNot(address) is null).Select(address => (relay, address)));
        }
        return found;
    }

    /// <summary>The relays that are no large provider's.</summary>
    public IReadOnlyList<string> OwnRelays() =>
        [.. Routes.Where(route => KnownProviders.Of(route) is null).Select(route => route.RelayHost).OfType<string>().Distinct(StringComparer.OrdinalIgnoreCase)];

    public static bool IsName(string text)
    {
        try
        {
            return DnsMessage.Normalise(text).Length > 0;
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
