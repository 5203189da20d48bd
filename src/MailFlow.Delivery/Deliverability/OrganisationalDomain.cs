namespace MailFlow.Delivery.Deliverability;

/// <summary>
/// The domain that somebody registered: <c>shop.example.co.uk</c> is of <c>example.co.uk</c>. DMARC compares these where its alignment is relaxed.
/// </summary>
/// <remarks>
/// The full answer is the Public Suffix List of some ten thousand entries, which changes weekly. This is a rule in its place: the last two labels, or three where the country's
/// registry is known to sell names below <c>co.uk</c> and its like. It is wrong for rarer registries (<c>city.kawasaki.jp</c>) and for hosting companies'
/// suffixes (<c>github.io</c>): there, what is said about alignment may differ from what a receiver finds.
/// </remarks>
internal static class OrganisationalDomain
{
    private static readonly HashSet<string> SecondLevels = ["ac", "co", "com", "edu", "go", "gob", "gov", "govt", "gv", "id", "ltd", "me", "mil", "ne", "net", "nhs", "nom", "or", "org", "plc", "sch"];

    /// <summary>Registries of two letters that sell names at the second level under those words: those in which a company is found.</summary>
    private static readonly HashSet<string> Countries =
    [
        "al", "am", "az", "bh", "bw", "by", "bz", "cm", "dz", "es", "et", "fr", "ge", "gr", "iq", "ir", "jo", "kz", "ly", "mk", "mo", "mw", "mz", "pg", "ps", "pt", "rw", "sn", "sy", "uz", "ye",
        "ae", "ar", "at", "au", "bd", "bo", "br", "cn", "co", "cr", "cy", "do", "ec", "eg", "fj", "gh", "gt", "hk", "hu", "id", "il", "in", "jm", "jp", "ke", "kh", "kr", "kw",
        "lb", "lk", "ma", "mm", "mt", "mx", "my", "na", "ng", "ni", "np", "nz", "om", "pa", "pe", "ph", "pk", "pl", "pr", "py", "qa", "ro", "rs", "ru", "sa", "sg", "sv", "th", "tn", "tr",
        "tw", "tz", "ua", "ug", "uk", "uy", "ve", "vn", "za", "zm", "zw",
    ];

    public static string Of(string domain)
    {
        var labels = domain.Split('.');
        var kept = labels.Length >= 3 && Countries.Contains(labels[^1]) && SecondLevels.Contains(labels[^2]) ? 3 : 2;
        return string.Join('.', labels[Math.Max(0, labels.Length - kept)..]);
    }

    /// <summary>Whether a domain that SPF or DKIM vouches for stands for the From domain.</summary>
    public static bool Aligned(string authenticated, string from, bool strict) => strict ? authenticated == from : Of(authenticated) == Of(from);
}
