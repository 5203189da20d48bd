using MailFlow.Data;
using MailFlow.Delivery.Activities;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Deliverability;

/// <summary>Something that the law or receivers would hold against marketing mail of a sender.</summary>
/// <param name="Field">The sender's field that it is about.</param>
/// <param name="Severity">An error when the mail reaches anybody.</param>
/// <param name="Code">What kind of thing.</param>
/// <param name="Message">What is wrong and what to do.</param>
internal sealed record SenderFlaw(string Field, Severity Severity, string Code, string Message);

/// <summary>What marketing mail asks of its sender: looked at before a publish, and before the sender of what is published changes.</summary>
internal sealed class SenderRules(SendingDomains domains, GraphBuilder graphs)
{
    private const string Where = "Settings → Sending domains";

    /// <summary>What speaks against this sender. What the sandbox captures reaches nobody, so there it is only said.</summary>
    public async Task<IReadOnlyList<SenderFlaw>> FlawsAsync(Session session, int accountId, SenderIdentity sender, CancellationToken ct)
    {
        var flaws = new List<SenderFlaw>();
        var isReal = (await domains.RoutesAsync(session, accountId, ct)).Any(route => route.IsReal);
        if (isReal && (string.IsNullOrWhiteSpace(sender.PostalAddress) || sender.PostalAddress == Senders.SandboxPostalAddress))
            flaws.Add(new("postal_address", Severity.Error, "postal_address_missing", "Marketing mail must show the sender's postal address, which is not set. Set it in Settings → Sender."));
        if (isReal && string.IsNullOrWhiteSpace(sender.Name))
            flaws.Add(new("name", Severity.Error, "sender_name_missing", "Marketing mail must say whom it comes from, and the sender has no name. Set it in Settings → Sender."));

        var from = EmailAddress.Parse(sender.Email).Domain;
        var domain = await SendingDomains.FindAsync(session, accountId, from, ct);
        if (domain is { State: CheckState.Fail })
            flaws.Add(new("email", isReal ? Severity.Error : Severity.Warning, "sending_domain_failed",
                $"Mail comes from {from}, which failed its check: {string.Join(" ", domain.Checks.Where(check => check.State == CheckState.Fail).Select(check => check.Meaning))} {Where} shows what to publish; then check again."));
        else if (isReal && domain?.CheckedAt is null)
            flaws.Add(new("email", Severity.Warning, "sending_domain_unchecked", $"Mail comes from {from}, of which nobody has checked whether receivers will take it. Check it in {Where}."));
        return flaws;
    }

    /// <summary>Refuses a change that would make the sender one that no publish lets through, while marketing mail is published. What was wrong before does not stop it.</summary>
    /// <exception cref="InvalidInputException">It would; names the field.</exception>
    public async Task CheckChangeAsync(Session session, int accountId, SenderIdentity before, SenderIdentity after, CancellationToken ct)
    {
        var known = await FlawsAsync(session, accountId, before, ct);
        var added = (await FlawsAsync(session, accountId, after, ct)).FirstOrDefault(flaw => flaw.Severity == Severity.Error && !known.Contains(flaw));
        if (added is not null && await PublishedAsync(session, accountId, ct) is { } journey)
            throw new InvalidInputException(added.Field, $"{added.Message} The journey '{journey}', which sends marketing mail, is published: unpublish it first, or mend that.");
    }

    /// <summary>Whether a journey sends marketing mail, or may: a stream that only the instance tells may be marketing.</summary>
    public static bool IsMarketing(Graph graph) => graph.Nodes.Any(node => node.Activity.Descriptor.Class == typeof(SendEmail) && IsMarketing(node, graph));

    private static bool IsMarketing(Node node, Graph graph) => node.Activity.Inputs.DependsOnInstance("stream") ||
        (node.Activity.Inputs.ConstantOf("stream") is { } stream ? stream is MessageStream.Marketing || stream as string == "Marketing" : graph.Rules.Stream == MessageStream.Marketing);

    /// <summary>A published journey with marketing mail; null for none.</summary>
    private async Task<string?> PublishedAsync(Session session, int accountId, CancellationToken ct) => (await session.QueryAsync(
        "SELECT j.definition_id, v.definition FROM journey j JOIN definition_version v ON v.id = j.published_version_id WHERE j.account_id = @account ORDER BY j.id",
        row => (Journey: row.Text(0), Json: row.Text(1)), ct, ("account", accountId))).FirstOrDefault(published => MayBeMarketing(published.Json)).Journey;

    private bool MayBeMarketing(string json)
    {
        try
        {
            return IsMarketing(graphs.Build(WorkflowDefinition.ReadStored(json)));
        }
        catch (InvalidDefinitionException)
        {
            return false; // from a version with other activities: this one runs none of it
        }
    }
}
