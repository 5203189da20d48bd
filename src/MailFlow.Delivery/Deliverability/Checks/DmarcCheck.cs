using MailFlow.Delivery.Deliverability.Dns;

namespace MailFlow.Delivery.Deliverability.Checks;

/// <summary>DMARC (RFC 7489): whether the domain in From says what to do with mail that is not its own, and whether its own mail counts as such.</summary>
internal static class DmarcCheck
{
    public const string Name = "dmarc";

    public static async Task<DomainCheck> RunAsync(CheckContext context, CancellationToken ct)
    {
        var domain = context.Domain.Domain;
        var (at, records) = ($"_dmarc.{domain}", new List<string>());
        var organisation = OrganisationalDomain.Of(domain);
        foreach (var name in Owners(domain).Select(owner => $"_dmarc.{owner}"))
        {
            var answer = await context.Dns.QueryAsync(name, DnsType.Txt, ct);
            if (!answer.IsKnown) return CheckContext.Unknown(Name, answer);
            records = [.. answer.Records.Select(txt => txt.Text).Where(text => text.StartsWith("v=DMARC1", StringComparison.Ordinal))];
            at = name;
            if (records.Count > 0) break;
        }
        if (records.Count == 0)
            return new(Name, CheckState.Fail, [],
                $"{(domain == organisation ? $"{domain} has no DMARC record" : $"Neither {domain} nor {organisation} has a DMARC record")}. Gmail, Yahoo and Microsoft ask one of everybody who sends in bulk.",
                "Publish this record. It changes nothing about your mail yet; once the other checks have passed for some weeks, make it p=quarantine.",
                [new("TXT", $"_dmarc.{organisation}", $"v=DMARC1; p=none; rua=mailto:dmarc@{organisation}")]);
        if (records.Count > 1)
            return new(Name, CheckState.Fail, records, $"There are {records.Count} DMARC records at {at}. A receiver that finds more than one ignores them all.", "Delete all but one.", [new("TXT", at, records[0])]);

        var tags = TagList.Parse(records[0]);
        var policy = tags?.GetValueOrDefault("p")?.ToLowerInvariant();
        if (tags is null || policy is not ("none" or "quarantine" or "reject"))
            return new(Name, CheckState.Fail, records, "The record cannot be read: after “v=DMARC1;” it must hold “p=none”, “p=quarantine” or “p=reject”, and no tag twice.", "Publish it anew.",
                [new("TXT", at, $"v=DMARC1; p=none; rua=mailto:dmarc@{organisation}")]);
        if (new[] { "adkim", "aspf" }.FirstOrDefault(tag => tags.GetValueOrDefault(tag)?.ToLowerInvariant() is not (null or "r" or "s")) is { } wrong)
            return new(Name, CheckState.Warning, records, $"The tag “{wrong}” may only be “r” or “s”; receivers ignore it.", "Correct or remove it.", []);

        var envelope = context.Domain.EnvelopeDomain;
        var strict = tags.GetValueOrDefault("aspf")?.ToLowerInvariant() == "s";
        var aligned = OrganisationalDomain.Aligned(envelope, domain, strict);
        var signs = context.Domain.Dkim is not null || context.Domain.NextDkim is not null;
        var counts = signs ? $"Signatures are by {domain} itself, so DKIM counts for it" : "We do not know of a DKIM key, so all rests on SPF";
        // Handed over by its API, a mail bears the provider's own domain in its envelope, unless a return path is set up there.
        if (context.Domain.ReturnPath is null && context.Routes.Where(route => route.RelayHost is null).Select(KnownProviders.Of).FirstOrDefault(known => known is not null) is { } provider)
            return signs
                ? new(Name, CheckState.Warning, records, $"{counts}. SPF does not: without a return path of your own, {provider.Name} uses its own domain there. A mail whose signature is broken on the way then fails.",
                    $"Set up a custom return path with {provider.Name} and name it here.", [])
                : new(Name, CheckState.Fail, records,
                    $"Nothing that we know of vouches for {domain}: without a return path of your own, {provider.Name} uses its own domain there, so SPF does not count, and we do not know of a DKIM key. {Fate(policy)}",
                    $"Have {provider.Name} sign as {domain} and name its selector here, or set up a custom return path with it and name that.", []);
        if (!aligned && !signs)
            return new(Name, CheckState.Fail, records,
                $"Nothing that we know of vouches for {domain}: the return path {envelope} is not {(strict ? "the same domain, which your record asks for (aspf=s)" : $"within {organisation}")}, so SPF does not count, and we do not know of a DKIM key. {Fate(policy)}",
                $"Name the selector that your provider signs with, or have a key made here; or use a return path within {organisation}.", []);
        if (!aligned)
            return new(Name, CheckState.Warning, records,
                $"{counts}. SPF does not: the return path {envelope} is not {(strict ? "the same domain, which your record asks for (aspf=s)" : $"within {organisation}")}. A mail whose signature is broken on the way then fails.",
                strict ? "Remove “aspf=s”, or use the domain itself as the return path." : $"Use a return path within {organisation}.", []);
        var advice = policy == "none" ? " “p=none” asks receivers only to report; that is enough for them, and not yet a protection against forgers." : $" Mail that is not yours is to be {(policy == "reject" ? "refused" : "put with the spam")}.";
        return DomainCheck.Passed(Name, records, $"{counts}, and so does SPF by the return path {envelope}.{advice}");
    }

    /// <summary>
    /// The domain and those above it, at most eight, down to two labels: the first that has a record speaks for it. Receivers ask the domain and the one that was registered (RFC 7489 §6.6.3, by the Public Suffix List) or
    /// walk up as this does (DMARCbis); which was registered is not always known here, and the names between bear no record as a rule.
    /// </summary>
    private static IEnumerable<string> Owners(string domain)
    {
        var labels = domain.Split('.');
        return Enumerable.Range(0, Math.Max(1, labels.Length - 1)).Take(8).Select(from => string.Join('.', labels[from..]));
    }

    private static string Fate(string policy) => policy switch
    {
        "reject" => "Receivers will refuse its mail, as your record asks them to.",
        "quarantine" => "Receivers will put its mail with the spam, as your record asks them to.",
        _ => "Gmail and Yahoo refuse bulk mail of such a domain.",
    };
}
