using System.Text.Json;
using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Delivery.Routing;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Facts;
using MailFlow.Engine.Storage;

namespace MailFlow.Delivery.Reports;

/// <summary>What came of a batch of reports.</summary>
/// <param name="Shards">To be signalled after the commit.</param>
/// <param name="Waiting">The calls with reports about mails that the ledger may come to know: they are read once more later.</param>
internal sealed record Applied(IReadOnlyCollection<int> Shards, IReadOnlySet<long> Waiting);

/// <summary>Does what reports say, in the transaction at hand: the summary of each mail, the ledger, suppressions, consents, counts, stops, and the contact's events.</summary>
internal sealed class Effects(Suppressions suppressions, Consents consents, IContactStore contacts, EventIntake events)
{
    /// <summary>How long an open or a click waits for what may show that a machine did it.</summary>
    public static readonly TimeSpan Settling = TimeSpan.FromSeconds(10);

    /// <summary>Who says so, of what stands in suppressions and consents.</summary>
    public const string Source = "webhook";

    /// <param name="session">A writing session.</param>
    /// <param name="calls">The calls, read.</param>
    /// <param name="now">Unix milliseconds.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<Applied> ApplyAsync(Session session, IReadOnlyList<(StoredCall Call, IReadOnlyList<Report> Reports)> calls, long now, CancellationToken ct)
    {
        var all = calls.SelectMany(call => call.Reports).ToList();
        // An engine's batch holds its shard before it touches a message, an erasure before it holds off reports: so here.
        await LockShardsAsync(session, (await MatchAsync(session, all.FindAll(IsObjection), ct)).Values, ct);
        await ErasureLock.HoldOffAsync(session, all.Select(report => report.AccountId), ct);
        var found = await MatchAsync(session, all, ct);
        // Whoever said no to tracking after the mail had left is not tracked from there on, by whatever means the mail is; nor is who has not said yes where the account needs it.
        var known = all.Where(report => found.ContainsKey(report.Key)).DistinctBy(report => report.Key).ToList();
        var unheard = known.Where(report => report.IsEngagement && found[report.Key].RefusesTracking).ToHashSet();
        var matched = known.Where(report => !unheard.Contains(report))
            .Select(report => (Report: found[report.Key].ContactExists ? report : report.WithoutPerson(), Message: found[report.Key])).ToList();
        var news = await ReportStore.InsertAsync(session, matched, now, now + (long)Settling.TotalMilliseconds, ct);
        var fresh = matched.Where(each => news.Contains(each.Report.Key)).ToList();

        await LockShardsAsync(session, fresh.Where(each => IsObjection(each.Report)).Select(each => each.Message), ct); // held already, but for a mail that nobody knew just now
        // What anybody can have made up spares the address that it is about, and does nothing else.
        var proven = fresh.Where(each => each.Report.IsProven).ToList();
        var firsts = await SummariseAsync(session, proven, ct);
        var arrived = proven.Concat(unheard.Where(report => report.IsProven).Select(report => (Report: report, Message: found[report.Key])));
        await Ledger.SettleAsync(session, [.. arrived.Where(each => each.Report.Connection != RefusedMail.Type).GroupBy(each => each.Message.Id).Select(group => Settlement(group.First()))], now, ct);
        await SuppressAsync(session, fresh, now, ct);
        await WithdrawAsync(session, fresh, now, ct);
        var resumes = await FlowStore.ResumesAsync(session, [.. proven.Select(each => each.Message.AccountId).Distinct()], ct);
        await SendingStops.StopAsync(session, await SenderFaults.CountAsync(session, proven, resumes, now, ct), ct);
        // Opens and clicks are raised and told when they are judged.
        var final = firsts.Where(each => !each.Report.IsEngagement).OrderBy(each => each.Report.At).ToList();
        var shards = await events.AcceptAsync(session, [.. final.Select(each => EventOf(each.Report, each.Message, null)).OfType<(int, IncomingEvent)>()], ct);
        await TellAsync(session, [.. final.Select(each => MailFacts.Of(each.Report, each.Message, null)).OfType<Fact>()], ct);
        await FlowStore.CountAsync(session, DayCounts(firsts, resumes), ct);
        var waiting = calls.Where(call => call.Call.Attempt == 0 && call.Reports.Any(report => !found.ContainsKey(report.Key) && MayComeYet(report))).Select(call => call.Call.Id).ToHashSet();
        await ReportStore.CountAsync(session, Counts(calls, found, [.. fresh.Select(each => each.Report), .. unheard], waiting, now), ct);
        return new(shards, waiting);
    }

    private static async Task LockShardsAsync(Session session, IEnumerable<ReportedMessage> messages, CancellationToken ct)
    {
        foreach (var shard in messages.Select(message => StableHash.Shard(message.AccountId, message.UserId)).Distinct().Order()) await session.LockShardAsync(shard, wait: true, ct);
    }

    /// <summary>Tells what is wanted of these, in the order in which it happened.</summary>
    public static async Task TellAsync(Session session, IReadOnlyList<Fact> facts, CancellationToken ct)
    {
        if (facts.Count > 0) await Outbox.WriteAsync(session, await FactInterest.OfAsync(session, facts.Select(fact => fact.AccountId), ct), facts.OrderBy(fact => fact.At), ct);
    }

    /// <summary>A report as an event of the contact; null when it is none, or the contact is there no more.</summary>
    public static (int AccountId, IncomingEvent Event)? EventOf(Report report, ReportedMessage message, bool? human)
    {
        if (!message.ContactExists || EmailEvents.Of(report.Kind) is not { } type) return null;
        var payload = new Dictionary<string, object?> { ["message_id"] = message.Id.ToString(), ["template"] = message.Template };
        Add("journey", message.Journey);
        Add("activity_id", message.ActivityId);
        Add("url", report.Url);
        Add("human", human);
        Add("bounce", report.Bounce is { } bounce ? BounceWords.Of(bounce) : null);
        Add("reason", report.Reason);
        return (message.AccountId, new IncomingEvent(
            $"feedback:{report.Key:n}", type, message.UserId, DateTimeOffset.FromUnixTimeMilliseconds(report.At), JsonSerializer.Serialize(payload), null));

        void Add(string name, object? value)
        {
            if (value is not null) payload[name] = value;
        }
    }

    /// <summary>By our own key where the provider gives it back, otherwise by the name that it gave the mail; never a message of another account.</summary>
    private static async Task<Dictionary<Guid, ReportedMessage>> MatchAsync(Session session, List<Report> reports, CancellationToken ct)
    {
        var found = new Dictionary<Guid, ReportedMessage>();
        var byId = (await ReportStore.MessagesAsync(session, reports.Select(report => report.MessageId).OfType<Guid>(), ct)).ToDictionary(message => message.Id);
        foreach (var report in reports)
            if (report.MessageId is { } id && byId.GetValueOrDefault(id) is { } message && message.AccountId == report.AccountId) found[report.Key] = message;

        var named = reports.Where(report => report.MessageId is null && report.ProviderId is not null).ToList();
        var byName = (await ReportStore.MessagesAsync(session, named.Select(report => (report.AccountId, report.Connection, report.ProviderId!)), ct))
            .GroupBy(each => (each.Message.AccountId, each.Connection, each.Message.ProviderId!)).ToDictionary(group => group.Key, group => group.First().Message);
        foreach (var report in named)
            if (byName.TryGetValue((report.AccountId, report.Connection, report.ProviderId!), out var message)) found[report.Key] = message;
        return found;
    }

    /// <summary>Those that are the first of their kind about their mail, in any batch.</summary>
    private static async Task<List<(Report Report, ReportedMessage Message)>> SummariseAsync(Session session, List<(Report Report, ReportedMessage Message)> fresh, CancellationToken ct)
    {
        var summaries = await ReportStore.LockAsync(session, fresh.Select(each => (each.Message.Id, each.Message.AccountId)), ct);
        var firsts = new List<(Report, ReportedMessage)>();
        var names = new Dictionary<Guid, string>();
        foreach (var each in fresh)
        {
            var summary = summaries[each.Message.Id];
            if (summary.Add(each.Report)) firsts.Add(each);
            if (each.Report.MessageId is null || Bare(each.Report.ProviderId) is not { } name) continue;
            // Of a mail whose answers were lost, the first report names it.
            names.TryAdd(each.Message.Id, Bare(each.Message.ProviderId) ?? name);
            if (IsAnother(name, names[each.Message.Id])) summary.SecondProviderId ??= each.Report.ProviderId;
        }
        await ReportStore.SaveAsync(session, summaries.Values, ct);
        return firsts;
    }

    /// <summary>Whether the provider gave the same key another name: it took it twice. Some add to the name that they answered with.</summary>
    private static bool IsAnother(string one, string other) => !one.StartsWith(other, StringComparison.Ordinal) && !other.StartsWith(one, StringComparison.Ordinal);

    private static string? Bare(string? providerId) => providerId?.Trim('<', '>', ' ');

    /// <summary>Whatever a provider reports about a mail, it has taken it.</summary>
    private static Settlement Settlement((Report Report, ReportedMessage Message) each) => new(
        each.Message.Id, each.Message.AccountId, each.Message.State, each.Message.Attempt, $"the provider reported it: {each.Report.Kind.ToString().ToLowerInvariant()}", each.Report.ProviderId);

    private async Task SuppressAsync(Session session, List<(Report Report, ReportedMessage Message)> fresh, long now, CancellationToken ct)
    {
        var at = DateTimeOffset.FromUnixTimeMilliseconds(now);
        var said = from each in fresh
                   where each.Message.To is not null
                   let what = ReasonAndScope(each.Report, each.Message)
                   where what is not null
                   select (each.Message.AccountId, Suppression: new Suppression(
                       Audience.EmailAddress.MailboxKey(each.Message.To!), what.Value.Reason, what.Value.Scope, Source, at, each.Report.Reason ?? $"reported about message {each.Message.Id}"));
        var soft = await SoftBounces.CountAsync(session, [.. fresh.Where(each => each.Report is { Bounce: BounceKind.RecipientSoft, IsProven: true } && each.Message.To is not null)], now, ct);
        foreach (var account in said.Concat(soft).Concat(await PresentAddressesAsync(session, fresh, at, ct)).GroupBy(each => each.AccountId, each => each.Suppression).OrderBy(account => account.Key).ToList())
            await suppressions.AddAsync(session, account.Key, account, ct);
    }

    /// <summary>Whoever unsubscribed or complained under an address that the contact has left by now means the present one too, as with our own link.</summary>
    private async Task<IEnumerable<(int AccountId, Suppression Suppression)>> PresentAddressesAsync(
        Session session, List<(Report Report, ReportedMessage Message)> fresh, DateTimeOffset at, CancellationToken ct)
    {
        var reports = fresh.Where(each => each.Message.ContactExists && IsObjection(each.Report))
            .ToLookup(each => each.Message.ContactId);
        if (reports.Count == 0) return [];
        return from contact in await contacts.LoadAsync(session, [.. reports.Select(each => each.Key)], ct)
               let email = contact.Text("email")
               where EmailAddress.TryParse(email, out _)
               from each in reports[contact.Id]
               let what = ReasonAndScope(each.Report, each.Message)!.Value
               select (contact.AccountId, new Suppression(
                   Audience.EmailAddress.MailboxKey(email), what.Reason, what.Scope, Source, at, $"reported about message {each.Message.Id}"));
    }

    /// <summary>
    /// A complaint about a receipt stops receipts too; one about marketing mail leaves the password reset to be sent. What a provider's list holds against an address holds for other
    /// connections too.
    /// </summary>
    private static (string Reason, string Scope)? ReasonAndScope(Report report, ReportedMessage message) => (report.Kind, report.Bounce, report.Listed) switch
    {
        (FeedbackKind.Bounced, BounceKind.Hard, _) or (FeedbackKind.Dropped, _, ListedFor.HardBounce) => (SuppressionReason.HardBounce, Suppression.All),
        (FeedbackKind.Complained, _, _) or (FeedbackKind.Dropped, _, ListedFor.Complaint) =>
            (SuppressionReason.Complaint, message.Stream == Engine.Definitions.MessageStream.Marketing ? Suppression.Marketing : Suppression.All),
        (FeedbackKind.Unsubscribed, _, _) or (FeedbackKind.Dropped, _, ListedFor.Unsubscribed) => (SuppressionReason.Unsubscribed, Suppression.Marketing),
        (FeedbackKind.Dropped, _, ListedFor.Unsaid) => (SuppressionReason.ListedAtProvider, message.Stream == Engine.Definitions.MessageStream.Marketing ? Suppression.Marketing : Suppression.Transactional),
        _ => null,
    };

    /// <summary>
    /// Of who unsubscribed, as our own link does: consent to the purpose that the mail was sent for, and to marketing mail in general. Who complained has refused the latter, whatever address comes
    /// next.
    /// </summary>
    private async Task WithdrawAsync(Session session, List<(Report Report, ReportedMessage Message)> fresh, long now, CancellationToken ct) => await consents.RecordAsync(
        session,
        [.. fresh.Where(each => IsObjection(each.Report) && each.Message.ContactExists)
            .Select(each => (each.Message, IsComplaint: each.Report.Kind == FeedbackKind.Complained))
            .SelectMany(each => Consents.Withdrawn(each.IsComplaint ? null : each.Message.Purpose), (each, purpose) => (each.Message, each.IsComplaint, Purpose: purpose))
            .DistinctBy(each => (each.Message.ContactId, each.Purpose)).OrderBy(each => each.Message.ContactId).Select(each => new Consent(
                each.Message.AccountId, each.Message.ContactId, each.Purpose, false, each.IsComplaint ? Consents.Complaint : Consents.Unsubscribed, DateTimeOffset.FromUnixTimeMilliseconds(now),
                $"{(each.IsComplaint ? "called spam" : "unsubscribed at the provider")}, message {each.Message.Id}"))], ct);

    /// <summary>Whether the person wants no more marketing mail. A complaint that anybody can have made up says nothing of the person.</summary>
    private static bool IsObjection(Report report) => report is { Kind: FeedbackKind.Unsubscribed } or { Kind: FeedbackKind.Complained, IsProven: true };

    /// <summary>
    /// On the day of what happened, each mail once a kind: warm-up and the guard of reputation go by these. What is reported of a mail that left before the domain was
    /// resumed was judged with it.
    /// </summary>
    private static List<DayCount> DayCounts(List<(Report Report, ReportedMessage Message)> firsts, Resumes resumes) =>
    [
        .. from each in firsts
           where each.Message.FromDomain is not null
           where each.Report.Kind is FeedbackKind.Delivered or FeedbackKind.Complained || each.Report.Bounce == BounceKind.Hard
           let subject = new BucketKey(each.Message.AccountId, SendingStops.OfDomain(each.Message.FromDomain!))
           let bounces = each.Report.Bounce == BounceKind.Hard ? 1 : 0
           let complaints = each.Report.Kind == FeedbackKind.Complained ? 1 : 0
           let isJudged = resumes.IsFromBefore(subject, each.Message.HandedOverAt)
           let day = new DayCount(
               subject.AccountId, subject.Key, FlowStore.DayOf(each.Report.At), 0, each.Report.Kind == FeedbackKind.Delivered ? 1 : 0, bounces, complaints,
               JudgedBounces: isJudged ? bounces : 0, JudgedComplaints: isJudged ? complaints : 0)
           from count in each.Message.To is { } to ? FlowStore.InAllAndByMailbox(day, to[(to.LastIndexOf('@') + 1)..]) : [day]
           select count,
    ];

    /// <summary>The answer that names the mail may not be written down yet: the provider's report can be faster.</summary>
    private static bool MayComeYet(Report report) => report is { MessageId: null, ProviderId: not null };

    /// <summary>A call that is read again has been counted, but for what stayed unmatched.</summary>
    private static IEnumerable<WebhookCount> Counts(
        IReadOnlyList<(StoredCall Call, IReadOnlyList<Report> Reports)> calls, Dictionary<Guid, ReportedMessage> found, List<Report> done, HashSet<long> waiting, long now)
    {
        var news = done.CountBy(report => report.CallId).ToDictionary();
        return calls.GroupBy(call => (call.Call.AccountId, call.Call.Connection)).Select(group =>
        {
            var first = group.Where(call => call.Call.Attempt == 0).ToList();
            return new WebhookCount(
                group.Key.AccountId, group.Key.Connection, FlowStore.DayOf(now), first.Count, first.Sum(call => call.Reports.Count),
                first.Sum(call => call.Reports.Count(report => found.ContainsKey(report.Key)) - news.GetValueOrDefault(call.Call.Id)),
                group.Where(call => !waiting.Contains(call.Call.Id)).Sum(call => call.Reports.Count(report => !found.ContainsKey(report.Key))));
        });
    }
}
