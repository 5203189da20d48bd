namespace MailFlow.Delivery;

/// <summary>The names of bounces in the API and in events.</summary>
public static class BounceWords
{
    /// <summary>The kind's name: <c>recipient_soft</c>.</summary>
    public static string Of(BounceKind kind) => kind switch
    {
        BounceKind.Hard => "hard",
        BounceKind.RecipientSoft => "recipient_soft",
        BounceKind.MessageSoft => "message_soft",
        _ => "sender_fault",
    };
}
