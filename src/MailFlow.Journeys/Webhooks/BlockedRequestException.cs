namespace MailFlow.Journeys.Webhooks;

/// <summary>A call that is not made, or not followed further, by our own rules. Trying again gives the same answer.</summary>
public class BlockedRequestException(string message) : Exception(message);

/// <summary>The host leads to an address that must not be called.</summary>
/// <param name="host">The host as the URL names it.</param>
/// <param name="reason">What its address is, for a person.</param>
public sealed class BlockedAddressException(string host, string reason) : BlockedRequestException($"{host} may not be called: {reason}. An operator can allow it (MailFlow:Webhooks:Http:AllowedTargets).")
{
    /// <summary>The host as the URL names it.</summary>
    public string Host { get; } = host;

    /// <summary>What its address is, for a person.</summary>
    public string Reason { get; } = reason;
}
