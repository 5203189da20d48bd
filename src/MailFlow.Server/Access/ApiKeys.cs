using System.Collections.Concurrent;
using System.Security.Cryptography;
using MailFlow.Data;

namespace MailFlow.Server.Access;

/// <summary>The keys of all accounts. A key that was found is remembered for some seconds, so that it is not looked up with every request.</summary>
internal sealed class ApiKeys(Database database)
{
    private const int MostRemembered = 1000;
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(10), UseNoted = TimeSpan.FromMinutes(5), TrustedBlindly = TimeSpan.FromHours(1);
    private const string Columns = "id, account_id, name, prefix, scopes, created_at, last_used_at, revoked_at";

    private readonly ConcurrentDictionary<string, (ApiKey Key, long At)> _remembered = new();

    /// <summary>Makes a key. The secret is given here and never again.</summary>
    public static async Task<(ApiKey Key, string Secret)> CreateAsync(Session session, int accountId, string name, IReadOnlyList<string> scopes, CancellationToken ct)
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(await session.NowAsync(ct));
        var secret = ApiKey.NewSecret();
        var key = new ApiKey(Guid.CreateVersion7(now), accountId, name, ApiKey.PrefixOf(secret), scopes, now, null, null);
        await session.ExecuteAsync("""
            INSERT INTO api_key (id, account_id, name, prefix, hash, scopes, created_at)
            VALUES (@id, @account, @name, @prefix, @hash, @scopes, @now)
            """, ct, ("id", key.Id), ("account", accountId), ("name", name), ("prefix", key.Prefix), ("hash", ApiKey.HashOf(secret)),
            ("scopes", new JsonText(JsonData.Write(scopes))), ("now", now.ToUnixTimeMilliseconds()));
        await Audit.RecordAsync(session, accountId, "api_key.create", key.ShownName, ct, ("id", key.Id.ToString()), ("scopes", scopes));
        return (key, secret);
    }

    /// <inheritdoc cref="CreateAsync(Session, int, string, IReadOnlyList{string}, CancellationToken)"/>
    public Task<(ApiKey Key, string Secret)> CreateAsync(int accountId, string name, IReadOnlyList<string> scopes, CancellationToken ct) =>
        database.WriteAsync(session => CreateAsync(session, accountId, name, scopes, ct), ct);

    /// <summary>The keys of an account, newest first, revoked ones included.</summary>
    public Task<Page<ApiKey>> ListAsync(int accountId, string? cursor, int limit, CancellationToken ct) => database.ReadAsync(async session =>
    {
        var before = Cursor.Read(cursor) switch
        {
            null => Guid.AllBitsSet,
            var text => Guid.TryParse(text, out var id) ? id : throw Cursor.Unknown(),
        };
        var found = await session.QueryAsync($"SELECT {Columns} FROM api_key WHERE account_id = @account AND id < @before ORDER BY id DESC LIMIT @limit",
            Read, ct, ("account", accountId), ("before", before), ("limit", limit + 1));
        return Cursor.Page(found, limit, key => key.Id.ToString());
    }, ct);

    /// <summary>Revokes a key: at once on this node, within seconds on others. The last key that may administer the account stays.</summary>
    public async Task RevokeAsync(int accountId, Guid id, CancellationToken ct)
    {
        await database.WriteAsync(async session =>
        {
            var live = await session.QueryAsync($"SELECT {Columns} FROM api_key WHERE account_id = @account AND revoked_at IS NULL ORDER BY id{(session.Dialect.IsPostgreSql ? " FOR UPDATE" : "")}",
                Read, ct, ("account", accountId));
            var revoked = live.Find(key => key.Id == id) ?? throw new NotFoundException($"There is no live API key '{id}'.");
            if (!live.Any(key => key.Id != id && key.Scopes.Contains(Scopes.Admin)))
                throw new ConflictException("This is the last key with the scope 'admin': make another one first.");
            await session.ExecuteAsync("UPDATE api_key SET revoked_at = @now WHERE id = @id", ct, ("id", id), ("now", await session.NowAsync(ct)));
            await Audit.RecordAsync(session, accountId, "api_key.revoke", revoked.ShownName, ct, ("id", id.ToString()));
        }, ct);
        _remembered.Clear();
    }

    /// <summary>The live key with this secret, or null.</summary>
    /// <param name="secret">What the caller shows.</param>
    /// <param name="mayBeBlind">For what must be answered while the database is away, which is why it is asked: a key that was live within the hour then counts as live.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<ApiKey?> FindAsync(string secret, bool mayBeBlind, CancellationToken ct)
    {
        if (!ApiKey.LooksLikeKey(secret)) return null;
        var hash = ApiKey.HashOf(secret);
        var remembered = Convert.ToHexString(hash);
        // Measured: a clock that is set back must not keep a key alive that was revoked.
        var age = _remembered.TryGetValue(remembered, out var known) ? database.Time.GetElapsedTime(known.At) : TimeSpan.MaxValue;
        if (age < Remembered) return known.Key;

        (ApiKey Key, byte[] Hash) found;
        try
        {
            found = await database.ReadAsync(session => session.FirstAsync($"SELECT {Columns}, hash FROM api_key WHERE hash = @hash AND revoked_at IS NULL",
                row => (Key: Read(row), Hash: row.Bytes(8)), ct, ("hash", hash)), ct);
        }
        catch (Exception error) when (mayBeBlind && age < Remembered + TrustedBlindly && database.Dialect.IsTransient(error))
        {
            return known.Key;
        }
        // The index has found it by a hash, which tells a clock nothing of the secret; compared once more in constant time all the same.
        if (found.Key is null || !CryptographicOperations.FixedTimeEquals(found.Hash, hash)) return null;

        if (_remembered.Count >= MostRemembered) _remembered.Clear();
        _remembered[remembered] = (found.Key, database.Time.GetTimestamp());
        var now = database.Time.GetUtcNow();
        if (found.Key.LastUsedAt is not { } used || now - used > UseNoted)
            await database.WriteAsync(session => session.ExecuteAsync("UPDATE api_key SET last_used_at = @now WHERE id = @id", ct,
                ("id", found.Key.Id), ("now", now.ToUnixTimeMilliseconds())), ct);
        return found.Key;
    }

    private static ApiKey Read(Row row) => new(row.Uuid(0), row.Int(1), row.Text(2), row.Text(3),
        [.. ((IReadOnlyList<object?>)row.Json(4)!).OfType<string>()], row.Instant(5), row.InstantOrNull(6), row.InstantOrNull(7));
}
