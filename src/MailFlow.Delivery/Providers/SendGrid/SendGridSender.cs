using System.Collections.Concurrent;
using System.Text.Json;
using MailFlow.Delivery.Providers.Http;

namespace MailFlow.Delivery.Providers.SendGrid;

/// <summary>
/// Sends by <c>POST /v3/mail/send</c>. It takes no idempotency key and cannot be asked by our key, so a lost answer is settled by the event webhook, which echoes the key.
/// </summary>
internal sealed class SendGridSender(ProviderHttp http, Uri address, string apiKey, string tracking) : IBulkEmailProvider
{
    private const string DisplayName = "SendGrid";

    public string Name => SendGridType.Key;

    public bool TracksEngagement => tracking != "off";

    public ReplayPolicy Replay => ReplayPolicy.Neither;

    public int Concurrency => 16;

    public int MaxBatch => SendGridRequest.Most;

    public TimeSpan RequestTimeout => TimeSpan.FromSeconds(60);

    public async Task<HandOver> SendAsync(OutgoingEmail email, CancellationToken ct) => MailText.WhyNot(email) ?? await CallAsync(SendGridRequest.Of(email), ct);

    public async Task<IReadOnlyList<HandOver>> SendManyAsync(IReadOnlyList<OutgoingEmail> emails, CancellationToken ct)
    {
        var answers = new ConcurrentDictionary<OutgoingEmail, HandOver>(ReferenceEqualityComparer.Instance);
        var good = emails.Where(email => MailText.WhyNot(email) is not { } reason || !answers.TryAdd(email, reason)).ToList();
        await Parallel.ForEachAsync(SendGridRequest.Group(good), new ParallelOptions { MaxDegreeOfParallelism = Concurrency }, async (request, _) => await SendAsync(request, answers, ct));
        return [.. emails.Select(email => answers[email])];
    }

    private async Task SendAsync(SendGridRequest request, ConcurrentDictionary<OutgoingEmail, HandOver> answers, CancellationToken ct)
    {
        var answer = ct.IsCancellationRequested ? new HandOver.Deferred($"{DisplayName}: stopped before the hand-over") : await CallAsync(request, ct);
        if (answer is HandOver.Rejected && request.Emails.Count > 1)
        {
            // A request is refused as a whole: the one mail that is to blame must not take the others with it.
            foreach (var half in request.Halves()) await SendAsync(half, answers, ct);
            return;
        }
        foreach (var email in request.Emails) answers[email] = answer;
    }

    private async Task<HandOver> CallAsync(SendGridRequest request, CancellationToken ct)
    {
        var outcome = await http.PostAsync(address, request.Write(tracking), "application/json", [("Authorization", $"Bearer {apiKey}"), ("Accept", "application/json")], ct);
        return outcome.HandOver(DisplayName, http.Now, Read);
    }

    /// <summary>Its published answers: 202; 400, 401, 403, 404, 405, 413, 415 and 429 with <c>errors[]</c>; 500; 503 while the API is not available.</summary>
    private HandOver? Read(HttpOutcome.Answered answered)
    {
        var words = Words(answered);
        return answered.Status switch
        {
            // The status alone says that it is queued; the name for it comes in a header.
            202 => new HandOver.Accepted(answered.Headers.TryGetValues("X-Message-Id", out var ids) ? ids.First() : null),
            400 when IsAbout(answered, "from") && words.Contains("verified", StringComparison.OrdinalIgnoreCase) => new HandOver.SenderFault(words, FaultScope.Domain),
            // Credits that are used up come as 401, too: no new key mends that.
            401 when words.Contains("credits", StringComparison.OrdinalIgnoreCase) => new HandOver.SenderFault(words, FaultScope.Connection),
            401 => new HandOver.SenderFault($"{words} (the API key is refused: make a new one and put it in)", FaultScope.Connection),
            // Two things come as 403: a sender that is not verified, and an account or key that may not send.
            403 => new HandOver.SenderFault(words, IsAbout(answered, "from") || words.Contains("verified Sender", StringComparison.OrdinalIgnoreCase) ? FaultScope.Domain : FaultScope.Connection),
            >= 400 and < 500 and not (408 or 429) => new HandOver.Rejected(words),
            429 => new HandOver.Deferred(words, answered.RetryAfter(http.Now, "X-RateLimit-Reset"), IsProviders: true),
            503 => new HandOver.Deferred(words, answered.RetryAfter(http.Now), IsProviders: true),
            _ => null,
        };
    }

    private static string Words(HttpOutcome.Answered answered)
    {
        var errors = answered.Json is { } json ? json.Items("errors").Select(error => error.Text("message")).OfType<string>().ToList() : [];
        return $"{DisplayName}: {answered.Status} {(errors.Count > 0 ? HttpOutcome.OneLine(string.Join("; ", errors)) : answered.Words)}".TrimEnd();
    }

    private static bool IsAbout(HttpOutcome.Answered answered, string field) =>
        answered.Json is { ValueKind: JsonValueKind.Object } json && json.Items("errors").Any(error => error.Text("field") is { } named && named.StartsWith(field, StringComparison.Ordinal));
}
