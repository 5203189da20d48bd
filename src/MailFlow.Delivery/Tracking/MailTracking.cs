using System.Collections.Concurrent;
using System.Text;
using MailFlow.Data;
using MailFlow.Delivery.Reports;
using MailFlow.Delivery.Routing;
using MailFlow.Delivery.Tracking;
using MailFlow.Delivery.Unsubscribing;
using MailFlow.Engine.Activities;
using Microsoft.Extensions.Logging;

namespace MailFlow.Delivery;

/// <summary>Who fetched a tracked address.</summary>
/// <param name="UserAgent">What the program calls itself.</param>
/// <param name="IpAddress">Where it called from.</param>
/// <param name="LooksOnly">Whether it asked for the headers alone, as no human's browser does.</param>
public sealed record TrackingVisitor(string? UserAgent, string? IpAddress, bool LooksOnly);

/// <summary>Where a tracked link leads.</summary>
/// <param name="Url">Where to; null for a link that leads nowhere, which no human sees.</param>
public sealed record TrackedTarget(string? Url);

/// <summary>
/// Opens and clicks by our own means: a picture of one dot, and links that pass by this server. For providers that do not track themselves; each account and each contact can
/// be left out. The text part's links stay as they are.
/// </summary>
public sealed class MailTracking
{
    /// <summary>The server's paths; the token follows after a slash.</summary>
    public const string OpenPath = "/t/o", ClickPath = "/t/c";

    /// <summary>The attribute of a contact that says whether it is tracked.</summary>
    public const string Attribute = "tracking";

    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(5), LongestStore = TimeSpan.FromSeconds(2);
    private static readonly string[] OwnPages = [Unsubscribe.Path + "/", "/preferences/", "/confirm/"];

    private readonly Database _database;
    private readonly SigningKeys _keys;
    private readonly WebhookIntake _intake;
    private readonly HitLimit _limit;
    private readonly LinkHosts _hosts;
    private readonly ILogger<MailTracking> _log;
    private readonly string _base;
    private readonly ConcurrentDictionary<int, (TrackingSettings Settings, long Since)> _settings = new();

    internal MailTracking(Database database, SigningKeys keys, WebhookIntake intake, LinkHosts hosts, DeliveryOptions options, ILogger<MailTracking> log) =>
        (_database, _keys, _intake, _hosts, _limit, _log, _base) = (database, keys, intake, hosts, new HitLimit(database.Time), log, options.PublicBaseUrl.TrimEnd('/'));

    /// <summary>How an account's mail is tracked.</summary>
    public async Task<TrackingSettings> FindAsync(int accountId, CancellationToken ct) => await _database.ReadAsync(session => session.FirstAsync(
        "SELECT enabled, consent FROM tracking WHERE account_id = @account",
        row => new TrackingSettings(row.IsNull(0) ? null : row.Bool(0), row.Bool(1)), ct, ("account", accountId)), ct) ?? TrackingSettings.Standard;

    /// <summary>Sets how an account's mail is tracked; mail that is handed over some seconds later follows it.</summary>
    public async Task<TrackingSettings> PutAsync(int accountId, TrackingSettings settings, CancellationToken ct)
    {
        await _database.WriteAsync(async session =>
        {
            await session.ExecuteAsync("""
                INSERT INTO tracking (account_id, enabled, consent, updated_at) VALUES (@account, @enabled, @consent, @now)
                ON CONFLICT (account_id) DO UPDATE SET enabled = excluded.enabled, consent = excluded.consent, updated_at = excluded.updated_at
                """, ct, ("account", accountId), ("enabled", settings.Enabled), ("consent", settings.NeedsConsent), ("now", await session.NowAsync(ct)));
            await Audit.RecordAsync(session, accountId, "tracking.put", "tracking", ct, ("enabled", settings.Enabled), ("needs_consent", settings.NeedsConsent));
        }, ct);
        _settings.TryRemove(accountId, out _);
        return settings;
    }

    /// <summary>
    /// What a tracked address leads to, its visit kept first; null for one that we did not sign. When the visit cannot be kept, the human still gets where the link leads.
    /// </summary>
    /// <param name="token">What followed the path.</param>
    /// <param name="isOpen">Whether the picture was asked for.</param>
    /// <param name="visitor">Who asked.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<TrackedTarget?> VisitAsync(string token, bool isOpen, TrackingVisitor visitor, CancellationToken ct)
    {
        if (!TrackingToken.TryRead(token, await _keys.AllAsync(ct), out var address) || (address.Kind == TrackedKind.Open) != isOpen) return null;
        var target = new TrackedTarget(address.Kind == TrackedKind.Click ? address.Url : null);
        if (!_limit.Take(address.MessageId) || (await SettingsAsync(address.AccountId, ct)).Enabled == false) return target;
        // A program that does not even say what it is, is none that humans use.
        var hit = new TrackingHit(
            Guid.CreateVersion7(_database.Time.GetUtcNow()).ToString("n"), address.Kind, address.MessageId, _database.Time.GetUtcNow(), target.Url, visitor.UserAgent, visitor.IpAddress,
            visitor.LooksOnly || string.IsNullOrWhiteSpace(visitor.UserAgent));
        try
        {
            await _intake.StoreAsync(new CallToStore(address.AccountId, TrackingHit.Type, TrackingHit.Type, hit.Write()), CancellationToken.None).WaitAsync(LongestStore, _database.Time, ct);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            _log.LogWarning("An open or a click could not be kept: {Error}.", error.GetType().Name);
        }
        return target;
    }

    /// <summary>Whether a contact may be tracked, by us or by the provider.</summary>
    internal async ValueTask<bool> MayTrackAsync(int accountId, Contact contact, CancellationToken ct) => Agrees(contact, await SettingsAsync(accountId, ct));

    /// <summary>The mail's HTML with tracked links and the picture, and the addresses put in; as it was where it is not tracked.</summary>
    /// <param name="accountId">Whose mail.</param>
    /// <param name="messageId">Which.</param>
    /// <param name="domain">Of its From address: its links lead to that domain's host.</param>
    /// <param name="route">How it leaves.</param>
    /// <param name="contact">Who gets it.</param>
    /// <param name="html">As it was rendered.</param>
    /// <param name="ct">Cancels.</param>
    internal async ValueTask<(string Html, IReadOnlyList<string> Addresses)> TrackAsync(int accountId, Guid messageId, string domain, Route route, Contact contact, string html, CancellationToken ct)
    {
        var settings = await SettingsAsync(accountId, ct);
        if (!(settings.Enabled ?? (!route.IsSandbox && !route.Provider.TracksEngagement)) || !Agrees(contact, settings)) return (html, []);
        var key = (await _keys.AllAsync(ct))[0];
        var at = await _hosts.AddressAsync(accountId, domain, ct);
        var (links, bodyEnd) = HtmlLinks.Find(html);
        var tracked = new StringBuilder(html.Length + 512 + (links.Count * 200));
        var addresses = new List<string>(links.Count + 2);
        var copied = 0;
        foreach (var link in links)
        {
            if (Target(link.Url) is not { } target) continue;
            if (link.Start > bodyEnd && copied <= bodyEnd) Close();
            tracked.Append(html, copied, link.Start - copied).Append(Address(ClickPath, TrackedKind.Click, target));
            copied = link.Start + link.Length;
        }
        if (copied <= bodyEnd) Close();
        return (tracked.Append(html, copied, html.Length - copied).ToString(), addresses);

        string Address(string path, TrackedKind kind, string url)
        {
            var address = $"{at}{path}/{TrackingToken.Write(new TrackedAddress(accountId, messageId, kind, url), key)}";
            addresses.Add(address);
            return address;
        }

        void Close()
        {
            tracked.Append(html, copied, bodyEnd - copied);
            copied = bodyEnd;
            tracked.Append($"""<a href="{Address(ClickPath, TrackedKind.Trap, "")}" style="display:none" tabindex="-1" aria-hidden="true"></a>""")
                .Append($"""<img src="{Address(OpenPath, TrackedKind.Open, "")}" width="1" height="1" alt="" style="display:block;border:0">""");
        }
    }

    /// <summary>Whether a contact is not to be tracked: its attribute <see cref="Attribute"/>, as JSON, says no, or does not say yes where the account needs that.</summary>
    internal static bool IsRefusal(string? json, bool needsConsent) => json is "false" or "\"false\"" or "\"no\"" || (needsConsent && json is not ("true" or "\"true\"" or "\"yes\""));

    /// <summary>A contact's own word stands above the account's.</summary>
    private static bool Agrees(Contact contact, TrackingSettings settings) => contact.Fields.GetValueOrDefault(Attribute) switch
    {
        false or "false" or "no" => false,
        true or "true" or "yes" => true,
        _ => !settings.NeedsConsent,
    };

    /// <summary>Where a tracked link is to lead, to the letter where that can stand in a header; null for a link that is left alone.</summary>
    private string? Target(string url)
    {
        url = url.Trim();
        if (url.Length > TrackingToken.LongestUrl || !Uri.TryCreate(url, UriKind.Absolute, out var parsed) || parsed.Scheme is not ("http" or "https")) return null;
        if (OwnPages.Any(page => url.StartsWith(_base + page, StringComparison.Ordinal))) return null;
        return url.All(c => c is > ' ' and < '\u007f') ? url : new UriBuilder(parsed) { Host = parsed.IdnHost, Port = parsed.IsDefaultPort ? -1 : parsed.Port }.Uri.AbsoluteUri;
    }

    private async ValueTask<TrackingSettings> SettingsAsync(int accountId, CancellationToken ct)
    {
        if (_settings.TryGetValue(accountId, out var kept) && _database.Time.GetElapsedTime(kept.Since) < Kept) return kept.Settings;
        var settings = await FindAsync(accountId, ct);
        _settings[accountId] = (settings, _database.Time.GetTimestamp());
        return settings;
    }
}
