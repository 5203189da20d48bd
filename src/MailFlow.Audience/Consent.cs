namespace MailFlow.Audience;

/// <summary>That a contact agreed to a purpose, or withdrew: one line of an append-only record.</summary>
/// <param name="AccountId">The account.</param>
/// <param name="ContactId">The contact's dense key.</param>
/// <param name="Purpose">What it is about, such as <c>newsletter</c>: see <see cref="ContactFieldsCheck.Purpose"/>.</param>
/// <param name="Granted">Whether it was given; false withdraws.</param>
/// <param name="Source">Where from: "event", "journey", "api", "unsubscribe" …</param>
/// <param name="At">When it was recorded.</param>
/// <param name="Evidence">What proves it, in words; null when unknown.</param>
/// <param name="Proof">What else is known of how it came about; null for nothing.</param>
/// <param name="GivenAt">Of one that is to be recorded: when the person said so, where that is told; a yes from before a refusal does not undo it. The record has it in its evidence.</param>
public sealed record Consent(int AccountId, long ContactId, string Purpose, bool Granted, string Source, DateTimeOffset At, string? Evidence = null, ConsentProof? Proof = null,
    DateTimeOffset? GivenAt = null);

/// <summary>How a consent came about.</summary>
/// <param name="Basis">One of <see cref="ConsentBasis"/>; null when nobody said.</param>
/// <param name="Wording">What the person read.</param>
/// <param name="WordingVersion">Which version of it.</param>
/// <param name="Ip">The address it was given from.</param>
/// <param name="UserAgent">The program it was given with.</param>
/// <param name="Jurisdiction">Whose law applies, such as <c>CA</c>.</param>
/// <param name="MessageId">The mail whose link it was given by.</param>
/// <param name="ExpiresAt">Until when it holds; null until it is withdrawn.</param>
public sealed record ConsentProof(string? Basis = null, string? Wording = null, string? WordingVersion = null, string? Ip = null, string? UserAgent = null,
    string? Jurisdiction = null, Guid? MessageId = null, DateTimeOffset? ExpiresAt = null);

/// <summary>The legal bases of a mail.</summary>
public static class ConsentBasis
{
    /// <summary>The person said yes.</summary>
    public const string Express = "express";

    /// <summary>A purchase or an inquiry stands for it, for a time (CASL, s. 10(9) and (10)).</summary>
    public const string Implied = "implied";

    /// <summary>A customer was offered to refuse and did not (PECR, reg. 22(3)).</summary>
    public const string SoftOptIn = "soft_opt_in";

    /// <summary>A contract wants it (GDPR, Art. 6(1)(b)).</summary>
    public const string Contract = "contract";

    /// <summary>A legitimate interest that outweighs (GDPR, Art. 6(1)(f)).</summary>
    public const string LegitimateInterest = "legitimate_interest";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Express, Implied, SoftOptIn, Contract, LegitimateInterest];
}

/// <summary>A line of the record as the API shows it.</summary>
/// <param name="Purpose">What it is about.</param>
/// <param name="Granted">Whether it was given; false withdraws.</param>
/// <param name="Source">Where from.</param>
/// <param name="At">When it was recorded.</param>
/// <param name="Evidence">What proves it, in words; null when unknown.</param>
/// <param name="Basis">On which legal basis; null when nobody said.</param>
/// <param name="Wording">What the person read.</param>
/// <param name="WordingVersion">Which version of it.</param>
/// <param name="Ip">The address it was given from.</param>
/// <param name="UserAgent">The program it was given with.</param>
/// <param name="Jurisdiction">Whose law applies.</param>
/// <param name="MessageId">The mail whose link it was given by.</param>
/// <param name="ExpiresAt">Until when it holds; null until it is withdrawn.</param>
public sealed record ConsentEntry(string Purpose, bool Granted, string Source, DateTimeOffset At, string? Evidence, string? Basis = null, string? Wording = null, string? WordingVersion = null,
    string? Ip = null, string? UserAgent = null, string? Jurisdiction = null, Guid? MessageId = null, DateTimeOffset? ExpiresAt = null);
