namespace MailFlow.Audience;

/// <summary>A contact as the API shows it.</summary>
/// <param name="Id">The dense key.</param>
/// <param name="UserId">The application's own id.</param>
/// <param name="Email">The address, or null.</param>
/// <param name="FirstName">The first name, or null.</param>
/// <param name="LastName">The last name, or null.</param>
/// <param name="TimeZone">The IANA time zone, or null.</param>
/// <param name="Attributes">The attributes by name.</param>
/// <param name="Tags">The tags, in the order in which they were put.</param>
/// <param name="Consents">The present state of each purpose that was ever asked.</param>
/// <param name="Suppressions">What blocks the address, the newest state; empty for nothing.</param>
/// <param name="CreatedAt">Since when the contact is known.</param>
/// <param name="UpdatedAt">When it last changed.</param>
/// <param name="LastOpenedAt">When the contact last opened a mail, machines left out; null for never.</param>
/// <param name="LastClickedAt">When the contact last followed a link in a mail; null for never.</param>
/// <param name="ErasedAt">When its data was erased, and the user id with it; null for a contact that is known.</param>
public sealed record ContactDetails(
    long Id,
    string UserId,
    string? Email,
    string? FirstName,
    string? LastName,
    string? TimeZone,
    IReadOnlyDictionary<string, object?> Attributes,
    IReadOnlyList<string> Tags,
    IReadOnlyDictionary<string, bool> Consents,
    IReadOnlyList<Suppression> Suppressions,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    DateTimeOffset? LastOpenedAt = null,
    DateTimeOffset? LastClickedAt = null,
    DateTimeOffset? ErasedAt = null);
