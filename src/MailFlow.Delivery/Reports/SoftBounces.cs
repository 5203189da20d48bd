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

    /// <summary>Counts bounces, and gives what is to be suppressed for them. What led to that is forgotten: ninety days later the count begins anew.</summary>
    public static async Task<IReadOnlyList<(int AccountId, Suppression Suppression)>> CountAsync(
        Session session, IReadOnlyList<(Report Report, ReportedMessage Message)> bounces, long now, CancellationToken ct)
    {
        if (bounces.Count == 0) return [];
        var days = bounces.Select(each => new Day(each.Message.AccountId, Audience.EmailAddress.MailboxKey(each.Message.To!), FlowStore.DayOf(each.Report.At)))
            .Distinct().OrderBy(day => day.AccountId).ThenBy(day => day.Email, StringComparer.Ordinal).ThenBy(day => day.Number).ToList();
        await session.ExecuteAsync(
            "INSERT INTO soft_bounce (account_id, email, day) SELECT r.owner, r.email, r.day FROM {rows} WHERE true ON CONFLICT (account_id, email, day) DO NOTHING",
            new Rows<Day>(days).Int("owner", d => d.AccountId).Text("email", d => d.Email).Int("day", d => d.Number), ct);

        var counted = (await session.QueryAsync(
            "SELECT b.account_id, b.email, b.day FROM {rows} JOIN soft_bounce b ON b.account_id = r.owner AND b.email = r.email AND b.day >= @since",
            Addresses(days.DistinctBy(day => (day.AccountId, day.Email))), row => new Day(row.Int(0), row.Text(1), row.Int(2)), ct, ("since", FlowStore.DayOf(now) - Window)))
            .GroupBy(day => (day.AccountId, day.Email)).Where(each => each.Count() >= Threshold).ToList();
        // Looked for only now: most mail is delivered, and no delivery should cost a statement.
        var delivered = await DeliveriesAsync(session, [.. counted.Select(each => each.First())], bounces, ct);
        var full = counted.Where(each => each.Count(day => day.Number > delivered.GetValueOrDefault(each.Key, int.MinValue)) >= Threshold).Select(each => each.First()).ToList();
        await session.ExecuteAsync("DELETE FROM soft_bounce WHERE (account_id, email) IN (SELECT r.owner, r.email FROM {rows})", Addresses(full), ct);
        var at = DateTimeOffset.FromUnixTimeMilliseconds(now);
        return [.. full.Select(each => (each.AccountId, new Suppression(
            each.Email, SuppressionReason.SoftBounce, Suppression.All, Effects.Source, at, $"could not take mail on {Threshold} days within {Window}", at.AddDays(Suppressed))))];
    }

    /// <summary>The last day on which mail was delivered to each of these addresses; those without any are left out.</summary>
    private static async Task<Dictionary<(int AccountId, string Email), int>> DeliveriesAsync(
        Session session, IReadOnlyList<Day> addresses, IReadOnlyList<(Report Report, ReportedMessage Message)> bounces, CancellationToken ct)
    {
        var contacts = bounces.ToLookup(each => (each.Message.AccountId, Audience.EmailAddress.MailboxKey(each.Message.To!)), each => each.Message.ContactId);
        return (await session.QueryAsync($$"""
            SELECT r.owner, r.email, max(f.delivered_at) FROM {rows} JOIN message m ON m.contact_id = r.contact AND m.account_id = r.owner AND {{session.Dialect.LowerAscii("m.to_address")}} = r.email
            JOIN message_feedback f ON f.message_id = m.id WHERE f.delivered_at IS NOT NULL GROUP BY r.owner, r.email
            """,
            new Rows<(Day Address, long Contact)>([.. addresses.SelectMany(each => contacts[(each.AccountId, each.Email)].Distinct().Select(contact => (each, contact)))])
                .Int("owner", r => r.Address.AccountId).Text("email", r => r.Address.Email).Long("contact", r => r.Contact),
            row => (Key: (row.Int(0), row.Text(1)), Day: FlowStore.DayOf(row.Long(2))), ct)).GroupBy(each => each.Key).ToDictionary(each => each.Key, each => each.Max(one => one.Day));
    }

    private static Rows<Day> Addresses(IEnumerable<Day> addresses) => new Rows<Day>([.. addresses]).Int("owner", d => d.AccountId).Text("email", d => d.Email);

    private readonly record struct Day(int AccountId, string Email, int Number);
}
