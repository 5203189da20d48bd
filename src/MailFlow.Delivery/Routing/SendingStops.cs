using MailFlow.Data;
using MailFlow.Delivery.Routing;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery;

/// <summary>Something that is stopped until an operator has mended it.</summary>
/// <param name="Subject"><c>connection:KEY</c>, <c>domain:NAME</c> or <c>sender</c>.</param>
/// <param name="Stream">The stream that does not leave.</param>
/// <param name="Reason">Why, with what is to be mended.</param>
/// <param name="At">Since when.</param>
public sealed record SendingStop(string Subject, MessageStream Stream, string Reason, DateTimeOffset At);

/// <summary>
/// What is stopped: a connection whose credentials are refused, a sending domain that fails authentication or draws complaints, a sender that no publish would have let
/// through. Mail waits; nothing of it is lost, and the time does not count against its retries.
/// </summary>
public sealed class SendingStops
{
    /// <summary>The subject that stands for the account's sender, whatever its domain: marketing mail came to leave for people, and the sender, or the server's public address, is not fit for it.</summary>
    public const string OfSender = "sender";

    private readonly Database _database;
    private readonly Senders _senders;

    internal SendingStops(Database database, Senders senders) => (_database, _senders) = (database, senders);

    /// <summary>The subject that stands for a connection.</summary>
    public static string OfConnection(string key) => $"connection:{key}";

    /// <summary>The subject that stands for a sending domain.</summary>
    public static string OfDomain(string domain) => $"domain:{domain.ToLowerInvariant()}";

    /// <summary>The sending domain that a subject stands for; null for another subject.</summary>
    internal static string? DomainIn(string subject) => subject.StartsWith("domain:", StringComparison.Ordinal) ? subject["domain:".Length..] : null;

    /// <summary>What is stopped in an account.</summary>
    public async Task<IReadOnlyList<SendingStop>> ListAsync(int accountId, CancellationToken ct) =>
        [.. (await _database.ReadAsync(session => AmongAsync(session, [accountId], ct), ct)).Select(found => found.Stop)];

    /// <summary>
    /// Lets a subject send again, in both streams. What was put off meanwhile is tried as if for the first time. A domain's standing is by what comes after: it stops
    /// again when that is as bad. False when nothing was stopped.
    /// </summary>
    /// <exception cref="ConflictException">It is the sender, and what it was stopped for is not mended.</exception>
    public Task<bool> ResumeAsync(int accountId, string subject, CancellationToken ct) => _database.WriteAsync(async session =>
    {
        await session.LockAccountAsync(accountId, ct);
        if (!await LiftAsync(session, accountId, subject, ct)) return false;
        if (subject == OfSender && await _senders.WhyUnfitAsync(session, accountId, ct) is { } why) throw new ConflictException(why); // and so the stop stays
        if (subject != OfSender) await FlowStore.ResumeAsync(session, new BucketKey(accountId, subject), await session.NowAsync(ct), ct);
        return true;
    }, ct);

    /// <summary>Ends a subject's stop. False when nothing was stopped.</summary>
    internal static async Task<bool> LiftAsync(Session session, int accountId, string subject, CancellationToken ct)
    {
        (string, object?)[] which = [("account", accountId), ("subject", subject)];
        if (!await session.ScalarAsync<bool>("SELECT EXISTS (SELECT 1 FROM sending_stop WHERE account_id = @account AND subject = @subject)", ct, which)) return false;
        // Reports hold messages, in the order of their ids, before they make a stop: so here.
        await session.ExecuteAsync(
            $"""
            UPDATE message SET retry_until = NULL WHERE id IN (
              SELECT id FROM message WHERE account_id = @account AND due_at IS NOT NULL AND state IN ({(int)MessageState.Deferred}, {(int)MessageState.Unknown}) ORDER BY id {(session.Dialect.IsPostgreSql ? "FOR UPDATE" : "")})
            """, ct, ("account", accountId));
        await session.ExecuteAsync("DELETE FROM sending_stop WHERE account_id = @account AND subject = @subject", ct, which);
        await Audit.RecordAsync(session, accountId, "sending.resume", subject, ct);
        return true;
    }

    /// <summary>Stops streams of subjects; of several reasons the first stands.</summary>
    internal static async Task StopAsync(Session session, IEnumerable<NewStop> stops, CancellationToken ct)
    {
        var each = stops.DistinctBy(stop => (stop.AccountId, stop.Subject, stop.Stream)).OrderBy(stop => stop.AccountId).ThenBy(stop => stop.Subject, StringComparer.Ordinal).ThenBy(stop => stop.Stream).ToList();
        if (each.Count == 0) return;
        await session.ExecuteAsync("""
            INSERT INTO sending_stop (account_id, subject, stream, reason, at) SELECT r.owner, r.subject, r.stream, r.reason, @now FROM {rows} WHERE true
            ON CONFLICT (account_id, subject, stream) DO NOTHING
            """,
            new Rows<NewStop>(each).Int("owner", s => s.AccountId).Text("subject", s => s.Subject).Int("stream", s => (int)s.Stream).Text("reason", s => Ledger.Words(s.Reason) ?? "it was refused"),
            ct, ("now", await session.NowAsync(ct)));
    }

    /// <summary>Gives a stop another reason.</summary>
    internal static Task SayAsync(Session session, int accountId, string subject, string reason, CancellationToken ct) => session.ExecuteAsync(
        "UPDATE sending_stop SET reason = @reason WHERE account_id = @account AND subject = @subject", ct, ("account", accountId), ("subject", subject), ("reason", Ledger.Words(reason)));

    internal static Task<List<(int AccountId, SendingStop Stop)>> AmongAsync(Session session, IReadOnlyList<int> accountIds, CancellationToken ct) => session.QueryAsync(
        "SELECT s.account_id, s.subject, s.stream, s.reason, s.at FROM {rows} JOIN sending_stop s ON s.account_id = r.owner ORDER BY s.at, s.subject",
        new Rows<int>(accountIds).Int("owner", id => id),
        row => (row.Int(0), new SendingStop(row.Text(1), (MessageStream)row.Int(2), row.Text(3), row.Instant(4))), ct);
}

/// <summary>Something to stop.</summary>
internal readonly record struct NewStop(int AccountId, string Subject, MessageStream Stream, string Reason);
