namespace MailFlow.Delivery.Deliverability;

/// <summary>How a check came out; the values are stored.</summary>
public enum CheckState
{
    /// <summary>As it should be.</summary>
    Pass = 0,

    /// <summary>Mail will arrive; it could be better, or it is not quite known.</summary>
    Warning = 1,

    /// <summary>Mail will be refused, filed as spam, or do harm.</summary>
    Fail = 2,

    /// <summary>Nothing is known: it has not been looked at, does not apply, or DNS did not answer.</summary>
    NotChecked = 3,
}

/// <summary>One thing that was looked at.</summary>
/// <param name="Name"><c>spf</c>, <c>dkim</c>, <c>dmarc</c>, <c>mail</c>, <c>relay</c> or <c>tracking</c>.</param>
/// <param name="State">How it came out.</param>
/// <param name="Found">What is there, as it is there; empty for nothing.</param>
/// <param name="Meaning">What that means, in plain words.</param>
/// <param name="Fix">What to do; null when there is nothing to do.</param>
/// <param name="Records">The records to publish, ready to be copied.</param>
public sealed record DomainCheck(
    string Name, CheckState State, IReadOnlyList<string> Found, string Meaning, string? Fix, IReadOnlyList<DnsAdvice> Records)
{
    /// <summary>The checks that receivers insist on: of these, not knowing is not good enough.</summary>
    private static readonly string[] Wanted = ["spf", "dkim", "dmarc"];

    /// <summary>What the checks of a domain add up to.</summary>
    public static CheckState Sum(IReadOnlyList<DomainCheck> checks) =>
        checks.Any(check => check.State == CheckState.Fail) ? CheckState.Fail
        : checks.All(check => check.State == CheckState.NotChecked) ? CheckState.NotChecked
        : checks.Any(check => check.State == CheckState.Warning || (check.State == CheckState.NotChecked && Wanted.Contains(check.Name))) ? CheckState.Warning
        : CheckState.Pass;

    /// <summary>Whether nothing is known because DNS did not tell: what was known before holds then.</summary>
    internal bool IsSilence { get; init; }

    internal static DomainCheck Silent(string name, string meaning, string fix = "Check again in a few minutes.") => Skipped(name, meaning, fix) with { IsSilence = true };

    internal static DomainCheck Passed(string name, IReadOnlyList<string> found, string meaning) => new(name, CheckState.Pass, found, meaning, null, []);

    internal static DomainCheck Skipped(string name, string meaning, string? fix = null) => new(name, CheckState.NotChecked, [], meaning, fix, []);
}

/// <summary>A record to publish in DNS.</summary>
/// <param name="Type"><c>TXT</c>, <c>CNAME</c>, <c>MX</c> or <c>PTR</c>.</param>
/// <param name="Name">Its full name.</param>
/// <param name="Value">Its value, as one text.</param>
public sealed record DnsAdvice(string Type, string Name, string Value);
