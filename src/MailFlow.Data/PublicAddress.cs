using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace MailFlow.Data;

/// <summary>Tells addresses of the public internet from those by which a request would reach our own network.</summary>
/// <remarks>
/// From the IANA special-purpose address registries (RFC 6890 and its successors), with the metadata services of the
/// large clouds. IPv6 is read the other way round: only 2000::/3 is handed out, so all else is refused unless it holds
/// an IPv4 address that may be called.
/// </remarks>
public static class PublicAddress
{
    private static readonly (IPNetwork Network, string What)[] Refused =
    [
        (IPNetwork.Parse("0.0.0.0/8"), "unspecified"),
        (IPNetwork.Parse("10.0.0.0/8"), "private"),
        (IPNetwork.Parse("100.64.0.0/10"), "carrier-grade NAT"),
        (IPNetwork.Parse("127.0.0.0/8"), "loopback"),
        (IPNetwork.Parse("168.63.129.16/32"), "cloud metadata"),
        (IPNetwork.Parse("169.254.0.0/16"), "link-local or cloud metadata"),
        (IPNetwork.Parse("172.16.0.0/12"), "private"),
        (IPNetwork.Parse("192.0.0.0/24"), "reserved"),
        (IPNetwork.Parse("192.0.2.0/24"), "reserved for documentation"),
        (IPNetwork.Parse("192.88.99.0/24"), "6to4 relay"),
        (IPNetwork.Parse("192.168.0.0/16"), "private"),
        (IPNetwork.Parse("198.18.0.0/15"), "reserved for benchmarks"),
        (IPNetwork.Parse("198.51.100.0/24"), "reserved for documentation"),
        (IPNetwork.Parse("203.0.113.0/24"), "reserved for documentation"),
        (IPNetwork.Parse("224.0.0.0/4"), "multicast"),
        (IPNetwork.Parse("255.255.255.255/32"), "broadcast"),
        (IPNetwork.Parse("240.0.0.0/4"), "reserved"),
        (IPNetwork.Parse("::/128"), "unspecified"),
        (IPNetwork.Parse("::1/128"), "loopback"),
        (IPNetwork.Parse("64:ff9b:1::/48"), "private NAT64"),
        (IPNetwork.Parse("fc00::/7"), "unique local"),
        (IPNetwork.Parse("fe80::/10"), "link-local"),
        (IPNetwork.Parse("fec0::/10"), "site-local"),
        (IPNetwork.Parse("ff00::/8"), "multicast"),
        (IPNetwork.Parse("2001::/32"), "Teredo"),
        (IPNetwork.Parse("2001::/23"), "reserved"),
        (IPNetwork.Parse("2001:db8::/32"), "reserved for documentation"),
        (IPNetwork.Parse("3fff::/20"), "reserved for documentation"),
    ];

    private static readonly IPNetwork Assigned = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork Nat64 = IPNetwork.Parse("64:ff9b::/96");
    private static readonly IPNetwork SixToFour = IPNetwork.Parse("2002::/16");
    private static readonly IPNetwork Compatible = IPNetwork.Parse("::/96");

    /// <summary>What kind of address this is if it must not be called, or null.</summary>
    public static string? WhyNot(IPAddress address)
    {
        foreach (var (network, what) in Refused)
        {
            if (network.Contains(address))
                return what;
        }

        if (address.AddressFamily == AddressFamily.InterNetwork)
            return null;
        if (Embedded(address) is { } inner)
            return WhyNot(inner) is { } what ? $"{what}, within {address}" : null;
        // ISATAP (RFC 5214): the last eight octets are 0000:5efe or 0200:5efe and an IPv4 address.
        var octets = address.GetAddressBytes();
        if ((BinaryPrimitives.ReadUInt32BigEndian(octets.AsSpan(8)) & ~0x0200_0000u) == 0x0000_5efe)
            return "ISATAP";
        return Assigned.Contains(address) ? null : "reserved";
    }

    /// <summary>The IPv4 address to which a packet for this one is in the end delivered, if there is one.</summary>
    private static IPAddress? Embedded(IPAddress address)
    {
        var octets = address.GetAddressBytes();
        if (address.IsIPv4MappedToIPv6 || Nat64.Contains(address) || Compatible.Contains(address))
            return new IPAddress(octets.AsSpan(12, 4));
        return SixToFour.Contains(address) ? new IPAddress(octets.AsSpan(2, 4)) : null;
    }
}
