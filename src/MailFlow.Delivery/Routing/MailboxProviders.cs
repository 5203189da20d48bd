using System.Collections.Frozen;

namespace MailFlow.Delivery.Routing;

/// <summary>Who keeps the mailboxes of a domain, as far as its name tells: the great ones limit a sender over all of their domains together.</summary>
internal static class MailboxProviders
{
    private static readonly FrozenDictionary<string, string> ByDomain = new Dictionary<string, string[]>
    {
        ["gmail"] = ["gmail.com", "googlemail.com"],
        ["microsoft"] = ["outlook.com", "hotmail.com", "live.com", "msn.com", "outlook.de", "outlook.fr", "hotmail.de", "hotmail.fr", "hotmail.co.uk", "live.de", "live.fr", "live.co.uk",
            "outlook.it", "outlook.es", "outlook.at", "outlook.be", "outlook.dk", "outlook.pt", "outlook.com.br", "outlook.com.au", "outlook.jp", "hotmail.it", "hotmail.es", "hotmail.be", "hotmail.nl", "hotmail.ch",
            "hotmail.se", "hotmail.no", "hotmail.dk", "hotmail.ca", "hotmail.com.br", "hotmail.com.ar", "live.it", "live.nl", "live.be", "live.at", "live.dk", "live.se", "live.no", "live.ca", "live.com.au", "live.com.mx", "windowslive.com", "passport.com"],
        ["yahoo"] = ["yahoo.com", "ymail.com", "rocketmail.com", "aol.com", "yahoo.de", "yahoo.fr", "yahoo.co.uk", "yahoo.it", "yahoo.es", "yahoo.co.jp", "yahoo.com.br", "yahoo.ca", "yahoo.in", "yahoo.co.in",
            "yahoo.com.au", "yahoo.com.mx", "yahoo.com.ar", "yahoo.com.sg", "yahoo.co.id", "yahoo.gr", "yahoo.ie", "yahoo.pl", "yahoo.ro", "yahoo.se", "yahoo.dk", "yahoo.no", "yahoo.at", "yahoo.be", "yahoo.nl", "yahoo.pt",
            "aim.com", "verizon.net", "att.net", "sbcglobal.net", "bellsouth.net"],
        ["apple"] = ["icloud.com", "me.com", "mac.com"],
    }.SelectMany(pair => pair.Value.Select(domain => (domain, pair.Key))).ToFrozenDictionary(pair => pair.domain, pair => pair.Key);

    /// <summary>Their names, which limits can be set for.</summary>
    public static IReadOnlyList<string> Names { get; } = ["gmail", "microsoft", "yahoo", "apple"];

    /// <summary>What mail is counted by: the great ones, and <c>other</c>.</summary>
    public static IReadOnlyList<string> Counted { get; } = [.. Names, Other];

    /// <summary>Gmail tells nobody who complained; its mail would make the others' complaints look few.</summary>
    public const string Silent = "gmail";

    private const string Other = "other";

    /// <summary>Under which of <see cref="Counted"/> a recipient's domain is.</summary>
    public static string CounterOf(string domain) => ByDomain.GetValueOrDefault(domain.ToLowerInvariant(), Other);

    /// <summary><c>gmail</c>; the domain itself for all others.</summary>
    public static string Of(string domain) => ByDomain.GetValueOrDefault(domain, domain);
}
