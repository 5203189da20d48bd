using System.Net;
using System.Net.Sockets;
using MailFlow.Delivery.Deliverability.Dns;

namespace MailFlow.Delivery.Deliverability.Checks;

/// <summary>
/// Follows a domain's SPF record through all that it includes, as receivers do, and counts their look-ups. It goes on past the limit to tell how many there are, yet not for ever.
/// </summary>
internal sealed class SpfWalk(CheckContext context)
{
    /// <summary>How many look-ups a receiver makes before it gives up (RFC 7208 §4.6.4).</summary>
    public const int MostLookUps = 10;

    /// <summary>How many of them may find nothing.</summary>
    public const int MostVoids = 2;

    private const int GiveUp = 40;

    private readonly List<(IPNetwork Network, char Qualifier)> _networks = [];

    /// <summary>What stands in the way of reading it, in words.</summary>
    public List<string> Errors { get; } = [];

    /// <summary>Every domain that is included, by way of others too.</summary>
    public HashSet<string> Included { get; } = new(StringComparer.OrdinalIgnoreCase);

    public int LookUps { get; private set; }

    public int Voids { get; private set; }

    /// <summary>The answer that could not be had, where there was one.</summary>
    public DnsAnswer? Unknown { get; private set; }

    /// <summary>What is said of all others: the qualifier of <c>all</c>, by way of redirects; null for nothing.</summary>
    public char? All { get; private set; }

    /// <summary>Whether it holds terms that depend on the mail at hand: then nobody can say in advance whom it allows.</summary>
    public bool HasMacros { get; private set; }

    /// <summary>Whether an address is named as one that may send.</summary>
    public bool Allows(IPAddress address) => _networks.Any(entry => entry.Qualifier == '+' && entry.Network.Contains(address));

    public async Task WalkAsync(string domain, string record, CancellationToken ct) => await WalkAsync(domain, record, top: true, ct);

    private async Task WalkAsync(string domain, string record, bool top, CancellationToken ct)
    {
        var terms = SpfRecord.Parse(record, Errors);
        foreach (var term in terms)
        {
            if (term.Name == "all" && term.Qualifier != '=')
            {
                if (top) All ??= term.Qualifier;
                break; // what follows is never reached
            }
            await FollowAsync(domain, term, top, ct);
            if (LookUps > GiveUp || Unknown is not null) return;
        }
        if (terms.FirstOrDefault(term => term is { Qualifier: '=', Name: "redirect" }) is { } redirect && !terms.Any(term => term.Name == "all")) await NextAsync(redirect, top, ct);
    }

    private async Task FollowAsync(string domain, SpfTerm term, bool top, CancellationToken ct)
    {
        if (term.Qualifier == '=') return;
        if (term.Name == "include")
        {
            if (!term.HasMacro) Included.Add(term.Domain);
            await NextAsync(term, top: false, ct);
            return;
        }
        if (term.Name is "ip4" or "ip6")
        {
            Add(IPAddress.Parse(term.Domain), term);
            return;
        }
        if (!term.LooksUp) return;
        LookUps++;
        if (term.HasMacro || term.Name is "ptr" or "exists")
        {
            HasMacros = true; // depends on the client's address
            return;
        }
        var host = term.Domain == "" ? domain : term.Domain;
        foreach (var name in term.Name == "mx" ? await HostsAsync(host, ct) : [host])
        {
            if (await context.AddressesAsync(name, ct) is not { } addresses) continue;
            if (addresses.Count == 0 && term.Name == "a") Voids++;
            foreach (var address in addresses) Add(address, term);
        }
    }

    private async Task<IReadOnlyList<string>> HostsAsync(string domain, CancellationToken ct)
    {
        if (!Named(domain)) return [];
        var answer = await context.Dns.QueryAsync(domain, DnsType.Mx, ct);
        if (answer.Outcome is DnsOutcome.NoData or DnsOutcome.NoSuchName) Voids++;
        return [.. answer.Records.Select(mx => mx.Text).Where(CheckContext.IsName).Take(10)];
    }

    private async Task NextAsync(SpfTerm term, bool top, CancellationToken ct)
    {
        LookUps++;
        if (term.HasMacro)
        {
            HasMacros = true;
            return;
        }
        if (!Named(term.Domain)) return;
        var answer = await context.Dns.QueryAsync(term.Domain, DnsType.Txt, ct);
        if (!answer.IsKnown)
        {
            Unknown = answer;
            return;
        }
        if (answer.Outcome is DnsOutcome.NoData or DnsOutcome.NoSuchName) Voids++;
        switch (answer.Records.Where(txt => SpfRecord.Is(txt.Text)).ToList())
        {
            case [var record]:
                if (LookUps <= GiveUp) await WalkAsync(term.Domain, record.Text, top, ct);
                break;
            case []:
                Errors.Add($"“{term.Name}” leads to {term.Domain}, which has no SPF record.");
                break;
            default:
                Errors.Add($"“{term.Name}” leads to {term.Domain}, which has more than one SPF record.");
                break;
        }
    }

    private bool Named(string domain)
    {
        if (CheckContext.IsName(domain)) return true;
        Errors.Add($"“{domain}” is not a domain.");
        return false;
    }

    private void Add(IPAddress address, SpfTerm term)
    {
        var bits = address.AddressFamily == AddressFamily.InterNetwork ? term.Prefix4 : term.Prefix6;
        var octets = address.GetAddressBytes();
        for (var bit = bits; bit < octets.Length * 8; bit++) octets[bit / 8] &= (byte)~(0x80 >> (bit % 8)); // IPNetwork wants none set beyond the prefix
        _networks.Add((new IPNetwork(new IPAddress(octets), bits), term.Qualifier));
    }
}
