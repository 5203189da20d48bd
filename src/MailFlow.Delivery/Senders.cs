using MailFlow.Data;
using MailFlow.Delivery.Deliverability;
using MailFlow.Delivery.Routing;

namespace MailFlow.Delivery;

/// <summary>Who each account's mail comes from; an account that has not said so sends as <see cref="DeliveryOptions.Sender"/>.</summary>
public sealed class Senders
{
    /// <summary>What stands for the postal address in captured mail of an account that has none yet; in real mail nothing does, and marketing mail waits.</summary>
    internal const string SandboxPostalAddress = "Postal address not set (sandbox)";

    private readonly Database _database;
    private readonly DeliveryOptions _options;
    private readonly SenderRules _rules;

    internal Senders(Database database, DeliveryOptions options, SenderRules rules) => (_database, _options, _rules) = (database, options, rules);

    /// <summary>The account's sender.</summary>
    public Task<SenderIdentity> FindAsync(int accountId, CancellationToken ct) =>
        _database.ReadAsync(session => OneAsync(session, accountId, ct), ct);

    /// <summary>Sets the account's sender.</summary>
    /// <exception cref="InvalidInputException">It cannot send mail, or a journey with marketing mail is published that would not be with it; names the field.</exception>
    public async Task PutAsync(int accountId, SenderIdentity sender, CancellationToken ct)
    {
        Check(sender);
        await _database.WriteAsync(async session =>
        {
            await session.LockAccountAsync(accountId, ct);
            await _rules.CheckChangeAsync(session, accountId, await OneAsync(session, accountId, ct), sender, ct);
            await session.ExecuteAsync("""
                INSERT INTO sender (account_id, name, email, reply_to, postal_address, updated_at) VALUES (@account, @name, @email, @reply_to, @postal_address, @now)
                ON CONFLICT (account_id) DO UPDATE SET name = excluded.name, email = excluded.email, reply_to = excluded.reply_to,
                  postal_address = excluded.postal_address, updated_at = excluded.updated_at
                """, ct,
                ("account", accountId), ("name", sender.Name.Trim()), ("email", sender.Email), ("reply_to", sender.ReplyTo),
                ("postal_address", sender.PostalAddress), ("now", await session.NowAsync(ct)));
            await Audit.RecordAsync(session, accountId, "sender.put", sender.Email, ct, ("name", sender.Name.Trim()), ("reply_to", sender.ReplyTo), ("postal_address", sender.PostalAddress));
            await _rules.ReviewStopAsync(session, accountId, sender, ct);
        }, ct);
    }

    /// <summary>Makes a change to the routes by which the account's mail leaves. Marketing mail stops if published mail would now reach people from a sender that no publish lets through.</summary>
    internal async Task<T> ChangeRoutesAsync<T>(Session session, int accountId, Func<Task<T>> change, CancellationToken ct)
    {
        await session.LockAccountAsync(accountId, ct);
        return await _rules.ChangeRoutesAsync(session, accountId, await OneAsync(session, accountId, ct), change, ct);
    }

    /// <summary>What no publish lets through of the sender; null when it is fit.</summary>
    internal async Task<string?> WhyUnfitAsync(Session session, int accountId, CancellationToken ct) =>
        await _rules.ErrorsAsync(session, accountId, await OneAsync(session, accountId, ct), ct) is { Count: > 0 } errors ? string.Join(" ", errors.Select(error => error.Message)) : null;

    /// <summary>What marketing mail from this sender to people lacks, one sentence or more each; empty when it may leave.</summary>
    internal IReadOnlyList<string> Missing(SenderIdentity sender) => [.. _rules.Missing(sender).Select(flaw => flaw.Message)];

    /// <summary>Stops the account's marketing mail, if its sender is unfit and mail leaves for people; all of it, if the sender is nobody.</summary>
    internal async Task StopIfUnfitAsync(Session session, int accountId, CancellationToken ct)
    {
        await session.LockAccountAsync(accountId, ct);
        await _rules.StopIfUnfitAsync(session, accountId, await OneAsync(session, accountId, ct), ct);
    }

    /// <summary>Ends the stop of a sender that has become fit.</summary>
    internal async Task ReviewStopAsync(Session session, int accountId, CancellationToken ct)
    {
        await session.LockAccountAsync(accountId, ct);
        await _rules.ReviewStopAsync(session, accountId, await OneAsync(session, accountId, ct), ct);
    }

    /// <summary>
    /// Looks again at the stop of each sender: what it was stopped for may have been a setting of the server's, which is another by now. One of an account whose mail
    /// reaches nobody at present stays for when it does: it holds nothing.
    /// </summary>
    internal async Task ReviewStopsAsync(Action<int, Exception> failed, CancellationToken ct)
    {
        var stopped = await _database.ReadAsync(session => session.QueryAsync(
            "SELECT DISTINCT account_id FROM sending_stop WHERE subject = @sender ORDER BY account_id", row => row.Int(0), ct, ("sender", SendingStops.OfSender)), ct);
        foreach (var account in stopped)
        {
            try
            {
                await _database.WriteAsync(async session =>
                {
                    if (await _rules.IsRealAsync(session, account, ct)) await ReviewStopAsync(session, account, ct);
                }, ct);
            }
            catch (Exception error) when (!ct.IsCancellationRequested)
            {
                failed(account, error); // the others have their turn
            }
        }
    }

    private async Task<SenderIdentity> OneAsync(Session session, int accountId, CancellationToken ct) => (await AmongAsync(session, [accountId], ct))[accountId];

    internal async Task<IReadOnlyDictionary<int, SenderIdentity>> AmongAsync(Session session, IReadOnlyList<int> accountIds, CancellationToken ct)
    {
        var found = await session.QueryAsync(
            "SELECT s.account_id, s.name, s.email, s.reply_to, s.postal_address FROM {rows} JOIN sender s ON s.account_id = r.id",
            new Rows<int>(accountIds).Int("id", id => id),
            row => (Account: row.Int(0), Sender: new SenderIdentity(row.Text(1), row.Text(2), row.TextOrNull(3), row.TextOrNull(4))), ct);
        var senders = accountIds.ToDictionary(id => id, _ => _options.Sender);
        foreach (var (account, sender) in found) senders[account] = sender;
        return senders;
    }

    /// <summary>The sender as mail by this route shows it.</summary>
    internal static SenderIdentity For(Route route, SenderIdentity sender) =>
        !route.IsReal && string.IsNullOrWhiteSpace(sender.PostalAddress) ? sender with { PostalAddress = SandboxPostalAddress } : sender;

    internal static void Check(SenderIdentity sender)
    {
        if (sender.Name.Any(char.IsControl)) throw new InvalidInputException("name", "holds a line break or another control character");
        CheckAddress("email", sender.Email);
        if (sender.ReplyTo is not null) CheckAddress("reply_to", sender.ReplyTo);
    }

    private static void CheckAddress(string field, string address)
    {
        if (!EmailAddress.TryParse(address, out _, out var reason)) throw new InvalidInputException(field, $"is not an e-mail address: {reason}");
    }
}
