using MailFlow.Data;

namespace MailFlow.Engine.Storage;

/// <summary>How often and when last a contact entered a journey.</summary>
internal sealed record EntryRow(int JourneyId, long ContactId, int AccountId, int Entries, long EnteredAt, bool IsChanged);

/// <summary>Entries outlive the instances and span the versions. Written only under the contact's shard's lock.</summary>
internal static class EntryStore
{
    public static Task<List<EntryRow>> LoadAsync(Session session, IReadOnlyList<(int Journey, long Contact)> keys, CancellationToken ct) => session.QueryAsync("""
        SELECT e.journey_id, e.contact_id, e.account_id, e.entries, e.entered_at
        FROM {rows} JOIN entry e ON e.journey_id = r.journey_id AND e.contact_id = r.contact_id
        """,
        new Rows<(int Journey, long Contact)>(keys).Int("journey_id", k => k.Journey).Long("contact_id", k => k.Contact),
        row => new EntryRow(row.Int(0), row.Long(1), row.Int(2), row.Int(3), row.Long(4), IsChanged: false), ct);

    public static Task UpsertAsync(Session session, IReadOnlyList<EntryRow> entries, CancellationToken ct) => session.EnqueueAsync("""
        INSERT INTO entry (journey_id, contact_id, account_id, entries, entered_at)
        SELECT r.journey_id, r.contact_id, r.account_id, r.entries, r.entered_at FROM {rows} WHERE true
        ON CONFLICT (journey_id, contact_id) DO UPDATE SET entries = excluded.entries, entered_at = excluded.entered_at
        """,
        new Rows<EntryRow>(entries).Int("journey_id", e => e.JourneyId).Long("contact_id", e => e.ContactId).Int("account_id", e => e.AccountId)
            .Int("entries", e => e.Entries).Long("entered_at", e => e.EnteredAt), ct);
}
