namespace MailFlow.Delivery;

/// <summary>A provider's answer to one mail.</summary>
public abstract record HandOver
{
    private HandOver() { }

    /// <summary>The provider answers for the mail from now on.</summary>
    /// <param name="ProviderId">The provider's own name for it, where it gave one.</param>
    public sealed record Accepted(string? ProviderId = null) : HandOver;

    /// <summary>Refused for good: trying again would give the same answer.</summary>
    /// <param name="Reason">In plain words.</param>
    public sealed record Rejected(string Reason) : HandOver;

    /// <summary>Certainly not taken, and may be tried again.</summary>
    /// <param name="Reason">In plain words.</param>
    /// <param name="RetryAfter">The earliest the provider wants to be asked again; null leaves it to the sender's back-off.</param>
    public sealed record Deferred(string Reason, TimeSpan? RetryAfter = null) : HandOver;

    /// <summary>It may have been taken: the request was, or may have been, complete and no answer came.</summary>
    /// <param name="Reason">In plain words.</param>
    public sealed record Unknown(string Reason) : HandOver;
}
