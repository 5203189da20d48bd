using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Engine.Definitions;

namespace MailFlow.Journeys.Simulation;

/// <summary>Tells what happened to one contact in a simulated world: the script's own lines, the history, and what became of the mail.</summary>
internal sealed class Timeline(SimulatedWorld world, int account, string user)
{
    private const int MostLines = 2_000, MostMails = 200, MostMailCharacters = 8 * 1024 * 1024;
    private readonly List<Line> _script = [];
    private long _mails;

    /// <summary>Where a line stands: by time, then by the history's own order; what the script did comes after the history that was there, mail last.</summary>
    private sealed record Line(DateTimeOffset At, long Seq, int Index, SimulatedMoment Moment);

    /// <summary>Notes what the script does now.</summary>
    public async Task NoteAsync(string eventName, string text, CancellationToken ct, Node? node = null, string? journey = null)
    {
        var seq = await world.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT COALESCE(max(seq), 0) FROM history", ct), ct);
        var now = world.Time.GetUtcNow();
        _script.Add(new Line(now, seq, int.MaxValue, new SimulatedMoment(now, journey, node?.Id, node?.Title, node?.Type, eventName, null, null, text)));
    }

    /// <summary>Counts the mails captured since, and drops what will not be shown: a thousand contacts' mails need not be kept.</summary>
    public Task TrimMailsAsync(CancellationToken ct) => world.Database.WriteAsync(async session =>
    {
        var dropped = await session.ExecuteAsync("""
            DELETE FROM sandbox_email WHERE seq NOT IN (SELECT seq FROM sandbox_email WHERE account_id = @account AND user_id = @user ORDER BY seq LIMIT @most)
            """,
            ct, ("account", account), ("user", user), ("most", MostMails));
        _mails += dropped;
    }, ct);

    public async Task<(IReadOnlyList<SimulatedMail> Mails, long Total)> MailsAsync(CancellationToken ct)
    {
        await TrimMailsAsync(ct);
        var kept = await world.Database.ReadAsync(session => session.QueryAsync("""
            SELECT e.at, m.activity_id, e.template, e.to_address, e.subject, e.html, e.text FROM sandbox_email e LEFT JOIN message m ON m.id = e.id ORDER BY e.seq
            """,
            row => new SimulatedMail(row.Instant(0), row.TextOrNull(1), row.Text(2), row.Text(3), row.Text(4), row.Text(5), row.Text(6)), ct), ct);
        var room = MostMailCharacters;
        return ([.. kept.TakeWhile(mail => (room -= mail.Html.Length + mail.Text.Length) > 0)], kept.Count + _mails);
    }

    public async Task<IReadOnlyList<SimulatedMoment>> ReadAsync(long contact, CancellationToken ct)
    {
        var lines = await world.Database.ReadAsync(session => HistoryAsync(session, contact, ct), ct);
        lines.AddRange(_script);
        lines.AddRange(await MessagesAsync(lines.ToLookup(line => line.Moment.ActivityId, line => line.Moment), ct));
        var ordered = lines.OrderBy(line => line.At).ThenBy(line => line.Seq).ThenBy(line => line.Index).Select(line => line.Moment).ToList();
        if (ordered.Count <= MostLines) return ordered;
        var last = ordered[MostLines - 1];
        return [.. ordered.Take(MostLines), new SimulatedMoment(last.At, null, null, null, null, "Event", null, null, "the rest is left out: a timeline has at most 2,000 lines")];
    }

    private async Task<List<Line>> HistoryAsync(Session session, long contact, CancellationToken ct)
    {
        var rows = await session.QueryAsync("SELECT at, seq, version_id, steps FROM history WHERE contact_id = @contact ORDER BY at, seq LIMIT @most",
            row => (At: row.Instant(0), Seq: row.Long(1), Version: row.Long(2), Lines: HistoryLine.ReadAll(row.Text(3))), ct, ("contact", contact), ("most", MostLines + 1));
        var graphs = await world.Get<VersionGraphs>().LoadAsync(session, rows.Select(row => row.Version), ct);
        return [.. rows.SelectMany(row => row.Lines.Select((line, index) => new Line(row.At, row.Seq, index, Moment(row.At, graphs.GetValueOrDefault(row.Version), line))))];
    }

    private static SimulatedMoment Moment(DateTimeOffset at, VersionGraph? version, HistoryLine line)
    {
        var node = version?.Node(line.Node);
        var sentence = line.Sentence($"“{version?.Name}”");
        var isOfJourney = node is null || line.Event is Engine.Execution.HistoryEvent.Entered or Engine.Execution.HistoryEvent.NotEntered;
        return new SimulatedMoment(at, version?.DefinitionId, node?.Id, node?.Title, node?.Type, line.Event.ToString(), line.Outcome, line.Text, isOfJourney ? sentence : $"“{node!.Title}”: {sentence}");
    }

    /// <param name="told">What was told of each activity before: it knows the names.</param>
    /// <param name="ct">Cancels.</param>
    private async Task<List<Line>> MessagesAsync(ILookup<string?, SimulatedMoment> told, CancellationToken ct)
    {
        var lines = new List<Line>();
        string? next = null;
        do
        {
            var page = await world.Get<Messages>().ListAsync(account, user, null, null, next, Cursor.MaxLimit, ct);
            foreach (var message in page.Items.Where(message => message.State != MessageState.Queued || message.Reason is not null))
            {
                var sender = message.ActivityId is null ? null : told[message.ActivityId].FirstOrDefault(moment => moment.Journey == message.Journey);
                lines.Add(new Line(message.UpdatedAt, long.MaxValue, lines.Count, new SimulatedMoment(
                    message.UpdatedAt, message.Journey, message.ActivityId, sender?.ActivityName, sender?.ActivityType, "Message", message.State.Word(), message.Reason, ContactTrace.Sentence(message))));
            }
            next = lines.Count < MostLines ? page.Next : null;
        }
        while (next is not null);
        return lines;
    }
}
