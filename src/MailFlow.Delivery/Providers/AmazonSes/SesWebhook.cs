using MailFlow.Delivery.Providers.Http;

namespace MailFlow.Delivery.Providers.AmazonSes;

/// <summary>SES reports to an SNS topic, and the topic calls here. Subscriptions of the connection's own topics are confirmed, of no others.</summary>
internal sealed class SesWebhook(ProviderHttp http, SnsCertificates certificates) : IProviderWebhook
{
    // SNS repeats a call for hours; the policy of a topic can stretch it. Repetition itself is made harmless by the message's id.
    private static readonly TimeSpan Oldest = TimeSpan.FromDays(2), Newest = TimeSpan.FromMinutes(15);

    public async ValueTask<WebhookVerdict> VerifyAsync(WebhookCall call, ConnectionSettings settings, CancellationToken ct)
    {
        try
        {
            var envelope = SnsEnvelope.Parse(call.Body);
            if (!SesType.TopicsOf(settings).Contains(envelope.TopicArn, StringComparer.Ordinal)) return new WebhookVerdict.Refused("it comes from a topic that is not the connection's");
            var age = call.At - envelope.Timestamp;
            if (age > Oldest || age < -Newest) return new WebhookVerdict.Refused($"it is {age.TotalMinutes:0} minutes old");
            if (envelope.CertificateUrl is not { } url) return new WebhookVerdict.Refused("its certificate is not at SNS");
            var (certificate, reason) = await certificates.GetAsync(url, ct);
            if (certificate is null) return new WebhookVerdict.Refused(reason!);
            if (!envelope.IsSignedBy(certificate)) return new WebhookVerdict.Refused("the signature does not match");
            return envelope.Type switch
            {
                SnsEnvelope.Notification => new WebhookVerdict.Verified(),
                SnsEnvelope.Subscription => await ConfirmAsync(envelope, ct),
                // Somebody unsubscribed us: for an operator to put right, not for us to undo.
                _ => new WebhookVerdict.Handled(),
            };
        }
        catch (FormatException error)
        {
            return new WebhookVerdict.Refused(error.Message);
        }
    }

    public IReadOnlyList<Feedback> Read(ReadOnlyMemory<byte> body)
    {
        var envelope = SnsEnvelope.Parse(body);
        return envelope.Type == SnsEnvelope.Notification ? SesEvents.Read(envelope.MessageId, envelope.Message) : [];
    }

    private async Task<WebhookVerdict> ConfirmAsync(SnsEnvelope envelope, CancellationToken ct)
    {
        if (envelope.SubscribeUrl is not { } url) return new WebhookVerdict.Refused("its confirmation does not lead to SNS");
        return await http.GetAsync(url, [], ct) is HttpOutcome.Answered { Status: 200 }
            ? new WebhookVerdict.Handled()
            // Not answered well, SNS asks again.
            : new WebhookVerdict.Refused("SNS did not take the confirmation");
    }
}
