namespace MailFlow.Delivery;

/// <summary>
/// What a provider calls when it has something to report. A call is verified on its raw bytes, stored, answered, and only then read: <see cref="Read"/> may run much later, and
/// again after a crash.
/// </summary>
public interface IProviderWebhook
{
    /// <summary>Whether the connection's provider made this call.</summary>
    ValueTask<WebhookVerdict> VerifyAsync(WebhookCall call, ConnectionSettings settings, CancellationToken ct);

    /// <summary>What a verified call reports. What is none of our business is left out; a report that cannot be understood is a <see cref="FormatException"/> for the whole call.</summary>
    IReadOnlyList<Feedback> Read(ReadOnlyMemory<byte> body);
}

/// <summary>A call as it came in.</summary>
/// <param name="Headers">By name, in any case of letters.</param>
/// <param name="Query">The query's parameters; for providers that can only be given a secret in the address.</param>
/// <param name="Body">The raw bytes, before anything has read them.</param>
/// <param name="At">When it came, by the server's clock.</param>
public sealed record WebhookCall(
    IReadOnlyDictionary<string, string> Headers, IReadOnlyDictionary<string, string> Query, ReadOnlyMemory<byte> Body, DateTimeOffset At);

/// <summary>What to do with a call.</summary>
public abstract record WebhookVerdict
{
    private WebhookVerdict() { }

    /// <summary>Store it.</summary>
    /// <param name="Token">
    /// Of a signature that does not cover the body: what it covers, which is then good for the first body it comes with, and that one's repetitions. Null where the body is covered.
    /// </param>
    public sealed record Verified(string? Token = null) : WebhookVerdict;

    /// <summary>Verified, and already dealt with: a handshake such as the confirmation of a subscription. Nothing is stored.</summary>
    public sealed record Handled : WebhookVerdict;

    /// <summary>Answer 401 and store nothing.</summary>
    /// <param name="Reason">For our log; the caller is told nothing.</param>
    public sealed record Refused(string Reason) : WebhookVerdict;
}
