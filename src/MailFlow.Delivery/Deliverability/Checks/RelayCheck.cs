using System.Net;
using System.Net.Sockets;
using MailFlow.Delivery.Deliverability.Dns;

namespace MailFlow.Delivery.Deliverability.Checks;

/// <summary>Whether the relay's address has a name that leads back to it: Gmail and others refuse mail from addresses without.</summary>
internal static class RelayCheck
{
    public const string Name = "relay";

    public static async Task<DomainCheck> RunAsync(CheckContext context, CancellationToken ct)
    {
        if (context.OwnRelays().Count == 0) return DomainCheck.Skipped(Name, "Mail leaves by a provider, whose servers' names are its own business.");
        if (await context.PublicRelaysAsync(ct) is not { } relays) return DomainCheck.Silent(Name, "DNS could not tell the relay's address, so nothing is known, good or bad.");
        if (relays.Count == 0)
            return DomainCheck.Skipped(Name, $"The relay {string.Join(", ", context.OwnRelays())} is on a private network: from which public address its mail leaves cannot be seen from here.",
                "Ask whoever runs the relay whether that address has a name (PTR) that leads back to it.");

        var found = new List<string>();
        DomainCheck? doubt = null;
        foreach (var (relay, address) in relays)
        {
            var reverse = await context.Dns.QueryAsync(ReverseName(address), DnsType.Ptr, ct);
            if (!reverse.IsKnown) return CheckContext.Unknown(Name, reverse);
            var names = reverse.Records.Select(ptr => ptr.Text).Where(CheckContext.IsName).Take(5).ToList();
            found.AddRange(names.Select(name => $"{address} PTR {name}"));
            DomainCheck? trouble = null;
            if (names.Count == 0)
                trouble = await FoundAsync(address, $"The relay's address {address} has no name. Gmail and others refuse mail from such addresses.",
                    "Have whoever gave you the address (your hosting company) set this record.", new("PTR", ReverseName(address), relay));
            var leadsBack = false;
            foreach (var name in names)
            {
                if (await context.AddressesAsync(name, ct) is not { } addresses) return DomainCheck.Silent(Name, $"DNS could not tell the address of {name}, so nothing is known, good or bad.");
                leadsBack |= addresses.Contains(address);
            }
            if (names.Count > 0 && !leadsBack)
                trouble = await FoundAsync(address, $"The relay's address {address} is called {names[0]}, but that name does not lead back to {address}. Receivers take that for a sign of a hijacked machine.",
                    "Make name and address agree.", new(address.AddressFamily == AddressFamily.InterNetwork ? "A" : "AAAA", names[0], address.ToString()));
            if (trouble?.State == CheckState.Fail) return trouble;
            doubt = doubt?.State == CheckState.NotChecked ? doubt : trouble ?? doubt; // silence says less than a warning, and ends no failure
        }
        return doubt ?? DomainCheck.Passed(Name, found, "The relay's address has a name that leads back to it.");

        // Mail may leave from another address than the one at which a relay takes it: it does from this one where SPF says so.
        async Task<DomainCheck> FoundAsync(IPAddress address, string meaning, string fix, DnsAdvice record) => await SpfCheck.NamesAsync(context, address, ct) switch
        {
            null => DomainCheck.Silent(Name, $"{meaning} DNS could not tell whether mail leaves from there, so nothing is known, good or bad."),
            true => new(Name, CheckState.Fail, found, meaning, fix, [record]),
            false => new(Name, CheckState.Warning, found, $"{meaning} The SPF record does not name it, so that mail may leave from another.", $"If mail leaves from there: {char.ToLowerInvariant(fix[0])}{fix[1..]}", [record]),
        };
    }

    internal static string ReverseName(IPAddress address)
    {
        var octets = address.GetAddressBytes();
        Array.Reverse(octets);
        return address.AddressFamily == AddressFamily.InterNetwork
            ? $"{string.Join('.', octets)}.in-addr.arpa"
            : $"{string.Join('.', octets.Select(octet => $"{octet & 15:x}.{octet >> 4:x}"))}.ip6.arpa";
    }
}
