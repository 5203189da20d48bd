using MailFlow.Data;
using MailFlow.Engine.Definitions;

namespace MailFlow.Audience;

/// <summary>The addresses that must not be mailed. They are kept by address, so a contact who changes to one is not mailed, and one who leaves it is.</summary>
public sealed class Suppressions(Database database)
{
    private const string Columns = "s.email, s.reason, s.scope, s.source, s.at, s.detail";

    /// <summary>Those of the contacts whose address is blocked for a stream, each with the strongest reason.</summary>
    public async Task<IReadOnlyDictionary<long, Suppression>> AmongAsync(
        Session session, int accountId, MessageStream stream, IReadOnlyList<long> contactIds, CancellationToken ct)
    {
        var found = await AmongAsync(session, accountId, Suppression.SecondScopeOf(stream), contactIds, ct);
        var strongest = new Dictionary<long, Suppression>(found.Count);
        foreach (var (id, suppression) in found) strongest.TryAdd(id, suppression);
        return strongest;
    }

    /// <summary>All that is recorded against the contacts' addresses, in every scope, by contact.</summary>
    internal async Task<ILookup<long, Suppression>> AllAmongAsync(Session session, int accountId, IReadOnlyList<long> contactIds, CancellationToken ct) =>
        (await AmongAsync(session, accountId, Suppression.Marketing, contactIds, ct)).ToLookup(found => found.Id, found => found.Suppression);

    /// <summary>What blocks an address for a stream (the strongest reason), or null.</summary>
    public Task<Suppression?> FindAsync(Session session, int accountId, MessageStream stream, string email, CancellationToken ct) =>
        session.FirstAsync(
            $"""
            SELECT {Columns} FROM suppression s WHERE s.account_id = @account AND s.email = @email AND s.scope IN ('all', @scope)
            ORDER BY s.severity DESC, s.at, s.scope LIMIT 1
            """,
            Read, ct, ("account", accountId), ("email", EmailAddress.Key(email)), ("scope", Suppression.SecondScopeOf(stream)));

    /// <summary>All that is recorded against an address: at most one suppression a scope.</summary>
    public Task<IReadOnlyList<Suppression>> OfAsync(int accountId, string email, CancellationToken ct) =>
        database.ReadAsync(session => OfAsync(session, accountId, email, ct), ct);

    /// <inheritdoc cref="OfAsync(int, string, CancellationToken)"/>
    public async Task<IReadOnlyList<Suppression>> OfAsync(Session session, int accountId, string email, CancellationToken ct) =>
        await session.QueryAsync(
            $"SELECT {Columns} FROM suppression s WHERE s.account_id = @account AND s.email = @email ORDER BY s.scope",
            Read, ct, ("account", accountId), ("email", EmailAddress.Key(email)));

    /// <summary>A page of the list, by address.</summary>
    public Task<Page<Suppression>> ListAsync(int accountId, string? cursor, int limit, CancellationToken ct)
    {
        var (email, scope) = Cursor.Read(cursor)?.Split('\n') is [var first, var second] ? (first, second) : ("", "");
        return database.ReadAsync(async session =>
        {
            var found = await session.QueryAsync(
                $"""
                SELECT {Columns} FROM suppression s WHERE s.account_id = @account AND (s.email, s.scope) > (@email, @scope)
                ORDER BY s.email, s.scope LIMIT @limit
                """,
                Read, ct, ("account", accountId), ("email", email), ("scope", scope), ("limit", limit + 1));
            return Cursor.Page(found, limit, last => $"{last.Email}\n{last.Scope}");
        }, ct);
    }

    /// <summary>
    /// Suppresses an address from now on. Repeating it changes nothing, except that a stronger reason replaces a weaker
    /// (complaint, hard bounce, invalid address, unsubscribed, anything else). Gives what holds afterwards, and what was done.
    /// </summary>
    /// <exception cref="InvalidInputException">The address, the scope or a text cannot be taken.</exception>
    public Task<(Suppression Suppression, SuppressionChange Change)> AddAsync(
        int accountId, string email, string? reason, string? scope, string source, CancellationToken ct, string? detail = null) =>
        database.WriteAsync(session => AddAsync(session, accountId, email, reason, scope, source, ct, detail), ct);

    /// <inheritdoc cref="AddAsync(int, string, string?, string?, string, CancellationToken, string?)"/>
    public async Task<(Suppression Suppression, SuppressionChange Change)> AddAsync(
        Session session, int accountId, string email, string? reason, string? scope, string source, CancellationToken ct, string? detail = null)
    {
        ContactFieldsCheck.Characters(email, "email");
        if (!EmailAddress.IsValid(email.Trim())) throw new InvalidInputException("email", "is not an e-mail address");
        if (detail is not null) ContactFieldsCheck.Characters(detail, "detail");
        var now = DateTimeOffset.FromUnixTimeMilliseconds(await session.NowAsync(ct));
        var wanted = new Suppression(EmailAddress.Key(email), SuppressionReason.Normalise(reason), Suppression.CheckedScope(scope), source, now, detail);
        var change = await InsertAsync(session, accountId, wanted, ct) ? SuppressionChange.Added
            : await StrengthenAsync(session, accountId, wanted, ct) ? SuppressionChange.Strengthened
            : SuppressionChange.Unchanged;
        if (change != SuppressionChange.Unchanged)
        {
            await Audit.RecordAsync(session, accountId, "suppression.add", wanted.Email, ct, ("scope", wanted.Scope), ("reason", wanted.Reason));
            return (wanted, change);
        }
        var kept = (await OfAsync(session, accountId, wanted.Email, ct)).FirstOrDefault(suppression => suppression.Scope == wanted.Scope);
        return (kept ?? wanted, SuppressionChange.Unchanged);
    }

    /// <summary>Lets an address be mailed again: removes its suppressions of one scope, or (null) of all. Gives what was removed.</summary>
    public Task<IReadOnlyList<Suppression>> RemoveAsync(int accountId, string email, string? scope, CancellationToken ct) =>
        database.WriteAsync<IReadOnlyList<Suppression>>(async session =>
        {
            var removed = await session.QueryAsync(
                """
                DELETE FROM suppression WHERE account_id = @account AND email = @email AND scope LIKE @scope
                RETURNING email, reason, scope, source, at, detail
                """,
                Read, ct, ("account", accountId), ("email", EmailAddress.Key(email)), ("scope", scope is null ? "%" : Suppression.CheckedScope(scope)));
            foreach (var gone in removed) await Audit.RecordAsync(session, accountId, "suppression.remove", gone.Email, ct, ("scope", gone.Scope), ("reason", gone.Reason));
            return removed;
        }, ct);

    /// <summary>The strongest of each contact first. Marketing mail is blocked by both scopes, so that one asks for all.</summary>
    private static Task<List<(long Id, Suppression Suppression)>> AmongAsync(
        Session session, int accountId, string scope, IReadOnlyList<long> contactIds, CancellationToken ct) =>
        session.QueryAsync(
            """
            SELECT s.email, s.reason, s.scope, s.source, s.at, s.detail, r.id FROM {rows} JOIN contact c ON c.id = r.id
            JOIN suppression s ON s.account_id = c.account_id AND s.email = c.email_key
            WHERE s.account_id = @account AND s.scope IN ('all', @scope) ORDER BY r.id, s.severity DESC, s.at, s.scope
            """,
            new Rows<long>([.. contactIds.Distinct()]).Long("id", id => id), row => (row.Long(6), Read(row)),
            ct, ("account", accountId), ("scope", scope));

    private static async Task<bool> InsertAsync(Session session, int accountId, Suppression wanted, CancellationToken ct) =>
        await session.ExecuteAsync(
            """
            INSERT INTO suppression (account_id, email, scope, reason, severity, source, at, detail)
            VALUES (@account, @email, @scope, @reason, @severity, @source, @at, @detail)
            ON CONFLICT (account_id, email, scope) DO NOTHING
            """,
            ct, ParametersOf(accountId, wanted)) == 1;

    private static async Task<bool> StrengthenAsync(Session session, int accountId, Suppression wanted, CancellationToken ct) =>
        await session.ExecuteAsync(
            """
            UPDATE suppression SET reason = @reason, severity = @severity, source = @source, at = @at, detail = @detail
            WHERE account_id = @account AND email = @email AND scope = @scope AND severity < @severity
            """,
            ct, ParametersOf(accountId, wanted)) == 1;

    private static (string, object?)[] ParametersOf(int accountId, Suppression suppression) =>
    [
        ("account", accountId), ("email", suppression.Email), ("scope", suppression.Scope), ("reason", suppression.Reason),
        ("severity", SuppressionReason.Severity(suppression.Reason)), ("source", suppression.Source), ("at", suppression.At), ("detail", suppression.Detail),
    ];

    private static Suppression Read(Row row) => new(row.Text(0), row.Text(1), row.Text(2), row.Text(3), row.Instant(4), row.TextOrNull(5));
}
