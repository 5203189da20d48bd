using System.Globalization;
using MailFlow.Data;
using MailFlow.Engine.Definitions;

namespace MailFlow.Audience;

/// <summary>An address that must not be mailed.</summary>
/// <param name="Email">The address, in the form of <see cref="EmailAddress.Key"/>.</param>
/// <param name="Reason">Why: one of <see cref="SuppressionReason"/>, or the operator's own words.</param>
/// <param name="Scope">What must not be sent: <see cref="All"/> or <see cref="Marketing"/>.</param>
/// <param name="Source">Who said so: "api", "webhook", "unsubscribe" …</param>
/// <param name="At">Since when.</param>
/// <param name="Detail">What is known besides, such as the server's answer; null for nothing.</param>
public sealed record Suppression(string Email, string Reason, string Scope, string Source, DateTimeOffset At, string? Detail = null)
{
    /// <summary>Nothing at all may be sent.</summary>
    public const string All = "all";

    /// <summary>No marketing mail may be sent.</summary>
    public const string Marketing = "marketing";

    /// <summary>Why in plain words, such as "suppressed after hard bounce on 3 May 2026"; the day is UTC's.</summary>
    public string Describe()
    {
        var scope = Scope == Marketing ? "suppressed for marketing" : "suppressed";
        var why = Reason switch
        {
            SuppressionReason.Unsubscribed => "after unsubscribing",
            SuppressionReason.HardBounce => "after hard bounce",
            SuppressionReason.Complaint => "after spam complaint",
            SuppressionReason.InvalidAddress => "as an invalid address",
            SuppressionReason.Manual => "by hand",
            _ => $"({Reason})",
        };
        return $"{scope} {why} on {At.UtcDateTime.ToString("d MMMM yyyy", CultureInfo.InvariantCulture)}";
    }

    internal static string CheckedScope(string? scope) => scope switch
    {
        null or "" or All => All,
        Marketing => Marketing,
        _ => throw new InvalidInputException("scope", "must be 'all' or 'marketing'"),
    };

    /// <summary>The scopes that block a stream: marketing mail is blocked by both, transactional mail by "all" alone.</summary>
    internal static string SecondScopeOf(MessageStream stream) => stream == MessageStream.Marketing ? Marketing : All;
}

/// <summary>The reasons that MailFlow itself knows.</summary>
public static class SuppressionReason
{
    /// <summary>The contact unsubscribed.</summary>
    public const string Unsubscribed = "unsubscribed";

    /// <summary>The address refused mail for good.</summary>
    public const string HardBounce = "hard_bounce";

    /// <summary>The contact called it spam.</summary>
    public const string Complaint = "complaint";

    /// <summary>An operator said so.</summary>
    public const string Manual = "manual";

    /// <summary>The address cannot be mailed.</summary>
    public const string InvalidAddress = "invalid_address";

    /// <summary>Null is "manual"; a known reason may be written in any case, with spaces or hyphens; any other text stays as it is.</summary>
    internal static string Normalise(string? reason)
    {
        if (string.IsNullOrWhiteSpace(reason)) return Manual;
        ContactFieldsCheck.Characters(reason, "reason");
        if (reason.Length > 200) throw new InvalidInputException("reason", "is too long; at most 200 characters");
        var word = reason.Trim().ToLowerInvariant().Replace(' ', '_').Replace('-', '_');
        return word is Unsubscribed or HardBounce or Complaint or Manual or InvalidAddress ? word : reason.Trim();
    }

    /// <summary>How strongly a reason speaks against mailing: of two, the stronger is kept.</summary>
    internal static int Severity(string reason) => reason switch
    {
        Complaint => 5,
        HardBounce => 4,
        InvalidAddress => 3,
        Unsubscribed => 2,
        _ => 1,
    };
}

/// <summary>What adding a suppression did.</summary>
public enum SuppressionChange
{
    /// <summary>The address was not suppressed in this scope.</summary>
    Added,

    /// <summary>It was, for a weaker reason, which the new one replaces.</summary>
    Strengthened,

    /// <summary>It was, for as strong a reason, which is kept.</summary>
    Unchanged,
}
