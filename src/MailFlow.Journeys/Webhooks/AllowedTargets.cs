using System.Net;

namespace MailFlow.Journeys.Webhooks;

/// <summary>The operator's exceptions: hosts and networks that may be called although they are private.</summary>
internal sealed class AllowedTargets
{
    private readonly List<IPNetwork> _networks = [];
    private readonly HashSet<string> _hosts = new(StringComparer.OrdinalIgnoreCase);

    /// <exception cref="FormatException">An entry is neither a network, an address nor a host name; the message names it.</exception>
    public AllowedTargets(IEnumerable<string> entries)
    {
        foreach (var entry in entries)
        {
            if (IPAddress.TryParse(entry, out var address))
                _networks.Add(new IPNetwork(address, address.GetAddressBytes().Length * 8));
            else if (IPNetwork.TryParse(entry, out var network))
                _networks.Add(network);
            else if (Uri.CheckHostName(entry) == UriHostNameType.Dns)
                _hosts.Add(entry.TrimEnd('.'));
            else
                throw new FormatException($"AllowedTargets: \"{entry}\" is neither a network such as 10.1.0.0/16, an address nor a host name.");
        }
    }

    /// <summary>A name is allowed exactly, its subdomains are not: who may be called is listed, not guessed.</summary>
    public bool Contains(string host) => _hosts.Contains(host.TrimEnd('.'));

    /// <summary>IPv4 written as IPv6 counts as the IPv4 address that it is.</summary>
    public bool Contains(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return _networks.Exists(network => network.Contains(plain));
    }
}
