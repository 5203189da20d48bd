using MailFlow.Data;

namespace MailFlow.Audience;

/// <summary>What contacts have agreed to. Nothing said means not granted.</summary>
public sealed class Consents
{
    /// <summary>Those of the contacts who have granted the purpose, as of this session.</summary>
    public async Task<IReadOnlySet<long>> GrantedAsync(Session session, int accountId, string purpose, IReadOnlyList<long> contactIds, CancellationToken ct)
    {
        var granted = await session.QueryAsync(
            """
            SELECT r.id FROM {rows} WHERE (
              SELECT c.granted FROM consent c WHERE c.contact_id = r.id AND c.purpose = @purpose AND c.account_id = @account
              ORDER BY c.id DESC LIMIT 1)
            """,
            new Rows<long>([.. contactIds.Distinct()]).Long("id", id => id), row => row.Long(0), ct, ("purpose", purpose), ("account", accountId));
        return granted.ToHashSet();
    }

    /// <summary>The present state of every purpose that was ever asked of these contacts; a contact of whom nothing was recorded has no purposes.</summary>
    public async Task<IReadOnlyDictionary<long, IReadOnlyDictionary<string, bool>>> StatesAsync(
        Session session, int accountId, IReadOnlyList<long> contactIds, CancellationToken ct)
    {
        var states = contactIds.Distinct().ToDictionary(id => id, _ => new SortedDictionary<string, bool>(StringComparer.Ordinal));
        var recorded = await session.QueryAsync(
            "SELECT r.id, c.purpose, c.granted FROM {rows} JOIN consent c ON c.contact_id = r.id WHERE c.account_id = @account ORDER BY c.id",
            new Rows<long>([.. states.Keys]).Long("id", id => id), row => (Id: row.Long(0), Purpose: row.Text(1), Granted: row.Bool(2)),
            ct, ("account", accountId));
        foreach (var (id, purpose, granted) in recorded) states[id][purpose] = granted;
        return states.ToDictionary(state => state.Key, IReadOnlyDictionary<string, bool> (state) => state.Value);
    }

    /// <summary>All that was recorded of a contact, the oldest first.</summary>
    public async Task<IReadOnlyList<Consent>> HistoryAsync(Session session, int accountId, long contactId, CancellationToken ct) =>
        await session.QueryAsync(
            "SELECT purpose, granted, source, at, evidence FROM consent WHERE contact_id = @contact AND account_id = @account ORDER BY id",
            row => new Consent(accountId, contactId, row.Text(0), row.Bool(1), row.Text(2), row.Instant(3), row.TextOrNull(4)),
            ct, ("contact", contactId), ("account", accountId));

    /// <summary>
    /// Appends what is news; what only repeats the present state is passed over. Give each (contact, purpose) once. The caller holds the contacts'
    /// shard lock, or two writers might record the same change twice. Gives the contacts of whom something was recorded.
    /// </summary>
    public async Task<IReadOnlySet<long>> RecordAsync(Session session, IReadOnlyList<Consent> consents, CancellationToken ct)
    {
        var recorded = await session.QueryAsync(
            """
            INSERT INTO consent (account_id, contact_id, purpose, granted, source, at, evidence)
            SELECT r.account_id, r.contact_id, r.purpose, r.granted, r.source, r.at, r.evidence FROM {rows}
            WHERE r.granted IS DISTINCT FROM (
              SELECT c.granted FROM consent c WHERE c.contact_id = r.contact_id AND c.purpose = r.purpose ORDER BY c.id DESC LIMIT 1)
            RETURNING contact_id
            """,
            new Rows<Consent>(consents)
                .Int("account_id", consent => consent.AccountId)
                .Long("contact_id", consent => consent.ContactId)
                .Text("purpose", consent => consent.Purpose)
                .Bool("granted", consent => consent.Granted)
                .Text("source", consent => consent.Source)
                .Long("at", consent => consent.At.ToUnixTimeMilliseconds())
                .Text("evidence", consent => consent.Evidence),
            row => row.Long(0), ct);
        return recorded.ToHashSet();
    }
}
