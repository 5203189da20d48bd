using System.Globalization;
using MailFlow.Data;

namespace MailFlow.Delivery;

/// <summary>A verified webhook call that could not be read. What it held is not shown: it is full of addresses.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Connection">The connection it came to.</param>
/// <param name="Type">The kind of provider.</param>
/// <param name="At">When it came.</param>
/// <param name="Bytes">How large it is.</param>
/// <param name="Error">Why it could not be read.</param>
public sealed record LaidAsideCall(long Id, string Connection, string Type, DateTimeOffset At, long Bytes, string Error);

/// <summary>What providers reported and nobody could read: listed, and put back once the reason is mended.</summary>
public sealed class LaidAsideCalls(Database database)
{
    /// <summary>A page of them, the oldest first.</summary>
    public Task<Page<LaidAsideCall>> ListAsync(int accountId, string? cursor, int limit, CancellationToken ct)
    {
        var after = Cursor.ReadNumber(cursor) ?? 0;
        return database.ReadAsync(async session => Cursor.Page(await session.QueryAsync("""
            SELECT id, connection, type, at, length(body), error FROM webhook_call WHERE account_id = @account AND due_at IS NULL AND id > @after ORDER BY id LIMIT @limit
            """,
            row => new LaidAsideCall(row.Long(0), row.Text(1), row.Text(2), row.Instant(3), row.Long(4), row.Text(5)), ct,
            ("account", accountId), ("after", after), ("limit", limit + 1)), limit, last => last.Id.ToString(CultureInfo.InvariantCulture)), ct);
    }

    /// <summary>Puts one back, to be read as if it came now.</summary>
    /// <exception cref="NotFoundException">There is none with this id.</exception>
    public Task ReplayAsync(int accountId, long id, CancellationToken ct) => database.WriteAsync(async session =>
    {
        var found = await session.ExecuteAsync("UPDATE webhook_call SET due_at = @now, error = NULL WHERE id = @id AND account_id = @account AND due_at IS NULL", ct,
            ("now", await session.NowAsync(ct)), ("id", id), ("account", accountId));
        if (found == 0) throw new NotFoundException($"There is no failed webhook call '{id}'.");
        await Audit.RecordAsync(session, accountId, "webhook.replay", id.ToString(CultureInfo.InvariantCulture), ct);
    }, ct);
}
