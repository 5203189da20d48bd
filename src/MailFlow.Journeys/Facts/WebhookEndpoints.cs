using MailFlow.Data;
using MailFlow.Engine.Facts;

namespace MailFlow.Journeys.Facts;

/// <summary>An account's endpoints. Secrets are sealed before they are written, and told only when they are made.</summary>
public sealed class WebhookEndpoints
{
    /// <summary>How many an account may have.</summary>
    public const int Most = 20;

    private const string Columns = """
        key, name, url, types, enabled, concurrency, per_second, failing_since, disabled_at, disabled_reason, CASE WHEN previous_until > @now THEN previous_until END, created_at, updated_at
        """;

    private const int LongestUrl = 2_000, LongestName = 100, MostAtOnce = 20, DefaultAtOnce = 4;
    private const double MostPerSecond = 1_000;

    /// <summary>How long the old secret signs too, when nobody says.</summary>
    private static readonly TimeSpan Overlap = TimeSpan.FromHours(24), LongestOverlap = TimeSpan.FromDays(7);

    private readonly Database _database;
    private readonly ISecretBox _box;

    internal WebhookEndpoints(Database database, ISecretBox box, IEnumerable<FactType> types) =>
        (_database, _box, Types) = (database, box, [.. types.OrderBy(type => type.Name, StringComparer.Ordinal)]);

    /// <summary>The facts there are.</summary>
    public IReadOnlyList<FactType> Types { get; }

    /// <summary>The account's endpoints, the oldest first.</summary>
    public async Task<IReadOnlyList<WebhookEndpoint>> ListAsync(int accountId, CancellationToken ct) => await _database.ReadAsync(async session => await session.QueryAsync(
        $"SELECT {Columns} FROM webhook_endpoint WHERE account_id = @account ORDER BY id", Read, ct, ("account", accountId), ("now", await session.NowAsync(ct))), ct);

    /// <summary>One of them, or null.</summary>
    public Task<WebhookEndpoint?> FindAsync(int accountId, Guid id, CancellationToken ct) => _database.ReadAsync(async session => await session.FirstAsync(
        $"SELECT {Columns} FROM webhook_endpoint WHERE account_id = @account AND key = @key", Read, ct, ("account", accountId), ("key", id), ("now", await session.NowAsync(ct))), ct);

    /// <summary>Makes an endpoint, with a secret of its own.</summary>
    /// <exception cref="InvalidInputException">A field cannot be taken; names it.</exception>
    /// <exception cref="ConflictException">The account has as many as it may have.</exception>
    public async Task<EndpointSecret> CreateAsync(int accountId, WebhookEndpointDraft draft, CancellationToken ct)
    {
        var secret = StandardWebhook.NewSecret();
        var boxed = _box.Seal(secret); // outside the transaction: a box may write a key of its own
        var made = await _database.WriteAsync(async session =>
        {
            await session.LockAccountAsync(accountId, ct);
            var now = await session.NowAsync(ct);
            var at = DateTimeOffset.FromUnixTimeMilliseconds(now);
            var url = CheckedUrl(draft.Url ?? throw new InvalidInputException("url", "is missing"));
            var endpoint = Changed(draft, new WebhookEndpoint(Guid.CreateVersion7(at), new Uri(url).Host, url, [FactInterest.AllTypes], true, DefaultAtOnce, null, null, null, null, null, at, at), at);
            if (await session.ScalarAsync<long>("SELECT count(*) FROM webhook_endpoint WHERE account_id = @account", ct, ("account", accountId)) >= Most)
                throw new ConflictException($"An account has at most {Most} webhook endpoints.");
            await session.ExecuteAsync("""
                INSERT INTO webhook_endpoint (key, account_id, name, url, types, enabled, concurrency, per_second, secret, created_at, updated_at)
                VALUES (@key, @account, @name, @url, @types, @enabled, @concurrency, @per_second, @secret, @now, @now)
                """, ct, [.. Values(accountId, endpoint), ("secret", boxed), ("now", now)]);
            await SubscribeAsync(session, accountId, endpoint, ct);
            await Audit.RecordAsync(session, accountId, "webhook_endpoint.create", endpoint.Id.ToString(), ct, ("url", endpoint.Url), ("types", string.Join(", ", endpoint.Types)));
            return endpoint;
        }, ct);
        return new(made, secret);
    }

    /// <summary>Changes an endpoint. Enabled again, it is told what was on its way, and begins with a clean slate.</summary>
    /// <exception cref="NotFoundException">There is none.</exception>
    /// <exception cref="InvalidInputException">A field cannot be taken; names it.</exception>
    public Task<WebhookEndpoint> ChangeAsync(int accountId, Guid id, WebhookEndpointDraft draft, CancellationToken ct) => _database.WriteAsync(async session =>
    {
        await session.LockAccountAsync(accountId, ct);
        var before = await LockAsync(session, accountId, id, ct);
        var now = await session.NowAsync(ct);
        var after = Changed(draft, before, DateTimeOffset.FromUnixTimeMilliseconds(now));
        if (after.Enabled && !before.Enabled) after = after with { DisabledAt = null, DisabledReason = null, FailingSince = null };
        await session.ExecuteAsync("""
            UPDATE webhook_endpoint SET name = @name, url = @url, types = @types, enabled = @enabled, concurrency = @concurrency, per_second = @per_second,
              failing_since = @failing, disabled_at = @disabled_at, disabled_reason = @reason, updated_at = @now
            WHERE account_id = @account AND key = @key
            """, ct, [.. Values(accountId, after), ("failing", after.FailingSince), ("disabled_at", after.DisabledAt), ("reason", after.DisabledReason), ("now", now)]);
        await SubscribeAsync(session, accountId, after, ct);
        await Audit.RecordAsync(session, accountId, "webhook_endpoint.change", id.ToString(), ct, ("url", after.Url), ("types", string.Join(", ", after.Types)), ("enabled", after.Enabled));
        return after;
    }, ct);

    /// <summary>Gives an endpoint a new secret. The one before signs too for a while, so that the receiver can change over without missing anything.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="id">The endpoint.</param>
    /// <param name="overlapHours">How long, 0 to 168 hours; null for a day. 0 where the old one is known to others.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="NotFoundException">There is none.</exception>
    public async Task<EndpointSecret> RotateAsync(int accountId, Guid id, double? overlapHours, CancellationToken ct)
    {
        if (overlapHours is { } hours && !(hours >= 0 && hours <= LongestOverlap.TotalHours)) throw new InvalidInputException("overlap_hours", $"must be 0 to {LongestOverlap.TotalHours:0}");
        var overlap = overlapHours is { } given ? TimeSpan.FromHours(given) : Overlap;
        var secret = StandardWebhook.NewSecret();
        var boxed = _box.Seal(secret);
        var rotated = await _database.WriteAsync(async session =>
        {
            var before = await LockAsync(session, accountId, id, ct);
            var now = await session.NowAsync(ct);
            var until = overlap > TimeSpan.Zero ? now + (long)overlap.TotalMilliseconds : (long?)null;
            await session.ExecuteAsync("""
                UPDATE webhook_endpoint SET previous_secret = CASE WHEN @keeps THEN secret ELSE NULL END, previous_until = @until, secret = @secret, updated_at = @now
                WHERE account_id = @account AND key = @key
                """, ct, ("keeps", until is not null), ("until", until), ("secret", boxed), ("now", now), ("account", accountId), ("key", id));
            await Audit.RecordAsync(session, accountId, "webhook_endpoint.rotate_secret", id.ToString(), ct, ("overlap_hours", overlap.TotalHours));
            return before with { PreviousSecretUntil = until is { } ms ? DateTimeOffset.FromUnixTimeMilliseconds(ms) : null, UpdatedAt = DateTimeOffset.FromUnixTimeMilliseconds(now) };
        }, ct);
        return new(rotated, secret);
    }

    /// <summary>Removes an endpoint. What was on its way to it is told no more; the log goes with the facts. False when there is none.</summary>
    public Task<bool> DeleteAsync(int accountId, Guid id, CancellationToken ct) => _database.WriteAsync(async session =>
    {
        await session.LockAccountAsync(accountId, ct);
        if (await session.ExecuteAsync("DELETE FROM webhook_endpoint WHERE account_id = @account AND key = @key", ct, ("account", accountId), ("key", id)) == 0) return false;
        await InterestAsync(session, accountId, ct);
        await Audit.RecordAsync(session, accountId, "webhook_endpoint.delete", id.ToString(), ct);
        return true;
    }, ct);

    /// <summary>Disables an endpoint of ourselves, which is on record as nobody's doing but MailFlow's. Wants the account locked, and <see cref="InterestAsync"/> afterwards.</summary>
    internal static async Task<bool> DisableAsync(Session session, int endpointId, int accountId, string reason, long now, CancellationToken ct)
    {
        var key = await session.FirstAsync<Guid?>(
            "UPDATE webhook_endpoint SET enabled = @no, disabled_at = @now, disabled_reason = @reason, updated_at = @now WHERE id = @id AND enabled RETURNING key",
            row => row.Uuid(0), ct, ("no", false), ("now", now), ("reason", reason), ("id", endpointId));
        if (key is null) return false;
        Audit.Actor = "MailFlow";
        await Audit.RecordAsync(session, accountId, "webhook_endpoint.disable", key.Value.ToString(), ct, ("reason", reason));
        return true;
    }

    /// <summary>What the account wants is what its enabled endpoints want.</summary>
    internal static async Task InterestAsync(Session session, int accountId, CancellationToken ct)
    {
        var types = await session.QueryAsync(
            "SELECT DISTINCT s.type FROM webhook_endpoint e JOIN webhook_subscription s ON s.endpoint_id = e.id WHERE e.account_id = @account AND e.enabled", row => row.Text(0), ct, ("account", accountId));
        await FactInterest.SetAsync(session, accountId, FactConsumer.Webhooks, types, ct);
    }

    private static async Task SubscribeAsync(Session session, int accountId, WebhookEndpoint endpoint, CancellationToken ct)
    {
        var id = await session.ScalarAsync<int>("SELECT id FROM webhook_endpoint WHERE key = @key", ct, ("key", endpoint.Id));
        await session.ExecuteAsync("DELETE FROM webhook_subscription WHERE endpoint_id = @id", ct, ("id", id));
        await session.ExecuteAsync("INSERT INTO webhook_subscription (account_id, endpoint_id, type) SELECT @account, @id, r.type FROM {rows}",
            new Rows<string>(endpoint.Types).Text("type", type => type), ct, ("account", accountId), ("id", id));
        await InterestAsync(session, accountId, ct);
    }

    private static async Task<WebhookEndpoint> LockAsync(Session session, int accountId, Guid id, CancellationToken ct) => await session.FirstAsync(
        $"SELECT {Columns} FROM webhook_endpoint WHERE account_id = @account AND key = @key{(session.Dialect.IsPostgreSql ? " FOR UPDATE" : "")}", Read, ct, ("account", accountId), ("key", id), ("now", await session.NowAsync(ct))) ?? throw Missing(id);

    internal static NotFoundException Missing(object id) => new($"There is no webhook endpoint '{id}'.");

    private WebhookEndpoint Changed(WebhookEndpointDraft draft, WebhookEndpoint before, DateTimeOffset now) => before with
    {
        Name = draft.Name is { } name ? CheckedName(name) : before.Name,
        Url = draft.Url is { } url ? CheckedUrl(url) : before.Url,
        Types = draft.Types is { } types ? CheckedTypes(types) : before.Types,
        Enabled = draft.Enabled ?? before.Enabled,
        Concurrency = draft.Concurrency is null or (>= 1 and <= MostAtOnce) ? draft.Concurrency ?? before.Concurrency : throw new InvalidInputException("concurrency", $"must be 1 to {MostAtOnce}"),
        PerSecond = draft.PerSecond switch
        {
            null => before.PerSecond,
            0 => null,
            > 0 and <= MostPerSecond => draft.PerSecond,
            _ => throw new InvalidInputException("per_second", $"must be above 0 and at most {MostPerSecond:0}, or 0 for no limit"),
        },
        UpdatedAt = now,
    };

    private static string CheckedName(string name) =>
        name.Trim() is { Length: > 0 and <= LongestName } trimmed ? trimmed : throw new InvalidInputException("name", $"must be 1 to {LongestName} characters");

    private static string CheckedUrl(string url)
    {
        if (url.Length > LongestUrl) throw new InvalidInputException("url", $"has more than {LongestUrl:N0} characters");
        if (!Uri.TryCreate(url.Trim(), UriKind.Absolute, out var parsed) || parsed.Scheme is not ("http" or "https") || parsed.Host.Length == 0)
            throw new InvalidInputException("url", $"'{url}' is not an http or https address");
        if (parsed.UserInfo.Length > 0) throw new InvalidInputException("url", "must hold no user name or password: whoever reads the log would read them");
        return url.Trim();
    }

    private List<string> CheckedTypes(IReadOnlyList<string> types)
    {
        if (types.Count == 0) throw new InvalidInputException("types", $"must name at least one type, or '{FactInterest.AllTypes}' for all");
        if (types.FirstOrDefault(type => type != FactInterest.AllTypes && !Types.Any(known => known.Name == type)) is { } unknown)
            throw new InvalidInputException("types", $"'{unknown}' is none of {string.Join(", ", Types.Select(type => type.Name))}, or '{FactInterest.AllTypes}' for all");
        return types.Contains(FactInterest.AllTypes) ? [FactInterest.AllTypes] : [.. types.Distinct().Order(StringComparer.Ordinal)];
    }

    private static (string, object?)[] Values(int accountId, WebhookEndpoint endpoint) =>
    [
        ("key", endpoint.Id), ("account", accountId), ("name", endpoint.Name), ("url", endpoint.Url), ("types", JsonData.Write(endpoint.Types)), ("enabled", endpoint.Enabled),
        ("concurrency", endpoint.Concurrency), ("per_second", endpoint.PerSecond),
    ];

    private static WebhookEndpoint Read(Row row) => new(
        row.Uuid(0), row.Text(1), row.Text(2), [.. ((IReadOnlyList<object?>)JsonData.Parse(row.Text(3))!).Cast<string>()], row.Bool(4), row.Int(5), row.DoubleOrNull(6),
        row.InstantOrNull(7), row.InstantOrNull(8), row.TextOrNull(9), row.InstantOrNull(10), row.Instant(11), row.Instant(12));
}
