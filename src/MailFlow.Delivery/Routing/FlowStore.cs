using MailFlow.Data;
using MailFlow.Delivery.Deliverability;

namespace MailFlow.Delivery.Routing;

/// <summary>A token bucket's row.</summary>
internal readonly record struct BucketKey(int AccountId, string Key);

/// <summary>One more, or fewer, in a day's row.</summary>
internal readonly record struct DayCount(int AccountId, string Subject, int Day, int HandedOver = 0, int Delivered = 0, int HardBounces = 0, int Complaints = 0, int Transactional = 0,
    int JudgedBounces = 0, int JudgedComplaints = 0);

/// <summary>What limits are told by: days, warm-ups, mailbox limits.</summary>
internal static class FlowStore
{
    public const long MillisecondsADay = 24L * 60 * 60 * 1000;

    public static int DayOf(long now) => (int)(now / MillisecondsADay);

    /// <summary>What is counted of a sending domain by who keeps the recipients' mailboxes, beside the domain itself.</summary>
    public static string OfMailbox(string subject, string mailbox) => $"{subject}/{mailbox}";

    /// <summary>Mails that left a domain, or what came of them, by the recipient's mailbox provider and in all.</summary>
    /// <param name="count">Of the domain.</param>
    /// <param name="recipientDomain">Whose.</param>
    public static IEnumerable<DayCount> InAllAndByMailbox(DayCount count, string recipientDomain) => [count, count with { Subject = OfMailbox(count.Subject, MailboxProviders.CounterOf(recipientDomain)) }];

    /// <summary>Adds up what there is to count, and counts it.</summary>
    public static Task CountAsync(Session session, IReadOnlyList<DayCount> counts, CancellationToken ct) => session.ExecuteAsync("""
        INSERT INTO sending_day (account_id, subject, day, handed_over, transactional, delivered, hard_bounces, complaints, judged_bounces, judged_complaints)
        SELECT r.owner, r.subject, r.day, r.handed_over, r.transactional, r.delivered, r.hard_bounces, r.complaints, r.judged_bounces, r.judged_complaints FROM {rows} WHERE true
        ON CONFLICT (account_id, subject, day) DO UPDATE SET handed_over = sending_day.handed_over + excluded.handed_over,
          transactional = sending_day.transactional + excluded.transactional, delivered = sending_day.delivered + excluded.delivered,
          hard_bounces = sending_day.hard_bounces + excluded.hard_bounces, complaints = sending_day.complaints + excluded.complaints,
          judged_bounces = sending_day.judged_bounces + excluded.judged_bounces, judged_complaints = sending_day.judged_complaints + excluded.judged_complaints
        """,
        new Rows<DayCount>([.. counts.GroupBy(count => (count.AccountId, count.Subject, count.Day)).Select(each => new DayCount(
            each.Key.AccountId, each.Key.Subject, each.Key.Day, each.Sum(c => c.HandedOver), each.Sum(c => c.Delivered), each.Sum(c => c.HardBounces), each.Sum(c => c.Complaints), each.Sum(c => c.Transactional),
            each.Sum(c => c.JudgedBounces), each.Sum(c => c.JudgedComplaints))).OrderBy(count => count.AccountId).ThenBy(count => count.Subject, StringComparer.Ordinal).ThenBy(count => count.Day)])
            .Int("owner", c => c.AccountId).Text("subject", c => c.Subject).Int("day", c => c.Day).Int("handed_over", c => c.HandedOver).Int("delivered", c => c.Delivered)
            .Int("hard_bounces", c => c.HardBounces).Int("complaints", c => c.Complaints).Int("transactional", c => c.Transactional)
            .Int("judged_bounces", c => c.JudgedBounces).Int("judged_complaints", c => c.JudgedComplaints), ct);

    /// <summary>All that is counted in these accounts, from <paramref name="since"/> on.</summary>
    public static async Task<ILookup<BucketKey, SendingDay>> DaysAsync(Session session, IReadOnlyList<int> accountIds, int since, CancellationToken ct) => (await session.QueryAsync("""
        SELECT d.account_id, d.subject, d.day, d.handed_over, d.delivered, d.hard_bounces, d.complaints, d.judged_mails, d.judged_bounces, d.judged_complaints, d.transactional
        FROM {rows} JOIN sending_day d ON d.account_id = r.owner AND d.day >= @since
        """, new Rows<int>(accountIds).Int("owner", id => id),
        row => (Key: new BucketKey(row.Int(0), row.Text(1)), Day: new SendingDay(row.Int(2), row.Int(3), row.Int(4), row.Int(5), row.Int(6), row.Int(7), row.Int(8), row.Int(9), row.Int(10))), ct, ("since", since)))
        .ToLookup(each => each.Key, each => each.Day);

    /// <summary>The log of a sending domain, judged with all names of its registered domain that the account's mail came from.</summary>
    /// <param name="days">The account's.</param>
    /// <param name="domain">The account and the domain's subject.</param>
    public static SendingLog LogOf(ILookup<BucketKey, SendingDay> days, BucketKey domain)
    {
        var family = FamilyOf(days, domain);
        return new SendingLog([.. days[domain]], MailboxProviders.Counted.ToDictionary(mailbox => mailbox, mailbox => new SendingLog([], judged: Of(subject => OfMailbox(subject, mailbox)))), Of(subject => subject));

        IReadOnlyList<SendingDay> Of(Func<string, string> counted) => [.. family.SelectMany(subject => days[domain with { Key = counted(subject) }])];
    }

    /// <summary>The subjects of all names below a domain's registered domain that are counted, itself included; of another subject than a domain only that.</summary>
    private static IReadOnlyList<string> FamilyOf(ILookup<BucketKey, SendingDay> days, BucketKey subject) => SendingStops.DomainIn(subject.Key) is not { } name ? [subject.Key] :
    [
        .. days.Select(each => each.Key).Where(key => key.AccountId == subject.AccountId && !key.Key.Contains('/') && SendingStops.DomainIn(key.Key) is { } other
            && OrganisationalDomain.Of(other) == OrganisationalDomain.Of(name)).Select(key => key.Key).Append(subject.Key).Distinct(),
    ];

    private static IEnumerable<string> WithMailboxes(string subject) => [subject, .. MailboxProviders.Counted.Select(mailbox => OfMailbox(subject, mailbox))];

    /// <summary>From now on a subject is judged by what comes after: what its days hold has been judged, and those of the names that are judged with it.</summary>
    public static async Task ResumeAsync(Session session, BucketKey subject, long now, CancellationToken ct)
    {
        var since = DayOf(now) - (2 * SendingLog.Window);
        var family = FamilyOf(await DaysAsync(session, [subject.AccountId], since, ct), subject);
        await session.ExecuteAsync("""
            UPDATE sending_day SET judged_mails = handed_over, judged_bounces = hard_bounces, judged_complaints = complaints
            FROM {rows} WHERE sending_day.account_id = @account AND sending_day.subject = r.subject AND sending_day.day > @since
            """, new Rows<string>([.. family.SelectMany(WithMailboxes)]).Text("subject", each => each), ct, ("account", subject.AccountId), ("since", since));
        await session.ExecuteAsync("""
            INSERT INTO sending_resume (account_id, subject, at) VALUES (@account, @subject, @now) ON CONFLICT (account_id, subject) DO UPDATE SET at = excluded.at
            """, ct, ("account", subject.AccountId), ("subject", subject.Key), ("now", now));
    }

    /// <summary>When subjects of these accounts were last resumed; a domain is resumed with all names of its registered domain.</summary>
    public static async Task<Resumes> ResumesAsync(Session session, IReadOnlyList<int> accountIds, CancellationToken ct) => new(await session.QueryAsync(
        "SELECT s.account_id, s.subject, s.at FROM {rows} JOIN sending_resume s ON s.account_id = r.owner", new Rows<int>(accountIds).Int("owner", id => id),
        row => (new BucketKey(row.Int(0), row.Text(1)), row.Long(2)), ct));

    /// <summary>When a subject was last resumed; null for never.</summary>
    public static async Task<DateTimeOffset?> ResumedAtAsync(Session session, BucketKey subject, CancellationToken ct) => (await session.QueryAsync(
        "SELECT at FROM sending_resume WHERE account_id = @account AND subject = @subject", row => (DateTimeOffset?)row.Instant(0), ct,
        ("account", subject.AccountId), ("subject", subject.Key))).FirstOrDefault();

    /// <summary>The warm-ups of these accounts, by account and domain.</summary>
    public static async Task<Dictionary<BucketKey, WarmUp>> WarmUpsAsync(Session session, IReadOnlyList<int> accountIds, CancellationToken ct) => (await session.QueryAsync("""
        SELECT w.account_id, w.domain, w.first_volume, w.target_volume, w.days, w.step, w.day FROM {rows} JOIN sending_warm_up w ON w.account_id = r.owner
        """, new Rows<int>(accountIds).Int("owner", id => id),
        row => (Key: new BucketKey(row.Int(0), row.Text(1)), WarmUp: new WarmUp(row.Int(2), row.Int(3), row.Int(4), row.Int(5), row.Int(6))), ct))
        .ToDictionary(each => each.Key, each => each.WarmUp);

    /// <summary>The most mails a second of these sending domains, by the bucket they are taken from.</summary>
    public static async Task<Dictionary<BucketKey, double>> DomainRatesAsync(Session session, IReadOnlyDictionary<int, string> domains, CancellationToken ct) => (await session.QueryAsync("""
        SELECT d.account_id, d.domain, d.per_second FROM {rows} JOIN sending_domain d ON d.account_id = r.owner AND d.domain = r.domain WHERE d.per_second IS NOT NULL
        """, new Rows<KeyValuePair<int, string>>([.. domains]).Int("owner", each => each.Key).Text("domain", each => each.Value),
        row => (Key: new BucketKey(row.Int(0), SendingStops.OfDomain(row.Text(1))), Rate: row.Double(2)), ct)).ToDictionary(each => each.Key, each => each.Rate);

    /// <summary>Keeps where a warm-up has come to.</summary>
    public static Task SaveAsync(Session session, BucketKey domain, WarmUp warmUp, CancellationToken ct) => session.ExecuteAsync(
        "UPDATE sending_warm_up SET step = @step, day = @day WHERE account_id = @account AND domain = @domain AND day < @day", ct,
        ("step", warmUp.Step), ("day", warmUp.Day), ("account", domain.AccountId), ("domain", domain.Key));

    /// <summary>The most mails a second to a mailbox provider, by account and name; <c>*</c> stands for each domain that has no limit of its own.</summary>
    public static async Task<Dictionary<BucketKey, double>> MailboxLimitsAsync(Session session, IReadOnlyList<int> accountIds, CancellationToken ct) => (await session.QueryAsync(
        "SELECT l.account_id, l.mailbox, l.per_second FROM {rows} JOIN mailbox_limit l ON l.account_id = r.owner", new Rows<int>(accountIds).Int("owner", id => id),
        row => (Key: new BucketKey(row.Int(0), row.Text(1)), Rate: row.Double(2)), ct)).ToDictionary(each => each.Key, each => each.Rate);
}

/// <summary>When subjects were last resumed.</summary>
internal sealed class Resumes(IEnumerable<(BucketKey Subject, long At)> resumes)
{
    private readonly Dictionary<BucketKey, long> _lasts = resumes.GroupBy(each => Judged(each.Subject), each => each.At).ToDictionary(each => each.Key, each => each.Max());

    /// <summary>Whether a mail left before the subject was resumed: it was judged then, with whatever is reported of it later.</summary>
    public bool IsFromBefore(BucketKey subject, long handedOverAt) => _lasts.TryGetValue(Judged(subject), out var at) && handedOverAt < at;

    private static BucketKey Judged(BucketKey subject) =>
        SendingStops.DomainIn(subject.Key) is { } name ? subject with { Key = SendingStops.OfDomain(OrganisationalDomain.Of(name)) } : subject;
}
