namespace MailFlow.Delivery.Deliverability;

/// <summary>What the large providers have one put into SPF, and by which of their hosts they are known when they are used as a relay.</summary>
internal static class KnownProviders
{
    private static readonly (string Provider, string Name, string Include, string[] Hosts)[] All =
    [
        ("sendgrid", "SendGrid", "sendgrid.net", ["sendgrid.net"]),
        ("ses", "Amazon SES", "amazonses.com", ["amazonaws.com"]),
        ("mailgun", "Mailgun", "mailgun.org", ["mailgun.org", "mailgun.com"]),
        ("postmark", "Postmark", "spf.mtasv.net", ["postmarkapp.com", "mtasv.net"]),
    ];

    /// <summary>The provider's name for people, and the domain to include; null for a relay of one's own.</summary>
    public static (string Name, string Include)? Of(SendingRoute route)
    {
        foreach (var (provider, name, include, hosts) in All)
            if (route.Provider == provider || (route.RelayHost is { } relay && hosts.Any(host => relay == host || relay.EndsWith($".{host}", StringComparison.OrdinalIgnoreCase)))) return (name, include);
        return null;
    }
}
