namespace MailFlow.Engine.Activities;

/// <summary>
/// A contact as expressions, templates and activities see it. <see cref="Fields"/> holds user_id, email, first_name, last_name,
/// time_zone, created_at, tags, attributes and, under its own name, every attribute that no built-in field hides.
/// </summary>
public sealed class Contact(int accountId, long id, string userId, IReadOnlyDictionary<string, object?> fields)
{
    /// <summary>The account (tenant).</summary>
    public int AccountId { get; } = accountId;

    /// <summary>The dense key.</summary>
    public long Id { get; } = id;

    /// <summary>The application's own id for the contact.</summary>
    public string UserId { get; } = userId;

    /// <summary>The fields by name. Replaced as a whole by the store that changes the contact.</summary>
    public IReadOnlyDictionary<string, object?> Fields { get; set; } = fields;

    /// <summary>A text field, or null when it is missing or no text.</summary>
    public string? Text(string field) => Fields.TryGetValue(field, out var value) ? value as string : null;
}

/// <summary>
/// A change of a contact: field values to set by name (email, first_name, last_name, time_zone, attributes, tags, consents, or
/// any other name, which is an attribute). A null attribute is removed.
/// </summary>
/// <param name="Contact">Whom.</param>
/// <param name="Fields">What, as in an event's <c>payload.contact</c>.</param>
/// <param name="AddTags">Tags to add.</param>
/// <param name="RemoveTags">Tags to remove.</param>
public sealed record ContactChange(
    Contact Contact,
    IReadOnlyDictionary<string, object?> Fields,
    IReadOnlyList<string>? AddTags = null,
    IReadOnlyList<string>? RemoveTags = null);

/// <summary>Where contacts are kept: the audience module's part in a batch. Each call is set-based and runs in the batch's transaction, under the shard's lock.</summary>
public interface IContactStore
{
    /// <summary>The contacts with these user ids, in the same order; unknown ones are created.</summary>
    Task<IReadOnlyList<Contact>> FindOrCreateAsync(Data.Session session, IReadOnlyList<(int AccountId, string UserId)> users, long now, CancellationToken ct);

    /// <summary>The contacts with these keys, in any order; those that no longer exist are left out.</summary>
    Task<IReadOnlyList<Contact>> LoadAsync(Data.Session session, IReadOnlyList<long> ids, CancellationToken ct);

    /// <summary>
    /// Writes the changes and brings <see cref="Contact.Fields"/> up to date. Several changes of one contact apply in order. Gives the contacts that
    /// really changed. A field of the wrong type is left as it was (intake has refused such events already).
    /// </summary>
    /// <param name="session">The batch's session.</param>
    /// <param name="changes">What to change.</param>
    /// <param name="source">Where the change comes from ("event", "journey", "api"), for the consent record.</param>
    /// <param name="now">The batch's instant, Unix milliseconds.</param>
    /// <param name="ct">Cancels.</param>
    Task<IReadOnlySet<Contact>> ApplyAsync(Data.Session session, IReadOnlyList<ContactChange> changes, string source, long now, CancellationToken ct);
}
