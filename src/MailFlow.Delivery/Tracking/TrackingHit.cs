using System.Text.Json;
using MailFlow.Delivery.Reports;

namespace MailFlow.Delivery.Tracking;

/// <summary>A tracked address was fetched. It is stored as any provider's call is, and read by the same reader after.</summary>
internal sealed record TrackingHit(string Key, TrackedKind Kind, Guid MessageId, DateTimeOffset At, string? Url, string? UserAgent, string? IpAddress, bool IsMachine)
{
    /// <summary>Stands for the kind of provider, and for the connection.</summary>
    public const string Type = "tracking";

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this);
}

/// <summary>Reads our own hits.</summary>
internal sealed class TrackingHitReader : IProviderWebhook
{
    /// <summary>Nobody reports these from outside.</summary>
    public ValueTask<WebhookVerdict> VerifyAsync(WebhookCall call, ConnectionSettings settings, CancellationToken ct) => ValueTask.FromResult<WebhookVerdict>(new WebhookVerdict.Refused("not from outside"));

    public IReadOnlyList<Feedback> Read(ReadOnlyMemory<byte> body)
    {
        var hit = JsonSerializer.Deserialize<TrackingHit>(body.Span) ?? throw new FormatException("a tracking hit is empty");
        return
        [
            new Feedback
            {
                Key = hit.Key,
                Kind = hit.Kind switch { TrackedKind.Open => FeedbackKind.Opened, TrackedKind.Click => FeedbackKind.Clicked, _ => Report.Trap },
                At = hit.At,
                MessageId = hit.MessageId,
                Url = hit.Url,
                UserAgent = hit.UserAgent,
                IpAddress = hit.IpAddress,
                IsMachine = hit.IsMachine ? true : null,
            },
        ];
    }
}
