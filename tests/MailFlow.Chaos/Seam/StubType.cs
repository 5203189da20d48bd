using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MailFlow.Chaos.Esp;
using MailFlow.Delivery;

namespace MailFlow.Chaos.Seam;

/// <summary>
/// The kind of provider "stub": by HTTP to the <see cref="StubEsp"/>, as idempotent or as searchable as that is told to be. None of the real ones is idempotent, and those that can be
/// searched must be waited for ten minutes or more, because their search lags; the stub's does not.
/// </summary>
internal sealed class StubType(Uri esp, ReplayPolicy mode) : IProviderType, IProviderWebhook
{
    public const string Kind = "stub", SigningKey = "signing_key", SignatureHeader = "X-Stub-Signature";

    public string Name => Kind;

    public string DisplayName => "Stub";

    public IReadOnlyList<ProviderSetting> Settings { get; } = [new(SigningKey, "Signing key", "What its reports are signed with.", Required: true, Secret: true)];

    public IProviderWebhook Webhook => this;

    public IEmailProvider Open(ConnectionSettings settings) => new StubSender(esp, mode);

    public ValueTask<WebhookVerdict> VerifyAsync(WebhookCall call, ConnectionSettings settings, CancellationToken ct) => ValueTask.FromResult<WebhookVerdict>(
        call.Headers.TryGetValue(SignatureHeader, out var given) && given == Sign(call.Body.Span, settings[SigningKey]) ? new WebhookVerdict.Verified() : new WebhookVerdict.Refused("the signature is wrong"));

    public IReadOnlyList<Feedback> Read(ReadOnlyMemory<byte> body) => [.. JsonSerializer.Deserialize<StubReport[]>(body.Span, JsonSerializerOptions.Web)!.Select(report => new Feedback
    {
        Key = report.Id,
        Kind = Enum.Parse<FeedbackKind>(report.Kind),
        At = DateTimeOffset.FromUnixTimeMilliseconds(report.At),
        MessageId = report.Key,
        ProviderId = report.ProviderId,
    })];

    public static string Sign(ReadOnlySpan<byte> body, string key) => Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), body));

    /// <summary>Tells the four answers apart as an API's client must: only a refused connection and a clear answer say that the mail was not taken.</summary>
    private sealed class StubSender(Uri esp, ReplayPolicy mode) : IEmailProvider, IDisposable
    {
        private readonly HttpClient _http = new(new SocketsHttpHandler { PooledConnectionIdleTimeout = TimeSpan.FromSeconds(10) }) { BaseAddress = esp, Timeout = Timeout.InfiniteTimeSpan };

        public string Name => Kind;

        public ReplayPolicy Replay => mode;

        public int Concurrency => 8;

        public TimeSpan RequestTimeout => TimeSpan.FromSeconds(5);

        public async Task<HandOver> SendAsync(OutgoingEmail email, CancellationToken ct)
        {
            try
            {
                using var answer = await _http.PostAsJsonAsync("mails", new StubMail(email.MessageId, email.To.ToString(), email.Subject, email.Attempt), ct);
                return answer.StatusCode switch
                {
                    HttpStatusCode.OK => new HandOver.Accepted(NameOf(email)),
                    HttpStatusCode.TooManyRequests => new HandOver.Deferred("429", answer.Headers.RetryAfter?.Delta, IsProviders: true),
                    _ => new HandOver.Unknown($"{(int)answer.StatusCode}"),
                };
            }
            catch (HttpRequestException error) when (error.HttpRequestError == HttpRequestError.ConnectionError)
            {
                return new HandOver.Deferred($"the stub cannot be reached: {error.Message}", IsProviders: true);
            }
        }

        public async Task<HandOver> FindAsync(OutgoingEmail email, CancellationToken ct)
        {
            using var answer = await _http.GetAsync($"mails/{email.MessageId}", ct);
            return answer.StatusCode switch
            {
                HttpStatusCode.OK => new HandOver.Accepted(NameOf(email)),
                HttpStatusCode.NotFound => new HandOver.Deferred("the stub was asked and does not have it"),
                _ => new HandOver.Unknown($"{(int)answer.StatusCode}"),
            };
        }

        public void Dispose() => _http.Dispose();

        private static string NameOf(OutgoingEmail email) => $"stub-{email.MessageId:n}";
    }
}
