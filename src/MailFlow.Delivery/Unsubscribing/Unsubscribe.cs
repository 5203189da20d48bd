using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Delivery.Unsubscribing;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Storage;

namespace MailFlow.Delivery;

/// <summary>What the page behind an unsubscribe link shows.</summary>
/// <param name="Email">The address it is about.</param>
/// <param name="SenderName">Whose mail it stops.</param>
/// <param name="Unsubscribed">Whether that is done already.</param>
public sealed record UnsubscribePage(string Email, string SenderName, bool Unsubscribed);

/// <summary>
/// The unsubscribe link. GET shows a page and does nothing, because mail scanners follow links; POST acts, with no cookie and
/// no sign-in, whether from the page's button or from a mail program (RFC 8058).
/// </summary>
public sealed class Unsubscribe
{
    /// <summary>The server's path; the token follows after a slash.</summary>
    public const string Path = "/unsubscribe";

    private readonly Database _database;
    private readonly UnsubscribeLinks _links;
    private readonly Suppressions _suppressions;
    private readonly Consents _consents;
    private readonly IContactStore _contacts;
    private readonly Senders _senders;
    private readonly EventIntake _events;

    internal Unsubscribe(Database database, UnsubscribeLinks links, Suppressions suppressions, Consents consents, IContactStore contacts, Senders senders, EventIntake events) =>
        (_database, _links, _suppressions, _consents, _contacts, _senders, _events) = (database, links, suppressions, consents, contacts, senders, events);

    /// <summary>What to show for a token; null for one that we did not sign. Changes nothing.</summary>
    public async Task<UnsubscribePage?> ReadAsync(string token, CancellationToken ct)
    {
        if (await _links.ReadAsync(token, ct) is not { } subject) return null;
        var sender = await _senders.FindAsync(subject.AccountId, ct);
        return new UnsubscribePage(subject.Email, sender.Name, await _database.ReadAsync(session => IsDoneAsync(session, subject, ct), ct));
    }

    /// <summary>
    /// Unsubscribes: no marketing mail goes to the address (nor to the contact's present one) from the next hand-over on. The contact has refused marketing mail, whatever address
    /// comes next, and consent to the purpose that the mail was sent for is withdrawn; it is an event of the contact's. Repeating it changes nothing. False for a token that we did not sign.
    /// </summary>
    /// <param name="token">The link's.</param>
    /// <param name="ct">Cancels.</param>
    /// <param name="visitor">Who followed it, as far as known.</param>
    /// <param name="oneClick">Whether a mail program did it at its user's click (RFC 8058), and not the page's button.</param>
    public async Task<bool> ActAsync(string token, CancellationToken ct, Visitor? visitor = null, bool oneClick = false)
    {
        if (await _links.ReadAsync(token, ct) is not { } subject) return false;
        var (contact, purpose) = await _database.ReadAsync(async session =>
            (await _contacts.FindAsync(session, subject, ct), await PurposeAsync(session, subject, ct)), ct);
        var source = oneClick ? Consents.OneClick : Consents.Unsubscribed;
        var detail = $"link of message {subject.MessageId}{(visitor is null ? "" : $", followed {visitor}")}";
        var shards = await _database.WriteAsync(async session =>
        {
            // The contact's lock first: consents are recorded under it.
            if (contact is not null) await session.LockShardAsync(StableHash.Shard(contact.AccountId, contact.UserId), wait: true, ct);
            var present = contact is null ? null : await _contacts.FindAsync(session, subject, ct);
            var raised = await Leaving.RaiseAsync(session, _events, subject, ct);
            await Leaving.SuppressAsync(session, _suppressions, subject, present, source, oneClick ? source : "link", detail, ct);
            if (present is null) return raised;
            var now = DateTimeOffset.FromUnixTimeMilliseconds(await session.NowAsync(ct));
            await _consents.RecordAsync(session, [.. Consents.Withdrawn(purpose).Select(withdrawn => new Consent(
                subject.AccountId, subject.ContactId, withdrawn, false, source, now, $"unsubscribe link of message {subject.MessageId}",
                new ConsentProof(Ip: visitor?.Ip, UserAgent: visitor?.UserAgent, MessageId: subject.MessageId)))], ct);
            return raised;
        }, ct);
        _events.Signal(shards);
        return true;
    }

    /// <summary>
    /// Whether the button would change nothing. A pause, a provider's list, a bounce or an operator stop mail as well, but not because the contact wants none: once they are over it comes
    /// again, and whoever looks here wants that it does not.
    /// </summary>
    private async Task<bool> IsDoneAsync(Session session, UnsubscribeSubject subject, CancellationToken ct) =>
        (await _suppressions.OfAsync(session, subject.AccountId, subject.Email, ct)).Any(s =>
            s.Scope != Suppression.Transactional && s.ExpiresAt is null && s.Reason is not (SuppressionReason.Paused or SuppressionReason.SoftBounce or SuppressionReason.ListedAtProvider))
        && (await _contacts.FindAsync(session, subject, ct) is null || (await _consents.RefusedMarketingAsync(session, subject.AccountId, null, [subject.ContactId], ct)).Count > 0);

    private static Task<string?> PurposeAsync(Session session, UnsubscribeSubject subject, CancellationToken ct) => session.ScalarAsync<string>(
        "SELECT purpose FROM message WHERE id = @id AND account_id = @account", ct, ("id", subject.MessageId), ("account", subject.AccountId));
}
