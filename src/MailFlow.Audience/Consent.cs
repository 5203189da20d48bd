namespace MailFlow.Audience;

/// <summary>That a contact agreed to a purpose, or withdrew: one line of an append-only record.</summary>
/// <param name="AccountId">The account.</param>
/// <param name="ContactId">The contact's dense key.</param>
/// <param name="Purpose">What it is about, such as <c>newsletter</c>: see <see cref="ContactFieldsCheck.Purpose"/>.</param>
/// <param name="Granted">Whether it was given; false withdraws.</param>
/// <param name="Source">Where from: "event", "journey", "api", "unsubscribe" …</param>
/// <param name="At">When it was recorded.</param>
/// <param name="Evidence">What proves it, such as the form's wording and the address it came from; null when unknown.</param>
public sealed record Consent(int AccountId, long ContactId, string Purpose, bool Granted, string Source, DateTimeOffset At, string? Evidence = null);

/// <summary>A line of the record as the API shows it.</summary>
/// <param name="Purpose">What it is about.</param>
/// <param name="Granted">Whether it was given; false withdraws.</param>
/// <param name="Source">Where from.</param>
/// <param name="At">When it was recorded.</param>
/// <param name="Evidence">What proves it; null when unknown.</param>
public sealed record ConsentEntry(string Purpose, bool Granted, string Source, DateTimeOffset At, string? Evidence);
