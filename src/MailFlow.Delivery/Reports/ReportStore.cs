using MailFlow.Data;

namespace MailFlow.Delivery.Reports;

/// <summary>What a message's summary is to be.</summary>
internal sealed record Summary(Guid MessageId, int AccountId)
{
    public const string Columns = """
        f.message_id, f.account_id, f.delivered_at, f.bounced_at, f.bounce, f.dropped_at, f.complained_at, f.unsubscribed_at, f.opened_at, f.clicked_at, f.human_opened_at,
        f.human_clicked_at, f.opens, f.clicks, f.human_opens, f.human_clicks, f.second_provider_id
        """;

    public long? DeliveredAt { get; set; }
    public long? BouncedAt { get; set; }
    public BounceKind? Bounce { get; set; }
    public long? DroppedAt { get; set; }
    public long? ComplainedAt { get; set; }
    public long? UnsubscribedAt { get; set; }
    public long? OpenedAt { get; set; }
    public long? ClickedAt { get; set; }
    public long? HumanOpenedAt { get; set; }
    public long? HumanClickedAt { get; set; }
    public int Opens { get; set; }
    public int Clicks { get; set; }
    public int HumanOpens { get; set; }
    public int HumanClicks { get; set; }
    public string? SecondProviderId { get; set; }

    public static Summary Read(Row row, int first = 0) => new(row.Uuid(first), row.Int(first + 1))
    {
        DeliveredAt = row.LongOrNull(first + 2),
        BouncedAt = row.LongOrNull(first + 3),
        Bounce = (BounceKind?)row.IntOrNull(first + 4),
        DroppedAt = row.LongOrNull(first + 5),
        ComplainedAt = row.LongOrNull(first + 6),
        UnsubscribedAt = row.LongOrNull(first + 7),
        OpenedAt = row.LongOrNull(first + 8),
        ClickedAt = row.LongOrNull(first + 9),
        HumanOpenedAt = row.LongOrNull(first + 10),
        HumanClickedAt = row.LongOrNull(first + 11),
        Opens = row.Int(first + 12),
        Clicks = row.Int(first + 13),
        HumanOpens = row.Int(first + 14),
        HumanClicks = row.Int(first + 15),
        SecondProviderId = row.TextOrNull(first + 16),
    };

    /// <summary>Takes a report in. In whatever order reports come, the outcome is the same. True when it is news: the first of its kind, or the first that says that a bounce is a hard one.</summary>
    public bool Add(Report report)
    {
        switch (report.Kind)
        {
            case FeedbackKind.Delivered:
                return First(DeliveredAt, report.At, at => DeliveredAt = at);
            case FeedbackKind.Bounced:
                // The gravest stands: a hard bounce after a soft one is a hard bounce.
                var isFirstHard = report.Bounce == BounceKind.Hard && Bounce != BounceKind.Hard;
                var isNews = Bounce is null || isFirstHard;
                if (isNews) (Bounce, BouncedAt) = (report.Bounce, report.At);
                else if (Bounce == report.Bounce) First(BouncedAt, report.At, at => BouncedAt = at);
                return isNews;
            case FeedbackKind.Dropped:
                return First(DroppedAt, report.At, at => DroppedAt = at);
            case FeedbackKind.Complained:
                return First(ComplainedAt, report.At, at => ComplainedAt = at);
            case FeedbackKind.Unsubscribed:
                return First(UnsubscribedAt, report.At, at => UnsubscribedAt = at);
            case FeedbackKind.Opened:
                Opens++;
                return First(OpenedAt, report.At, at => OpenedAt = at);
            case FeedbackKind.Clicked:
                Clicks++;
                return First(ClickedAt, report.At, at => ClickedAt = at);
            default:
                return false;
        }
    }

    private static bool First(long? known, long at, Action<long> set)
    {
        if (known is null || at < known) set(at);
        return known is null;
    }
}

/// <summary>The statements that the readers of reports share.</summary>
internal static class ReportStore
{
    /// <summary>The messages with these ids.</summary>
    public static Task<List<ReportedMessage>> MessagesAsync(Session session, IEnumerable<Guid> ids, CancellationToken ct) => session.QueryAsync(
        $"SELECT {ReportedMessage.Columns} FROM {{rows}} JOIN message m ON m.id = r.id {ReportedMessage.Joins}",
        new Rows<Guid>([.. ids.Distinct()]).Uuid("id", id => id), ReportedMessage.Read, ct);

    /// <summary>The messages that a connection's provider gave these names.</summary>
    public static Task<List<(string Connection, ReportedMessage Message)>> MessagesAsync(
        Session session, IEnumerable<(int AccountId, string Connection, string ProviderId)> names, CancellationToken ct) => session.QueryAsync(
        $"SELECT {ReportedMessage.Columns}, r.connection FROM {{rows}} JOIN message m ON m.provider_id = r.name AND m.account_id = r.owner AND m.provider = r.connection {ReportedMessage.Joins}",
        new Rows<(int AccountId, string Connection, string ProviderId)>([.. names.Distinct()]).Int("owner", n => n.AccountId).Text("connection", n => n.Connection).Text("name", n => n.ProviderId),
        row => (row.Text(ReportedMessage.ColumnCount), ReportedMessage.Read(row)), ct);

    /// <summary>Keeps reports, each once; gives the keys of those that are news.</summary>
    public static async Task<HashSet<Guid>> InsertAsync(Session session, IReadOnlyList<(Report Report, ReportedMessage Message)> reports, long now, long settleAt, CancellationToken ct) =>
        [.. await session.QueryAsync("""
            INSERT INTO message_event (key, message_id, at, received_at, settle_at, account_id, kind, bounce, is_machine, verdict, reason, url, user_agent, network)
            SELECT r.key, r.message_id, r.at, @now, r.settle_at, r.account_id, r.kind, r.bounce, r.is_machine, r.verdict, r.reason, r.url, r.user_agent, r.network FROM {rows} WHERE true
            ON CONFLICT (key) DO NOTHING RETURNING key
            """,
            new Rows<(Report Report, ReportedMessage Message)>([.. reports.OrderBy(each => each.Report.Key)])
                .Uuid("key", e => e.Report.Key).Uuid("message_id", e => e.Message.Id).Long("at", e => e.Report.At).LongOrNull("settle_at", e => e.Report.IsEngagement ? settleAt : null)
                .Int("account_id", e => e.Report.AccountId).Int("kind", e => (int)e.Report.Kind).IntOrNull("bounce", e => (int?)e.Report.Bounce)
                .IntOrNull("is_machine", e => e.Report.IsMachine is { } flag ? flag ? 1 : 0 : null).Text("verdict", e => e.Report.IsProven ? null : Report.Unproven).Text("reason", e => e.Report.Reason).Text("url", e => e.Report.Url)
                .Text("user_agent", e => e.Report.UserAgent).Text("network", e => e.Report.Network),
            row => row.Uuid(0), ct, ("now", now))];

    /// <summary>The messages' summaries, made where there is none, locked until the transaction ends.</summary>
    public static async Task<Dictionary<Guid, Summary>> LockAsync(Session session, IEnumerable<(Guid Id, int AccountId)> messages, CancellationToken ct)
    {
        var wanted = messages.Distinct().OrderBy(message => message.Id).ToList();
        await session.ExecuteAsync(
            "INSERT INTO message_feedback (message_id, account_id) SELECT r.id, r.owner FROM {rows} WHERE true ON CONFLICT (message_id) DO NOTHING",
            new Rows<(Guid Id, int AccountId)>(wanted).Uuid("id", m => m.Id).Int("owner", m => m.AccountId), ct);
        return (await session.QueryAsync(
            $"SELECT {Summary.Columns} FROM {{rows}} JOIN message_feedback f ON f.message_id = r.id ORDER BY f.message_id {(session.Dialect.IsPostgreSql ? "FOR UPDATE OF f" : "")}",
            new Rows<(Guid Id, int AccountId)>(wanted).Uuid("id", m => m.Id), row => Summary.Read(row), ct)).ToDictionary(summary => summary.MessageId);
    }

    /// <summary>Writes summaries that were locked.</summary>
    public static Task SaveAsync(Session session, IEnumerable<Summary> summaries, CancellationToken ct) => session.ExecuteAsync("""
        UPDATE message_feedback SET delivered_at = r.delivered_at, bounced_at = r.bounced_at, bounce = r.bounce, dropped_at = r.dropped_at, complained_at = r.complained_at,
          unsubscribed_at = r.unsubscribed_at, opened_at = r.opened_at, clicked_at = r.clicked_at, human_opened_at = r.human_opened_at, human_clicked_at = r.human_clicked_at,
          opens = r.opens, clicks = r.clicks, human_opens = r.human_opens, human_clicks = r.human_clicks, second_provider_id = r.second_provider_id
        FROM {rows} WHERE message_feedback.message_id = r.id
        """,
        new Rows<Summary>([.. summaries]).Uuid("id", s => s.MessageId).LongOrNull("delivered_at", s => s.DeliveredAt).LongOrNull("bounced_at", s => s.BouncedAt)
            .IntOrNull("bounce", s => (int?)s.Bounce).LongOrNull("dropped_at", s => s.DroppedAt).LongOrNull("complained_at", s => s.ComplainedAt)
            .LongOrNull("unsubscribed_at", s => s.UnsubscribedAt).LongOrNull("opened_at", s => s.OpenedAt).LongOrNull("clicked_at", s => s.ClickedAt)
            .LongOrNull("human_opened_at", s => s.HumanOpenedAt).LongOrNull("human_clicked_at", s => s.HumanClickedAt).Int("opens", s => s.Opens).Int("clicks", s => s.Clicks)
            .Int("human_opens", s => s.HumanOpens).Int("human_clicks", s => s.HumanClicks).Text("second_provider_id", s => s.SecondProviderId), ct);

    /// <summary>Adds to a day's counts of connections.</summary>
    public static Task CountAsync(Session session, IEnumerable<WebhookCount> counts, CancellationToken ct) => session.ExecuteAsync("""
        INSERT INTO webhook_day (account_id, connection, day, calls, reports, repeated, unmatched)
        SELECT r.owner, r.connection, r.day, r.calls, r.reports, r.repeated, r.unmatched FROM {rows} WHERE true
        ON CONFLICT (account_id, connection, day) DO UPDATE SET calls = webhook_day.calls + excluded.calls, reports = webhook_day.reports + excluded.reports,
          repeated = webhook_day.repeated + excluded.repeated, unmatched = webhook_day.unmatched + excluded.unmatched
        """,
        new Rows<WebhookCount>([.. counts.OrderBy(count => count.AccountId).ThenBy(count => count.Connection, StringComparer.Ordinal).ThenBy(count => count.Day)])
            .Int("owner", c => c.AccountId).Text("connection", c => c.Connection).Int("day", c => c.Day).Long("calls", c => c.Calls).Long("reports", c => c.Reports)
            .Long("repeated", c => c.Repeated).Long("unmatched", c => c.Unmatched), ct);
}

/// <summary>What a connection reported in a day.</summary>
internal sealed record WebhookCount(int AccountId, string Connection, int Day, long Calls, long Reports, long Repeated, long Unmatched);
