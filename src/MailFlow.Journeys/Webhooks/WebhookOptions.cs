using System.Security.Cryptography;
using System.Text;

namespace MailFlow.Journeys.Webhooks;

/// <summary>How webhooks are called: by journeys, and to tell facts.</summary>
public sealed record WebhookOptions
{
    /// <summary>What a call may do, and which private targets are allowed all the same.</summary>
    public GuardedHttpOptions Http { get; init; } = new();

    /// <summary>
    /// The installation's secrets, the current one first, at least 16 characters each; a second one while they are being changed. Receivers are not
    /// given these, but their account's own, derived from them: <see cref="SecretsOf"/>. Without any, calls go out unsigned.
    /// </summary>
    public IReadOnlyList<string> Secrets { get; init; } = [];

    /// <summary>A webhook endpoint that has taken nothing for so long is disabled; at least an hour.</summary>
    public TimeSpan DisableEndpointsAfter { get; init; } = TimeSpan.FromDays(5);

    /// <summary>
    /// What an account's receivers check signatures with: HMAC-SHA256 of the account under each secret, in hex. One for
    /// each account, because a receiver who knows the secret can sign.
    /// </summary>
    public IReadOnlyList<string> SecretsOf(int accountId) =>
        [.. Secrets.Select(secret => "whsec_" + Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes($"webhook/{accountId}"))))];

    /// <summary>What is wrong with these options, one sentence a field, the field's name first; empty when they can be used.</summary>
    public IReadOnlyList<string> Validate() =>
        [.. Http.Validate().Select(error => $"Http.{error}"), .. DisableEndpointsAfter < TimeSpan.FromHours(1) ? ["DisableEndpointsAfter: is less than an hour."] : Array.Empty<string>(), .. Secrets.Any(secret => secret.Length < 16) ? ["Secrets: one is shorter than 16 characters."] : Array.Empty<string>()];
}
