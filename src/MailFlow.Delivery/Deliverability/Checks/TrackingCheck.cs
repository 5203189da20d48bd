using MailFlow.Delivery.Deliverability.Dns;

namespace MailFlow.Delivery.Deliverability.Checks;

/// <summary>Whether the host that links in mail lead to is ours, and safe to call.</summary>
internal static class TrackingCheck
{
    public const string Name = "tracking";

    public static async Task<DomainCheck> RunAsync(CheckContext context, ITlsProbe tls, CancellationToken ct)
    {
        if (context.Domain.TrackingHost is not { } host) return DomainCheck.Skipped(Name, $"Links lead to this server's own address, {context.PublicHost}.");
        if (!CheckContext.IsName(context.PublicHost) || !context.PublicHost.Contains('.', StringComparison.Ordinal) || System.Net.IPAddress.TryParse(context.PublicHost, out _))
            return DomainCheck.Skipped(Name, $"This server's public address is set to “{context.PublicHost}”, which is no name that {host} could stand for.", "Have the operator set MailFlow__Delivery__PublicBaseUrl.");

        IReadOnlyList<DnsAdvice> publish = [new("CNAME", host, context.PublicHost)];
        var alias = await context.Dns.QueryAsync(host, DnsType.Cname, ct);
        if (!alias.IsKnown) return CheckContext.Unknown(Name, alias);
        List<string> found = [.. alias.Records.Select(cname => $"{host} CNAME {cname.Text}")];
        if (host != context.PublicHost && !alias.Records.Any(cname => cname.Text == context.PublicHost))
        {
            if (await context.AddressesAsync(host, ct) is not { } theirs || await context.AddressesAsync(context.PublicHost, ct) is not { } ours)
                return DomainCheck.Silent(Name, "DNS could not tell the addresses of the hosts, so nothing is known, good or bad.");
            found.AddRange(theirs.Select(address => $"{host} {(address.ToString().Contains(':') ? "AAAA" : "A")} {address}"));
            if (theirs.Count == 0) return new(Name, CheckState.Fail, found, $"There is no host {host}: every link in your mail would lead nowhere.", "Publish this record.", publish);
            if (!theirs.Any(ours.Contains)) return new(Name, CheckState.Fail, found, $"{host} leads elsewhere, not to this server: links in your mail would lead there.", "Publish this record in place of what is there.", publish);
        }
        return await tls.ProbeAsync(host, ct) is { } problem
            ? new(Name, CheckState.Fail, found, $"{host} leads to this server, but cannot be called by https: {problem}. Browsers would warn of every link in your mail.",
                $"Have the operator add {host} to the certificate of the reverse proxy before this server.", [])
            : DomainCheck.Passed(Name, found, $"{host} leads to this server, with a certificate that browsers trust.");
    }
}
