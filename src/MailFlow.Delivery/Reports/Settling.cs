using MailFlow.Data;
using MailFlow.Engine.Facts;
using MailFlow.Engine.Storage;

namespace MailFlow.Delivery.Reports;

/// <summary>
/// Judges opens and clicks some seconds after they came, when what shows a machine has come too, and raises the contact's events with the verdict. All of a mail are judged
/// again with each new one: what turns out to be a machine's later is no longer counted, but an event that was raised stays.
/// </summary>
internal sealed class Settling(Database database, EventIntake events, IFaultPoints faults)
{
    private const int MostEvents = 1_000, MostOfOneMail = 500;

    private static readonly string LatestOfMail = $"WHERE l.message_id = r.id AND l.kind >= {(int)FeedbackKind.Opened} ORDER BY l.at DESC LIMIT {MostOfOneMail}";

    /// <summary>Gives how many it judged for the first time.</summary>
    public async Task<int> RunOnceAsync(CancellationToken ct)
    {
        if (!await database.ReadAsync(async session => await session.ScalarAsync<bool>(
            "SELECT EXISTS (SELECT 1 FROM message_event WHERE settle_at <= @now)", ct, ("now", await session.NowAsync(ct))), ct)) return 0;
        var (judged, shards) = await database.WriteAsync(session => RunAsync(session, ct), ct);
        events.Signal(shards);
        return judged;
    }

    private async Task<(int Judged, IReadOnlyCollection<int> Shards)> RunAsync(Session session, CancellationToken ct)
    {
        var now = await session.NowAsync(ct);
        // An erasure takes its lock before a row of these: so here.
        var accounts = await session.QueryAsync("SELECT DISTINCT account_id FROM (SELECT account_id FROM message_event WHERE settle_at <= @now ORDER BY settle_at LIMIT @most) AS first",
            row => row.Int(0), ct, ("now", now), ("most", MostEvents));
        await ErasureLock.HoldOffAsync(session, accounts, ct);
        var due = await session.QueryAsync(
            $"""
            SELECT key, message_id, account_id FROM message_event WHERE settle_at <= @now AND account_id IN (SELECT r.account FROM {"{rows}"})
            ORDER BY settle_at LIMIT @most {(session.Dialect.IsPostgreSql ? "FOR UPDATE SKIP LOCKED" : "")}
            """,
            new Rows<int>(accounts).Int("account", id => id), row => (Key: row.Uuid(0), MessageId: row.Uuid(1), AccountId: row.Int(2)), ct, ("now", now), ("most", MostEvents));
        if (due.Count == 0) return (0, []);
        var first = due.Select(each => each.Key).ToHashSet();
        var summaries = await ReportStore.LockAsync(session, due.Select(each => (each.MessageId, each.AccountId)), ct);
        var messages = (await ReportStore.MessagesAsync(session, summaries.Keys, ct)).ToDictionary(message => message.Id);
        var engagements = (await OfMessagesAsync(session, [.. summaries.Keys.Order()], ct)).ToLookup(each => each.MessageId);

        var (changes, raised, told, seen) = (new List<Judged>(), new List<(int AccountId, IncomingEvent Event)>(), new List<Fact>(), new Dictionary<long, Seen>());
        foreach (var summary in summaries.Values)
        {
            var message = messages.GetValueOrDefault(summary.MessageId);
            var all = engagements[summary.MessageId].ToList();
            var verdicts = Verdicts.Judge([.. all.Select(each => each.Engagement)], summary.DeliveredAt ?? (message?.State == MessageState.Accepted ? message.HandedOverAt : null));
            foreach (var each in all.Where(each => each.Human is not null || first.Contains(each.Engagement.Key)))
            {
                var (engagement, verdict) = (each.Engagement, verdicts[each.Engagement.Key]);
                // Once a machine's, always a machine's: a verdict only ever gets harder on a click.
                if (each.Human == false || each.Human == verdict.Human) continue;
                changes.Add(new Judged(engagement.Key, verdict));
                if (engagement.Kind == Report.Trap) continue;
                Count(summary, engagement, verdict.Human ? 1 : each.Human == true ? -1 : 0);
                if (message is null || !first.Contains(engagement.Key)) continue;
                if (verdict.Human && message.ContactExists) seen[message.ContactId] = seen.GetValueOrDefault(message.ContactId).With(engagement);
                if (Effects.EventOf(ReportOf(engagement, message), message, verdict.Human) is { } raise) raised.Add(raise);
                if (MailFacts.Of(ReportOf(engagement, message), message, verdict.Human) is { } fact) told.Add(fact);
            }
        }
        await WriteAsync(session, [.. changes, .. first.Except(changes.Select(change => change.Key)).Select(key => new Judged(key, null))], ct);
        await ReportStore.SaveAsync(session, summaries.Values, ct);
        await EngageAsync(session, seen, ct);
        await Effects.TellAsync(session, told, ct);
        var shards = await events.AcceptAsync(session, [.. raised.OrderBy(each => each.Event.OccurredAt)], ct);
        faults.Reach("feedback.settle.before-commit");
        return (due.Count, shards);
    }

    private static void Count(Summary summary, Engagement engagement, int by)
    {
        if (engagement.Kind == FeedbackKind.Opened)
        {
            summary.HumanOpens += by;
            if (by > 0) summary.HumanOpenedAt = Math.Min(summary.HumanOpenedAt ?? long.MaxValue, engagement.At);
            else if (summary.HumanOpens == 0) summary.HumanOpenedAt = null;
        }
        else
        {
            summary.HumanClicks += by;
            if (by > 0) summary.HumanClickedAt = Math.Min(summary.HumanClickedAt ?? long.MaxValue, engagement.At);
            else if (summary.HumanClicks == 0) summary.HumanClickedAt = null;
        }
    }

    /// <summary>The latest of each mail: more than so many are no human's. PostgreSQL is told to look mail by mail, or it may read all events there are to join them.</summary>
    private static Task<List<(Guid MessageId, Engagement Engagement, bool? Human)>> OfMessagesAsync(Session session, IReadOnlyList<Guid> ids, CancellationToken ct) => session.QueryAsync(
        "SELECT e.message_id, e.key, e.kind, e.at, e.url, e.user_agent, e.network, e.is_machine, e.human FROM {rows} " + (session.Dialect.IsPostgreSql
            ? $"CROSS JOIN LATERAL (SELECT * FROM message_event l {LatestOfMail}) AS e"
            : $"JOIN message_event e ON e.message_id = r.id AND e.key IN (SELECT l.key FROM message_event l {LatestOfMail})"),
        new Rows<Guid>(ids).Uuid("id", id => id),
        row => (row.Uuid(0), new Engagement(row.Uuid(1), (FeedbackKind)row.Int(2), row.Long(3), row.TextOrNull(4), row.TextOrNull(5), row.TextOrNull(6), Flag(row, 7)), Flag(row, 8)), ct);

    private static bool? Flag(Row row, int column) => row.IntOrNull(column) is { } number ? number != 0 : null;

    private static Task<int> WriteAsync(Session session, List<Judged> judged, CancellationToken ct) => session.ExecuteAsync("""
        UPDATE message_event SET settle_at = NULL, human = coalesce(r.human, message_event.human), verdict = CASE WHEN r.human IS NULL THEN message_event.verdict ELSE r.verdict END
        FROM {rows} WHERE message_event.key = r.key
        """,
        new Rows<Judged>([.. judged.OrderBy(each => each.Key)])
            .Uuid("key", j => j.Key).IntOrNull("human", j => j.Verdict is { } verdict ? verdict.Human ? 1 : 0 : null).Text("verdict", j => j.Verdict?.Because), ct);

    /// <summary>What rules and segments ask of a contact; no contact's row is locked for longer than this transaction, and in the order in which all take them.</summary>
    private static Task<int> EngageAsync(Session session, Dictionary<long, Seen> seen, CancellationToken ct) => session.ExecuteAsync("""
        UPDATE contact SET
          last_opened_at = CASE WHEN contact.last_opened_at IS NULL OR contact.last_opened_at < r.opened THEN coalesce(r.opened, contact.last_opened_at) ELSE contact.last_opened_at END,
          last_clicked_at = CASE WHEN contact.last_clicked_at IS NULL OR contact.last_clicked_at < r.clicked THEN coalesce(r.clicked, contact.last_clicked_at) ELSE contact.last_clicked_at END
        FROM {rows} WHERE contact.id = r.id
        """,
        new Rows<KeyValuePair<long, Seen>>([.. seen.OrderBy(each => each.Key)]).Long("id", s => s.Key).LongOrNull("opened", s => s.Value.Opened).LongOrNull("clicked", s => s.Value.Clicked), ct);

    private static Report ReportOf(Engagement engagement, ReportedMessage message) => new()
    {
        Key = engagement.Key,
        AccountId = message.AccountId,
        Connection = "",
        CallId = 0,
        Kind = engagement.Kind,
        At = engagement.At,
        MessageId = message.Id,
        ProviderId = null,
        Url = engagement.Url,
    };

    /// <summary>An open or click whose time was over; without a verdict, the one it has stays.</summary>
    private readonly record struct Judged(Guid Key, Verdict? Verdict);

    /// <summary>A human who follows a link has opened the mail, pictures or not.</summary>
    private readonly record struct Seen(long? Opened, long? Clicked)
    {
        public Seen With(Engagement engagement) =>
            new(Later(Opened, engagement.At), engagement.Kind == FeedbackKind.Clicked ? Later(Clicked, engagement.At) : Clicked);

        private static long Later(long? known, long at) => Math.Max(known ?? at, at);
    }
}
