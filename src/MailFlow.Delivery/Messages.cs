using System.Globalization;
using MailFlow.Data;
using MailFlow.Delivery.Routing;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery;

/// <summary>One message, as the ledger tells it.</summary>
/// <param name="Id">Its id and send key.</param>
/// <param name="UserId">The application's own id for the contact.</param>
/// <param name="Journey">The journey's definition id.</param>
/// <param name="ActivityId">The activity that planned it.</param>
/// <param name="InstanceId">The contact's trip.</param>
/// <param name="Template">The template's key.</param>
/// <param name="TemplateVersion">The version pinned when it was queued.</param>
/// <param name="Stream">What kind of mail it is.</param>
/// <param name="State">Where it stands.</param>
/// <param name="Reason">Why, in plain words: of one that is due, what holds it, such as a stop; null for one that is simply queued or accepted.</param>
/// <param name="Attempt">How many times it was handed over.</param>
/// <param name="To">The address it was handed over for; null until then.</param>
/// <param name="Provider">Who it was handed to; null until then.</param>
/// <param name="ProviderId">The provider's name for it.</param>
/// <param name="Held">Whether its journey's pause holds it.</param>
/// <param name="QueuedAt">When it was planned.</param>
/// <param name="UpdatedAt">When its state last changed.</param>
/// <param name="DueAt">When it is looked at next; null when it is held, under way or at an end.</param>
/// <param name="Feedback">What became of it since; null while nothing was reported.</param>
public sealed record Message(
    Guid Id,
    string UserId,
    string? Journey,
    string? ActivityId,
    Guid? InstanceId,
    string Template,
    int TemplateVersion,
    MessageStream Stream,
    MessageState State,
    string? Reason,
    int Attempt,
    string? To,
    string? Provider,
    string? ProviderId,
    bool Held,
    DateTimeOffset QueuedAt,
    DateTimeOffset UpdatedAt,
    DateTimeOffset? DueAt,
    MessageFeedback? Feedback = null);

/// <summary>An answer to a hand-over other than plain acceptance.</summary>
public sealed record MessageAnswer(DateTimeOffset At, int Attempt, MessageState State, string Answer);

/// <summary>Reads the ledger, and calls off what is queued.</summary>
public sealed class Messages : IInstanceEnded
{
    private const int MostReports = 200;

    private const string Columns = $"""
        m.id, m.user_id, j.definition_id, m.activity_id, m.instance_id, m.template, m.template_version, m.stream, m.state, m.reason, m.attempt,
        m.to_address, m.provider, m.provider_id, m.parked_at, m.queued_at, m.updated_at, m.due_at,
        {MessageFeedback.Columns}
        """;

    private const string Joins = "LEFT JOIN journey j ON j.id = m.journey_id LEFT JOIN message_feedback f ON f.message_id = m.id";

    private readonly Database _database;
    private readonly HeldMail _held;

    internal Messages(Database database, HeldMail held) => (_database, _held) = (database, held);

    /// <summary>An account's messages, the oldest first.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="userId">Only this contact's.</param>
    /// <param name="journey">Only this journey's (its definition id).</param>
    /// <param name="state">Only those in this state, by its word: <c>accepted</c>.</param>
    /// <param name="cursor">Where to go on; null to begin.</param>
    /// <param name="limit">1 to 1,000.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<Page<Message>> ListAsync(int accountId, string? userId, string? journey, string? state, string? cursor, int limit, CancellationToken ct)
    {
        MessageState parsed = default;
        if (state is not null && !MessageStates.TryParse(state, out parsed))
            throw new InvalidInputException("state", $"'{state}' is none of {string.Join(", ", Enum.GetValues<MessageState>().Select(MessageStates.Word))}");
        var (after, afterId) = ReadCursor(cursor);
        // Each filter is written out only where it is asked for, so that the plan uses its index.
        var sql = $"""
            SELECT {Columns} FROM message m {Joins}
            WHERE m.account_id = @account AND (m.queued_at, m.id) > (@after, @after_id)
            {(userId is null ? "" : "AND m.contact_id = (SELECT id FROM contact WHERE account_id = @account AND user_id = @user)")}
            {(journey is null ? "" : "AND m.journey_id = (SELECT id FROM journey WHERE account_id = @account AND definition_id = @journey)")}
            {(state is null ? "" : "AND m.state = @state")}
            ORDER BY m.queued_at, m.id LIMIT @limit
            """;
        List<(string, object?)> parameters = [("account", accountId), ("after", after), ("after_id", afterId), ("limit", limit + 1)];
        if (userId is not null) parameters.Add(("user", userId));
        if (journey is not null) parameters.Add(("journey", journey));
        if (state is not null) parameters.Add(("state", (int)parsed));
        var found = await _database.ReadAsync(async session => await WithReasonsAsync(session, accountId, await session.QueryAsync(sql, Read, ct, [.. parameters]), ct), ct);
        return Cursor.Page(found, limit, last => Key(last.QueuedAt.ToUnixTimeMilliseconds(), last.Id));
    }

    /// <summary>One message of the account, or null.</summary>
    public async Task<Message?> FindAsync(int accountId, Guid id, CancellationToken ct) => (await _database.ReadAsync(async session => await WithReasonsAsync(session, accountId, await session.QueryAsync(
        $"SELECT {Columns} FROM message m {Joins} WHERE m.account_id = @account AND m.id = @id",
        Read, ct, ("account", accountId), ("id", id)), ct), ct)).FirstOrDefault();

    /// <summary>What went wrong on the message's way, in order.</summary>
    public async Task<IReadOnlyList<MessageAnswer>> AnswersAsync(int accountId, Guid id, CancellationToken ct) => await _database.ReadAsync(session => session.QueryAsync(
        "SELECT at, attempt, state, answer FROM message_attempt WHERE account_id = @account AND message_id = @id ORDER BY at, attempt",
        row => new MessageAnswer(row.Instant(0), row.Int(1), (MessageState)row.Int(2), row.Text(3)), ct, ("account", accountId), ("id", id)), ct);

    /// <summary>What was reported about a message, in order; the latest, when there is too much.</summary>
    public async Task<IReadOnlyList<MessageReport>> ReportsAsync(int accountId, Guid id, CancellationToken ct)
    {
        var latest = await _database.ReadAsync(session => session.QueryAsync("""
            SELECT at, kind, bounce, reason, url, user_agent, human, verdict FROM message_event WHERE message_id = @id AND account_id = @account ORDER BY at DESC, received_at DESC LIMIT @most
            """,
            row => new MessageReport(
                row.Instant(0), MessageReport.WordOf((FeedbackKind)row.Int(1)), row.IntOrNull(2) is { } bounce ? BounceWords.Of((BounceKind)bounce) : null, row.TextOrNull(3), row.TextOrNull(4),
                row.TextOrNull(5), row.IntOrNull(6) is { } human ? human != 0 : null, row.TextOrNull(7)), ct, ("account", accountId), ("id", id), ("most", MostReports)), ct);
        latest.Reverse();
        return latest;
    }

    /// <summary>How many of the account's messages stand in each state; states without any are left out.</summary>
    public async Task<IReadOnlyDictionary<MessageState, long>> CountAsync(int accountId, CancellationToken ct) => (await _database.ReadAsync(session => session.QueryAsync(
        "SELECT state, count(*) FROM message WHERE account_id = @account GROUP BY state",
        row => (State: (MessageState)row.Int(0), Count: row.Long(1)), ct, ("account", accountId)), ct)).ToDictionary(count => count.State, count => count.Count);

    /// <summary>Calls off what a journey has queued; what is being handed over at this moment goes out. Gives how many were.</summary>
    /// <param name="session">The transaction in which the journey ends.</param>
    /// <param name="journeyId">Its dense key.</param>
    /// <param name="reason">Why, in words that follow "not sent: ".</param>
    /// <param name="ct">Cancels.</param>
    public static async Task<int> CancelOfJourneyAsync(Session session, int journeyId, string reason, CancellationToken ct) =>
        await Ledger.CancelAsync(session, journeyId, reason, await session.NowAsync(ct), ct);

    async Task IInstanceEnded.OnEndedAsync(Session session, IReadOnlyList<Guid> instanceIds, string reason, CancellationToken ct) =>
        await Ledger.CancelAsync(session, instanceIds, reason, await session.NowAsync(ct), ct);

    /// <summary>The cursor of <see cref="ListAsync"/> that follows this instant and id, whether a message stands there or not.</summary>
    /// <param name="queuedAt">Unix milliseconds.</param>
    /// <param name="id">A message's id; the empty one to begin with the first of that instant.</param>
    public static string CursorAfter(long queuedAt, Guid id) => Cursor.Write(Key(queuedAt, id));

    private static string Key(long queuedAt, Guid id) => $"{queuedAt}/{id:n}";

    private static (long After, Guid AfterId) ReadCursor(string? cursor)
    {
        if (Cursor.Read(cursor) is not { } key) return (long.MinValue, Guid.Empty);
        if (key.Split('/') is [var at, var id] && long.TryParse(at, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var after) && Guid.TryParseExact(id, "n", out var afterId))
            return (after, afterId);
        throw Cursor.Unknown();
    }

    /// <summary>Says of those that are due why they do not leave.</summary>
    private async Task<List<Message>> WithReasonsAsync(Session session, int accountId, List<Message> messages, CancellationToken ct)
    {
        var now = await session.NowAsync(ct);
        if (!messages.Exists(IsWaiting)) return messages;
        var held = await _held.AmongAsync(session, [accountId], now, ct);
        return messages.ConvertAll(message => IsWaiting(message) && held.TryGetValue((accountId, message.Stream), out var why) ? message with { Reason = why } : message);

        bool IsWaiting(Message message) => message is { Reason: null, State: MessageState.Queued or MessageState.Deferred } && message.DueAt?.ToUnixTimeMilliseconds() <= now;
    }

    private static Message Read(Row row) => new(
        row.Uuid(0), row.Text(1), row.TextOrNull(2), row.TextOrNull(3), row.UuidOrNull(4), row.Text(5), row.Int(6), (MessageStream)row.Int(7), (MessageState)row.Int(8),
        row.TextOrNull(9), row.Int(10), row.TextOrNull(11), row.TextOrNull(12), row.TextOrNull(13), !row.IsNull(14), row.Instant(15), row.Instant(16), row.InstantOrNull(17),
        MessageFeedback.Read(row, 18));
}
