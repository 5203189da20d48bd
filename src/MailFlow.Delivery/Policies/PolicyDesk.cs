using System.Globalization;
using MailFlow.Data;
using MailFlow.Delivery.Sending;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using NodaTime;

namespace MailFlow.Delivery.Policies;

/// <summary>What the policies say of messages about to be handed over: those to put off, with the instant, and those to skip, with the reason.</summary>
internal sealed record Held(Dictionary<Guid, long> PutOff, Dictionary<Guid, string> Skipped);

/// <summary>Applies the accounts' policies at the hand-over.</summary>
internal static class PolicyDesk
{
    /// <summary>How long a mail waits whose contact's mail another sender counts, in milliseconds.</summary>
    private const long UntilCounted = 1_000;

    /// <summary>Marketing mail in the recipient's quiet hours is put off until they end; over the cap, low priority is skipped, normal priority waits until there is room, high priority goes.</summary>
    public static async Task<Held> HeldAsync(
        Session session, IReadOnlyList<ClaimedMessage> messages, IReadOnlyDictionary<long, Contact> contacts, long now, CancellationToken ct)
    {
        var held = new Held([], []);
        // An unknown message may be with its recipient already: settling it is no further mail.
        var marketing = messages.Where(message => message.Stream == MessageStream.Marketing && message.State != MessageState.Unknown).ToList();
        var policies = await SendingPolicies.AmongAsync(session, [.. marketing.Select(message => message.AccountId).Distinct()], ct);
        foreach (var group in marketing.GroupBy(message => message.AccountId))
        {
            if (!policies.TryGetValue(group.Key, out var policy)) continue;
            if (policy.Quiet is { } quiet)
                foreach (var message in group)
                    if (quiet.EndAfter(Instant.FromUnixTimeMilliseconds(now), LocalClock.Zone(contacts[message.ContactId].Text("time_zone")) ?? DateTimeZone.Utc) is { } end)
                        held.PutOff[message.Id] = end.ToUnixTimeMilliseconds();
            if (policy.Cap is { } cap) await CapAsync(session, [.. group.Where(message => !held.PutOff.ContainsKey(message.Id))], cap, held, now, ct);
        }
        return held;
    }

    private static async Task CapAsync(Session session, IReadOnlyList<ClaimedMessage> messages, MessageCap cap, Held held, long now, CancellationToken ct)
    {
        var period = (long)cap.Period.TotalMilliseconds;
        var free = await LockAsync(session, [.. messages.Where(message => message.Priority != MessagePriority.High).Select(message => message.ContactId).Distinct().Order()], ct);
        foreach (var message in messages.Where(message => message.Priority != MessagePriority.High && !free.Contains(message.ContactId))) held.PutOff[message.Id] = now + UntilCounted;
        messages = [.. messages.Where(message => !held.PutOff.ContainsKey(message.Id))];
        var had = await MessagesHad.SinceAsync(session, MessageStream.Marketing, [.. messages.Select(message => message.ContactId)], now - period, ct);
        foreach (var group in messages.GroupBy(message => message.ContactId))
        {
            var instants = had[group.Key].ToList();
            foreach (var message in group.OrderByDescending(message => message.Priority).ThenBy(message => message.Id))
                if (message.Priority == MessagePriority.High || instants.Count < cap.Messages) instants.Add(now);
                else if (message.Priority == MessagePriority.Low)
                    held.Skipped[message.Id] = string.Create(CultureInfo.InvariantCulture, $"not sent: the contact has had {instants.Count} marketing mails within the cap's period, which is {cap.Messages}");
                else held.PutOff[message.Id] = instants[^cap.Messages] + period;
        }
    }

    /// <summary>
    /// Those of the contacts that nobody else holds, held until the commit and before anything is counted: two senders would otherwise each find the same room. Passed over rather
    /// than waited for, so that no two wait for each other.
    /// </summary>
    private static async Task<IReadOnlySet<long>> LockAsync(Session session, IReadOnlyList<long> contactIds, CancellationToken ct) => session.Dialect.IsPostgreSql
        ? (await session.QueryAsync("SELECT contact.id FROM {rows} JOIN contact ON contact.id = r.id FOR NO KEY UPDATE OF contact SKIP LOCKED",
            new Rows<long>(contactIds).Long("id", id => id), row => row.Long(0), ct)).ToHashSet()
        : contactIds.ToHashSet(); // one writer at a time
}
