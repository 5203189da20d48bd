namespace MailFlow.Delivery;

/// <summary>Where a message stands in the ledger. The numbers are stored.</summary>
public enum MessageState
{
    /// <summary>Planned; nothing has been tried.</summary>
    Queued = 0,

    /// <summary>Being handed over to the provider.</summary>
    Inflight = 1,

    /// <summary>The provider answers for it from now on. An end.</summary>
    Accepted = 2,

    /// <summary>The provider, or the template, refused it for good. An end.</summary>
    Rejected = 3,

    /// <summary>Certainly not taken; it will be tried again.</summary>
    Deferred = 4,

    /// <summary>The provider may or may not have taken it: the answer was lost.</summary>
    Unknown = 5,

    /// <summary>Withheld because of the recipient: suppressed, no consent, no address. An end.</summary>
    Suppressed = 6,

    /// <summary>Not sent in time. An end.</summary>
    Expired = 7,

    /// <summary>Called off by the journey: exit, cancellation. An end.</summary>
    Cancelled = 8,

    /// <summary>Lost or sent, and nobody can say which; it is not sent again. An end.</summary>
    Unconfirmed = 9,
}
