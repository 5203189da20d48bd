using System.Globalization;
using MailFlow.Data;

namespace MailFlow.Engine.Storage;

/// <summary>An event as it was taken in.</summary>
/// <param name="EventId">The sender's id of it.</param>
/// <param name="EventType">What happened.</param>
/// <param name="OccurredAt">When, by the sender's clock.</param>
/// <param name="AcceptedAt">When it was taken in.</param>
/// <param name="Payload">What came with it.</param>
public sealed record RecordedEvent(string EventId, string EventType, DateTimeOffset OccurredAt, DateTimeOffset AcceptedAt, IReadOnlyDictionary<string, object?> Payload);

/// <summary>A type of event among an account's latest.</summary>
/// <param name="EventType">The type.</param>
/// <param name="LastSeenAt">When the latest happened, by the sender's clock.</param>
/// <param name="Count">How many happened since the instant asked about, among those looked at.</param>
public sealed record EventTypeSeen(string EventType, DateTimeOffset LastSeenAt, long Count);

/// <summary>What an account's latest events look like.</summary>
/// <param name="Types">By type.</param>
/// <param name="Payloads">The latest payloads of each type.</param>
/// <param name="CountedSince">From when on events were counted, when that is later than was asked: there are too many to look at all.</param>
public sealed record EventSample(
    IReadOnlyList<EventTypeSeen> Types, IReadOnlyList<(string EventType, IReadOnlyDictionary<string, object?> Payload)> Payloads, DateTimeOffset? CountedSince);

/// <summary>Reads the events that were taken in, for people to look at. They are kept for 90 days.</summary>
public sealed class RecordedEvents(Database database)
{
    // However many events there are, a look at them costs no more than this.
    private const int MostLookedAt = 100_000, MostTypes = 500, PayloadsPerType = 50, MostPayloads = 5_000, LongestPayload = 16_384;

    /// <summary>A page of a contact's events, the latest first.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="contactId">The contact's dense key.</param>
    /// <param name="eventType">Only of this type; null for all.</param>
    /// <param name="cursor">Where to go on; null to begin.</param>
    /// <param name="limit">1 to 1,000.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<Page<RecordedEvent>> OfContactAsync(int accountId, long contactId, string? eventType, string? cursor, int limit, CancellationToken ct)
    {
        var (at, id) = ReadCursor(cursor);
        var found = await database.ReadAsync(session => session.QueryAsync($"""
            SELECT id, event_id, event_type, occurred_at, accepted_at, payload FROM event
            WHERE contact_id = @contact AND account_id = @account AND (occurred_at, id) < (@at, @id){(eventType is null ? "" : " AND event_type = @type")}
            ORDER BY occurred_at DESC, id DESC LIMIT @limit
            """,
            row => (Id: row.Long(0), Event: new RecordedEvent(row.Text(1), row.Text(2), row.Instant(3), row.Instant(4), JsonData.ParseMap(row.Text(5)))), ct,
            [("contact", contactId), ("account", accountId), ("at", at), ("id", id), ("limit", limit + 1), .. eventType is null ? [] : new (string, object?)[] { ("type", eventType) }]), ct);
        var page = Cursor.Page(found, limit, last => string.Create(CultureInfo.InvariantCulture, $"{last.Event.OccurredAt.ToUnixTimeMilliseconds()} {last.Id}"));
        return new([.. page.Items.Select(item => item.Event)], page.Next);
    }

    /// <summary>What the account's latest events look like, of some hundred thousand at most.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="since">From when on to count.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<EventSample> SampleAsync(int accountId, DateTimeOffset since, CancellationToken ct)
    {
        var (floor, oldest) = await BoundAsync(ct);
        return await database.ReadAsync(session => SampleAsync(session, accountId, since, floor, oldest > since ? oldest : null, ct), ct);
    }

    private static async Task<EventSample> SampleAsync(Session session, int accountId, DateTimeOffset since, long floor, DateTimeOffset? countedSince, CancellationToken ct)
    {
        var types = await session.QueryAsync("""
            SELECT event_type, max(occurred_at), count(*) FILTER (WHERE occurred_at >= @since) FROM event
            WHERE id > @floor AND account_id = @account GROUP BY event_type ORDER BY event_type LIMIT @limit
            """, row => new EventTypeSeen(row.Text(0), row.Instant(1), row.Long(2)), ct, ("since", since), ("floor", floor), ("account", accountId), ("limit", MostTypes));
        var payloads = await session.QueryAsync("""
            SELECT e.event_type, e.payload
            FROM (SELECT id, row_number() OVER (PARTITION BY event_type ORDER BY id DESC) AS n FROM event WHERE id > @floor AND account_id = @account) latest
            JOIN event e ON e.id = latest.id
            WHERE latest.n <= @each AND length(e.payload) <= @longest ORDER BY latest.n, e.id DESC LIMIT @limit
            """, row => (row.Text(0), JsonData.ParseMap(row.Text(1))), ct,
            ("floor", floor), ("account", accountId), ("each", PayloadsPerType), ("longest", LongestPayload), ("limit", MostPayloads));
        return new EventSample(types, payloads, countedSince);
    }

    /// <summary>The id from which on events are looked at, and when that one came. Among all accounts' events: the last id of one account's would have to be searched for.</summary>
    private async Task<(long Floor, DateTimeOffset? Oldest)> BoundAsync(CancellationToken ct)
    {
        using var lifted = AccountWall.Lift();
        return await database.ReadAsync(async session =>
        {
            var floor = await session.ScalarAsync<long>("SELECT max(id) FROM event", ct) - MostLookedAt;
            return (floor, floor <= 0 ? null
                : await session.FirstAsync("SELECT accepted_at FROM event WHERE id > @floor ORDER BY id LIMIT 1", row => (DateTimeOffset?)row.Instant(0), ct, ("floor", floor)));
        }, ct);
    }

    private static (long At, long Id) ReadCursor(string? cursor)
    {
        if (Cursor.Read(cursor) is not { } text) return (long.MaxValue, long.MaxValue);
        return text.Split(' ') is [var at, var id]
            && long.TryParse(at, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var instant) && long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var last)
            ? (instant, last)
            : throw new InvalidInputException("cursor", "is not a cursor that this list gave");
    }
}
