using MailFlow.Data;

namespace MailFlow.Delivery;

/// <summary>What became of the mail that was planned in a period, for whoever wants to see that none is lost and none comes twice.</summary>
/// <param name="Since">The period's begin.</param>
/// <param name="Until">Its end.</param>
/// <param name="Planned">How many mails were planned in it.</param>
/// <param name="States">How many of them stand in each state now.</param>
/// <param name="Unknown">How many are in doubt now: the provider may or may not have taken them.</param>
/// <param name="EverUnknown">How many were ever in doubt.</param>
/// <param name="Resolved">By what those were resolved that are accepted now.</param>
/// <param name="Unconfirmed">How many were given up, lost or sent, and are listed with that state.</param>
/// <param name="UnknownPerMillion">How many of a million planned mails were ever in doubt.</param>
/// <param name="DuplicatesSeen">How many a provider took twice, as far as its reports show: those of Mailgun and SMTP never do.</param>
public sealed record DeliveryGuarantees(
    DateTimeOffset Since, DateTimeOffset Until, long Planned, IReadOnlyDictionary<string, long> States, long Unknown, long EverUnknown, ResolvedDoubts Resolved, long Unconfirmed,
    double UnknownPerMillion, long DuplicatesSeen);

/// <summary>How doubts were resolved.</summary>
/// <param name="ByWebhook">The provider reported the mail of itself.</param>
/// <param name="BySender">The provider was asked, or was handed the same key again and knew it.</param>
public sealed record ResolvedDoubts(long ByWebhook, long BySender);

/// <summary>Counts what the ledger promises.</summary>
public sealed class Guarantees(Database database)
{
    /// <summary>The longest period that is counted at once.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(92);

    /// <summary>Of an account's mail that was planned in this period.</summary>
    /// <exception cref="InvalidInputException">The period is none, or too long.</exception>
    public async Task<DeliveryGuarantees> CountAsync(int accountId, DateTimeOffset? since, DateTimeOffset? until, CancellationToken ct)
    {
        var now = await database.ReadAsync(session => session.NowAsync(ct), ct);
        var to = until ?? DateTimeOffset.FromUnixTimeMilliseconds(now);
        var from = since ?? to.AddDays(-30);
        if (from >= to) throw new InvalidInputException("since", "must be before 'until'");
        if (to - from > Longest) throw new InvalidInputException("since", $"the period is longer than {Longest.TotalDays:0} days");
        (string, object?)[] period = [("account", accountId), ("since", from), ("until", to)];
        const string inPeriod = "m.account_id = @account AND m.queued_at >= @since AND m.queued_at < @until";
        var counted = await database.ReadAsync(async session => (
            States: await session.QueryAsync($"SELECT m.state, count(*) FROM message m WHERE {inPeriod} GROUP BY m.state", row => (State: (MessageState)row.Int(0), Count: row.Long(1)), ct, period),
            Doubts: (await session.QueryAsync($"""
                SELECT count(*), coalesce(sum(CASE WHEN d.state = {(int)MessageState.Accepted} AND d.reported = 1 THEN 1 ELSE 0 END), 0),
                       coalesce(sum(CASE WHEN d.state = {(int)MessageState.Accepted} AND d.reported = 0 THEN 1 ELSE 0 END), 0)
                FROM (SELECT m.id, m.state, max(CASE WHEN a.state = {(int)MessageState.Accepted} THEN 1 ELSE 0 END) AS reported,
                             max(CASE WHEN a.state = {(int)MessageState.Unknown} THEN 1 ELSE 0 END) AS doubted
                      FROM message_attempt a JOIN message m ON m.id = a.message_id
                      WHERE a.account_id = @account AND a.at >= @since AND a.state IN ({(int)MessageState.Accepted}, {(int)MessageState.Unknown}) AND {inPeriod}
                      GROUP BY m.id, m.state) AS d WHERE d.doubted = 1
                """, row => (Ever: row.Long(0), Webhook: row.Long(1), Sender: row.Long(2)), ct, period))[0],
            Doubled: await session.ScalarAsync<long>(
                $"SELECT count(*) FROM message_feedback f JOIN message m ON m.id = f.message_id WHERE f.account_id = @account AND f.second_provider_id IS NOT NULL AND {inPeriod}", ct, period)), ct);
        var states = counted.States.ToDictionary(each => each.State, each => each.Count);
        var planned = states.Values.Sum();
        return new DeliveryGuarantees(
            from, to, planned, Enum.GetValues<MessageState>().ToDictionary(state => state.Word(), state => states.GetValueOrDefault(state)),
            states.GetValueOrDefault(MessageState.Unknown), counted.Doubts.Ever, new(counted.Doubts.Webhook, counted.Doubts.Sender), states.GetValueOrDefault(MessageState.Unconfirmed),
            planned == 0 ? 0 : Math.Round(1e6 * counted.Doubts.Ever / planned, 2), counted.Doubled);
    }
}
