using MailFlow.Data;

namespace MailFlow.Engine.Activities;

/// <summary>How the audience module tells the engine that contacts changed outside a batch, so that waits that depend on them are timed anew.</summary>
public interface IContactChanged
{
    /// <summary>Posts the command in the transaction that changed the contacts.</summary>
    Task AnnounceAsync(Session session, IReadOnlyList<Contact> contacts, CancellationToken ct);
}
