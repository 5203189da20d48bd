using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Execution;

namespace MailFlow.Engine.Storage;

/// <summary>The contacts' events, kept for counting and for people to read.</summary>
internal static class EventStore
{
    /// <summary>For as long as they can be counted.</summary>
    public static RetentionRule Kept { get; } = new("events", Retention.Events,
        $"DELETE FROM {MonthlyTable.Part} WHERE id IN (SELECT id FROM {MonthlyTable.Part} WHERE accepted_at < @before LIMIT @chunk)")
    { Monthly = MonthlyTable.Events };

    public static Task InsertAsync(Session session, IReadOnlyList<(Contact Contact, long AcceptedAt, IncomingEventBody Body)> events, CancellationToken ct) => session.EnqueueAsync("""
        INSERT INTO event (account_id, contact_id, event_type, event_id, occurred_at, accepted_at, payload)
        SELECT r.account_id, r.contact_id, r.event_type, r.event_id, r.occurred_at, r.accepted_at, r.payload FROM {rows}
        """,
        new Rows<(Contact Contact, long AcceptedAt, IncomingEventBody Body)>(events).Int("account_id", e => e.Contact.AccountId).Long("contact_id", e => e.Contact.Id)
            .Text("event_type", e => e.Body.EventType).Text("event_id", e => e.Body.EventId).Long("occurred_at", e => e.Body.OccurredAt)
            .Long("accepted_at", e => e.AcceptedAt).Text("payload", e => e.Body.Payload), ct);
}
