using System.Globalization;
using System.Text.RegularExpressions;
using MailFlow.Data;
using MailFlow.Delivery.Providers.Sandbox;
using MailFlow.Delivery.Routing;

namespace MailFlow.Delivery;

/// <summary>
/// The connections of each account. An account without any sends by the server's own provider (<see cref="DeliveryOptions.Provider"/>). Secrets are sealed before they
/// are written and leave this class only to open a provider.
/// </summary>
public sealed partial class Connections
{
    private const string Columns = "key, id, type, name, settings, enabled, marketing_weight, transactional_weight, per_second, per_day, region, revision, account_id, (SELECT a.region FROM account a WHERE a.id = account_id)";
    private const int LongestSetting = 4_000;

    private readonly Database _database;
    private readonly ISecretBox _secrets;
    private readonly Dictionary<string, IProviderType> _types;
    private readonly Func<Senders> _senders; // they ask in their turn by what mail leaves
    private readonly DeliveryOptions _options;

    internal Connections(Database database, ISecretBox secrets, IEnumerable<IProviderType> types, Func<Senders> senders, DeliveryOptions options) =>
        (_database, _secrets, _types, _senders, _options) = (database, secrets, types.ToDictionary(type => type.Name), senders, options);

    /// <summary>The kinds of providers there are, by name.</summary>
    public IReadOnlyCollection<IProviderType> Types => _types.Values;

    /// <summary>The account's connections, by key.</summary>
    public async Task<IReadOnlyList<Connection>> ListAsync(int accountId, CancellationToken ct) =>
        [.. (await _database.ReadAsync(session => AmongAsync(session, [accountId], ct), ct)).Select(stored => stored.Connection)];

    /// <summary>One of them, or null.</summary>
    public async Task<Connection?> FindAsync(int accountId, string key, CancellationToken ct) =>
        (await ListAsync(accountId, ct)).FirstOrDefault(connection => connection.Key == key);

    /// <summary>Makes a connection or changes it.</summary>
    /// <exception cref="InvalidInputException">A field cannot be taken; names it. The key of a deleted connection can be taken again when no mail of it is in doubt any more.</exception>
    public async Task<Connection> PutAsync(int accountId, string key, ConnectionDraft draft, CancellationToken ct)
    {
        // Sealed and opened outside the transaction that writes: a box that has no key yet, or whose key has grown old, writes a new one.
        var boxed = (draft.Settings ?? new Dictionary<string, string?>()).Where(pair => pair.Value is { Length: > 0 and <= LongestSetting }).ToDictionary(pair => pair.Key, pair => _secrets.Seal(pair.Value!));
        while (true)
        {
            var (existing, now) = await _database.ReadAsync(async session => (await FindAsync(session, accountId, key, ct), await session.NowAsync(ct)), ct);
            var (after, settings) = Changed(key, draft, boxed, existing, now);
            // What was changed meanwhile is not lost: the draft is put into that then.
            if (await _database.WriteAsync(session => _senders().ChangeRoutesAsync(session, accountId, () => StoreAsync(session, accountId, draft, existing, after, settings, ct), ct), ct)) return after;
        }
    }

    /// <summary>The connection as it is to be, and its settings with secrets sealed; the provider has been opened with them once.</summary>
    private (Connection After, Dictionary<string, string> Settings) Changed(string key, ConnectionDraft draft, Dictionary<string, string> boxed, StoredConnection? existing, long now)
    {
        if (!KeyForm().IsMatch(key)) throw new InvalidInputException("key", "must have 1 to 50 lower-case letters, digits, '-' or '_'");
        if (key is "sandbox" or "smtp" or "default") throw new InvalidInputException("key", $"'{key}' names the server's own provider; choose another");
        var named = draft.Type ?? existing?.Connection.Type ?? throw new InvalidInputException("type", "is missing");
        var type = _types.GetValueOrDefault(named) ?? throw new InvalidInputException("type", $"'{named}' is none of {string.Join(", ", _types.Keys.Order())}");
        if (existing is not null && existing.Connection.Type != type.Name)
            throw new InvalidInputException("type", $"this connection is of type '{existing.Connection.Type}', and the ledger knows it so: make another one");
        var before = existing?.Connection;
        var settings = Settled(type, existing?.Sealed, draft.Settings, boxed);
        var after = new Connection(
            key, before?.Id ?? Guid.CreateVersion7(DateTimeOffset.FromUnixTimeMilliseconds(now)), type.Name, Named(draft.Name ?? before?.Name ?? type.DisplayName), Shown(type, settings), SecretsOf(type, settings),
            draft.Enabled ?? before?.Enabled ?? true,
            Weight("marketing_weight", draft.MarketingWeight ?? before?.MarketingWeight ?? 100),
            Weight("transactional_weight", draft.TransactionalWeight ?? before?.TransactionalWeight ?? 100),
            Limit("per_second", draft.PerSecond ?? before?.PerSecond), (int?)Limit("per_day", draft.PerDay ?? before?.PerDay),
            AccountSettings.CheckedRegion(draft.Region ?? before?.Region));
        Probe(type, settings);
        return (after with { Region = Region(type, settings, draft.Region, after.Region) }, settings);
    }

    /// <summary>Writes it, unless the connection has been made or changed since it was looked at.</summary>
    private static async Task<bool> StoreAsync(Session session, int accountId, ConnectionDraft draft, StoredConnection? seen, Connection after, Dictionary<string, string> settings, CancellationToken ct)
    {
        if (seen is null) await RefuseIfInDoubtAsync(session, accountId, after.Key, ct);
        var written = await session.ExecuteAsync("""
            INSERT INTO provider_connection (account_id, key, id, type, name, settings, enabled, marketing_weight, transactional_weight, per_second, per_day, region,
                                             revision, created_at, updated_at)
            VALUES (@account, @key, @id, @type, @name, @settings, @enabled, @marketing, @transactional, @per_second, @per_day, @region, 1, @now, @now)
            ON CONFLICT (account_id, key) DO UPDATE SET name = excluded.name, settings = excluded.settings, enabled = excluded.enabled,
              marketing_weight = excluded.marketing_weight, transactional_weight = excluded.transactional_weight, per_second = excluded.per_second,
              per_day = excluded.per_day, region = excluded.region, revision = provider_connection.revision + 1, updated_at = excluded.updated_at
            WHERE provider_connection.id = @id AND provider_connection.revision = @seen
            """, ct,
            ("account", accountId), ("key", after.Key), ("id", after.Id), ("type", after.Type), ("name", after.Name), ("settings", JsonData.Write(settings.ToDictionary(pair => pair.Key, pair => (object?)pair.Value))),
            ("enabled", after.Enabled), ("marketing", after.MarketingWeight), ("transactional", after.TransactionalWeight), ("per_second", after.PerSecond),
            ("per_day", after.PerDay), ("region", after.Region), ("seen", seen?.Revision ?? 0), ("now", await session.NowAsync(ct)));
        if (written == 0) return false;
        await Audit.RecordAsync(session, accountId, "connection.put", after.Key, ct, ("type", after.Type), ("enabled", after.Enabled),
            ("marketing_weight", after.MarketingWeight), ("transactional_weight", after.TransactionalWeight), ("settings", string.Join(", ", (draft.Settings ?? new Dictionary<string, string?>()).Keys)));
        return true;
    }

    /// <summary>A connection that was deleted owes answers under its key. Another of this key would be asked for them, and does not know: what it has not got would be sent, perhaps a second time.</summary>
    private static async Task RefuseIfInDoubtAsync(Session session, int accountId, string key, CancellationToken ct)
    {
        var owed = await session.ScalarAsync<long>(
            $"SELECT count(*) FROM message WHERE state IN ({MessageStates.SqlOpen}) AND state IN ({(int)MessageState.Inflight}, {(int)MessageState.Unknown}) AND account_id = @account AND provider = @key",
            ct, ("account", accountId), ("key", key));
        if (owed > 0)
            throw new InvalidInputException("key", string.Create(CultureInfo.InvariantCulture,
                $"'{key}' was a connection that is deleted, and whether it took the last mails that it was given ({owed:#,0}) is not known yet: choose another key, or wait until none of them is 'unknown' or 'inflight'"));
    }

    /// <summary>Removes a connection; what it was given is still told by the ledger. Mail whose answer it owes is treated as lost. False when there is none.</summary>
    /// <exception cref="ConflictException">It is the last one, and mail waits that this server would capture.</exception>
    public Task<bool> DeleteAsync(int accountId, string key, CancellationToken ct) =>
        _database.WriteAsync(session => _senders().ChangeRoutesAsync(session, accountId, () => DeleteAsync(session, accountId, key, ct), ct), ct);

    private async Task<bool> DeleteAsync(Session session, int accountId, string key, CancellationToken ct)
    {
        await RefuseIfCapturedAsync(session, accountId, key, ct);
        if (await session.ExecuteAsync("DELETE FROM provider_connection WHERE account_id = @account AND key = @key", ct, ("account", accountId), ("key", key)) == 0) return false;
        await session.ExecuteAsync("DELETE FROM sending_stop WHERE account_id = @account AND subject = @subject", ct, ("account", accountId), ("subject", SendingStops.OfConnection(key)));
        var bucket = new BucketKey(accountId, SendingStops.OfConnection(key));
        await session.ExecuteAsync(
            "DELETE FROM rate_bucket WHERE account_id = @account AND key IN (@rate, @day)", ct, ("account", accountId), ("rate", bucket.Key), ("day", FlowControl.DayLock(bucket).Key));
        await Audit.RecordAsync(session, accountId, "connection.delete", key, ct);
        return true;
    }

    /// <summary>Without a connection the server's own provider sends. Where that passes nothing on, mail that is meant for people would be called sent and reach nobody.</summary>
    private async Task RefuseIfCapturedAsync(Session session, int accountId, string key, CancellationToken ct)
    {
        if (_options.Provider != SandboxType.Key && !_options.IsCaught) return;
        if (await AmongAsync(session, [accountId], ct) is not [{ Connection: { Type: not SandboxType.Key } last }] || last.Key != key) return;
        var waiting = await session.ScalarAsync<long>(
            $"SELECT count(*) FROM message WHERE state IN ({MessageStates.SqlOpen}) AND state IN ({(int)MessageState.Queued}, {(int)MessageState.Deferred}) AND account_id = @account", ct, ("account", accountId));
        if (waiting > 0)
            throw new ConflictException(string.Create(CultureInfo.InvariantCulture,
                $"'{key}' is the last connection, and {waiting:#,0} {(waiting == 1 ? "mail waits" : "mails wait")}: this server itself passes no mail on, so they would reach nobody. Add another connection first (of type 'sandbox', if they are to be captured), or switch this one off and let them wait."));
    }

    /// <summary>The connection whose webhook has this id, with its kind and its settings in the clear; null when there is none of that kind.</summary>
    public async Task<WebhookOwner?> FindByIdAsync(string type, Guid id, CancellationToken ct)
    {
        var stored = await _database.ReadAsync(session => session.FirstAsync(
            $"SELECT {Columns} FROM provider_connection WHERE id = @id AND type = @type", Read, ct, ("id", id), ("type", type)), ct);
        return stored is null || !_types.TryGetValue(type, out var known) ? null : new WebhookOwner(stored.AccountId, stored.Connection.Key, known, Opened(known, stored.Sealed));
    }

    internal Task<List<StoredConnection>> AmongAsync(Session session, IReadOnlyList<int> accountIds, CancellationToken ct) => session.QueryAsync(
        $"SELECT {Columns} FROM {{rows}} JOIN provider_connection c ON c.account_id = r.owner ORDER BY account_id, key",
        new Rows<int>(accountIds).Int("owner", id => id), Read, ct);

    /// <summary>By account, the connections by which its mail may leave and the others, or that it has none at all.</summary>
    internal async Task<IReadOnlyDictionary<int, UsableConnections>> UsableAmongAsync(Session session, IReadOnlyList<int> accountIds, CancellationToken ct)
    {
        var usable = (await AmongAsync(session, accountIds, ct)).GroupBy(stored => stored.AccountId)
            .ToDictionary(account => account.Key, account => new UsableConnections([.. account.Where(stored => stored.IsUsable)], account.First().AccountRegion) { Others = [.. account.Where(stored => !stored.IsUsable)] });
        foreach (var (id, region) in await session.QueryAsync("SELECT a.id, a.region FROM {rows} JOIN account a ON a.id = r.owner",
            new Rows<int>([.. accountIds.Where(id => !usable.ContainsKey(id))]).Int("owner", id => id), row => (row.Int(0), row.TextOrNull(1)), ct)) usable[id] = new UsableConnections(null, region);
        foreach (var id in accountIds) usable.TryAdd(id, new UsableConnections(null, null));
        return usable;
    }

    /// <summary>The way out of a connection.</summary>
    /// <exception cref="InvalidInputException">A setting cannot be used, or this server does not know the kind of provider.</exception>
    /// <exception cref="SecretLostException">A secret cannot be read.</exception>
    internal IEmailProvider OpenProvider(StoredConnection stored) => _types.TryGetValue(stored.Connection.Type, out var type)
        ? type.Open(Opened(type, stored.Sealed)) : throw new InvalidInputException("type", $"'{stored.Connection.Type}' is a kind of provider that this server does not know");

    private async Task<StoredConnection?> FindAsync(Session session, int accountId, string key, CancellationToken ct) =>
        (await AmongAsync(session, [accountId], ct)).FirstOrDefault(stored => stored.Connection.Key == key);

    /// <summary>What was stored with what is now said, secrets sealed.</summary>
    private static Dictionary<string, string> Settled(
        IProviderType type, IReadOnlyDictionary<string, string>? before, IReadOnlyDictionary<string, string?>? said, Dictionary<string, string> boxed)
    {
        var settled = new Dictionary<string, string>(before ?? new Dictionary<string, string>());
        foreach (var (name, value) in said ?? new Dictionary<string, string?>())
        {
            var setting = type.Settings.FirstOrDefault(setting => setting.Name == name)
                ?? throw new InvalidInputException($"settings.{name}", $"{type.DisplayName} has no such setting: {string.Join(", ", type.Settings.Select(setting => setting.Name))}");
            if (value is { Length: > LongestSetting }) throw new InvalidInputException($"settings.{name}", "has more than 4,000 characters");
            if (setting.Choices is { } choices && value is { Length: > 0 } && !choices.Contains(value))
                throw new InvalidInputException($"settings.{name}", $"'{value}' is none of {string.Join(", ", choices)}");
            if (string.IsNullOrEmpty(value)) settled.Remove(name);
            else settled[name] = setting.Secret ? boxed[name] : value;
        }
        foreach (var setting in type.Settings.Where(setting => setting.Required && !settled.ContainsKey(setting.Name)))
            throw new InvalidInputException($"settings.{setting.Name}", $"is missing: {setting.Hint}");
        return settled;
    }

    /// <summary>Opens the provider once, for what it says of its settings.</summary>
    private void Probe(IProviderType type, Dictionary<string, string> settings)
    {
        try
        {
            (type.Open(Opened(type, settings)) as IDisposable)?.Dispose();
        }
        catch (InvalidInputException error)
        {
            throw new InvalidInputException($"settings.{error.Field}", error.Problem);
        }
    }

    private ConnectionSettings Opened(IProviderType type, IReadOnlyDictionary<string, string> stored)
    {
        var values = new Dictionary<string, string>();
        foreach (var setting in type.Settings)
            if (stored.TryGetValue(setting.Name, out var value)) values[setting.Name] = setting.Secret ? _secrets.Open(value) : value;
            else if (setting.Default is { } standard) values[setting.Name] = standard;
        return new ConnectionSettings(values);
    }

    /// <summary>Where the connection is: as its settings say, which nobody can gainsay, else as was said.</summary>
    private static string? Region(IProviderType type, Dictionary<string, string> settings, string? said, string? otherwise)
    {
        if (RegionOf(type, settings) is not { } region) return otherwise;
        return string.IsNullOrEmpty(said) || said == region ? region : throw new InvalidInputException("region", $"is '{said}', but with these settings {type.DisplayName} keeps the data in '{region}'");
    }

    private static string? RegionOf(IProviderType type, Dictionary<string, string> settings)
    {
        var open = Shown(type, settings);
        foreach (var setting in type.Settings)
            if (setting.Default is { } standard) open.TryAdd(setting.Name, standard);
        return type.RegionOf(new ConnectionSettings(open));
    }

    private static Dictionary<string, string> Shown(IProviderType type, Dictionary<string, string> settings) =>
        settings.Where(pair => type.Settings.Any(setting => setting.Name == pair.Key && !setting.Secret)).ToDictionary(pair => pair.Key, pair => pair.Value);

    private static List<string> SecretsOf(IProviderType type, Dictionary<string, string> settings) =>
        [.. type.Settings.Where(setting => setting.Secret && settings.ContainsKey(setting.Name)).Select(setting => setting.Name)];

    private static string Named(string name) => name.Trim() is { Length: > 0 and <= 100 } trimmed && !trimmed.Any(char.IsControl)
        ? trimmed : throw new InvalidInputException("name", "must have 1 to 100 characters on one line");

    private static int Weight(string field, int weight) => weight is >= 0 and <= 100 ? weight : throw new InvalidInputException(field, $"{weight} is not between 0 and 100");

    private static double? Limit(string field, double? limit) => limit switch
    {
        null or 0 => null,
        > 0 and <= int.MaxValue => limit,
        _ => throw new InvalidInputException(field, $"{limit} is not a limit: give a number above 0, or 0 for none"),
    };

    private StoredConnection Read(Row row)
    {
        var type = _types.GetValueOrDefault(row.Text(2)); // null after a kind has gone: which of the settings are secrets, nobody knows
        var sealedSettings = JsonData.ParseMap(row.Text(4)).ToDictionary(pair => pair.Key, pair => (string)pair.Value!);
        return new StoredConnection(row.Int(12), row.TextOrNull(13), row.Long(11), sealedSettings, new Connection(
            row.Text(0), row.Uuid(1), row.Text(2), row.Text(3), type is null ? [] : Shown(type, sealedSettings), type is null ? [] : SecretsOf(type, sealedSettings),
            row.Bool(5), row.Int(6), row.Int(7), row.DoubleOrNull(8), row.IntOrNull(9), (type is null ? null : RegionOf(type, sealedSettings)) ?? row.TextOrNull(10)));
    }

    [GeneratedRegex(@"^[a-z0-9_-]{1,50}\z")]
    private static partial Regex KeyForm();
}

/// <summary>Whose webhook was called.</summary>
public sealed record WebhookOwner(int AccountId, string Connection, IProviderType Type, ConnectionSettings Settings);

/// <summary>By what an account's mail may leave.</summary>
/// <param name="Connections">Its connections that are enabled and in its region; null when it has none at all, so that the server's own provider serves it.</param>
/// <param name="Region">The region that the account keeps its mail in; null for any.</param>
internal sealed record UsableConnections(IReadOnlyList<StoredConnection>? Connections, string? Region)
{
    /// <summary>Its connections that are switched off or in another region: what they were given, they know of.</summary>
    public IReadOnlyList<StoredConnection> Others { get; init; } = [];
}

/// <summary>A connection as it is stored.</summary>
/// <param name="AccountId">Whose.</param>
/// <param name="AccountRegion">The region that the account keeps its data in; null for any.</param>
/// <param name="Revision">Changes with every change.</param>
/// <param name="Sealed">Its settings, secrets sealed.</param>
/// <param name="Connection">The rest.</param>
internal sealed record StoredConnection(int AccountId, string? AccountRegion, long Revision, IReadOnlyDictionary<string, string> Sealed, Connection Connection)
{
    /// <summary>Whether mail may leave by it: it is enabled, and in the account's region if that has one.</summary>
    public bool IsUsable => Connection.Enabled && IsInRegion;

    /// <summary>Whether it is in the account's region, if that has one. A connection whose region was not said is in none; what the sandbox captures stays in this database.</summary>
    public bool IsInRegion => AccountRegion is null || Connection.Region == AccountRegion || Connection.Type == SandboxType.Key;
}
