namespace MailFlow.Journeys.Facts;

/// <summary>How facts are told to webhooks.</summary>
/// <param name="TimeoutSeconds">Seconds for one call.</param>
/// <param name="DisableAfter">An endpoint that has taken nothing for so long is disabled.</param>
internal sealed record OutgoingOptions(int TimeoutSeconds, TimeSpan DisableAfter)
{
    /// <summary>How long after it was taken up a call may still begin.</summary>
    public TimeSpan Patience { get; } = TimeSpan.FromSeconds(20);

    /// <summary>How long a delivery is this node's: longer than any call that began in time.</summary>
    public TimeSpan Lease => Patience + TimeSpan.FromSeconds(TimeoutSeconds + 30);
}
