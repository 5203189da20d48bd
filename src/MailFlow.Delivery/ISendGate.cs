using MailFlow.Data;
using MailFlow.Engine.Activities;

namespace MailFlow.Delivery;

/// <summary>A last look at mail before it is handed over, by a module that may know better: the journey's exit condition.</summary>
public interface ISendGate
{
    /// <summary>
    /// Which of these must not be sent any more, and why, in words that follow "not sent: " ("the contact has placed an order"). Set-based, in the transaction of the
    /// hand-over.
    /// </summary>
    Task<IReadOnlyDictionary<Guid, string>> RefusedAsync(Session session, IReadOnlyList<SendCandidate> candidates, CancellationToken ct);
}

/// <summary>A message about to be handed over.</summary>
/// <param name="MessageId">The ledger's id.</param>
/// <param name="AccountId">The account (tenant).</param>
/// <param name="JourneyId">The journey's dense key; null for mail that no journey sends.</param>
/// <param name="VersionId">The dense key of the definition's version.</param>
/// <param name="InstanceId">The contact's trip.</param>
/// <param name="Contact">The contact as of now.</param>
/// <param name="Trigger">The event or input that started the instance.</param>
/// <param name="Now">The instant of the hand-over.</param>
public sealed record SendCandidate(
    Guid MessageId,
    int AccountId,
    int? JourneyId,
    long? VersionId,
    Guid? InstanceId,
    Contact Contact,
    IReadOnlyDictionary<string, object?> Trigger,
    DateTimeOffset Now);
