using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using MailFlow.Delivery;

namespace MailFlow.Testing;

/// <summary>What a <see cref="ReportingProvider"/> reports.</summary>
public sealed record StubReport(
    string Key, FeedbackKind Kind, DateTimeOffset At, Guid? Message = null, string? ProviderId = null, BounceKind? Bounce = null, string? Reason = null, string? Url = null, string? Agent = null,
    string? Ip = null, bool? Machine = null, ReportedFault? Fault = null, ListedFor? Listed = null);

/// <summary>A kind of provider that takes mail as a <see cref="StubProvider"/> does and reports over a webhook, each call signed with HMAC-SHA256 over its bytes.</summary>
public class ReportingProvider(StubProvider? provider = null, string name = "reporting") : IProviderType, IProviderWebhook
{
    /// <summary>The header that holds the signature in hexadecimal.</summary>
    public const string Header = "X-Signature";

    private static readonly JsonSerializerOptions Json = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <summary>What takes the mail.</summary>
    public StubProvider Provider { get; } = provider ?? new StubProvider();

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public string DisplayName => "Reporting";

    /// <inheritdoc/>
    public IReadOnlyList<ProviderSetting> Settings { get; } = [new("key", "Key", "The key that calls are signed with", Required: true, Secret: true)];

    /// <inheritdoc/>
    public IProviderWebhook Webhook => this;

    /// <inheritdoc/>
    public IEmailProvider Open(ConnectionSettings settings) => Provider;

    /// <inheritdoc/>
    public virtual ValueTask<WebhookVerdict> VerifyAsync(WebhookCall call, ConnectionSettings settings, CancellationToken ct) => ValueTask.FromResult<WebhookVerdict>(
        call.Headers.TryGetValue(Header, out var given) && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(given), Encoding.ASCII.GetBytes(Sign(call.Body.Span, settings["key"])))
            ? new WebhookVerdict.Verified() : new WebhookVerdict.Refused("the signature is wrong"));

    /// <inheritdoc/>
    public IReadOnlyList<Feedback> Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            return [.. JsonSerializer.Deserialize<StubReport[]>(body.Span, Json)!.Select(report => new Feedback
            {
                Key = report.Key,
                Kind = report.Kind,
                At = report.At,
                MessageId = report.Message,
                ProviderId = report.ProviderId,
                Bounce = report.Bounce,
                Fault = report.Fault,
                Listed = report.Listed,
                Reason = report.Reason,
                Url = report.Url,
                UserAgent = report.Agent,
                IpAddress = report.Ip,
                IsMachine = report.Machine,
            })];
        }
        catch (JsonException error)
        {
            throw new FormatException("the call is not a list of reports", error);
        }
    }

    /// <summary>The bytes of a call with these reports.</summary>
    public static byte[] Write(params IEnumerable<StubReport> reports) => JsonSerializer.SerializeToUtf8Bytes(reports, Json);

    /// <summary>The signature of a call.</summary>
    public static string Sign(ReadOnlySpan<byte> body, string key) => Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), body));
}
