using System.Globalization;
using MailFlow.Audience;
using MailFlow.Data;

namespace MailFlow.Delivery.Unsubscribing;

/// <summary>What the preference centre and the double opt-in do alike when somebody who had unsubscribed says yes again.</summary>
internal static class Returning
{
    /// <summary>
    /// Takes the locks of all contacts who have the address, that of the one at hand too, in one order: consents are recorded under them, and <see cref="LiftAsync"/> records those of all.
    /// Gives whose they are.
    /// </summary>
    public static async Task<IReadOnlyList<long>> LockAsync(Session session, UnsubscribeSubject subject, string userId, CancellationToken ct)
    {
        var sharing = await session.QueryAsync(
            "SELECT id, user_id FROM contact WHERE id = @contact OR (account_id = @account AND email_key IN (@key, @mailbox)) ORDER BY id", row => (Id: row.Long(0), UserId: row.Text(1)), ct,
            ("contact", subject.ContactId), ("account", subject.AccountId), ("key", Audience.EmailAddress.Key(subject.Email)), ("mailbox", Audience.EmailAddress.MailboxKey(subject.Email)));
        foreach (var shard in sharing.Select(contact => contact.UserId).Append(userId).Select(user => StableHash.Shard(subject.AccountId, user)).Distinct().Order())
            await session.LockShardAsync(shard, wait: true, ct);
        return sharing.ConvertAll(contact => contact.Id);
    }

    /// <summary>
    /// Lets the address be mailed again, for what is said yes to now: of the suppression that goes, the refusal of marketing in general stays, with every contact who has the address and has not
    /// said yes to marketing since. A contact may have had none, as of a list that another sender kept.
    /// </summary>
    /// <param name="session">A writing session.</param>
    /// <param name="sharing">The contacts who have the address: what <see cref="LockAsync"/> gave.</param>
    /// <param name="suppressions">The account's.</param>
    /// <param name="consents">The record.</param>
    /// <param name="subject">Whose link it is.</param>
    /// <param name="purposes">What is said yes to.</param>
    /// <param name="now">The instant of that yes: the refusal is older.</param>
    /// <param name="ct">Cancels.</param>
    /// <param name="reasons">Which of the address's suppressions go.</param>
    public static async Task LiftAsync(Session session, IReadOnlyList<long> sharing, Suppressions suppressions, Consents consents, UnsubscribeSubject subject, IReadOnlyCollection<string> purposes, DateTimeOffset now,
        CancellationToken ct, params IReadOnlyList<string> reasons)
    {
        var gone = await suppressions.RemoveAsync(session, subject.AccountId, subject.Email, Suppression.Marketing, ct, reasons);
        if (purposes.Contains(Consents.Marketing) || gone.FirstOrDefault(suppression => suppression.Reason == SuppressionReason.Unsubscribed) is not { } left) return;
        var at = left.At < now ? left.At : now.AddMilliseconds(-1);
        var silent = await consents.SilentOnMarketingAsync(session, sharing, at, ct);
        // Of the others, too, who outlive the one at hand: so nothing of that person's, neither address nor message, stands in it.
        var evidence = $"the address unsubscribed on {left.At.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)} ({left.Source}); a yes to {string.Join(", ", purposes)} ended that for no other mail";
        await consents.RecordAsync(session, [.. silent.Select(id => new Consent(subject.AccountId, id, Consents.Marketing, false, Consents.Unsubscribed, at, evidence))], ct);
    }
}
