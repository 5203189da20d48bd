using MailFlow.Delivery.Deliverability.Dns;

namespace MailFlow.Delivery.Deliverability.Checks;

/// <summary>Whether the domain and its return path can take mail: answers, complaints and bounces go there.</summary>
internal static class MailCheck
{
    public const string Name = "mail";

    public static async Task<DomainCheck> RunAsync(CheckContext context, CancellationToken ct)
    {
        var found = new List<string>();
        DomainCheck? worst = null;
        foreach (var domain in new[] { context.Domain.Domain, context.Domain.EnvelopeDomain }.Distinct())
        {
            var check = await RunAsync(context, domain, ct);
            found.AddRange(check.Found);
            if (worst is null || Rank(check) > Rank(worst)) worst = check;
        }
        return worst! with { Found = found };
    }

    private static int Rank(DomainCheck check) => check.State switch { CheckState.Pass => 0, CheckState.Warning => 1, CheckState.NotChecked => 2, _ => 3 };

    private static async Task<DomainCheck> RunAsync(CheckContext context, string domain, CancellationToken ct)
    {
        var answer = await context.Dns.QueryAsync(domain, DnsType.Mx, ct);
        if (!answer.IsKnown) return CheckContext.Unknown(Name, answer);
        var found = answer.Records.OrderBy(mx => mx.Preference).Select(mx => $"{domain} MX {mx.Preference} {(mx.Text == "" ? "." : mx.Text)}").ToList();
        if (answer.Records.Any(mx => mx.Text == ""))
            return domain == context.Domain.Domain
                ? new(Name, CheckState.Warning, found, $"{domain} says that it takes no mail at all (a null MX). Answers come back, and some receivers refuse mail from a domain that cannot be answered.", "Publish the MX records of your mailboxes' host, or send from a domain that has them.", [])
                : new(Name, CheckState.Fail, found, $"The return path {domain} says that it takes no mail (a null MX): bounces are lost, and receivers refuse such a sender.", "Publish the MX records that your provider names for it.", []);
        if (found.Count > 0) return DomainCheck.Passed(Name, found, $"{domain} can take answers and bounces.");

        if (await context.AddressesAsync(domain, ct) is not { } addresses) return CheckContext.Unknown(Name, answer with { Outcome = DnsOutcome.ServerFailure });
        if (addresses.Count > 0)
            return new(Name, CheckState.Warning, [.. addresses.Select(address => $"{domain} {(address.ToString().Contains(':') ? "AAAA" : "A")} {address}")],
                $"{domain} has no MX record; mail for it goes to its web address, where there may be no mail server.", "Publish the MX records of your mailboxes' host.", []);
        return new(Name, CheckState.Fail, [], answer.Outcome == DnsOutcome.NoSuchName
            ? $"There is no domain {domain}: receivers refuse mail from a domain that does not exist." : $"{domain} has neither MX nor address: receivers refuse mail from a domain that cannot be answered.",
            "Publish the MX records of your mailboxes' host.", []);
    }
}
