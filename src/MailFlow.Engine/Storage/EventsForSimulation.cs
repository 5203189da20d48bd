using MailFlow.Data;

namespace MailFlow.Engine.Storage;

/// <summary>The account's row, and the contact's latest events: rules count them.</summary>
internal sealed class EventsForSimulation : ISimulationSource
{
    private const int MostEvents = 5_000;

    private sealed record Past(long ContactId, string Type, string Id, long OccurredAt, long AcceptedAt, string Payload);

    public async Task CopyAsync(Session from, Session into, SimulationScope scope, CancellationToken ct)
    {
        await into.ExecuteAsync("INSERT INTO account (id, name, created_at) VALUES (@account, 'Simulation', 0)", ct, ("account", scope.AccountId));
        if (scope.UserId is null) return;
        var events = await from.QueryAsync("""
            SELECT e.contact_id, e.event_type, e.event_id, e.occurred_at, e.accepted_at, e.payload
            FROM event e WHERE e.contact_id = (SELECT id FROM contact WHERE account_id = @account AND user_id = @user)
            ORDER BY e.id DESC LIMIT @most
            """,
            row => new Past(row.Long(0), row.Text(1), row.Text(2), row.Long(3), row.Long(4), row.Text(5)), ct,
            ("account", scope.AccountId), ("user", scope.UserId), ("most", MostEvents));
        events.Reverse();
        await into.ExecuteAsync("""
            INSERT INTO event (account_id, contact_id, event_type, event_id, occurred_at, accepted_at, payload)
            SELECT @account, r.contact_id, r.event_type, r.event_id, r.occurred_at, r.accepted_at, r.payload FROM {rows}
            """,
            new Rows<Past>(events).Long("contact_id", e => e.ContactId).Text("event_type", e => e.Type).Text("event_id", e => e.Id)
                .Long("occurred_at", e => e.OccurredAt).Long("accepted_at", e => e.AcceptedAt).Text("payload", e => e.Payload),
            ct, ("account", scope.AccountId));
    }
}
