namespace MailFlow.Delivery;

/// <summary>What becomes of a marketing mail whose recipient has had as much as the account's cap allows. The numbers are stored.</summary>
public enum MessagePriority
{
    /// <summary>It is skipped.</summary>
    Low = 0,

    /// <summary>It waits until there is room.</summary>
    Normal = 1,

    /// <summary>It is sent all the same.</summary>
    High = 2,
}
