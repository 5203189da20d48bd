using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Delivery.Routing;

namespace MailFlow.Delivery.Reports;

/// <summary>
/// Counts the days on which a mailbox could not take mail. On the fifth within thirty, without a delivery in between, its address is suppressed. A day counts once, however
/// many mails it turned away. Mailboxes are emptied: after ninety days it is tried again.
/// </summary>
internal static class SoftBounces
{
    public const int Threshold = 5, Window = 30, Suppressed = 90;

    /// <summary>The reason that stands in the suppression.</summary>
    public const string Reason = "soft_bounce";

    public static async Task CountAsync(
        Session session, Suppressions suppressions, IReadOnlyList<(Report Report, ReportedMessage Message)> bounces, long now, CancellationToken ct)
    {
        var days = bounces.Select(each => new Day(each.Message.AccountId, Audience.EmailAddress.Key(each.Message.To!), FlowStore.DayOf(each.Report.At)))
            .Distinct().OrderBy(day => day.AccountId).ThenBy(day => day.Email, StringComparer.Ordinal).ThenBy(day => day.Number).ToList();
        await session.ExecuteAsync(
            "INSERT INTO soft_bounce (account_id, email, day) SELECT r.owner, r.email, r.day FROM {rows} WHERE true ON CONFLICT (account_id, email, day) DO NOTHING",
            new Rows<Day>(days).Int("owner", d => d.AccountId).Text("email", d => d.Email).Int("day", d => d.Number), ct);

        var since = FlowStore.DayOf(now) - Window;
        foreach (var address in days.DistinctBy(day => (day.AccountId, day.Email)))
        {
            if (await CountAsync(session, address, since, ct) < Threshold) continue;
            var contact = bounces.First(each => each.Message.AccountId == address.AccountId && Audience.EmailAddress.Key(each.Message.To!) == address.Email).Message.ContactId;
            // Looked for only now: most mail is delivered, and no delivery should cost a statement.
            var delivered = await session.ScalarAsync<long?>("""
                SELECT max(f.delivered_at) FROM message m JOIN message_feedback f ON f.message_id = m.id WHERE m.contact_id = @contact AND lower(m.to_address) = @email AND m.account_id = @account
                """, ct, ("contact", contact), ("email", address.Email), ("account", address.AccountId));
            if (delivered is { } last && await CountAsync(session, address, Math.Max(since, FlowStore.DayOf(last) + 1), ct) < Threshold) continue;
            await suppressions.AddAsync(
                session, address.AccountId, address.Email, Reason, Suppression.All, "webhook", ct, $"could not take mail on {Threshold} days within {Window}",
                DateTimeOffset.FromUnixTimeMilliseconds(now).AddDays(Suppressed));
            await session.ExecuteAsync("DELETE FROM soft_bounce WHERE account_id = @account AND email = @email", ct, ("account", address.AccountId), ("email", address.Email));
        }
    }

    private static Task<long> CountAsync(Session session, Day address, int since, CancellationToken ct) => session.ScalarAsync<long>(
        "SELECT count(*) FROM soft_bounce WHERE account_id = @account AND email = @email AND day >= @since", ct, ("account", address.AccountId), ("email", address.Email), ("since", since));

    private readonly record struct Day(int AccountId, string Email, int Number);
}
