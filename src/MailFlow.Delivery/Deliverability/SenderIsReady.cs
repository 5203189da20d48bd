using MailFlow.Data;
using MailFlow.Delivery.Activities;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Deliverability;

/// <summary>
/// A journey with marketing mail is not published while the law or receivers would hold its mail against the sender: without the sender's name and postal address
/// (CAN-SPAM, CASL), without a public address for its links, or from a domain that failed its check. One that only asks for consent needs the former alone.
/// </summary>
internal sealed class SenderIsReady(Senders senders, SenderRules rules, SendingDomains domains) : IPublishCheck
{
    public async Task<IReadOnlyList<Finding>> CheckAsync(Session session, int accountId, Graph graph, CancellationToken ct)
    {
        if (!graph.Nodes.Any(node => node.Activity.Descriptor.Class == typeof(SendEmail))) return [];
        var findings = new List<Finding>();
        if ((await domains.RoutesAsync(session, accountId, ct)).Count == 0 && await AccountSettings.RegionAsync(session, accountId, ct) is { } region)
            findings.Add(new(Severity.Warning, null, null, null, "no_connection_in_region", AccountSettings.WhyHeld(region)));
        var isMarketing = SenderRules.IsMarketing(graph);
        if (!isMarketing && !(SenderRules.AsksForConsent(graph) && await rules.IsRealAsync(session, accountId, ct))) return findings;
        var sender = (await senders.AmongAsync(session, [accountId], ct))[accountId];
        findings.AddRange((isMarketing ? await rules.FlawsAsync(session, accountId, sender, ct) : rules.Missing(sender)).Select(flaw => new Finding(flaw.Severity, null, null, null, flaw.Code, flaw.Message)));
        return findings;
    }
}
