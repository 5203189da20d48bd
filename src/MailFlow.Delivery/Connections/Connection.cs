namespace MailFlow.Delivery;

/// <summary>One provider account by which an account's mail leaves.</summary>
/// <param name="Key">Its name in the ledger and the API, never changed: <c>main</c>.</param>
/// <param name="Id">Stands in the address of its webhook.</param>
/// <param name="Type">The kind of provider: <c>sendgrid</c>.</param>
/// <param name="Name">Its name for people.</param>
/// <param name="Settings">What it is set up with, secrets left out.</param>
/// <param name="Secrets">The names of the secrets that are set.</param>
/// <param name="Enabled">Whether mail leaves by it.</param>
/// <param name="MarketingWeight">Its share of marketing mail beside the other connections' weights, 0 to 100; 0 for none.</param>
/// <param name="TransactionalWeight">The same of transactional mail.</param>
/// <param name="PerSecond">The most mails a second; null for as many as it takes.</param>
/// <param name="PerDay">The most mails a day (UTC), a twentieth of them kept for transactional mail; null for any number.</param>
/// <param name="Region">Where the provider keeps the data: <c>eu</c>; as its settings say, where they do; null when not said.</param>
public sealed record Connection(
    string Key,
    Guid Id,
    string Type,
    string Name,
    IReadOnlyDictionary<string, string> Settings,
    IReadOnlyList<string> Secrets,
    bool Enabled,
    int MarketingWeight,
    int TransactionalWeight,
    double? PerSecond,
    int? PerDay,
    string? Region);

/// <summary>What a connection is to be; null keeps what it was, or takes the default of a new one.</summary>
/// <param name="Type">The kind of provider; of a connection that is there already it cannot be changed.</param>
/// <param name="Name">Its name for people, at most 100 characters.</param>
/// <param name="Settings">Settings by name; a secret that is left out is kept.</param>
/// <param name="Enabled">Whether mail leaves by it; default: yes.</param>
/// <param name="MarketingWeight">0 to 100; default: 100.</param>
/// <param name="TransactionalWeight">0 to 100; default: 100.</param>
/// <param name="PerSecond">Above 0; 0 for no limit.</param>
/// <param name="PerDay">From 1; 0 for no limit.</param>
/// <param name="Region">Two to ten letters; empty for none. It cannot be another than the one that the settings say.</param>
public sealed record ConnectionDraft(
    string? Type = null,
    string? Name = null,
    IReadOnlyDictionary<string, string?>? Settings = null,
    bool? Enabled = null,
    int? MarketingWeight = null,
    int? TransactionalWeight = null,
    double? PerSecond = null,
    int? PerDay = null,
    string? Region = null);
