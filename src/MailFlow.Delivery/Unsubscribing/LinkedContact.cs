using MailFlow.Data;
using MailFlow.Engine.Activities;

namespace MailFlow.Delivery.Unsubscribing;

/// <summary>The contact whom a recipient's link is about.</summary>
internal static class LinkedContact
{
    /// <summary>The contact as it is now; null when it is no more, was erased, or is another account's.</summary>
    public static async Task<Contact?> FindAsync(this IContactStore contacts, Session session, UnsubscribeSubject subject, CancellationToken ct) =>
        await session.ScalarAsync<bool>("SELECT EXISTS (SELECT 1 FROM contact WHERE id = @contact AND erased_at IS NOT NULL)", ct, ("contact", subject.ContactId)) ? null
        : (await contacts.LoadAsync(session, [subject.ContactId], ct)).FirstOrDefault(contact => contact.AccountId == subject.AccountId);

    /// <summary>Whether the address that the link was sent to is still the contact's: whoever reads one that the contact has left decides nothing for the contact.</summary>
    public static bool StillHas(this Contact contact, UnsubscribeSubject subject) =>
        contact.Text("email") is { } email && EmailAddress.TryParse(email, out var address) && Audience.EmailAddress.MailboxKey(address.ToString()) == Audience.EmailAddress.MailboxKey(subject.Email);
}
