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
    /// <param name="Bounce">Whose fault it is, where the answer tells of the recipient or the mail: what a bounce that is reported later does, is done then. Null for what says nothing of either, such as a request that cannot be read.</param>
    /// <param name="Listed">Why the address is on the provider's own list, where that is what the answer says: it is nothing new.</param>
    public sealed record Rejected(string Reason, BounceKind? Bounce = null, ListedFor? Listed = null) : HandOver;

    /// <summary>Certainly not taken, and may be tried again.</summary>
    /// <param name="Reason">In plain words.</param>
    /// <param name="RetryAfter">The earliest the provider wants to be asked again; null leaves it to the sender's back-off.</param>
    /// <param name="IsProviders">
    /// Whether the trouble is the provider's (refused connections, 429, 5xx) and not this recipient's: it counts against the connection, and <paramref name="RetryAfter"/>
    /// then holds for all mail by it.
    /// </param>
    public sealed record Deferred(string Reason, TimeSpan? RetryAfter = null, bool IsProviders = false) : HandOver;

    /// <summary>
    /// Certainly not taken, and the fault is the sender's own: refused credentials, a domain that is not verified, mail that fails authentication. It would be the same for every
    /// mail, so what <paramref name="Stops"/> names is stopped until an operator has mended it. It never counts against the recipient; the mail waits.
    /// </summary>
    /// <param name="Reason">In plain words, with what is to be mended.</param>
    /// <param name="Stops">What is stopped.</param>
    public sealed record SenderFault(string Reason, FaultScope Stops) : HandOver;

    /// <summary>It may have been taken: the request was, or may have been, complete and no answer came.</summary>
    /// <param name="Reason">In plain words.</param>
    /// <param name="IsProviders">Whether the trouble is the provider's, and counts against the connection: not where it was asked, answered, and only cannot say yet.</param>
    public sealed record Unknown(string Reason, bool IsProviders = true) : HandOver;
}

/// <summary>What a sender's fault stops.</summary>
public enum FaultScope
{
    /// <summary>The provider connection: its credentials or its account; mail may leave by another one.</summary>
    Connection,

    /// <summary>The mail's stream from its sending domain, by whatever connection: the domain fails authentication.</summary>
    Domain,
}
