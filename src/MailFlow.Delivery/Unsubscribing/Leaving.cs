using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Engine.Activities;

namespace MailFlow.Delivery.Unsubscribing;

/// <summary>What the unsubscribe link and the preference centre do alike when somebody wants no more marketing mail.</summary>
internal static class Leaving
{
    /// <summary>
    /// Suppresses the address that the mail went to, and the contact's present one: it is the person who objects, whichever of the two mails the link was followed from. The first time, it
    /// is a fact. The contact is null when it is no more.
    /// </summary>
    public static async Task SuppressAsync(
        Session session, Suppressions suppressions, UnsubscribeSubject subject, Contact? contact, string source, string by, string detail, CancellationToken ct)
    {
        if (await AddAsync(subject.Email)) await MailFacts.UnsubscribedAsync(session, subject.AccountId, subject.MessageId, by, ct);
        if (contact?.Text("email") is { Length: > 0 } present && present != subject.Email && EmailAddress.TryParse(present, out _)) await AddAsync(present);

        async Task<bool> AddAsync(string email) =>
            (await suppressions.AddAsync(session, subject.AccountId, email, SuppressionReason.Unsubscribed, Suppression.Marketing, source, ct, detail)).Change != SuppressionChange.Unchanged;
    }
}
