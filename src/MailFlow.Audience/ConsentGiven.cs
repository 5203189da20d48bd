using MailFlow.Data;

namespace MailFlow.Audience;

/// <summary>What became of a consent that somebody reported.</summary>
/// <param name="Recorded">Whether it was news.</param>
/// <param name="KeptWithdrawn">Whether it is a yes that was passed over because of what the contact has refused.</param>
public sealed record ConsentRecorded(bool Recorded, bool KeptWithdrawn);

/// <summary>A consent as somebody reports it: <see cref="Checked"/> makes a line of the record of it.</summary>
/// <param name="Purpose">What it is about.</param>
/// <param name="Granted">Whether it was given; false withdraws. It must be said.</param>
/// <param name="Basis">One of <see cref="ConsentBasis"/>; null for express, the only one that undoes a refusal.</param>
/// <param name="ImpliedBy">What an implied consent follows from: <c>purchase</c> (24 months under CASL) or <c>inquiry</c> (6 months).</param>
/// <param name="Wording">What the person read.</param>
/// <param name="WordingVersion">Which version of it.</param>
/// <param name="Source">Where from, such as <c>checkout form</c>; null for <c>api</c>.</param>
/// <param name="Ip">The address it was given from.</param>
/// <param name="UserAgent">The program it was given with.</param>
/// <param name="Jurisdiction">Whose law applies, such as <c>CA</c>.</param>
/// <param name="Evidence">What else proves it, in words.</param>
/// <param name="GivenAt">When the person said so, or bought or asked; null for now. A yes from before a refusal that is on record does not undo it.</param>
/// <param name="ExpiresAt">Until when it holds; an implied one has an end in any case.</param>
public sealed record ConsentGiven(string? Purpose, bool? Granted, string? Basis = null, string? ImpliedBy = null, string? Wording = null, string? WordingVersion = null, string? Source = null,
    string? Ip = null, string? UserAgent = null, string? Jurisdiction = null, string? Evidence = null, DateTimeOffset? GivenAt = null, DateTimeOffset? ExpiresAt = null)
{
    private const int MonthsOfPurchase = 24, MonthsOfInquiry = 6;

    internal Consent Checked(int accountId, long contactId, DateTimeOffset now)
    {
        if (string.IsNullOrWhiteSpace(Purpose)) throw new InvalidInputException("purpose", "is missing");
        ContactFieldsCheck.Purpose(Purpose, "purpose");
        var granted = Granted ?? throw new InvalidInputException("granted", "is missing: true for a yes, false for a withdrawal");
        if (Basis is not null && !ConsentBasis.All.Contains(Basis)) throw new InvalidInputException("basis", $"must be one of {string.Join(", ", ConsentBasis.All)}");
        foreach (var (field, text, longest) in new[]
        {
            ("wording", Wording, 4000), ("wording_version", WordingVersion, 100), ("source", Source, 100), ("ip", Ip, 64), ("user_agent", UserAgent, 500),
            ("jurisdiction", Jurisdiction, 20), ("evidence", Evidence, 2000),
        })
        {
            if (text is null) continue;
            ContactFieldsCheck.Characters(text, field);
            if (text.Length > longest) throw new InvalidInputException(field, $"is {text.Length} characters long; at most {longest}");
        }
        if (Ip is not null && !System.Net.IPAddress.TryParse(Ip, out _)) throw new InvalidInputException("ip", "is not an IP address");
        if (GivenAt > now) throw new InvalidInputException("given_at", "lies in the future");
        var expiresAt = Ends(GivenAt ?? now);
        if (granted && expiresAt <= now) throw new InvalidInputException(ExpiresAt is null ? "given_at" : "expires_at", "the consent has ended already");
        var evidence = GivenAt is { } given ? string.Join("; ", new[] { $"given at {given.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}", Evidence }.OfType<string>()) : Evidence;
        if (ImpliedBy is not null) evidence = string.Join("; ", new[] { $"implied by {ImpliedBy}", evidence }.OfType<string>());
        return new Consent(accountId, contactId, Purpose, granted, string.IsNullOrWhiteSpace(Source) ? "api" : Source, now, evidence,
            new ConsentProof(granted ? Basis ?? ConsentBasis.Express : Basis, Wording, WordingVersion, Ip, UserAgent, Jurisdiction, null, granted ? expiresAt : null), GivenAt);
    }

    /// <summary>An implied consent runs out: without a time of its own, after CASL's.</summary>
    private DateTimeOffset? Ends(DateTimeOffset given)
    {
        if (Basis != ConsentBasis.Implied)
            return ImpliedBy is null ? ExpiresAt : throw new InvalidInputException("implied_by", "goes with the basis 'implied' only");
        var longest = ImpliedBy switch
        {
            "purchase" => given.AddMonths(MonthsOfPurchase),
            "inquiry" => given.AddMonths(MonthsOfInquiry),
            null => ExpiresAt ?? throw new InvalidInputException("implied_by", "is missing: purchase or inquiry says how long an implied consent holds; or give expires_at"),
            _ => throw new InvalidInputException("implied_by", "must be 'purchase' or 'inquiry'"),
        };
        return ExpiresAt < longest ? ExpiresAt : longest;
    }
}
