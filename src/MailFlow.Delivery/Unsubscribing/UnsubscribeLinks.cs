namespace MailFlow.Delivery.Unsubscribing;

/// <summary>The links that one mail carries.</summary>
/// <param name="Unsubscribe">Stops marketing mail.</param>
/// <param name="Preferences">The preference centre.</param>
/// <param name="Confirm">Confirms a consent; null for a mail that asks for none.</param>
internal sealed record RecipientLinks(string Unsubscribe, string Preferences, string? Confirm);

/// <summary>Makes the links that stand in mails and their headers, and reads them back.</summary>
internal sealed class UnsubscribeLinks(SigningKeys keys, DeliveryOptions options)
{
    private readonly string _base = options.PublicBaseUrl.TrimEnd('/');

    /// <summary>The links of a mail that is handed over at an instant, and asks to agree to a purpose if one is given.</summary>
    public async ValueTask<RecipientLinks> ForAsync(UnsubscribeSubject subject, string? confirm, DateTimeOffset at, CancellationToken ct)
    {
        var key = (await keys.AllAsync(ct))[0];
        return new RecipientLinks(
            $"{_base}{Unsubscribe.Path}/{UnsubscribeToken.Write(subject, key)}",
            $"{_base}{Preferences.Path}/{UnsubscribeToken.Write(subject, key, preferences: true)}",
            confirm is null ? null : $"{_base}{Confirmation.Path}/{ConfirmToken.Write(new(subject, confirm, at + options.ConfirmWithin), key)}");
    }

    public async ValueTask<UnsubscribeSubject?> ReadAsync(string token, CancellationToken ct) =>
        UnsubscribeToken.TryRead(token, await keys.AllAsync(ct), out var subject) ? subject : null;

    public async ValueTask<UnsubscribeSubject?> ReadPreferencesAsync(string token, CancellationToken ct) =>
        UnsubscribeToken.TryRead(token, await keys.AllAsync(ct), out var subject, preferences: true) ? subject : null;

    public async ValueTask<ConfirmSubject?> ReadConfirmAsync(string token, CancellationToken ct) => ConfirmToken.Read(token, await keys.AllAsync(ct));
}
