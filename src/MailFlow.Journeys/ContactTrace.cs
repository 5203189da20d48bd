using System.Globalization;
using MailFlow.Data;
using MailFlow.Delivery;

namespace MailFlow.Journeys;

/// <summary>
/// Every decision on a contact, in order, in plain words: what journeys decided, and what became of the mail. A mail stands where it was queued, which never
/// changes, and says how it stands now: so no page skips or repeats one that moves on while the pages are read.
/// </summary>
public sealed class ContactTrace
{
    /// <summary>A contact's lines from one on. The instant stands twice: by itself, it spares PostgreSQL the months before.</summary>
    internal const string LinesSql = """
        SELECT at, seq, version_id, instance_id, steps FROM history
        WHERE contact_id = @contact AND at >= @at AND (at, seq) >= (@at, @seq) ORDER BY at, seq LIMIT @limit
        """;

    private readonly Database _database;
    private readonly VersionGraphs _graphs;
    private readonly Messages _messages;

    internal ContactTrace(Database database, VersionGraphs graphs, Messages messages) => (_database, _graphs, _messages) = (database, graphs, messages);

    /// <summary>A page of the trace, the oldest first.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="userId">The contact, by the application's id.</param>
    /// <param name="cursor">Where to go on; null to begin.</param>
    /// <param name="limit">1 to 1,000.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="NotFoundException">There is no such contact.</exception>
    public async Task<Page<TraceEntry>> ReadAsync(int accountId, string userId, string? cursor, int limit, CancellationToken ct)
    {
        var after = Place.Read(cursor);
        var decisions = await _database.ReadAsync(session => DecisionsAsync(session, accountId, userId, after, limit, ct), ct);
        var mail = await _messages.ListAsync(accountId, userId, null, null, Messages.CursorAfter(after.At, after.Message), limit, ct);
        var planned = await _database.ReadAsync(session => PlannedByAsync(session, mail.Items, ct), ct);
        var found = decisions.Concat(mail.Items.Select(message => OfMessage(message, planned.GetValueOrDefault(message.Id)))).OrderBy(entry => entry.Place).Take(limit + 1).ToList();
        // A full page of mail may be all that was found and still not all there is.
        var next = found.Count > limit || mail.Next is not null ? Cursor.Write(found[limit - 1].Place.ToString()) : null;
        return new Page<TraceEntry>([.. found.Take(limit).Select(item => item.Entry)], next);
    }

    /// <summary>All decisions, without the mail.</summary>
    internal async Task<IReadOnlyList<TraceEntry>> DecisionsAsync(Session session, int accountId, string userId, CancellationToken ct)
    {
        var all = new List<TraceEntry>();
        for (var after = Place.Start; ;)
        {
            var page = await DecisionsAsync(session, accountId, userId, after, 1000, ct);
            if (page.Count == 0) return all;
            all.AddRange(page.Select(item => item.Entry));
            after = page[^1].Place;
        }
    }

    private async Task<List<(Place Place, TraceEntry Entry)>> DecisionsAsync(Session session, int accountId, string userId, Place after, int limit, CancellationToken ct)
    {
        var contacts = await session.QueryAsync("SELECT id FROM contact WHERE account_id = @account AND user_id = @user", row => row.Long(0), ct, ("account", accountId), ("user", userId));
        if (contacts is not [var contact]) throw new NotFoundException($"There is no contact '{userId}'.");
        // From the row in which the last page ended: it may hold more lines than that page had room for.
        var rows = await session.QueryAsync(LinesSql,
            row => (At: row.Long(0), Seq: row.Long(1), Version: row.Long(2), Instance: row.UuidOrNull(3), Lines: HistoryLine.ReadAll(row.Text(4))),
            ct, ("contact", contact), ("at", after.At), ("seq", after.Seq), ("limit", limit + 2));
        var graphs = await _graphs.LoadAsync(session, rows.Select(row => row.Version), ct);
        var entries = new List<(Place, TraceEntry)>();
        foreach (var row in rows)
        {
            var graph = graphs.GetValueOrDefault(row.Version);
            for (var index = 0; index < row.Lines.Count; index++)
            {
                var place = new Place(row.At, row.Seq, index, Guid.Empty);
                if (place.CompareTo(after) <= 0) continue;
                var line = row.Lines[index];
                var node = graph?.Node(line.Node);
                entries.Add((place, new TraceEntry(DateTimeOffset.FromUnixTimeMilliseconds(row.At), graph?.DefinitionId, graph?.Name, node?.Id, node?.Title,
                    line.Event.ToString(), line.Outcome, line.Sentence(graph is null ? "a journey since deleted" : $"“{graph.Name}”"), row.Instance, null)));
            }
        }
        return entries;
    }

    /// <summary>By message: the version of the journey that planned it, which knows the names.</summary>
    private async Task<Dictionary<Guid, VersionGraph>> PlannedByAsync(Session session, IReadOnlyList<Message> mail, CancellationToken ct)
    {
        var versions = await session.QueryAsync("SELECT m.id, m.version_id FROM {rows} JOIN message m ON m.id = r.id WHERE m.version_id IS NOT NULL",
            new Rows<Message>(mail).Uuid("id", message => message.Id), row => (Message: row.Uuid(0), Version: row.Long(1)), ct);
        var graphs = await _graphs.LoadAsync(session, versions.Select(row => row.Version), ct);
        return versions.FindAll(row => graphs.ContainsKey(row.Version)).ToDictionary(row => row.Message, row => graphs[row.Version]);
    }

    private static (Place Place, TraceEntry Entry) OfMessage(Message message, VersionGraph? planned) => (
        new Place(message.QueuedAt.ToUnixTimeMilliseconds(), long.MaxValue, 0, message.Id),
        new TraceEntry(message.QueuedAt, message.Journey, planned?.Name, message.ActivityId, message.ActivityId is { } id ? planned?.Graph?.Find(id)?.Title : null, "Message", message.State.Word(), Sentence(message), message.InstanceId, message.Id));

    internal static string Sentence(Message message)
    {
        var mail = $"mail “{message.Template}”";
        var because = message.Reason is null ? "" : $": {message.Reason}";
        // The entry's time is that of the queueing.
        if (message.UpdatedAt - message.QueuedAt >= TimeSpan.FromMinutes(1))
            because += message.UpdatedAt.ToString(" (d MMMM yyyy HH:mm 'UTC')", CultureInfo.InvariantCulture);
        return message.State switch
        {
            MessageState.Accepted => $"{mail} sent to {message.To}{because}",
            MessageState.Inflight => $"{mail} is being handed over{because}",
            MessageState.Queued => $"{mail} waits{because}",
            MessageState.Deferred => $"{mail} put off{because}",
            MessageState.Unknown => $"{mail} may have been sent{because}",
            MessageState.Unconfirmed => $"{mail} was sent or lost, nobody can say which{because}",
            _ => message.Reason?.StartsWith("not sent", StringComparison.Ordinal) == true ? $"{mail} {because[2..]}" : $"{mail} not sent{because}",
        };
    }

    /// <summary>Where an entry stands: a history row's line, or (at the same instant after these) a message.</summary>
    private readonly record struct Place(long At, long Seq, int Index, Guid Message) : IComparable<Place>
    {
        public static Place Start { get; } = new(long.MinValue, long.MinValue, -1, Guid.Empty);

        public static Place Read(string? cursor)
        {
            if (Cursor.Read(cursor) is not { } key) return Start;
            return key.Split('/') is [var at, var seq, var index, var message]
                && long.TryParse(at, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var atValue)
                && long.TryParse(seq, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var seqValue)
                && int.TryParse(index, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var indexValue)
                && Guid.TryParse(message, out var messageValue)
                ? new Place(atValue, seqValue, indexValue, messageValue)
                : throw Cursor.Unknown();
        }

        public int CompareTo(Place other) => (At, Seq, Index, Message).CompareTo((other.At, other.Seq, other.Index, other.Message));

        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{At}/{Seq}/{Index}/{Message:n}");
    }
}

/// <summary>One decision on a contact.</summary>
/// <param name="At">When; of a message, when it was queued.</param>
/// <param name="Journey">The journey's definition id; null for mail that no journey sent, and where the journey is gone.</param>
/// <param name="JourneyName">What people call it.</param>
/// <param name="ActivityId">The activity; null for the journey as a whole.</param>
/// <param name="ActivityName">What people call it.</param>
/// <param name="Event"><c>Entered</c>, <c>NotEntered</c>, <c>Completed</c>, <c>Suspended</c>, <c>Faulted</c>, <c>Retried</c>, <c>Finished</c>, <c>Exited</c>, <c>Cancelled</c>, <c>Moved</c>, <c>Stayed</c>, <c>LaidAside</c> or <c>Message</c>.</param>
/// <param name="Outcome">The exit port taken; of a message, where it stands.</param>
/// <param name="Reason">What was decided and why, in plain words.</param>
/// <param name="InstanceId">The contact's trip; null where it was not let in.</param>
/// <param name="MessageId">The message, where it is about one.</param>
public sealed record TraceEntry(
    DateTimeOffset At, string? Journey, string? JourneyName, string? ActivityId, string? ActivityName, string Event, string? Outcome, string Reason, Guid? InstanceId, Guid? MessageId);
