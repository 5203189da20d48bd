using MailFlow.Data;
using MailFlow.Delivery.Activities;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Deliverability;

/// <summary>
/// A journey with marketing mail is not published while the law or receivers would hold its mail against the sender: without the sender's name and postal address
/// (CAN-SPAM, CASL), or from a domain that failed its check. What the sandbox captures reaches nobody, so there it is only said.
/// </summary>
internal sealed class SenderIsReady(Senders senders, SendingDomains domains) : IPublishCheck
{
    private const string Where = "Settings → Sending domains";

    public async Task<IReadOnlyList<Finding>> CheckAsync(Session session, int accountId, Graph graph, CancellationToken ct)
    {
        var mails = graph.Nodes.Where(node => node.Activity.Descriptor.Class == typeof(SendEmail)).ToList();
        if (mails.Count == 0) return [];
        var findings = new List<Finding>();
        var routes = await domains.RoutesAsync(session, accountId, ct);
        if (routes.Count == 0 && await AccountSettings.RegionAsync(session, accountId, ct) is { } region) Find(Severity.Warning, "no_connection_in_region", AccountSettings.WhyHeld(region));
        if (!mails.Any(node => IsMarketing(node, graph))) return findings;
        var isReal = routes.Any(route => route.IsReal);
        var sender = (await senders.AmongAsync(session, [accountId], ct))[accountId];
        var from = EmailAddress.Parse(sender.Email).Domain;
        if (isReal && (string.IsNullOrWhiteSpace(sender.PostalAddress) || sender.PostalAddress == Senders.SandboxPostalAddress))
            Find(Severity.Error, "postal_address_missing", "Marketing mail must show the sender's postal address, which is not set. Set it in Settings → Sender.");
        if (isReal && string.IsNullOrWhiteSpace(sender.Name))
            Find(Severity.Error, "sender_name_missing", "Marketing mail must say whom it comes from, and the sender has no name. Set it in Settings → Sender.");

        var domain = await SendingDomains.FindAsync(session, accountId, from, ct);
        if (domain is { State: CheckState.Fail })
            Find(isReal ? Severity.Error : Severity.Warning, "sending_domain_failed",
                $"Mail comes from {from}, which failed its check: {string.Join(" ", domain.Checks.Where(check => check.State == CheckState.Fail).Select(check => check.Meaning))} {Where} shows what to publish; then check again.");
        else if (isReal && domain?.CheckedAt is null)
            Find(Severity.Warning, "sending_domain_unchecked", $"Mail comes from {from}, of which nobody has checked whether receivers will take it. Check it in {Where}.");
        return findings;

        void Find(Severity severity, string code, string message) => findings.Add(new Finding(severity, null, null, null, code, message));
    }

    /// <summary>A stream that only the instance tells may be marketing.</summary>
    private static bool IsMarketing(Node node, Graph graph) => node.Activity.Inputs.DependsOnInstance("stream") ||
        (node.Activity.Inputs.ConstantOf("stream") is { } stream ? stream is MessageStream.Marketing || stream as string == "Marketing" : graph.Rules.Stream == MessageStream.Marketing);
}
