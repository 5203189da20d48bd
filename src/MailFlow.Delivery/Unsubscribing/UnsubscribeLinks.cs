namespace MailFlow.Delivery.Unsubscribing;

/// <summary>Makes the links that stand in mails and their headers, and reads them back.</summary>
internal sealed class UnsubscribeLinks(SigningKeys keys, DeliveryOptions options)
{
    private readonly string _base = options.PublicBaseUrl.TrimEnd('/') + Unsubscribe.Path + "/";

    public async ValueTask<string> UrlForAsync(UnsubscribeSubject subject, CancellationToken ct) =>
        _base + UnsubscribeToken.Write(subject, (await keys.AllAsync(ct))[0]);

    public async ValueTask<UnsubscribeSubject?> ReadAsync(string token, CancellationToken ct) =>
        UnsubscribeToken.TryRead(token, await keys.AllAsync(ct), out var subject) ? subject : null;
}
