using MailFlow.Data;
using MailFlow.Engine.Expressions;

namespace MailFlow.Engine.Execution;

/// <summary>
/// How many events the contacts in hand have had, as far as the expressions about to run ask for it: one query for each
/// (type, window), not one for each contact.
/// </summary>
public sealed class EventCounts
{
    private readonly Dictionary<EventCount, Dictionary<long, long>> _counts = [];

    /// <summary>Forgets all: more events have been written.</summary>
    public void Clear() => _counts.Clear();

    /// <summary>Fetches what is not known yet.</summary>
    public async Task FetchAsync(Session session, IEnumerable<EventCount> wanted, IEnumerable<long> contacts, long now, CancellationToken ct)
    {
        foreach (var count in wanted)
        {
            if (!_counts.TryGetValue(count, out var known)) _counts[count] = known = [];
            var missing = contacts.Where(id => !known.ContainsKey(id)).Distinct().ToList();
            var from = count.Window is { } window ? now - (long)window.TotalMilliseconds : long.MinValue;
            foreach (var id in missing) known[id] = 0;
            var found = await session.QueryAsync("""
                SELECT e.contact_id, count(*) FROM {rows} JOIN event e ON e.contact_id = r.id
                WHERE e.event_type = @type AND e.occurred_at > @from AND e.occurred_at <= @now GROUP BY e.contact_id
                """,
                new Rows<long>(missing).Long("id", id => id), row => (Contact: row.Long(0), Count: row.Long(1)), ct,
                ("type", count.Type), ("from", from), ("now", now));
            foreach (var (contact, number) in found) known[contact] = number;
        }
    }

    /// <summary>A count that was fetched.</summary>
    public long Get(long contact, string type, TimeSpan? window) =>
        _counts.TryGetValue(new EventCount(type, window), out var known) && known.TryGetValue(contact, out var count)
            ? count
            : throw new InvalidOperationException($"The events of type {type} were not counted before the expression ran.");
}
