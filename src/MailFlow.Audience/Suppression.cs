using System.Globalization;
using MailFlow.Data;
using MailFlow.Engine.Definitions;

namespace MailFlow.Audience;

/// <summary>An address, or all addresses of a domain, that must not be mailed.</summary>
/// <param name="Email">The address, in the form of <see cref="EmailAddress.MailboxKey"/>; <c>@example.org</c> for a whole domain; <c>#</c> and a keyed hash for an erased person's.</param>
/// <param name="Reason">Why: one of <see cref="SuppressionReason"/>, or the operator's own words.</param>
/// <param name="Scope">What must not be sent: <see cref="All"/>, <see cref="Marketing"/> or <see cref="Transactional"/>.</param>
/// <param name="Source">Who said so: "api", "webhook", "unsubscribe" …</param>
/// <param name="At">Since when.</param>
/// <param name="Detail">What is known besides, such as the server's answer; null for nothing.</param>
/// <param name="ExpiresAt">Until when; null for good.</param>
public sealed record Suppression(string Email, string Reason, string Scope, string Source, DateTimeOffset At, string? Detail = null, DateTimeOffset? ExpiresAt = null)
{
    /// <summary>Nothing at all may be sent.</summary>
    public const string All = "all";

    /// <summary>No marketing mail may be sent.</summary>
    public const string Marketing = "marketing";

    /// <summary>No transactional mail may be sent.</summary>
    public const string Transactional = "transactional";

    /// <summary>What <see cref="Email"/> is: <c>address</c>, <c>domain</c> or <c>erased</c>.</summary>
    public string Kind => Email.Length > 0 && Email[0] is '@' or '#' ? Email[0] == '@' ? "domain" : "erased" : "address";

    /// <summary>Why in plain words, such as "suppressed after hard bounce on 3 May 2026"; the day is UTC's.</summary>
    public string Describe()
    {
        var scope = (Kind == "domain" ? $"whole domain {Email[1..]} suppressed" : "suppressed") + (Scope == All ? "" : $" for {Scope}");
        var why = Reason switch
        {
            SuppressionReason.Unsubscribed => "after unsubscribing",
            SuppressionReason.HardBounce => "after hard bounce",
            SuppressionReason.Complaint => "after spam complaint",
            SuppressionReason.InvalidAddress => "as an invalid address",
            SuppressionReason.Manual => "by hand",
            SuppressionReason.SoftBounce => "after it could not take mail again and again",
            SuppressionReason.ListedAtProvider => "as listed at the provider",
            SuppressionReason.Paused => "at the contact's wish",
            SuppressionReason.Erased => "after the person's data was erased",
            _ => $"({Reason})",
        };
        return $"{scope} {why} on {Day(At)}{(ExpiresAt is { } until ? $" until {Day(until)}" : "")}";

        static string Day(DateTimeOffset instant) => instant.UtcDateTime.ToString("d MMMM yyyy", CultureInfo.InvariantCulture);
    }

    /// <summary>What holds of two that are for the same: the stronger reason, and the later end. As the database has it of one written after the other.</summary>
    internal static Suppression Stronger(Suppression one, Suppression other) =>
        (SuppressionReason.Severity(other.Reason) > SuppressionReason.Severity(one.Reason) ? other : one) with
        {
            ExpiresAt = one.ExpiresAt is null || other.ExpiresAt is null ? null : one.ExpiresAt > other.ExpiresAt ? one.ExpiresAt : other.ExpiresAt,
        };

    internal static string CheckedScope(string? scope) => scope switch
    {
        null or "" or All => All,
        Marketing => Marketing,
        Transactional => Transactional,
        _ => throw new InvalidInputException("scope", "must be 'all', 'marketing' or 'transactional'"),
    };

    /// <summary>The scope that blocks a stream, besides "all".</summary>
    internal static string ScopeOf(MessageStream stream) => stream == MessageStream.Marketing ? Marketing : Transactional;
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

    /// <summary>The mailbox took no mail again and again.</summary>
    public const string SoftBounce = "soft_bounce";

    /// <summary>A provider's own list holds the address without saying why.</summary>
    public const string ListedAtProvider = "listed_at_provider";

    /// <summary>The contact wants no marketing mail for a while.</summary>
    public const string Paused = "paused";

    /// <summary>The person's data was erased, and nothing may be sent should the address come back.</summary>
    public const string Erased = "erased";

    /// <summary>Null is "manual"; a known reason may be written in any case, with spaces or hyphens; any other text stays as it is.</summary>
    internal static string Normalise(string? reason)
    {
        if (string.IsNullOrWhiteSpace(reason)) return Manual;
        ContactFieldsCheck.Characters(reason, "reason");
        if (reason.Length > 200) throw new InvalidInputException("reason", "is too long; at most 200 characters");
        var word = reason.Trim().ToLowerInvariant().Replace(' ', '_').Replace('-', '_');
        return word is Unsubscribed or HardBounce or Complaint or Manual or InvalidAddress or Paused or Erased or SoftBounce or ListedAtProvider ? word : reason.Trim();
    }

    /// <summary>
    /// How strongly a reason speaks against mailing: of two, the stronger is kept. What an operator says, by hand or in words of their own, is stronger than what a recipient does, so
    /// that no recipient takes it back; what the address itself shows is stronger still, and neither takes that back.
    /// </summary>
    internal static int Severity(string reason) => reason switch
    {
        Erased => 7,
        Complaint => 6,
        HardBounce => 5,
        InvalidAddress => 4,
        Unsubscribed => 2,
        SoftBounce or ListedAtProvider => 1,
        Paused => 0,
        _ => 3,
    };
}

/// <summary>What adding a suppression did.</summary>
public enum SuppressionChange
{
    /// <summary>The address was not suppressed in this scope.</summary>
    Added,

    /// <summary>It was, for a weaker reason, which the new one replaces, or for a shorter time, which is longer now.</summary>
    Strengthened,

    /// <summary>It was, for as strong a reason and as long a time, which is kept.</summary>
    Unchanged,
}
