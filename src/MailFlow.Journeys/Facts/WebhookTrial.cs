using MailFlow.Data;

namespace MailFlow.Journeys.Facts;

/// <summary>Sends an endpoint a fact that never happened, at once and once, so that its receiver can be set up.</summary>
public sealed class WebhookTrial
{
    /// <summary>The type of the fact; no endpoint can ask for it.</summary>
    public const string Type = "webhook.test";

    private readonly Database _database;
    private readonly SignedCall _call;

    internal WebhookTrial(Database database, SignedCall call) => (_database, _call) = (database, call);

    /// <summary>Sends it, whether or not the endpoint is enabled; gives what came of it, which no log keeps.</summary>
    /// <exception cref="NotFoundException">There is no such endpoint.</exception>
    public async Task<WebhookAttempt> SendAsync(int accountId, Guid endpointId, CancellationToken ct)
    {
        var (url, secrets, now) = await _database.ReadAsync(async session =>
        {
            var at = await session.NowAsync(ct);
            var found = await session.FirstAsync("SELECT url, secret, previous_secret, previous_until FROM webhook_endpoint WHERE account_id = @account AND key = @key",
                row => (Url: new Uri(row.Text(0)), Secrets: (string[])[row.Text(1), .. row.LongOrNull(3) > at ? [row.Text(2)] : Array.Empty<string>()]), ct, ("account", accountId), ("key", endpointId));
            return found.Url is null ? throw WebhookEndpoints.Missing(endpointId) : (found.Url, found.Secrets, At: at);
        }, ct);
        var instant = DateTimeOffset.FromUnixTimeMilliseconds(now);
        var result = await _call.MakeAsync(url, secrets, Guid.CreateVersion7(instant), Type, now, """{"message":"A test from MailFlow: nothing has happened."}""", instant, ct);
        return new WebhookAttempt(1, instant, result.Status, result.LatencyMs, result.Answer);
    }
}
