using MailFlow.Delivery.Deliverability.Checks;

namespace MailFlow.Delivery.Deliverability;

/// <summary>A domain that an account's mail comes from.</summary>
/// <param name="Domain">The domain of From addresses: in small letters, international ones as <c>xn--…</c>.</param>
/// <param name="ReturnPath">The domain that bounces go to, where that is another one.</param>
/// <param name="TrackingHost">The host that tracked links in its mail lead to, from the check on that finds it to be ours; null: the server's own.</param>
/// <param name="Dkim">What signs its mail now; null for nothing that we know of.</param>
/// <param name="NextDkim">A key of ours that signs from the check on that sees its record in DNS.</param>
/// <param name="State">What the last check came to.</param>
/// <param name="CheckedAt">When that was; null for never, or not since it was changed.</param>
/// <param name="Checks">What was looked at, in the order of importance.</param>
/// <param name="PerSecond">The most mails a second that leave it; null for any number.</param>
public sealed record SendingDomain(
    string Domain, string? ReturnPath, string? TrackingHost, DkimIdentity? Dkim, DkimIdentity? NextDkim,
    CheckState State, DateTimeOffset? CheckedAt, IReadOnlyList<DomainCheck> Checks, double? PerSecond = null)
{
    /// <summary>The domain of the envelope's sender, which SPF is asked for.</summary>
    internal string EnvelopeDomain => ReturnPath ?? Domain;

    /// <summary>The <see cref="TrackingHost"/>, where the last check found that it leads here; a link that leads nowhere is worse than one with another name in it.</summary>
    internal string? ProvenTrackingHost => Checks.Any(check => check is { Name: TrackingCheck.Name, State: CheckState.Pass }) ? TrackingHost : null;
}

/// <summary>What signs a domain's mail.</summary>
/// <param name="Selector">Names the key.</param>
/// <param name="Ours">Whether we sign, with a key of ours; else the provider does.</param>
/// <param name="Record">Where its public key stands in DNS and, of a key of ours, what must stand there.</param>
public sealed record DkimIdentity(string Selector, bool Ours, DnsAdvice Record)
{
    internal static string RecordName(string selector, string domain) => $"{selector}._domainkey.{domain}";
}

/// <summary>How an account says a domain is set up.</summary>
/// <param name="ReturnPath">See <see cref="SendingDomain.ReturnPath"/>.</param>
/// <param name="TrackingHost">See <see cref="SendingDomain.TrackingHost"/>.</param>
/// <param name="DkimSelector">Of a new key its name, else the one the provider signs with; null leaves the choice to us, or says that nobody knows.</param>
/// <param name="DkimKey">What becomes of the key we sign with.</param>
/// <param name="DkimPrivateKey">A key in PEM to sign with; null for none given.</param>
/// <param name="PerSecond">See <see cref="SendingDomain.PerSecond"/>; above 0, at most a million.</param>
public sealed record SendingDomainSettings(
    string? ReturnPath = null, string? TrackingHost = null, string? DkimSelector = null, DkimKeyChange DkimKey = DkimKeyChange.Keep, string? DkimPrivateKey = null,
    double? PerSecond = null);

/// <summary>What becomes of a domain's key.</summary>
public enum DkimKeyChange
{
    /// <summary>It stays, or there stays to be none.</summary>
    Keep,

    /// <summary>A new one is made; the old one signs until the new one's record is seen in DNS.</summary>
    Generate,

    /// <summary>We sign no more.</summary>
    Remove,
}
