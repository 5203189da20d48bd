using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Delivery;

/// <summary>Who the account's mail comes from, and what holds it back.</summary>
internal sealed class DeliveryForSimulation : ISimulationSource
{
    public async Task CopyAsync(Session from, Session into, SimulationScope scope, CancellationToken ct)
    {
        var senders = await from.QueryAsync("SELECT name, email, reply_to, postal_address FROM sender WHERE account_id = @account",
            row => new SenderIdentity(row.Text(0), row.Text(1), row.TextOrNull(2), row.TextOrNull(3)), ct, ("account", scope.AccountId));
        await into.ExecuteAsync("""
            INSERT INTO sender (account_id, name, email, reply_to, postal_address, updated_at) SELECT @account, r.name, r.email, r.reply_to, r.postal_address, 0 FROM {rows}
            """,
            new Rows<SenderIdentity>(senders).Text("name", s => s.Name).Text("email", s => s.Email).Text("reply_to", s => s.ReplyTo).Text("postal_address", s => s.PostalAddress),
            ct, ("account", scope.AccountId));
        var policies = await SendingPolicies.AmongAsync(from, [scope.AccountId], ct);
        if (policies.TryGetValue(scope.AccountId, out var policy)) await SendingPolicies.WriteAsync(into, scope.AccountId, policy, ct);
    }
}
