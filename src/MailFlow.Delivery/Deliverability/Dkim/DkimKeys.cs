using MailFlow.Data;

namespace MailFlow.Delivery.Deliverability.Dkim;

/// <summary>The keys that mail is signed with. Apart from <see cref="SendingDomains"/>, so that what sends mail needs not know what checks it.</summary>
internal sealed class DkimKeys(Database database, ISecretBox secrets)
{
    /// <summary>The key that a domain's mail is signed with now; null for none of ours.</summary>
    /// <exception cref="SecretLostException">The key cannot be opened.</exception>
    public async Task<(string Selector, DkimKey Key)?> FindAsync(int accountId, string domain, CancellationToken ct)
    {
        var stored = await database.ReadAsync(session => session.QueryAsync(
            "SELECT dkim_selector, dkim_key FROM sending_domain WHERE account_id = @account AND domain = @domain AND dkim_key IS NOT NULL",
            row => (Selector: row.Text(0), Key: row.Text(1)), ct, ("account", accountId), ("domain", domain)), ct);
        return stored is [var key] ? (key.Selector, DkimKey.Parse(secrets.Open(key.Key))) : null;
    }
}
