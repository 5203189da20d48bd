using MailFlow.Data;
using MailFlow.Delivery.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Storage;

namespace MailFlow.Delivery.Deliverability;

/// <summary>Something that the law or receivers would hold against marketing mail of a sender.</summary>
/// <param name="Field">The sender's field that it is about.</param>
/// <param name="Severity">An error when the mail reaches anybody.</param>
/// <param name="Code">What kind of thing.</param>
/// <param name="Message">What is wrong and what to do.</param>
internal sealed record SenderFlaw(string Field, Severity Severity, string Code, string Message);

/// <summary>What marketing mail asks of its sender: looked at before a publish, and before the sender or the routes of what sends it change.</summary>
internal sealed class SenderRules(SendingDomains domains, GraphBuilder graphs, DeliveryOptions options)
{
    private const string Where = "Settings → Sending domains";
    private const int MostNamed = 3; // of the journeys in a reason

    /// <summary>What speaks against this sender. What the sandbox captures reaches nobody, so there it is only said.</summary>
    public async Task<IReadOnlyList<SenderFlaw>> FlawsAsync(Session session, int accountId, SenderIdentity sender, CancellationToken ct)
    {
        var flaws = new List<SenderFlaw>();
        var isReal = await IsRealAsync(session, accountId, ct);
        if (isReal) flaws.AddRange(Missing(sender));
        var from = EmailAddress.Parse(sender.Email).Domain;
        var domain = await SendingDomains.FindAsync(session, accountId, from, ct);
        if (domain is { State: CheckState.Fail })
            flaws.Add(new("email", isReal ? Severity.Error : Severity.Warning, "sending_domain_failed",
                $"Mail comes from {from}, which failed its check: {string.Join(" ", domain.Checks.Where(check => check.State == CheckState.Fail).Select(check => check.Meaning))} {Where} shows what to publish; then check again."));
        else if (isReal && domain?.CheckedAt is null)
            flaws.Add(new("email", Severity.Warning, "sending_domain_unchecked", $"Mail comes from {from}, of which nobody has checked whether receivers will take it. Check it in {Where}."));
        return flaws;
    }

    /// <summary>Whether any of the account's mail reaches people.</summary>
    public async Task<bool> IsRealAsync(Session session, int accountId, CancellationToken ct) => (await domains.RoutesAsync(session, accountId, ct)).Any(route => route.IsReal);

    /// <summary>Whether nobody has said whom mail comes from: then none leaves for people, receipts neither.</summary>
    public static bool IsNobody(SenderIdentity sender) => sender.Email.Equals(DeliveryOptions.NobodysAddress, StringComparison.OrdinalIgnoreCase);

    /// <summary>What mail to people lacks, whatever the checks of its domain found: errors, each of them.</summary>
    public IEnumerable<SenderFlaw> Missing(SenderIdentity sender)
    {
        if (IsNobody(sender))
            yield return new("email", Severity.Error, "sender_email_missing", "Mail must come from an address of yours, and the sender has none. Set it in Settings → Sender.");
        if (string.IsNullOrWhiteSpace(sender.PostalAddress) || sender.PostalAddress == Senders.SandboxPostalAddress)
            yield return new("postal_address", Severity.Error, "postal_address_missing", "Marketing mail must show the sender's postal address, which is not set. Set it in Settings → Sender.");
        if (string.IsNullOrWhiteSpace(sender.Name))
            yield return new("name", Severity.Error, "sender_name_missing", "Marketing mail must say whom it comes from, and the sender has no name. Set it in Settings → Sender.");
        if (!options.IsPublicAddress)
            yield return new("public_base_url", Severity.Error, "public_address_not_https",
                $"Marketing mail must offer a way to opt out that works, and its links would lead to {options.PublicBaseUrl}, which is no public https address. Have the operator set MailFlow__Delivery__PublicBaseUrl.");
    }

    /// <summary>Refuses a change that would make the sender one that no publish lets through, while a journey sends marketing mail. What was wrong before does not stop it.</summary>
    /// <exception cref="InvalidInputException">It would; names the field.</exception>
    public async Task CheckChangeAsync(Session session, int accountId, SenderIdentity before, SenderIdentity after, CancellationToken ct)
    {
        var known = await FlawsAsync(session, accountId, before, ct);
        var added = (await FlawsAsync(session, accountId, after, ct)).FirstOrDefault(flaw => flaw.Severity == Severity.Error && !known.Contains(flaw));
        if (added is not null && await JourneysThatSendAsync(session, accountId, ct) is [var journey, ..])
            throw new InvalidInputException(added.Field, $"{added.Message} The journey '{journey}' sends marketing mail, has contacts inside, or holds mail while it is paused: mend that, or unpublish it and let all of it come to its end first.");
    }

    /// <summary>
    /// Makes a change to the account's routes. Where mail that so far reached nobody would now reach people, from a sender that no publish lets through, marketing mail stops
    /// if any journey sends such: a new installation is to get its first connection beside its published samples. What was wrong before stops nothing.
    /// </summary>
    public async Task<T> ChangeRoutesAsync<T>(Session session, int accountId, SenderIdentity sender, Func<Task<T>> change, CancellationToken ct)
    {
        var known = await FlawsAsync(session, accountId, sender, ct);
        var made = await change();
        var errors = await ErrorsAsync(session, accountId, sender, ct);
        if (errors.Any(flaw => !known.Contains(flaw)) && await JourneysThatSendAsync(session, accountId, ct) is { Count: > 0 } journeys)
            await SendingStops.StopAsync(session, [new(accountId, SendingStops.OfSender, MessageStream.Marketing, WhyStopped(errors, journeys))], ct);
        await ReviewStopAsync(session, accountId, sender, ct);
        return made;
    }

    /// <summary>Stops marketing mail that is about to leave for people, if it lacks what it must have, and all mail that comes from nobody. For what no change of the account's led to: a setting of the server's, or a moment in which journey and route came together.</summary>
    public async Task StopIfUnfitAsync(Session session, int accountId, SenderIdentity sender, CancellationToken ct)
    {
        if (Missing(sender).Any() && await ErrorsAsync(session, accountId, sender, ct) is { Count: > 0 } errors)
            await StopAsync(session, accountId, sender, WhyStopped(errors, await JourneysThatSendAsync(session, accountId, ct)), ct);
    }

    /// <summary>Looks again at the stop that <see cref="ChangeRoutesAsync"/> or <see cref="StopIfUnfitAsync"/> made, if there is one: it ends with its last cause, and else says what is left of them.</summary>
    public async Task ReviewStopAsync(Session session, int accountId, SenderIdentity sender, CancellationToken ct)
    {
        var stops = (await SendingStops.AmongAsync(session, [accountId], ct)).Where(each => each.Stop.Subject == SendingStops.OfSender).ToList();
        if (stops.Count == 0) return;
        var left = await ErrorsAsync(session, accountId, sender, ct);
        var why = left.Count == 0 ? "" : WhyStopped(left, await JourneysThatSendAsync(session, accountId, ct));
        var isOver = left.Count == 0 || (!IsNobody(sender) && stops.Any(each => each.Stop.Stream == MessageStream.Transactional));
        if (isOver) await SendingStops.LiftAsync(session, accountId, SendingStops.OfSender, ct);
        if (left.Count == 0) return;
        if (isOver) await StopAsync(session, accountId, sender, why, ct); // marketing mail still
        else await SendingStops.SayAsync(session, accountId, SendingStops.OfSender, why, ct);
    }

    private static Task StopAsync(Session session, int accountId, SenderIdentity sender, string why, CancellationToken ct)
    {
        MessageStream[] streams = IsNobody(sender) ? [MessageStream.Transactional, MessageStream.Marketing] : [MessageStream.Marketing];
        return SendingStops.StopAsync(session, [.. streams.Select(stream => new NewStop(accountId, SendingStops.OfSender, stream, why))], ct);
    }

    /// <summary>What would stop a publish now.</summary>
    public async Task<IReadOnlyList<SenderFlaw>> ErrorsAsync(Session session, int accountId, SenderIdentity sender, CancellationToken ct) =>
        [.. (await FlawsAsync(session, accountId, sender, ct)).Where(flaw => flaw.Severity == Severity.Error)];

    private static string WhyStopped(IReadOnlyList<SenderFlaw> flaws, IReadOnlyList<string> journeys)
    {
        var named = string.Join(", ", journeys.Take(MostNamed).Select(journey => $"'{journey}'")) + (journeys.Count > MostNamed ? $" and {journeys.Count - MostNamed} more" : "");
        return $"{string.Join(" ", flaws.Select(flaw => flaw.Message))} Once that is mended, mail goes on by itself.{(journeys.Count == 0 ? "" : $" Journeys that send it: {named}.")}";
    }

    /// <summary>Whether a journey sends marketing mail, or may: a stream that only the instance tells may be marketing.</summary>
    public static bool IsMarketing(Graph graph) => graph.Nodes.Any(node => node.Activity.Descriptor.Class == typeof(SendEmail) && IsMarketing(node, graph));

    /// <summary>Whether a journey asks for consent by mail, or may: no marketing mail, but a commercial message all the same, which must say who asks and how to be left alone (CASL, s. 1(3) and 6(2)).</summary>
    public static bool AsksForConsent(Graph graph) => graph.Nodes.Any(node => node.Activity.Descriptor.Class == typeof(SendEmail)
        && (node.Activity.Inputs.DependsOnInstance("confirmPurpose") || !string.IsNullOrWhiteSpace(node.Activity.Inputs.ConstantOf("confirmPurpose") as string)));

    private static bool IsMarketing(Node node, Graph graph) => node.Activity.Inputs.DependsOnInstance("stream") ||
        (node.Activity.Inputs.ConstantOf("stream") is { } stream ? stream is MessageStream.Marketing || stream as string == "Marketing" : graph.Rules.Stream == MessageStream.Marketing);

    /// <summary>
    /// The journeys whose marketing mail leaves, or may: published ones, versions that contacts are still inside of (they go on after an unpublish), and those that have mail waiting, for the sender or for a pause to end.
    /// </summary>
    private async Task<IReadOnlyList<string>> JourneysThatSendAsync(Session session, int accountId, CancellationToken ct) => [.. (await session.QueryAsync(
        $"""
        SELECT j.definition_id, v.definition FROM journey j JOIN definition_version v ON v.journey_id = j.id
        WHERE j.account_id = @account AND (v.id = j.published_version_id OR v.id IN (
          SELECT c.version_id FROM journey_count c WHERE c.account_id = @account AND c.kind IN ({(int)CountKind.Waiting}, {(int)CountKind.Failed}) GROUP BY c.version_id HAVING sum(c.n) > 0))
        ORDER BY j.id
        """,
        row => (Journey: row.Text(0), Json: row.Text(1)), ct, ("account", accountId))).Where(sending => MayBeMarketing(sending.Json)).Select(sending => sending.Journey)
        .Concat(await session.QueryAsync(
            """
            SELECT definition_id FROM (SELECT j.definition_id FROM message m JOIN journey j ON j.id = m.journey_id WHERE m.account_id = @account AND m.stream = @stream AND m.due_at IS NOT NULL LIMIT 1) AS due
            UNION ALL SELECT j.definition_id FROM journey j WHERE j.account_id = @account AND EXISTS (SELECT 1 FROM message m WHERE m.journey_id = j.id AND m.parked_at IS NOT NULL AND m.stream = @stream)
            """,
            row => row.Text(0), ct, ("account", accountId), ("stream", MessageStream.Marketing))).Distinct()];

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
