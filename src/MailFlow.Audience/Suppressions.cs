using MailFlow.Data;
using MailFlow.Engine.Definitions;

namespace MailFlow.Audience;

/// <summary>
/// The addresses that must not be mailed. They are kept by address, so a contact who changes to one is not mailed, and one who leaves it is. A rule may be
/// for a whole domain, and may end; one that has ended blocks nothing.
/// </summary>
public sealed class Suppressions
{
    /// <summary>How many suppressions one page of a search looks at.</summary>
    public const int MostLookedAt = 50_000;

    internal const string Columns = "s.email, s.reason, s.scope, s.source, s.at, s.detail, s.expires_at";
    private const string Holds = "(s.expires_at IS NULL OR s.expires_at > @now)";

    private readonly Database _database;
    private readonly AddressHashes _hashes;

    internal Suppressions(Database database, AddressHashes hashes) => (_database, _hashes) = (database, hashes);

    /// <summary>Those of the contacts whose address is blocked for a stream, each with the strongest reason.</summary>
    /// <param name="session">Where.</param>
    /// <param name="accountId">The account.</param>
    /// <param name="stream">The kind of mail.</param>
    /// <param name="contacts">By dense key, each with the address that is to be mailed; one without an address is not blocked.</param>
    /// <param name="ct">Cancels.</param>
    /// <param name="now">Unix milliseconds, where they are known already.</param>
    public async Task<IReadOnlyDictionary<long, Suppression>> AmongAsync(
        Session session, int accountId, MessageStream stream, IReadOnlyList<(long Id, string? Email)> contacts, CancellationToken ct, long? now = null)
    {
        var found = await AmongAsync(session, accountId, [Suppression.All, Suppression.ScopeOf(stream)], contacts, now, ct);
        var strongest = new Dictionary<long, Suppression>(found.Count);
        foreach (var (id, suppression) in found) strongest.TryAdd(id, suppression);
        return strongest;
    }

    /// <summary>Those of the contacts whose present address is blocked for a stream, each with the strongest reason.</summary>
    public async Task<IReadOnlyDictionary<long, Suppression>> AmongAsync(
        Session session, int accountId, MessageStream stream, IReadOnlyList<long> contactIds, CancellationToken ct) =>
        await AmongAsync(session, accountId, stream, await session.QueryAsync(
            "SELECT c.id, c.email FROM {rows} JOIN contact c ON c.id = r.id WHERE c.account_id = @account",
            new Rows<long>([.. contactIds.Distinct()]).Long("id", id => id), row => (row.Long(0), row.TextOrNull(1)), ct, ("account", accountId)), ct);

    /// <summary>All that is recorded against the contacts' addresses, in every scope, by contact.</summary>
    internal async Task<ILookup<long, Suppression>> AllAmongAsync(Session session, int accountId, IReadOnlyList<(long Id, string? Email)> contacts, CancellationToken ct) =>
        (await AmongAsync(session, accountId, [Suppression.All, Suppression.Marketing, Suppression.Transactional], contacts, null, ct)).ToLookup(found => found.Id, found => found.Suppression);

    /// <summary>What blocks an address for a stream (the strongest reason), or null.</summary>
    public async Task<Suppression?> FindAsync(Session session, int accountId, MessageStream stream, string email, CancellationToken ct) =>
        (await AmongAsync(session, accountId, stream, [(0L, email)], ct)).GetValueOrDefault(0);

    /// <summary>All that is recorded against an address, its whole domain included.</summary>
    public Task<IReadOnlyList<Suppression>> OfAsync(int accountId, string email, CancellationToken ct) =>
        _database.ReadAsync(session => OfAsync(session, accountId, email, ct), ct);

    /// <inheritdoc cref="OfAsync(int, string, CancellationToken)"/>
    public async Task<IReadOnlyList<Suppression>> OfAsync(Session session, int accountId, string email, CancellationToken ct)
    {
        var forms = await _hashes.FormsAsync(session, accountId, email, ct);
        return await session.QueryAsync(
            $"SELECT {Columns} FROM suppression s WHERE s.account_id = @account AND s.email IN (@address, @domain, @hash) AND {Holds} ORDER BY s.email, s.scope",
            Read, ct, ("account", accountId), ("address", forms.Address), ("domain", forms.Domain), ("hash", forms.Hash), ("now", await session.NowAsync(ct)));
    }

    /// <summary>
    /// A page of the list, by address; those whose address or domain holds a text, if one is given. A page of a search looks at no more than
    /// <see cref="MostLookedAt"/>: it may hold fewer than asked for, and none, and still have a next.
    /// </summary>
    public Task<Page<Suppression>> ListAsync(int accountId, string? cursor, int limit, CancellationToken ct, string? search = null)
    {
        var (email, scope) = Cursor.Read(cursor)?.Split('\n') is [var first, var second] ? (first, second) : ("", "");
        return _database.ReadAsync(async session =>
        {
            const string page = "FROM suppression s WHERE s.account_id = @account AND (s.email, s.scope) > (@email, @scope)";
            (string, object?)[] parameters = [("account", accountId), ("email", email), ("scope", scope), ("now", await session.NowAsync(ct)), ("limit", limit + 1)];
            if (string.IsNullOrWhiteSpace(search))
            {
                var all = await session.QueryAsync($"SELECT {Columns} {page} AND {Holds} ORDER BY s.email, s.scope LIMIT @limit", Read, ct, parameters);
                return Cursor.Page(all, limit, KeyOf);
            }
            var position = session.Dialect.IsPostgreSql ? "strpos" : "instr";
            var found = await session.QueryAsync($"""
                SELECT {Columns} FROM (SELECT {Columns} {page} ORDER BY s.email, s.scope LIMIT @looked) s WHERE {position}(s.email, @text) > 0 AND {Holds}
                ORDER BY s.email, s.scope LIMIT @limit
                """, Read, ct, [.. parameters, ("looked", MostLookedAt), ("text", EmailAddress.MailboxKey(search))]);
            if (found.Count > limit) return Cursor.Page(found, limit, KeyOf);
            var last = await session.QueryAsync($"SELECT s.email, s.scope {page} ORDER BY s.email, s.scope LIMIT 1 OFFSET @skip",
                row => $"{row.Text(0)}\n{row.Text(1)}", ct, ("account", accountId), ("email", email), ("scope", scope), ("skip", MostLookedAt - 1));
            return new Page<Suppression>(found, last is [var next] ? Cursor.Write(next) : null);
        }, ct);

        static string KeyOf(Suppression last) => $"{last.Email}\n{last.Scope}";
    }

    /// <summary>
    /// Suppresses an address, or with <c>@example.org</c> a whole domain, from now on. Repeating it changes nothing, except that a stronger reason replaces a
    /// weaker (complaint, hard bounce, invalid address, an operator's own, unsubscribed, what providers tell of the address, a pause), and that of two ends the later holds, no end being the latest.
    /// Gives what holds afterwards, and what was done.
    /// </summary>
    /// <exception cref="InvalidInputException">The address, the scope, the end or a text cannot be taken.</exception>
    public Task<(Suppression Suppression, SuppressionChange Change)> AddAsync(int accountId, string email, string? reason, string? scope, string source, CancellationToken ct,
        string? detail = null, DateTimeOffset? expiresAt = null) =>
        _database.WriteAsync(session => AddAsync(session, accountId, email, reason, scope, source, ct, detail, expiresAt), ct);

    /// <inheritdoc cref="AddAsync(int, string, string?, string?, string, CancellationToken, string?, DateTimeOffset?)"/>
    public async Task<(Suppression Suppression, SuppressionChange Change)> AddAsync(Session session, int accountId, string email, string? reason, string? scope, string source,
        CancellationToken ct, string? detail = null, DateTimeOffset? expiresAt = null)
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(await session.NowAsync(ct));
        var wanted = Checked(email, reason, scope, source, now, detail, expiresAt);
        var (added, strengthened) = await AddAsync(session, accountId, [wanted], ct);
        if (added + strengthened > 0)
            await Audit.RecordAsync(session, accountId, "suppression.add", wanted.Email, ct, ("scope", wanted.Scope), ("reason", wanted.Reason), ("expires_at", wanted.ExpiresAt));
        if (added > 0) return (wanted, SuppressionChange.Added);
        var known = await OfAsync(session, accountId, wanted.Email, ct);
        var holds = known.FirstOrDefault(s => s.Email == wanted.Email && s.Scope == wanted.Scope) ?? known.FirstOrDefault(s => s is { Kind: "erased", Scope: Suppression.All });
        return (holds ?? wanted, strengthened > 0 ? SuppressionChange.Strengthened : SuppressionChange.Unchanged);
    }

    /// <summary>
    /// Suppresses many addresses at once, as <see cref="AddAsync(Session, int, string, string?, string?, string, CancellationToken, string?, DateTimeOffset?)"/> does one: of two that
    /// are for the same address and scope, the stronger holds. Gives how many were new and how many were made stronger or longer. The caller answers for their form.
    /// </summary>
    public async Task<(int Added, int Strengthened)> AddAsync(Session session, int accountId, IEnumerable<Suppression> wanted, CancellationToken ct)
    {
        var each = wanted.GroupBy(s => (s.Email, s.Scope)).Select(same => same.Aggregate(Suppression.Stronger)).ToList();
        var erased = await ErasedAmongAsync(session, accountId, [.. each.Where(s => s.Kind == "address").Select(s => s.Email).Distinct()], ct);
        return await WriteAsync(session, accountId, [.. each.Where(s => !erased.Contains(s.Email))], ct);
    }

    /// <summary>Those whose person was erased: such an address is not written down again, and nothing goes there in any case.</summary>
    private async Task<HashSet<string>> ErasedAmongAsync(Session session, int accountId, IReadOnlyList<string> addresses, CancellationToken ct) => [.. await session.QueryAsync(
        $"SELECT r.address FROM {{rows}} JOIN suppression s ON s.account_id = @account AND s.email = r.hash AND s.scope = '{Suppression.All}'",
        new Rows<AddressForms>(await _hashes.FormsAsync(session, accountId, addresses, ct)).Text("address", forms => forms.Address).Text("hash", forms => forms.Hash),
        row => row.Text(0), ct, ("account", accountId))];

    /// <summary>
    /// Lets an address (or a domain) be mailed again: removes its suppressions of one scope, or (null) of all; of these only those for a reason, where reasons are
    /// given. A domain's rule is not removed with an address of it. Gives what was removed.
    /// </summary>
    public Task<IReadOnlyList<Suppression>> RemoveAsync(int accountId, string email, string? scope, CancellationToken ct) =>
        _database.WriteAsync(session => RemoveAsync(session, accountId, email, scope, ct), ct);

    /// <inheritdoc cref="RemoveAsync(int, string, string?, CancellationToken)"/>
    public async Task<IReadOnlyList<Suppression>> RemoveAsync(Session session, int accountId, string email, string? scope, CancellationToken ct, params IReadOnlyList<string> reasons)
    {
        var forms = await _hashes.FormsAsync(session, accountId, email, ct);
        var removed = await session.QueryAsync(
            $"""
            DELETE FROM suppression WHERE account_id = @account AND email IN (@address, @hash) AND scope LIKE @scope
            {(reasons.Count == 0 ? "" : $"AND reason IN ({string.Join(", ", reasons.Select((_, i) => $"@reason{i}"))})")}
            RETURNING email, reason, scope, source, at, detail, expires_at
            """,
            Read, ct,
            [("account", accountId), ("address", forms.Address), ("hash", forms.Hash), ("scope", scope is null ? "%" : Suppression.CheckedScope(scope)),
             .. reasons.Select((reason, i) => ($"reason{i}", (object?)reason))]);
        foreach (var gone in removed) await Audit.RecordAsync(session, accountId, "suppression.remove", gone.Email, ct, ("scope", gone.Scope), ("reason", gone.Reason));
        return removed;
    }

    /// <summary>Checks what somebody wants to suppress. Throws <see cref="InvalidInputException"/> that names the field.</summary>
    internal static Suppression Checked(string email, string? reason, string? scope, string source, DateTimeOffset now, string? detail, DateTimeOffset? expiresAt)
    {
        ContactFieldsCheck.Characters(email, "email");
        var trimmed = email.Trim();
        if (!EmailAddress.IsValid(trimmed) && !EmailAddress.IsWholeDomain(trimmed)) throw new InvalidInputException("email", "is neither an e-mail address nor a domain such as @example.org");
        if (detail is not null)
        {
            ContactFieldsCheck.Characters(detail, "detail");
            if (detail.Length > 1000) throw new InvalidInputException("detail", "is too long; at most 1000 characters");
        }
        if (expiresAt <= now) throw new InvalidInputException("expires_at", "lies in the past");
        return new Suppression(EmailAddress.MailboxKey(trimmed), SuppressionReason.Normalise(reason), Suppression.CheckedScope(scope), source, now, detail, expiresAt);
    }

    /// <summary>Writes suppressions, each address and scope once, those of erased persons too. Gives how many were new and how many were made stronger or longer.</summary>
    internal static async Task<(int Added, int Strengthened)> WriteAsync(Session session, int accountId, IReadOnlyList<Suppression> wanted, CancellationToken ct)
    {
        // In the order of their keys, as every writer takes them.
        var rows = new Rows<Suppression>([.. wanted.OrderBy(s => s.Email, StringComparer.Ordinal).ThenBy(s => s.Scope, StringComparer.Ordinal)])
            .Text("email", s => s.Email).Text("scope", s => s.Scope).Text("reason", s => s.Reason).Int("severity", s => SuppressionReason.Severity(s.Reason))
            .Text("source", s => s.Source).Long("at", s => s.At.ToUnixTimeMilliseconds()).Text("detail", s => s.Detail).LongOrNull("expires_at", s => s.ExpiresAt?.ToUnixTimeMilliseconds());
        // One that has ended says nothing about the one to come.
        await session.ExecuteAsync("""
            DELETE FROM suppression WHERE account_id = @account AND expires_at <= @now
              AND (email, scope) IN (SELECT r.email, r.scope FROM {rows})
            """, rows, ct, ("account", accountId), ("now", await session.NowAsync(ct)));
        var added = await session.ExecuteAsync("""
            INSERT INTO suppression (account_id, email, scope, reason, severity, source, at, detail, expires_at)
            SELECT @account, r.email, r.scope, r.reason, r.severity, r.source, r.at, r.detail, r.expires_at FROM {rows} WHERE true
            ON CONFLICT (account_id, email, scope) DO NOTHING
            """, rows, ct, ("account", accountId));
        // After the insertion, which waits for another writer of the same row: this statement sees it. A strong reason that ends takes nothing from a weaker one that does not.
        const string stronger = "suppression.severity < r.severity";
        var strengthened = await session.ExecuteAsync($$"""
            UPDATE suppression SET
              reason = CASE WHEN {{stronger}} THEN r.reason ELSE suppression.reason END,
              source = CASE WHEN {{stronger}} THEN r.source ELSE suppression.source END,
              at = CASE WHEN {{stronger}} THEN r.at ELSE suppression.at END,
              detail = CASE WHEN {{stronger}} THEN r.detail ELSE suppression.detail END,
              severity = CASE WHEN {{stronger}} THEN r.severity ELSE suppression.severity END,
              expires_at = CASE WHEN suppression.expires_at IS NULL OR r.expires_at IS NULL THEN NULL
                WHEN r.expires_at > suppression.expires_at THEN r.expires_at ELSE suppression.expires_at END
            FROM {rows}
            WHERE suppression.account_id = @account AND suppression.email = r.email AND suppression.scope = r.scope
              AND ({{stronger}} OR (suppression.expires_at IS NOT NULL AND (r.expires_at IS NULL OR r.expires_at > suppression.expires_at)))
            """, rows, ct, ("account", accountId));
        return (added, strengthened);
    }

    internal static Suppression Read(Row row) => new(row.Text(0), row.Text(1), row.Text(2), row.Text(3), row.Instant(4), row.TextOrNull(5), row.InstantOrNull(6));

    /// <summary>The strongest of each contact first; one query by primary key, whatever the number of contacts.</summary>
    private async Task<List<(long Id, Suppression Suppression)>> AmongAsync(
        Session session, int accountId, IReadOnlyList<string> scopes, IReadOnlyList<(long Id, string? Email)> contacts, long? now, CancellationToken ct)
    {
        var mailed = contacts.Where(contact => !string.IsNullOrWhiteSpace(contact.Email)).DistinctBy(contact => contact.Id).ToList();
        if (mailed.Count == 0) return [];
        var forms = await _hashes.FormsAsync(session, accountId, mailed.Select(contact => contact.Email!), ct);
        return await session.QueryAsync(
            $$"""
            SELECT {{Columns}}, r.id FROM {rows} JOIN suppression s ON s.account_id = @account AND s.email IN (r.address, r.domain, r.hash)
            WHERE s.scope IN ({{string.Join(", ", scopes.Select(scope => $"'{scope}'"))}}) AND {{Holds}}
            ORDER BY r.id, s.severity DESC, s.at, s.scope
            """,
            new Rows<((long Id, string? Email) Contact, AddressForms Forms)>([.. mailed.Zip(forms)])
                .Long("id", r => r.Contact.Id).Text("address", r => r.Forms.Address).Text("domain", r => r.Forms.Domain).Text("hash", r => r.Forms.Hash),
            row => (row.Long(7), Read(row)), ct, ("account", accountId), ("now", now ?? await session.NowAsync(ct)));
    }
}
