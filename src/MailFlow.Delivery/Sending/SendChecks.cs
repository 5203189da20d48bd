using System.Globalization;
using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Sending;

/// <summary>Why a message is not handed over.</summary>
internal readonly record struct Refusal(MessageState State, string Reason);

/// <summary>What must hold at the hand-over, in its transaction. What has to do with the recipient suppresses, with the journey cancels, with time expires.</summary>
internal sealed class SendChecks(Suppressions suppressions, Consents consents, IEnumerable<ISendGate> gates)
{
    private readonly ISendGate[] _gates = [.. gates];

    /// <summary>The refused ones; a message that is not among them may go.</summary>
    public async Task<IReadOnlyDictionary<Guid, Refusal>> RefusedAsync(
        Session session, IReadOnlyList<ClaimedMessage> messages, IReadOnlyDictionary<long, Contact> contacts, long now, CancellationToken ct)
    {
        var refused = new Dictionary<Guid, Refusal>();
        foreach (var message in messages)
            if (WhyTooLate(message, now) is { } late) refused[message.Id] = late;
            else if (WhyNoAddress(contacts.GetValueOrDefault(message.ContactId)) is { } noAddress) refused[message.Id] = noAddress;

        foreach (var group in Left().GroupBy(message => (message.AccountId, message.Stream)).ToList())
        {
            var found = await suppressions.AmongAsync(session, group.Key.AccountId, group.Key.Stream,
                [.. group.Select(message => (message.ContactId, contacts[message.ContactId].Text("email")))], ct, now);
            foreach (var message in group)
                if (found.TryGetValue(message.ContactId, out var suppression))
                    refused[message.Id] = new(MessageState.Suppressed, $"not sent: {suppression.Describe()}");
        }

        foreach (var (id, reason) in await WithoutConsentAsync(session, [.. Left()], now, ct)) refused[id] = new(MessageState.Suppressed, reason);

        foreach (var gate in _gates)
        {
            var candidates = Left().Select(message => Candidate(message, contacts[message.ContactId], now)).ToList();
            if (candidates.Count == 0) break;
            foreach (var (id, reason) in await gate.RefusedAsync(session, candidates, ct))
                refused[id] = new(MessageState.Cancelled, $"not sent: {reason}");
        }
        return refused;

        IEnumerable<ClaimedMessage> Left() => messages.Where(message => !refused.ContainsKey(message.Id));
    }

    /// <summary>Those of the messages whose address is suppressed by now, or whose contact has withdrawn its consent.</summary>
    public async Task<IReadOnlySet<Guid>> UnwantedAsync(Session session, IReadOnlyList<TakenMessage> messages, CancellationToken ct)
    {
        var unwanted = (await WithoutConsentAsync(session, [.. messages.Select(taken => taken.Message)], await session.NowAsync(ct), ct)).Keys.ToHashSet();
        foreach (var group in messages.GroupBy(taken => (taken.Message.AccountId, taken.Message.Stream)))
        {
            var found = await suppressions.AmongAsync(session, group.Key.AccountId, group.Key.Stream, [.. group.Select(taken => (taken.Message.ContactId, (string?)taken.To.ToString()))], ct);
            unwanted.UnionWith(group.Where(taken => found.ContainsKey(taken.Message.ContactId)).Select(taken => taken.Message.Id));
        }
        return unwanted;
    }

    /// <summary>Those of the messages that their contacts' consents do not allow, with the reason.</summary>
    private async Task<IReadOnlyDictionary<Guid, string>> WithoutConsentAsync(Session session, IReadOnlyList<ClaimedMessage> messages, long now, CancellationToken ct)
    {
        var without = new Dictionary<Guid, string>();
        foreach (var group in messages.Where(message => message.Stream == MessageStream.Marketing).GroupBy(message => (message.AccountId, message.Purpose)))
        {
            var refusing = await consents.RefusedMarketingAsync(session, group.Key.AccountId, group.Key.Purpose, [.. group.Select(message => message.ContactId)], ct);
            foreach (var message in group.Where(message => refusing.Contains(message.ContactId))) without[message.Id] = "not sent: the contact has refused marketing mail";
        }
        foreach (var group in messages.Where(message => message.Purpose is not null && !without.ContainsKey(message.Id)).GroupBy(message => (message.AccountId, message.Purpose)))
        {
            var granted = await consents.GrantedAsync(session, group.Key.AccountId, group.Key.Purpose!, [.. group.Select(message => message.ContactId)], ct, now);
            foreach (var message in group.Where(message => !granted.Contains(message.ContactId))) without[message.Id] = $"not sent: no consent to '{group.Key.Purpose}'";
        }
        return without;
    }

    private static Refusal? WhyTooLate(ClaimedMessage message, long now)
    {
        if (message.CancelReason is { } cancelled) return new(MessageState.Cancelled, cancelled);
        if (message.ExpiresAt <= now)
            return new(MessageState.Expired, $"not sent: it was to be sent before {Instant(message.ExpiresAt.Value)}");
        // Only when it was put off once more after that: what our own limits hold meanwhile is no try.
        if (message.RetryUntil is { } until && until <= message.UpdatedAt)
            return new(MessageState.Expired, $"not sent: tried {message.Attempt} times until {Instant(until)}; last answer: {message.Reason}");
        return null;
    }

    private static Refusal? WhyNoAddress(Contact? contact)
    {
        if (contact is null) return new(MessageState.Suppressed, "not sent: the contact no longer exists");
        var email = contact.Text("email");
        if (string.IsNullOrEmpty(email)) return new(MessageState.Suppressed, "not sent: the contact has no e-mail address");
        return EmailAddress.TryParse(email, out _, out var reason) ? null
            : new(MessageState.Suppressed, $"not sent: the contact's e-mail address cannot be used: {reason}");
    }

    private static SendCandidate Candidate(ClaimedMessage message, Contact contact, long now) => new(
        message.Id, message.AccountId, message.JourneyId, message.VersionId, message.InstanceId, contact,
        message.Snapshot.Trigger, DateTimeOffset.FromUnixTimeMilliseconds(now));

    private static string Instant(long at) => DateTimeOffset.FromUnixTimeMilliseconds(at).ToString("d MMMM yyyy HH:mm 'UTC'", CultureInfo.InvariantCulture);
}
