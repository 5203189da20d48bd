using System.Globalization;
using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Delivery.Unsubscribing;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Storage;

namespace MailFlow.Delivery;

/// <summary>What the page behind a confirmation link shows.</summary>
/// <param name="Email">The address it is about.</param>
/// <param name="SenderName">Whose mail it is.</param>
/// <param name="Purpose">What is agreed to, as the recipient reads it.</param>
/// <param name="Expired">Whether the link's time is over.</param>
public sealed record ConfirmPage(string Email, string SenderName, string Purpose, bool Expired);

/// <summary>
/// Double opt-in: the link <c>confirm_url</c> of a mail that asks to agree to a purpose. GET shows a page and does nothing, because mail scanners follow links; POST, from
/// the page's button, records the consent and tells the journeys by an event <c>consent_confirmed</c>.
/// </summary>
public sealed class Confirmation
{
    /// <summary>The server's path; the token follows after a slash.</summary>
    public const string Path = "/confirm";

    /// <summary>The event's type; its payload names <c>purpose</c> and <c>message_id</c>.</summary>
    public const string EventType = "consent_confirmed";

    private readonly Database _database;
    private readonly UnsubscribeLinks _links;
    private readonly Suppressions _suppressions;
    private readonly Consents _consents;
    private readonly IContactStore _contacts;
    private readonly Senders _senders;
    private readonly EventIntake _intake;

    internal Confirmation(Database database, UnsubscribeLinks links, Suppressions suppressions, Consents consents, IContactStore contacts, Senders senders, EventIntake intake) =>
        (_database, _links, _suppressions, _consents, _contacts, _senders, _intake) = (database, links, suppressions, consents, contacts, senders, intake);

    /// <summary>What to show for a token; null for one that we did not sign, or whose contact is no more or has another address. Changes nothing.</summary>
    public async Task<ConfirmPage?> ReadAsync(string token, CancellationToken ct)
    {
        if (await _links.ReadConfirmAsync(token, ct) is not { } subject) return null;
        var sender = await _senders.FindAsync(subject.Recipient.AccountId, ct);
        return await _database.ReadAsync(async session => await RecipientAsync(session, subject, ct) is null ? null
            : new ConfirmPage(subject.Recipient.Email, sender.Name, await Purposes.FindAsync(session, subject.Recipient.AccountId, subject.Purpose, ct) is { } purpose ? purpose.Wording : subject.Purpose,
                DateTimeOffset.FromUnixTimeMilliseconds(await session.NowAsync(ct)) >= subject.ExpiresAt), ct);
    }

    /// <summary>
    /// Records the consent, lets an address that had unsubscribed be mailed again for that purpose, and raises the event, whose id is the mail's and the purpose's: repeating it changes
    /// nothing. False for a link that is not good, or not any more.
    /// </summary>
    public async Task<bool> ActAsync(string token, Visitor visitor, CancellationToken ct)
    {
        if (await _links.ReadConfirmAsync(token, ct) is not { } subject) return false;
        var (accountId, contactId, messageId, _) = subject.Recipient;
        if (await _database.ReadAsync(session => RecipientAsync(session, subject, ct), ct) is not { } known) return false;
        // One transaction: a consent that is recorded has its event.
        var shards = await _database.WriteAsync<IReadOnlyCollection<int>?>(async session =>
        {
            var sharing = await Returning.LockAsync(session, subject.Recipient, known.UserId, ct);
            var at = DateTimeOffset.FromUnixTimeMilliseconds(await session.NowAsync(ct));
            if (at >= subject.ExpiresAt || await RecipientAsync(session, subject, ct) is null) return null;
            var purpose = await Purposes.FindAsync(session, accountId, subject.Purpose, ct);
            await Returning.LiftAsync(session, sharing, _suppressions, _consents, subject.Recipient, [subject.Purpose], at, ct, SuppressionReason.Unsubscribed, SuppressionReason.Paused);
            await _consents.RecordAsync(session, [new Consent(accountId, contactId, subject.Purpose, true, "double_opt_in", at, $"confirmation link of message {messageId}", new ConsentProof(
                ConsentBasis.Express, purpose?.Wording ?? subject.Purpose, purpose?.Version.ToString(CultureInfo.InvariantCulture), visitor.Ip, visitor.UserAgent, null, messageId))], ct);
            return await _intake.AcceptAsync(session, [(accountId, new IncomingEvent($"{EventType}/{messageId}/{subject.Purpose}", EventType, known.UserId, at,
                JsonData.Write(new Dictionary<string, object?> { ["purpose"] = subject.Purpose, ["message_id"] = messageId.ToString() }), null))], ct);
        }, ct);
        if (shards is null) return false;
        _intake.Signal(shards);
        return true;
    }

    /// <summary>The contact, if it still has the address that the link was sent to.</summary>
    private async Task<Contact?> RecipientAsync(Session session, ConfirmSubject subject, CancellationToken ct) =>
        await _contacts.FindAsync(session, subject.Recipient, ct) is { } contact && contact.StillHas(subject.Recipient) ? contact : null;
}
