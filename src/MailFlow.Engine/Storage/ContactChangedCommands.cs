using MailFlow.Data;
using MailFlow.Engine.Activities;

namespace MailFlow.Engine.Storage;

/// <summary>Has the waits that depend on a changed contact decided anew, by a command to its shard.</summary>
internal sealed class ContactChangedCommands(WorkSignal signal) : IContactChanged
{
    public async Task AnnounceAsync(Session session, IReadOnlyList<Contact> contacts, CancellationToken ct)
    {
        var now = await session.NowAsync(ct);
        var commands = contacts.Select(contact => InboxItem.For(contact.AccountId, contact.UserId, InboxKind.ContactChanged,
            StableHash.TimedKey(now, StableHash.Key("contact", contact.Id.ToString())), JsonData.Empty)).ToList();
        await Inbox.PostAsync(session, commands, now, ct);
        // Before the commit, so only a hint: a worker that comes too early finds nothing, and the poll finds it.
        signal.Notify(commands.Select(command => command.Shard).Distinct());
    }
}
