namespace MailFlow.Delivery.Reports;

/// <summary>An open, a click or a followed trap, to be judged among the others of its mail.</summary>
internal sealed record Engagement(Guid Key, FeedbackKind Kind, long At, string? Url, string? UserAgent, string? Network, bool? IsMachine);

/// <summary>Whether a human did it, and if not, what shows that.</summary>
internal readonly record struct Verdict(bool Human, string? Because)
{
    public static Verdict OfHuman { get; } = new(true, null);
}

/// <summary>
/// Tells humans from machines: security scanners follow links and load pictures before anybody reads the mail, and some mail programs load all pictures ahead. In doubt about a
/// click it was a machine where the pattern is a scanner's; a lone open or click with nothing against it was a human.
/// </summary>
internal static class Verdicts
{
    private const long TooSoonMs = 2_000, BurstMs = 2_000, NearTrapMs = 60_000, BeforeDeliveryMs = 10 * 60_000;

    /// <summary>Fetch a picture when a human opens the mail.</summary>
    private static readonly string[] Proxies = ["googleimageproxy", "yahoomailproxy"];

    private static readonly string[] Machines =
    [
        "bot", "crawl", "spider", "scan", "preview", "monitor", "headless", "phantomjs", "selenium", "puppeteer", "playwright", "curl/", "wget", "python", "go-http-client", "libwww",
        "java/", "apache-httpclient", "node-fetch", "axios/", "ruby", "perl/", "php/", "guzzle", "facebookexternalhit", "whatsapp", "skypeuri", "embedly", "barracuda", "proofpoint",
        "mimecast", "messagelabs", "symantec", "forcepoint", "trendmicro", "trend micro", "fireeye", "trellix", "sophos", "ironport", "fortinet", "fortimail", "urldefense", "safelinks",
        "zscaler", "bitdefender", "kaspersky", "checkpoint", "paloalto", "masscan", "zgrab", "http-client", "email-security",
    ];

    /// <summary>Judges all that was done with one mail.</summary>
    /// <param name="all">In any order.</param>
    /// <param name="deliveredAt">When it was delivered, or handed over where nobody reports that; null when not known.</param>
    public static Dictionary<Guid, Verdict> Judge(IReadOnlyList<Engagement> all, long? deliveredAt)
    {
        var traps = all.Where(each => each.Kind == Report.Trap).ToList();
        var clicks = all.Where(each => each.Kind == FeedbackKind.Clicked).OrderBy(each => each.At).ToList();
        var burst = Burst(clicks);
        return all.ToDictionary(each => each.Key, each => Judge(each, deliveredAt, traps, burst));
    }

    private static Verdict Judge(Engagement one, long? deliveredAt, List<Engagement> traps, HashSet<Guid> burst)
    {
        if (one.Kind == Report.Trap) return new(false, "followed a link that no human sees");
        if (one.IsMachine == true) return new(false, "the provider says that a machine did it");
        if (WhyMachine(one) is { } agent) return new(false, agent);
        if (traps.Any(trap => Math.Abs(trap.At - one.At) <= NearTrapMs && (trap.Network is null || one.Network is null || trap.Network == one.Network || one.Kind == FeedbackKind.Clicked)))
            return new(false, "a link that no human sees was followed at about the same time");
        if (burst.Contains(one.Key)) return new(false, "several links were followed at the same moment");
        if (deliveredAt is { } delivered && one.At - delivered is <= TooSoonMs and >= -BeforeDeliveryMs)
            return new(false, one.At < delivered ? "it came before the mail was delivered" : "it came within two seconds of the delivery");
        return Verdict.OfHuman;
    }

    private static string? WhyMachine(Engagement one)
    {
        if (one.UserAgent is not { } agent) return null;
        if (agent == "Mozilla/5.0") return one.Kind == FeedbackKind.Opened ? "Apple Mail loads pictures ahead" : "the program does not say what it is";
        var lower = agent.ToLowerInvariant().Replace("cubot", "", StringComparison.Ordinal); // a maker of telephones
        if (Proxies.Any(lower.Contains)) return null;
        return Machines.FirstOrDefault(lower.Contains) is null ? null : "the program is a scanner's or a link previewer's";
    }

    /// <summary>Clicks that follow one another, on another link, faster than anybody reads.</summary>
    private static HashSet<Guid> Burst(List<Engagement> clicks)
    {
        var burst = new HashSet<Guid>();
        for (var i = 0; i < clicks.Count; i++)
            for (var j = i + 1; j < clicks.Count && clicks[j].At - clicks[i].At <= BurstMs; j++)
                if (clicks[i].Url != clicks[j].Url)
                {
                    burst.Add(clicks[i].Key);
                    burst.Add(clicks[j].Key);
                }
        return burst;
    }
}
