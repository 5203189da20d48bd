namespace MailFlow.Delivery;

/// <summary>How an account's mail is tracked.</summary>
/// <param name="Enabled">Whether opens and clicks are tracked by our own means; null: where the provider does not do it itself, and never in the sandbox.</param>
/// <param name="NeedsConsent">Whether only contacts are tracked who have agreed: their attribute <c>tracking</c> is true; by the provider, too. A contact whose <c>tracking</c> is false never is.</param>
public sealed record TrackingSettings(bool? Enabled, bool NeedsConsent)
{
    /// <summary>Of an account that has not said.</summary>
    public static TrackingSettings Standard { get; } = new(null, false);
}
