using MailFlow.Data;

namespace MailFlow.Engine.Storage;

/// <summary>A contact whose data is asked for, or is to be erased.</summary>
/// <param name="AccountId">The account.</param>
/// <param name="ContactId">The dense key.</param>
/// <param name="UserId">The application's own id.</param>
/// <param name="Addresses">The addresses that are known of the contact.</param>
public sealed record Person(int AccountId, long ContactId, string UserId, IReadOnlyList<string> Addresses)
{
    /// <summary>What stands in place of the id once the data is erased: unique, and says nothing.</summary>
    public string ErasedUserId => $"erased-{ContactId}";
}

/// <summary>One part of what is held about a contact.</summary>
/// <param name="Name">What it is: <c>events</c>.</param>
/// <param name="Items">The records, each by member.</param>
public sealed record PersonalSection(string Name, IReadOnlyList<IReadOnlyDictionary<string, object?>> Items);

/// <summary>
/// What a module holds about people: each module that holds any registers one, so that export and erasure forget none. Erasing is done in two passes, each of which
/// may be repeated: <see cref="StopAsync"/> until <see cref="IsAtRestAsync"/>, then <see cref="EraseAsync"/>; all under the lock of the contact's shard,
/// the last two under the <see cref="ErasureLock"/>, too.
/// </summary>
public interface IPersonalData
{
    /// <summary>All that is held, as the contact may have it.</summary>
    Task<IReadOnlyList<PersonalSection>> ExportAsync(Session session, Person person, CancellationToken ct);

    /// <summary>Addresses of the contact that only this module knows.</summary>
    Task<IReadOnlyList<string>> AddressesAsync(Session session, Person person, CancellationToken ct) => Task.FromResult<IReadOnlyList<string>>([]);

    /// <summary>Stops what is under way for the contact: nothing new is to be written or sent from here on.</summary>
    Task StopAsync(Session session, Person person, CancellationToken ct) => Task.CompletedTask;

    /// <summary>Whether nothing is under way any more.</summary>
    Task<bool> IsAtRestAsync(Session session, Person person, CancellationToken ct) => Task.FromResult(true);

    /// <summary>Takes everything out that tells who it was, or that the person said or did. What is counted stays.</summary>
    Task EraseAsync(Session session, Person person, CancellationToken ct);
}
