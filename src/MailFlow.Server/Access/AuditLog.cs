using System.Globalization;
using MailFlow.Data;

namespace MailFlow.Server.Access;

/// <summary>One change, and who made it.</summary>
/// <param name="At">When.</param>
/// <param name="Actor">Who: the name of an API key with its first characters, or a person.</param>
/// <param name="Action">What was done: <c>journey.pause</c>.</param>
/// <param name="Subject">To which one: its key, id or address.</param>
/// <param name="Detail">What else there is to say.</param>
internal sealed record AuditEntry(DateTimeOffset At, string Actor, string Action, string Subject, IReadOnlyDictionary<string, object?> Detail);

/// <summary>Which entries are wanted; null for all.</summary>
internal sealed record AuditFilter(string? Actor, string? Action, string? Subject, DateTimeOffset? From, DateTimeOffset? To);

/// <summary>Reads what <see cref="Audit"/> recorded.</summary>
internal sealed class AuditLog(Database database)
{
    /// <summary>An account's entries, the newest first.</summary>
    public async Task<Page<AuditEntry>> ListAsync(int accountId, AuditFilter filter, string? cursor, int limit, CancellationToken ct)
    {
        var before = Cursor.ReadNumber(cursor) ?? long.MaxValue;
        // Each filter is written out only where it is asked for, so that the plan uses its index.
        List<(string Sql, string Name, object Value)> conditions = [("account_id = @account", "account", accountId), ("seq < @before", "before", before)];
        if (filter.Actor is { } actor) conditions.Add(("actor = @actor", "actor", actor));
        if (filter.Action is { } action) conditions.Add(("action = @action", "action", action));
        if (filter.Subject is { } subject) conditions.Add(("subject = @subject", "subject", subject));
        if (filter.From is { } from) conditions.Add(("at >= @from", "from", from.ToUnixTimeMilliseconds()));
        if (filter.To is { } to) conditions.Add(("at < @to", "to", to.ToUnixTimeMilliseconds()));
        var found = await database.ReadAsync(session => session.QueryAsync(
            $"SELECT seq, at, actor, action, subject, detail FROM audit WHERE {string.Join(" AND ", conditions.Select(condition => condition.Sql))} ORDER BY seq DESC LIMIT @limit",
            row => (Seq: row.Long(0), Entry: new AuditEntry(row.Instant(1), row.Text(2), row.Text(3), row.Text(4), (IReadOnlyDictionary<string, object?>)row.Json(5)!)),
            ct, [.. conditions.Select(condition => (condition.Name, (object?)condition.Value)), ("limit", limit + 1)]), ct);
        var page = Cursor.Page(found, limit, last => last.Seq.ToString(CultureInfo.InvariantCulture));
        return new([.. page.Items.Select(item => item.Entry)], page.Next);
    }
}
