using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Engine.Execution;

/// <summary>
/// What this node cannot read, because another MailFlow wrote it or an activity is missing here. It consumes nothing that may be for it: that waits, in its order, for a node that can.
/// </summary>
/// <param name="Versions">Whoever is on one of these is left alone, with all that concerns him.</param>
/// <param name="Accounts">Whose published journeys are not all readable: any event of theirs may be for one of those.</param>
internal sealed record Unreadable(IReadOnlyCollection<long> Versions, IReadOnlySet<int> Accounts)
{
    /// <summary>
    /// A condition that leaves out rows of <c>inbox</c>. Of contacts who are inside with an incident, only the commands for that. To end an instance nothing need be read of its version: such a one is ended, and that is the
    /// way out where no node can read it any more. To end another of the contact's instances would overtake what waits.
    /// </summary>
    public string WithoutInbox(string inbox, Dialect dialect) => Versions.Count == 0 ? "" : $"""
        AND NOT (EXISTS ({OfUser(inbox)} AND u.status = {(int)InstanceStatus.Running})
          AND NOT EXISTS (SELECT 1 FROM instance u WHERE u.id = CASE WHEN {inbox}.kind = {(int)InboxKind.Cancel} THEN {Named(inbox, dialect)} END AND {IsOne}))
        AND NOT ({inbox}.kind IN ({(int)InboxKind.Retry}, {(int)InboxKind.Skip}, {(int)InboxKind.Move}) AND EXISTS ({OfUser(inbox)} AND u.status = {(int)InstanceStatus.Faulted}))
        """;

    /// <summary>A condition that leaves out rows of <c>instance</c>: an event of the contact that waits must not be overtaken by a time-out.</summary>
    public string WithoutInstance(string instance) => Versions.Count == 0 ? "" :
        $"AND NOT EXISTS (SELECT 1 FROM instance u WHERE u.contact_id = {instance}.contact_id AND u.status = {(int)InstanceStatus.Running} AND {IsOne})";

    /// <summary>The instance that a command names in its body.</summary>
    private static string Named(string inbox, Dialect dialect) =>
        dialect.IsPostgreSql ? $"({inbox}.body::json ->> 'instance')::uuid" : $"unhex(replace(json_extract({inbox}.body, '$.instance'), '-', ''))";

    private string IsOne => $"u.version_id IN ({string.Join(", ", Versions)})";

    private string OfUser(string inbox) =>
        $"SELECT 1 FROM contact c JOIN instance u ON u.contact_id = c.id WHERE c.account_id = {inbox}.account_id AND c.user_id = {inbox}.user_id AND {IsOne}";
}

/// <summary>What a batch claimed, it would claim otherwise by what it has learnt since of what this node can read: nothing of it may be written.</summary>
internal sealed class UnreadableException() : Exception("What this node can read is not what was known when the batch was claimed.");
