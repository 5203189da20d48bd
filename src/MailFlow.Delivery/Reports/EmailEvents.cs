namespace MailFlow.Delivery;

/// <summary>
/// The events of a contact that MailFlow raises itself, when it learns what became of a mail. A journey starts with them, waits for them and leaves by them as with any other;
/// nobody else can send one of these names.
/// </summary>
public static class EmailEvents
{
    /// <summary>The recipient's server took the mail.</summary>
    public const string Delivered = "email_delivered";

    /// <summary>The mail did not arrive; <c>event.bounce</c> says whose fault that is.</summary>
    public const string Bounced = "email_bounced";

    /// <summary>The contact called the mail spam.</summary>
    public const string Complained = "email_complained";

    /// <summary>The contact unsubscribed from all marketing mail: at the provider, by the mail's link or its program's button, or in the preference centre.</summary>
    public const string Unsubscribed = "email_unsubscribed";

    /// <summary>The mail was opened; <c>event.human</c> says whether by a human.</summary>
    public const string Opened = "email_opened";

    /// <summary>A link in the mail was followed; <c>event.human</c> says whether by a human.</summary>
    public const string Clicked = "email_clicked";

    /// <summary>Each type with what it says, in plain words.</summary>
    public static IReadOnlyList<(string EventType, string Words)> All { get; } =
    [
        (Delivered, "A mail was delivered"), (Opened, "A mail was opened"), (Clicked, "A link in a mail was clicked"), (Bounced, "A mail bounced"),
        (Complained, "A mail was called spam"), (Unsubscribed, "Unsubscribed by a mail"),
    ];

    /// <summary>Whether it is one of these names.</summary>
    public static bool IsReserved(string eventType) => eventType.StartsWith("email_", StringComparison.Ordinal) && All.Any(each => each.EventType == eventType);

    internal static string? Of(FeedbackKind kind) => kind switch
    {
        FeedbackKind.Delivered => Delivered,
        FeedbackKind.Bounced => Bounced,
        FeedbackKind.Complained => Complained,
        FeedbackKind.Unsubscribed => Unsubscribed,
        FeedbackKind.Opened => Opened,
        FeedbackKind.Clicked => Clicked,
        _ => null,
    };
}
