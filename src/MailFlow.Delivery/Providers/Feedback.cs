namespace MailFlow.Delivery;

/// <summary>What may become of a mail that a provider has taken. The numbers are stored.</summary>
public enum FeedbackKind
{
    /// <summary>The provider has it: settles a message whose answer was lost.</summary>
    Accepted = 0,

    /// <summary>The recipient's server has it.</summary>
    Delivered = 1,

    /// <summary>The recipient's server put it off; the provider tries again.</summary>
    Delayed = 2,

    /// <summary>It did not arrive; <see cref="Feedback.Bounce"/> says whose fault that is.</summary>
    Bounced = 3,

    /// <summary>The provider itself did not send it, such as to an address on its own suppression list.</summary>
    Dropped = 4,

    /// <summary>The recipient called it spam.</summary>
    Complained = 5,

    /// <summary>The recipient unsubscribed by the provider's own means.</summary>
    Unsubscribed = 6,

    /// <summary>It was opened.</summary>
    Opened = 7,

    /// <summary>A link in it was followed.</summary>
    Clicked = 8,
}

/// <summary>Why a mail bounced. The numbers are stored.</summary>
public enum BounceKind
{
    /// <summary>The address does not exist and never will: it is suppressed.</summary>
    Hard = 1,

    /// <summary>The mailbox cannot take mail now (full, disabled, unreachable): it is suppressed when that goes on.</summary>
    RecipientSoft = 2,

    /// <summary>This one message was not wanted (content, size, greylisting): it says nothing about the address.</summary>
    MessageSoft = 3,

    /// <summary>The sender is not set up as it must be (authentication, reputation, blocklist): it never counts against the recipient.</summary>
    SenderFault = 4,
}

/// <summary>Why a provider's own list keeps it from mailing an address. It is nothing new: it is known, and not counted.</summary>
public enum ListedFor
{
    /// <summary>Mail to it bounced before.</summary>
    HardBounce,

    /// <summary>The recipient called mail spam before.</summary>
    Complaint,

    /// <summary>The recipient unsubscribed by the provider's means.</summary>
    Unsubscribed,

    /// <summary>It does not say.</summary>
    Unsaid,
}

/// <summary>What a bounce that is the sender's fault says of other mail: none would fare better.</summary>
/// <param name="Stops">What of the sender's is refused.</param>
/// <param name="IsExact">Whether a code that means nothing else says so: said by a great mailbox provider, one report is enough. Anything else must be said by several receivers.</param>
public sealed record ReportedFault(FaultScope Stops, bool IsExact = false);

/// <summary>One thing a provider reports about one mail to one recipient.</summary>
public sealed record Feedback
{
    /// <summary>What makes it this report and no other, the same when the provider reports it again: 1 to 200 characters, unique within a connection.</summary>
    public required string Key { get; init; }

    /// <summary>What happened.</summary>
    public required FeedbackKind Kind { get; init; }

    /// <summary>When, by the provider's clock.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Our send key, where the provider gives it back.</summary>
    public Guid? MessageId { get; init; }

    /// <summary>The provider's own name for the mail, as it was given in <see cref="HandOver.Accepted"/>.</summary>
    public string? ProviderId { get; init; }

    /// <summary>The recipient.</summary>
    public string? Email { get; init; }

    /// <summary>Of a bounce: whose fault.</summary>
    public BounceKind? Bounce { get; init; }

    /// <summary>Of a mail that was dropped because the address is on the provider's own list: why it stands there; null for any other.</summary>
    public ListedFor? Listed { get; init; }

    /// <summary>Of a bounce that is the sender's fault: what it says of other mail; null where it says nothing, or ends by itself.</summary>
    public ReportedFault? Fault { get; init; }

    /// <summary>
    /// Of a report that came as a mail, which anybody can have written: what stood where our signature must stand, empty for nothing. Null where the call itself was verified as
    /// the provider's.
    /// </summary>
    public string? ReturnTag { get; init; }

    /// <summary>The server's or the provider's words, at most 500 characters.</summary>
    public string? Reason { get; init; }

    /// <summary>Of a click: where the link leads.</summary>
    public string? Url { get; init; }

    /// <summary>Of an open or a click: what program it was.</summary>
    public string? UserAgent { get; init; }

    /// <summary>Of an open or a click: from which address.</summary>
    public string? IpAddress { get; init; }

    /// <summary>Of an open or a click: whether the provider says that a machine made it; null when it does not say.</summary>
    public bool? IsMachine { get; init; }
}
