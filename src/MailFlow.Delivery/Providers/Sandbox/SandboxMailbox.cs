using System.Globalization;
using MailFlow.Data;

namespace MailFlow.Delivery;

/// <summary>A mail that the sandbox captured.</summary>
public sealed record CapturedEmail(
    Guid Id,
    string To,
    string From,
    string Subject,
    string Html,
    string Text,
    IReadOnlyDictionary<string, object?> Headers,
    string Template,
    string UserId,
    string? Journey,
    DateTimeOffset At);

/// <summary>Reads what the sandbox captured.</summary>
public sealed class SandboxMailbox(Database database)
{
    /// <summary>An account's captured mail, in the order of its capture or the newest first.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="to">Only mail to this address.</param>
    /// <param name="cursor">Where to go on; null to begin.</param>
    /// <param name="limit">1 to 1,000.</param>
    /// <param name="ct">Cancels.</param>
    /// <param name="newestFirst">Whether the mail captured last comes first.</param>
    public async Task<Page<CapturedEmail>> ListAsync(int accountId, string? to, string? cursor, int limit, CancellationToken ct, bool newestFirst = false)
    {
        var after = Cursor.ReadNumber(cursor) ?? (newestFirst ? long.MaxValue : 0);
        // The ledger keeps an address as it is handed over: its domain in lower case.
        var address = to is null ? null : EmailAddress.TryParse(to, out var parsed) ? parsed.ToString() : to;
        List<(string, object?)> parameters = [("account", accountId), ("after", after), ("limit", limit + 1)];
        if (address is not null) parameters.Add(("to", address));
        var found = await database.ReadAsync(session => session.QueryAsync($"""
            SELECT seq, id, to_address, from_mailbox, subject, html, text, headers, template, user_id, journey, at FROM sandbox_email
            WHERE account_id = @account AND seq {(newestFirst ? "<" : ">")} @after {(address is null ? "" : "AND lower(to_address) = lower(@to)")}
            ORDER BY seq {(newestFirst ? "DESC" : "")} LIMIT @limit
            """,
            row => (Seq: row.Long(0), Email: new CapturedEmail(
                row.Uuid(1), row.Text(2), row.Text(3), row.Text(4), row.Text(5), row.Text(6), JsonData.ParseMap(row.Text(7)),
                row.Text(8), row.Text(9), row.TextOrNull(10), row.Instant(11))),
            ct, [.. parameters]), ct);
        var page = Cursor.Page(found, limit, last => last.Seq.ToString(CultureInfo.InvariantCulture));
        return new Page<CapturedEmail>([.. page.Items.Select(item => item.Email)], page.Next);
    }
}
