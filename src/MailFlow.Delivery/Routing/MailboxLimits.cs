using MailFlow.Data;

namespace MailFlow.Delivery.Routing;

/// <summary>How many mails a second the mailboxes of one provider are given at most.</summary>
/// <param name="Mailbox"><c>gmail</c>, <c>microsoft</c>, <c>yahoo</c>, <c>apple</c> (all of its domains together), a domain, or <c>*</c>: each domain that has no limit of its own.</param>
/// <param name="PerSecond">Above 0; a third of a mail a second is one in three seconds.</param>
public sealed record MailboxLimit(string Mailbox, double PerSecond);

/// <summary>Limits by who keeps the recipients' mailboxes. A mail over its limit is put off until its turn.</summary>
public sealed class MailboxLimits(Database database)
{
    /// <summary>The account's limits, by name.</summary>
    public async Task<IReadOnlyList<MailboxLimit>> ListAsync(int accountId, CancellationToken ct) => [.. (await database.ReadAsync(
        session => FlowStore.MailboxLimitsAsync(session, [accountId], ct), ct)).OrderBy(each => each.Key.Key, StringComparer.Ordinal).Select(each => new MailboxLimit(each.Key.Key, each.Value))];

    /// <summary>Sets all of the account's limits in place of those it had.</summary>
    /// <exception cref="InvalidInputException">A name or a number cannot be taken, or a name comes twice.</exception>
    public Task ReplaceAsync(int accountId, IReadOnlyList<MailboxLimit> limits, CancellationToken ct) => database.WriteAsync(async session =>
    {
        if (limits.Count > 1000) throw new InvalidInputException("limits", "has more than 1,000 entries");
        var named = limits.Select((limit, i) => limit with { Mailbox = Checked(limit, $"limits[{i}]") }).ToList();
        if (named.GroupBy(limit => limit.Mailbox).FirstOrDefault(group => group.Count() > 1) is { } twice) throw new InvalidInputException("limits", $"'{twice.Key}' comes twice");
        await session.ExecuteAsync("DELETE FROM mailbox_limit WHERE account_id = @account", ct, ("account", accountId));
        await session.ExecuteAsync(
            "INSERT INTO mailbox_limit (account_id, mailbox, per_second) SELECT @account, r.mailbox, r.per_second FROM {rows}",
            new Rows<MailboxLimit>(named).Text("mailbox", limit => limit.Mailbox).Double("per_second", limit => limit.PerSecond), ct, ("account", accountId));
        await Audit.RecordAsync(session, accountId, "mailbox_limits.put", "", ct, ("limits", string.Join(", ", named.Select(limit => FormattableString.Invariant($"{limit.Mailbox} {limit.PerSecond}/s")))));
    }, ct);

    private static string Checked(MailboxLimit limit, string field)
    {
        if (!(limit.PerSecond is > 0 and <= 1_000_000)) throw new InvalidInputException($"{field}.per_second", $"{limit.PerSecond} is not above 0 and at most 1,000,000");
        if (limit.Mailbox == "*" || MailboxProviders.Names.Contains(limit.Mailbox)) return limit.Mailbox;
        return EmailAddress.TryParse($"postmaster@{limit.Mailbox}", out var parsed, out _)
            ? parsed.Domain.ToLowerInvariant()
            : throw new InvalidInputException($"{field}.mailbox", $"'{limit.Mailbox}' is neither {string.Join(", ", MailboxProviders.Names)}, '*' nor a domain");
    }
}
