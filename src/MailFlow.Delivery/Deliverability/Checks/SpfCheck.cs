using System.Net;
using MailFlow.Delivery.Deliverability.Dns;

namespace MailFlow.Delivery.Deliverability.Checks;

/// <summary>SPF (RFC 7208): which servers may use the domain as the envelope's sender.</summary>
internal static class SpfCheck
{
    public const string Name = "spf";

    public static async Task<DomainCheck> RunAsync(CheckContext context, CancellationToken ct)
    {
        var domain = context.Domain.EnvelopeDomain;
        var answer = await context.Dns.QueryAsync(domain, DnsType.Txt, ct);
        if (!answer.IsKnown) return CheckContext.Unknown(Name, answer);
        var records = answer.Records.Select(txt => txt.Text).Where(SpfRecord.Is).ToList();
        var wanted = await WantedAsync(context, ct);
        if (records.Count == 0)
            return Failed([], $"{domain} has no SPF record: nothing says who may send its mail, and Gmail, Yahoo and Microsoft refuse bulk mail that nobody vouches for.",
                $"Publish this record. {Advice(context)}".Trim(), $"v=spf1 {wanted} ~all");
        if (records.Count > 1)
            return Failed(records, $"{domain} has {records.Count} SPF records. A receiver that finds more than one ignores them all.",
                "Keep one: put the terms of all of them into it, and delete the others.", Joined(records));

        var record = records[0];
        var walk = new SpfWalk(context);
        await walk.WalkAsync(domain, record, ct);
        if (walk.Unknown is { } unknown) return CheckContext.Unknown(Name, unknown) with { Found = records };
        if (walk.Errors.Count > 0)
            return Failed(records, $"The record cannot be used as it stands; receivers then treat the domain as having none. {string.Join(' ', walk.Errors.Distinct())}", "Mend or remove what is named, and publish the record again.");
        if (walk.LookUps > SpfWalk.MostLookUps)
            return Failed(records, $"Reading the record takes {walk.LookUps} look-ups in DNS. Receivers stop at {SpfWalk.MostLookUps} and treat the record as broken.",
                "Remove includes of services that no longer send for you, or replace “a” and “mx” by the addresses they stand for (ip4:, ip6:).");
        if (walk.All == '+')
            return Failed(records, "The record ends in “+all”: it lets everybody in the world send as your domain.", "End it in “~all”.", ReplacedAll(record));

        if (Missing(context, walk, answer.Name) is { } missing)
        {
            var better = Inserted(record, $"include:{missing.Include}");
            var meaning = $"The record does not include {missing.Include}, by which {missing.Name} sends.";
            return (context.Domain.ReturnPath is not null && !context.Routes.Select(KnownProviders.Of).Any(known => known is { } other && IsCovered(other, walk, answer.Name))) || context.Routes.Any(route => route.RelayHost is not null && KnownProviders.Of(route) == missing)
                ? Failed(records, $"{meaning} Its mail fails SPF.", $"Add “include:{missing.Include}” to the record.", better)
                : Warned(records, $"{meaning} Unless you set up a return path of your own, {missing.Name} uses its own domain there, so that SPF passes yet does not count for DMARC: DKIM has to.",
                    $"Set up a custom return path with {missing.Name} and name it here, or add the include.", better);
        }
        if (await UncoveredAsync(context, walk, ct) is { } uncovered)
            return Warned(records, $"The record does not name {uncovered}, the address of your relay. If mail leaves from there, it fails SPF.",
                "Add the address. If the relay hands mail on to others, which send it, theirs must be named.", Inserted(record, Ip(uncovered)));
        if (walk.Voids > SpfWalk.MostVoids)
            return Warned(records, $"{walk.Voids} look-ups of the record find nothing. Some receivers stop at {SpfWalk.MostVoids} such.", "Remove the terms whose names are gone.");
        if (walk.All is null or '?')
            return Warned(records, "The record does not say what to think of servers that it does not name.", "End it in “~all”.", ReplacedAll(record));
        return DomainCheck.Passed(Name, records, $"Receivers can tell who may send for {domain}; reading the record takes {walk.LookUps} of {SpfWalk.MostLookUps} look-ups.");

        DomainCheck Failed(IReadOnlyList<string> found, string meaning, string fix, string? value = null) => new(Name, CheckState.Fail, found, meaning, fix, Publish(value));
        DomainCheck Warned(IReadOnlyList<string> found, string meaning, string fix, string? value = null) => new(Name, CheckState.Warning, found, meaning, fix, Publish(value));
        IReadOnlyList<DnsAdvice> Publish(string? value) => value is null ? [] : [new("TXT", domain, value)];
    }

    private static (string Name, string Include)? Missing(CheckContext context, SpfWalk walk, string owner) =>
        context.Routes.Select(KnownProviders.Of).FirstOrDefault(known => known is { } provider && !IsCovered(provider, walk, owner));

    /// <summary>A name that stands for one of the provider's (CNAME) has the record that the provider keeps for it.</summary>
    private static bool IsCovered((string Name, string Include) provider, SpfWalk walk, string owner) =>
        walk.HasMacros || walk.Included.Contains(provider.Include) || OrganisationalDomain.Of(owner) == OrganisationalDomain.Of(provider.Include);

    private static async Task<string?> UncoveredAsync(CheckContext context, SpfWalk walk, CancellationToken ct)
    {
        if (walk.HasMacros || await context.PublicRelaysAsync(ct) is not { } relays) return null;
        return relays.Select(relay => relay.Address).FirstOrDefault(address => !walk.Allows(address))?.ToString();
    }

    /// <summary>Whether the record names an address as one that may send; null where DNS did not tell.</summary>
    internal static async Task<bool?> NamesAsync(CheckContext context, IPAddress address, CancellationToken ct)
    {
        var domain = context.Domain.EnvelopeDomain;
        var answer = await context.Dns.QueryAsync(domain, DnsType.Txt, ct);
        if (!answer.IsKnown) return null;
        var records = answer.Records.Select(txt => txt.Text).Where(SpfRecord.Is).ToList();
        if (records.Count != 1) return false;
        var walk = new SpfWalk(context);
        await walk.WalkAsync(domain, records[0], ct);
        return walk.Allows(address) ? true : walk.Unknown is null ? false : null;
    }

    /// <summary>The terms that would allow what is known of the account's routes.</summary>
    private static async Task<string> WantedAsync(CheckContext context, CancellationToken ct)
    {
        var terms = context.Routes.Select(KnownProviders.Of).OfType<(string Name, string Include)>().Select(provider => $"include:{provider.Include}").ToList();
        if (await context.PublicRelaysAsync(ct) is { } relays) terms.AddRange(relays.Select(relay => Ip(relay.Address.ToString())));
        return terms.Count > 0 ? string.Join(' ', terms.Distinct()) : "mx";
    }

    private static string Advice(CheckContext context) => context.Routes.Any(route => KnownProviders.Of(route) is not null)
        ? "" : "If other services send your mail too, add what each of them tells you to include.";

    private static string Ip(string address) => address.Contains(':') ? $"ip6:{address}" : $"ip4:{address}";

    private static string Joined(IReadOnlyList<string> records)
    {
        var terms = records.SelectMany(record => record.Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1)).Where(term => !IsAll(term)).Distinct(StringComparer.OrdinalIgnoreCase);
        return $"v=spf1 {string.Join(' ', terms)} ~all";
    }

    private static string ReplacedAll(string record) =>
        $"{string.Join(' ', record.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(term => !IsAll(term)))} ~all";

    /// <summary>The record with a term more, before the end.</summary>
    private static string Inserted(string record, string term)
    {
        var terms = record.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToList();
        var end = terms.FindIndex(word => IsAll(word) || word.StartsWith("redirect=", StringComparison.OrdinalIgnoreCase));
        terms.Insert(end < 0 ? terms.Count : end, term);
        return string.Join(' ', terms);
    }

    private static bool IsAll(string term) => term.TrimStart('+', '-', '~', '?').Equals("all", StringComparison.OrdinalIgnoreCase);
}
