using MailFlow.Data;
using MailFlow.Delivery.Deliverability.Dns;
using MailFlow.Delivery.Providers.Sandbox;
using MailFlow.Delivery.Providers.Smtp;

namespace MailFlow.Delivery;

/// <summary>How mail is sent: the section <c>MailFlow:Delivery</c>.</summary>
public sealed record DeliveryOptions
{
    /// <summary>Stands for the sender's address where nobody has set one: captured mail shows it, no mail leaves from it.</summary>
    internal const string NobodysAddress = "mailflow@example.org";

    /// <summary><c>sandbox</c> (captures mail in the database, sends none) or <c>smtp</c>.</summary>
    public string Provider { get; init; } = "sandbox";

    /// <summary>Where <see cref="Provider"/> keeps the data, such as <c>eu</c>: accounts of that region are served by it. Null: none that has a region, but what the sandbox captures stays here.</summary>
    public string? Region { get; init; }

    /// <summary>Where this installation keeps its data, such as <c>eu</c>: no account of another region is let in. Null: not said. The server reads it from <c>MailFlow:Region</c>.</summary>
    public string? DataRegion { get; init; }

    /// <summary>The relay, for <see cref="Provider"/> <c>smtp</c>.</summary>
    public SmtpOptions Smtp { get; init; } = new();

    /// <summary>The most mails a second by the server's own provider, above 0; null for as many as it takes.</summary>
    public double? PerSecond { get; init; }

    /// <summary>Which name servers are asked when a sending domain is checked.</summary>
    public DnsOptions Dns { get; init; } = new();

    /// <summary>
    /// Where the API of a kind of provider is reached in place of its published address, such as a gateway of your own: <c>sendgrid</c> to <c>https://gateway.example</c>.
    /// Only the operator can say so; an account that could would have this server call any address.
    /// </summary>
    public IReadOnlyDictionary<string, string> ProviderEndpoints { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// Whether the relays that accounts name in connections of their own may be in a private network or on this machine. <see cref="Smtp"/>, which the operator names, may be anywhere.
    /// </summary>
    public bool AllowPrivateRelays { get; init; }

    /// <summary>
    /// Where recipients reach this server, without a trailing slash. Marketing mail leaves for people only where it is https and a name that anybody can look up:
    /// its links to opt out must work (15 U.S.C. § 7704(a)(3)), and one click is for https alone (RFC 8058, section 3.1).
    /// </summary>
    public string PublicBaseUrl { get; init; } = "http://localhost:5000";

    /// <summary>Who mail comes from in an account that has not said so.</summary>
    public SenderIdentity Sender { get; init; } = new("MailFlow", NobodysAddress);

    /// <summary>
    /// This node's name, no other running node's, and the same each time it starts: what a crash left half-sent is then found at once when the node is
    /// back, and otherwise when its lease has run out. Two running nodes of one name would take each other's mail for left. Default: another each time.
    /// </summary>
    public string Node { get; init; } = $"{Environment.MachineName} {Environment.ProcessId} {Environment.TickCount64}";

    /// <summary>How many messages are taken up at once, 1 to 1,000; fewer where the provider takes fewer.</summary>
    public int BatchSize { get; init; } = 500;

    /// <summary>How many batches are under way at once, so that one waits for the database while another renders.</summary>
    public int Lanes { get; init; } = 2;

    /// <summary>How long after it was taken up a message may still be handed to the provider.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How often to look for mail when nobody has said that there is some.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a message that the provider puts off is tried again, counted from the first time; and once more after that, when its turn comes.</summary>
    public TimeSpan RetryFor { get; init; } = TimeSpan.FromHours(72);

    /// <summary>How long a late answer is waited for where a provider is neither idempotent nor searchable, before the message is given up (marketing) or sent again (transactional).</summary>
    public TimeSpan UnknownWindow { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>How long after its hand-over the link of a mail that asks for consent can be followed (<c>confirm_url</c>).</summary>
    public TimeSpan ConfirmWithin { get; init; } = TimeSpan.FromDays(14);

    /// <summary>Keys for signed links, the signing one first, each of 32 bytes or more; empty to keep one in the database.</summary>
    public IReadOnlyList<SigningKey> SigningKeys { get; init; } = [];

    /// <summary>Whether the server's own provider, by its name, may send for an account of this region.</summary>
    internal bool Serves(string provider, string? region) => region is null || region == Region || provider == SandboxType.Key;

    /// <summary>Whether the server's own provider is a relay that passes nothing on.</summary>
    internal bool IsCaught => Provider == "smtp" && Smtp.IsCatcher;

    /// <summary>Whether recipients can follow links to <see cref="PublicBaseUrl"/>, as far as the address tells.</summary>
    internal bool IsPublicAddress => new Uri(PublicBaseUrl) is { Scheme: "https", IsLoopback: false, HostNameType: UriHostNameType.Dns } url && url.IdnHost.TrimEnd('.').Contains('.');

    /// <summary>The address of a provider's API, to which paths are added.</summary>
    internal Uri EndpointOf(string kind, string published) => new(ProviderEndpoints.GetValueOrDefault(kind, published).TrimEnd('/') + "/");

    /// <summary>Throws <see cref="InvalidInputException"/> for what cannot be used, naming it.</summary>
    internal void Check()
    {
        if (Provider is not ("sandbox" or "smtp")) throw new InvalidInputException(nameof(Provider), $"'{Provider}' is neither 'sandbox' nor 'smtp'");
        if (Provider == "smtp" && Smtp.Validate() is { Count: > 0 } errors) throw new InvalidInputException(nameof(Smtp), string.Join(' ', errors));
        if (!Uri.TryCreate(PublicBaseUrl, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
            throw new InvalidInputException(nameof(PublicBaseUrl), $"'{PublicBaseUrl}' is not an http or https address");
        Dns.Check();
        AccountSettings.CheckedRegion(Region);
        AccountSettings.CheckedRegion(DataRegion);
        foreach (var (kind, address) in ProviderEndpoints)
            if (!Uri.TryCreate(address, UriKind.Absolute, out var endpoint) || (endpoint.Scheme != Uri.UriSchemeHttps && !(endpoint.Scheme == Uri.UriSchemeHttp && endpoint.IsLoopback)))
                throw new InvalidInputException($"{nameof(ProviderEndpoints)}.{kind}", $"'{address}' is not an https address (http is for this machine only)");
        Senders.Check(Sender);
        if (Provider != "sandbox" && Sender.Email == NobodysAddress) throw new InvalidInputException(nameof(Sender), "who mail comes from must be set before real mail is sent");
        if (PerSecond is <= 0) throw new InvalidInputException(nameof(PerSecond), "must be above 0; leave it out for no limit");
        Between(nameof(BatchSize), BatchSize, 1, 1000);
        Between(nameof(Lanes), Lanes, 1, 16);
        Between(nameof(Lease), Lease.TotalSeconds, 1, 3600);
        Between(nameof(PollInterval), PollInterval.TotalSeconds, 0.01, 60);
        Between(nameof(RetryFor), RetryFor.TotalHours, 0, 24 * 30);
        Between(nameof(UnknownWindow), UnknownWindow.TotalHours, 0, 24 * 30);
        Between(nameof(ConfirmWithin), ConfirmWithin.TotalHours, 1, 24 * 365);
        if (string.IsNullOrWhiteSpace(Node)) throw new InvalidInputException(nameof(Node), "is empty");
        if (SigningKeys.Any(key => key.Id == 0 || key.Secret.Length < 32) || SigningKeys.DistinctBy(key => key.Id).Count() < SigningKeys.Count)
            throw new InvalidInputException(nameof(SigningKeys), "each key needs an id of its own from 1 to 255 and a secret of 32 bytes or more");

        static void Between(string name, double value, double least, double most)
        {
            if (!(value >= least && value <= most)) throw new InvalidInputException(name, $"{value} is not between {least} and {most}");
        }
    }
}

/// <summary>A secret that links are signed with.</summary>
/// <param name="Id">1 to 255; stands in the link, so that old links are still known after a new key has come.</param>
/// <param name="Secret">At least 32 random bytes.</param>
public sealed record SigningKey(byte Id, byte[] Secret)
{
    /// <summary>Leaves the secret out.</summary>
    public override string ToString() => $"SigningKey {Id}";
}
