namespace MailFlow.Journeys.Facts;

/// <summary>An address that an account has facts told to, by the Standard Webhooks convention.</summary>
/// <param name="Id">Names it.</param>
/// <param name="Name">Its name for people.</param>
/// <param name="Url">Where to, http or https.</param>
/// <param name="Types">The types of facts it takes; <c>*</c> for all.</param>
/// <param name="Enabled">Whether it is told anything. While it is not, what was on its way waits, and what happens is not told to it.</param>
/// <param name="Concurrency">The most calls at a time, by all nodes together.</param>
/// <param name="PerSecond">The most calls a second, by all nodes together; null for no limit.</param>
/// <param name="FailingSince">Since when it has taken nothing; null when it took the last.</param>
/// <param name="DisabledAt">When MailFlow disabled it of itself; null when it did not.</param>
/// <param name="DisabledReason">Why, to a person.</param>
/// <param name="PreviousSecretUntil">Until when the secret before the last rotation signs too; null when it does not any more.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="UpdatedAt">When it was last changed.</param>
public sealed record WebhookEndpoint(
    Guid Id, string Name, string Url, IReadOnlyList<string> Types, bool Enabled, int Concurrency, double? PerSecond, DateTimeOffset? FailingSince,
    DateTimeOffset? DisabledAt, string? DisabledReason, DateTimeOffset? PreviousSecretUntil, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

/// <summary>What an endpoint is to be; null keeps what it was, or takes the default of a new one.</summary>
/// <param name="Name">At most 100 characters; of a new one, the address's host if not given.</param>
/// <param name="Url">Where to, http or https.</param>
/// <param name="Types">The types of facts it takes; <c>*</c> for all, which is the default.</param>
/// <param name="Enabled">Default: yes.</param>
/// <param name="Concurrency">1 to 20; default: 4.</param>
/// <param name="PerSecond">Above 0 to 1,000; 0 for no limit, which is the default.</param>
public sealed record WebhookEndpointDraft(
    string? Name = null, string? Url = null, IReadOnlyList<string>? Types = null, bool? Enabled = null, int? Concurrency = null, double? PerSecond = null);

/// <summary>An endpoint with the secret that its receiver checks signatures with: shown once, here.</summary>
/// <param name="Endpoint">The endpoint.</param>
/// <param name="Secret"><c>whsec_</c> and 32 random bytes in Base64.</param>
public sealed record EndpointSecret(WebhookEndpoint Endpoint, string Secret);
