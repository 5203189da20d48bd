using MailFlow.Data;

namespace MailFlow.Delivery;

/// <summary>What holds an account's marketing mail back by default. Transactional mail is never held by it.</summary>
/// <param name="Quiet">Hours in which none leaves, by the recipient's clock (UTC where no time zone is known); null for none.</param>
/// <param name="Cap">The most a recipient gets; null for any number.</param>
public sealed record SendingPolicy(QuietTimes? Quiet, MessageCap? Cap)
{
    /// <summary>Nothing is held back.</summary>
    public static SendingPolicy None { get; } = new(null, null);
}

/// <summary>At most so many marketing mails to a contact in any such period.</summary>
/// <param name="Messages">1 to 1,000.</param>
/// <param name="Period">A minute to a year.</param>
public sealed record MessageCap(int Messages, TimeSpan Period);

/// <summary>The policies of the accounts.</summary>
public sealed class SendingPolicies(Database database)
{
    /// <summary>The account's policy.</summary>
    public async Task<SendingPolicy> FindAsync(int accountId, CancellationToken ct) =>
        (await database.ReadAsync(session => AmongAsync(session, [accountId], ct), ct)).GetValueOrDefault(accountId, SendingPolicy.None);

    /// <summary>Sets it; holds from the next hand-over on.</summary>
    /// <exception cref="InvalidInputException">The cap is out of its range.</exception>
    public Task PutAsync(int accountId, SendingPolicy policy, CancellationToken ct) => database.WriteAsync(async session =>
    {
        if (policy.Cap is { } cap)
        {
            if (cap.Messages is < 1 or > 1000) throw new InvalidInputException("cap.messages", $"{cap.Messages} is not between 1 and 1,000");
            if (cap.Period < TimeSpan.FromMinutes(1) || cap.Period > TimeSpan.FromDays(366)) throw new InvalidInputException("cap.period", "must be a minute to a year, such as P7D");
        }
        await WriteAsync(session, accountId, policy, ct);
        await Audit.RecordAsync(session, accountId, "sending_policy.put", "", ct, ("quiet", policy.Quiet?.ToString()), ("cap_messages", policy.Cap?.Messages), ("cap_period", policy.Cap?.Period.ToString()));
    }, ct);

    internal static async Task WriteAsync(Session session, int accountId, SendingPolicy policy, CancellationToken ct) =>
        await session.ExecuteAsync("""
            INSERT INTO sending_policy (account_id, quiet_from, quiet_to, cap_messages, cap_period) VALUES (@account, @from, @to, @messages, @period)
            ON CONFLICT (account_id) DO UPDATE SET quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to, cap_messages = excluded.cap_messages, cap_period = excluded.cap_period
            """, ct, ("account", accountId), ("from", policy.Quiet?.From.ToString("HH:mm", null)), ("to", policy.Quiet?.To.ToString("HH:mm", null)),
            ("messages", policy.Cap?.Messages), ("period", (long?)policy.Cap?.Period.TotalMilliseconds));

    internal static async Task<IReadOnlyDictionary<int, SendingPolicy>> AmongAsync(Session session, IReadOnlyList<int> accountIds, CancellationToken ct) => (await session.QueryAsync(
        "SELECT p.account_id, p.quiet_from, p.quiet_to, p.cap_messages, p.cap_period FROM {rows} JOIN sending_policy p ON p.account_id = r.owner",
        new Rows<int>(accountIds).Int("owner", id => id),
        row => (Account: row.Int(0), Policy: new SendingPolicy(
            QuietTimes.TryRead(row.TextOrNull(1), row.TextOrNull(2), out var quiet) ? quiet : null,
            row.IntOrNull(3) is { } messages ? new MessageCap(messages, TimeSpan.FromMilliseconds(row.Long(4))) : null)), ct)).ToDictionary(each => each.Account, each => each.Policy);
}
