using System.Text.Json;
using MailFlow.Data;
using MailFlow.Delivery.Providers.Http;

namespace MailFlow.Delivery.Reports;

/// <summary>
/// A provider refused a mail at its hand-over, and said whose fault that is: what a bounce does that is reported later is to be done now. It is written down with the answer, as any
/// provider's call is, and read by the same reader after, so that nothing that holds up its effects holds up the answer.
/// </summary>
internal sealed record RefusedMail(Guid MessageId, int Attempt, DateTimeOffset At, BounceKind? Bounce, ListedFor? Listed, string Reason)
{
    /// <summary>Stands for the kind of provider, and for the connection.</summary>
    public const string Type = "refusal";

    /// <summary>Writes refusals down in the transaction of the answers. Written twice, they are read as one; of a mail whose contact was erased meanwhile, not at all.</summary>
    public static Task<int> StoreAsync(Session session, IReadOnlyList<(int AccountId, RefusedMail Refused)> refusals, long now, CancellationToken ct) => session.ExecuteAsync(
        $"INSERT INTO webhook_call (at, due_at, account_id, connection, type, body) SELECT @now, @now, r.account_id, '{Type}', '{Type}', r.body FROM {{rows}} WHERE NOT EXISTS (SELECT 1 FROM message WHERE message.id = r.id AND {Ledger.IsErased})",
        new Rows<(int AccountId, RefusedMail Refused)>(refusals).Int("account_id", r => r.AccountId).Uuid("id", r => r.Refused.MessageId).Bytes("body", r => JsonSerializer.SerializeToUtf8Bytes(r.Refused with { Reason = HttpOutcome.OneLine(r.Refused.Reason) })), ct, ("now", now));
}

/// <summary>Reads our own record of what providers refused.</summary>
internal sealed class RefusedMailReader : IProviderWebhook
{
    /// <summary>Nobody reports these from outside.</summary>
    public ValueTask<WebhookVerdict> VerifyAsync(WebhookCall call, ConnectionSettings settings, CancellationToken ct) => ValueTask.FromResult<WebhookVerdict>(new WebhookVerdict.Refused("not from outside"));

    public IReadOnlyList<Feedback> Read(ReadOnlyMemory<byte> body)
    {
        var refused = JsonSerializer.Deserialize<RefusedMail>(body.Span) ?? throw new FormatException("a refusal is empty");
        return
        [
            new Feedback
            {
                Key = $"{refused.MessageId}:{refused.Attempt}",
                Kind = refused.Listed is null ? FeedbackKind.Bounced : FeedbackKind.Dropped,
                At = refused.At,
                MessageId = refused.MessageId,
                Bounce = refused.Bounce,
                Listed = refused.Listed,
                Reason = refused.Reason,
            },
        ];
    }
}
