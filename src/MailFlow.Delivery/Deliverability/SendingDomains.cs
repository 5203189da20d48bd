using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;
using MailFlow.Data;
using MailFlow.Delivery.Deliverability.Dkim;

namespace MailFlow.Delivery.Deliverability;

/// <summary>The domains that accounts send from.</summary>
public sealed class SendingDomains
{
    private const string Columns =
        "d.domain, d.return_path, d.tracking_host, d.dkim_selector, d.dkim_public, d.next_selector, d.next_public, d.state, d.checked_at, d.checks, d.per_second";

    private const string Kept = "AND NOT d.forgotten";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) } };

    /// <summary>How long a check holds before it is made again.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromDays(1);

    /// <summary>How many are checked again in one go: each waits for DNS.</summary>
    private const int MostRechecked = 2_000, RecheckedAtOnce = 8;

    /// <summary>What <c>_dmarc.</c> leaves of a name's 253 characters (RFC 1035, section 2.3.4).</summary>
    private const int Longest = 253 - 7;

    private readonly Database _database;
    private readonly ISecretBox _secrets;
    private readonly ISendingRoutes _routes;
    private readonly DomainChecks _checks;
    private readonly Func<Senders> _senders; // whose rules ask for domains in their turn

    internal SendingDomains(Database database, ISecretBox secrets, ISendingRoutes routes, DomainChecks checks, Func<Senders> senders) =>
        (_database, _secrets, _routes, _checks, _senders) = (database, secrets, routes, checks, senders);

    /// <summary>A page of the account's domains, by name.</summary>
    public Task<Page<SendingDomain>> ListAsync(int accountId, string? cursor, int limit, CancellationToken ct)
    {
        var after = Cursor.Read(cursor) ?? "";
        return _database.ReadAsync(async session => Cursor.Page(await session.QueryAsync(
            $"SELECT {Columns} FROM sending_domain d WHERE d.account_id = @account AND d.domain > @after AND NOT d.forgotten ORDER BY d.domain LIMIT @limit",
            Read, ct, ("account", accountId), ("after", after), ("limit", limit + 1)), limit, last => last.Domain), ct);
    }

    /// <summary>One domain; null for one that the account has not set up.</summary>
    /// <exception cref="InvalidInputException">The text is no domain.</exception>
    public Task<SendingDomain?> FindAsync(int accountId, string domain, CancellationToken ct)
    {
        var name = Name("domain", domain);
        return _database.ReadAsync(session => FindAsync(session, accountId, name, Kept, ct), ct);
    }

    /// <summary>What is known of one domain; of one that failed its check and was deleted, that it failed. Null for one that nobody has set up.</summary>
    /// <param name="session">The transaction.</param>
    /// <param name="accountId">The account.</param>
    /// <param name="domain">In small letters, as <see cref="EmailAddress.Domain"/> has it.</param>
    /// <param name="ct">Cancels.</param>
    internal static Task<SendingDomain?> FindAsync(Session session, int accountId, string domain, CancellationToken ct) => FindAsync(session, accountId, domain, "", ct);

    private static Task<SendingDomain?> FindAsync(Session session, int accountId, string domain, string besides, CancellationToken ct) => session.FirstAsync(
        $"SELECT {Columns} FROM sending_domain d WHERE d.account_id = @account AND d.domain = @domain {besides}", Read, ct, ("account", accountId), ("domain", domain));

    /// <summary>Sets a domain up, or changes how it is. What the last check found is forgotten if it no longer fits, but for that it failed: that holds until the next check.</summary>
    /// <exception cref="InvalidInputException">Something given cannot be used; names the field.</exception>
    public async Task<SendingDomain> PutAsync(int accountId, string domain, SendingDomainSettings settings, CancellationToken ct)
    {
        var name = Name("domain", domain);
        if (name.Length > Longest) throw new InvalidInputException("domain", $"has {name.Length} characters; with more than {Longest} there is no room for its DMARC record");
        var returnPath = settings.ReturnPath is { } path ? Name("return_path", path) : null;
        var tracking = settings.TrackingHost is { } host ? Name("tracking_host", host) : null;
        if (returnPath == name) returnPath = null;
        if (settings.PerSecond is { } rate && !(rate is > 0 and <= 1_000_000)) throw new InvalidInputException("per_second", $"{rate} is not above 0 and at most 1,000,000; leave it out for no limit");
        if (settings.DkimSelector is { } given) CheckSelector(given, name);
        var selector = settings.DkimSelector?.ToLowerInvariant();
        var key = NewKey(settings);
        var (sealedKey, keySet) = (key is null ? null : _secrets.Seal(key.PrivatePem), key is not null);

        return await _database.WriteAsync(async session =>
        {
            var now = await session.NowAsync(ct);
            await session.ExecuteAsync("INSERT INTO sending_domain (account_id, domain, created_at, updated_at) VALUES (@account, @domain, @now, @now) ON CONFLICT (account_id, domain) DO NOTHING",
                ct, ("account", accountId), ("domain", name), ("now", now));
            var before = (await FindAsync(session, accountId, name, ct))!;
            if (key is not null)
            {
                selector ??= FreeSelector(before, DateTimeOffset.FromUnixTimeMilliseconds(now));
                if (before.Dkim is { Ours: true } current && current.Selector == selector)
                    throw new InvalidInputException("dkim_selector", $"'{selector}' names the key that signs now: give the new key another name, so that both can be in DNS while they change over");
                await session.ExecuteAsync("UPDATE sending_domain SET next_selector = @selector, next_key = @key, next_public = @public WHERE account_id = @account AND domain = @domain",
                    ct, ("account", accountId), ("domain", name), ("selector", selector), ("key", sealedKey), ("public", key.PublicKey));
            }
            else if (settings.DkimKey == DkimKeyChange.Remove || before is { Dkim: not { Ours: true }, NextDkim: null })
                await session.ExecuteAsync("""
                    UPDATE sending_domain SET dkim_selector = @selector, dkim_key = NULL, dkim_public = NULL, next_selector = NULL, next_key = NULL, next_public = NULL
                    WHERE account_id = @account AND domain = @domain
                    """, ct, ("account", accountId), ("domain", name), ("selector", selector));
            else if (selector is not null && selector != before.Dkim?.Selector && selector != before.NextDkim?.Selector)
                throw new InvalidInputException("dkim_selector", "names no key of this domain: say dkim_key 'generate' for a new key of that name, or 'remove' if a provider signs with it");

            await session.ExecuteAsync("UPDATE sending_domain SET return_path = @path, tracking_host = @tracking, per_second = @rate, forgotten = false, updated_at = @now WHERE account_id = @account AND domain = @domain",
                ct, ("account", accountId), ("domain", name), ("path", returnPath), ("tracking", tracking), ("rate", settings.PerSecond), ("now", now));
            var after = (await FindAsync(session, accountId, name, ct))!;
            if ((after.ReturnPath, after.TrackingHost, after.Dkim, after.NextDkim) != (before.ReturnPath, before.TrackingHost, before.Dkim, before.NextDkim))
            {
                if (before.State == CheckState.Fail) await KeepFailureAsync(session, accountId, before, ct);
                else
                    await session.ExecuteAsync("UPDATE sending_domain SET state = @state, checks = NULL, checked_at = NULL WHERE account_id = @account AND domain = @domain",
                        ct, ("account", accountId), ("domain", name), ("state", (int)CheckState.NotChecked));
                after = (await FindAsync(session, accountId, name, ct))!;
            }
            await Audit.RecordAsync(session, accountId, "domain.put", name, ct, ("return_path", returnPath), ("tracking_host", tracking), ("dkim_selector", selector), ("new_key", keySet), ("per_second", settings.PerSecond));
            return after;
        }, ct);
    }

    /// <summary>Of what the last check found, that which failed.</summary>
    private static Task<int> KeepFailureAsync(Session session, int accountId, SendingDomain failed, CancellationToken ct) => session.ExecuteAsync(
        "UPDATE sending_domain SET checks = @checks WHERE account_id = @account AND domain = @domain", ct,
        ("account", accountId), ("domain", failed.Domain), ("checks", new JsonText(JsonSerializer.Serialize(failed.Checks.Where(check => check.State == CheckState.Fail).ToList(), Json))));

    /// <summary>Forgets a domain and its keys, but not that it failed its check: set up again, it must pass one. False: there was none.</summary>
    public Task<bool> DeleteAsync(int accountId, string domain, CancellationToken ct)
    {
        var name = Name("domain", domain);
        return _database.WriteAsync(async session =>
        {
            if (await FindAsync(session, accountId, name, Kept, ct) is not { } found) return false;
            if (found.State == CheckState.Fail)
            {
                await KeepFailureAsync(session, accountId, found, ct);
                await session.ExecuteAsync("""
                    UPDATE sending_domain SET forgotten = true, return_path = NULL, tracking_host = NULL, per_second = NULL,
                           dkim_selector = NULL, dkim_key = NULL, dkim_public = NULL, next_selector = NULL, next_key = NULL, next_public = NULL
                    WHERE account_id = @account AND domain = @domain
                    """, ct, ("account", accountId), ("domain", name));
            }
            else await session.ExecuteAsync("DELETE FROM sending_domain WHERE account_id = @account AND domain = @domain", ct, ("account", accountId), ("domain", name));
            await Audit.RecordAsync(session, accountId, "domain.delete", name, ct);
            return true;
        }, ct);
    }

    /// <summary>Looks at the domain now and keeps what was found. A key that waited for its record signs from here on, if the record is there.</summary>
    /// <exception cref="NotFoundException">The account has no such domain.</exception>
    public async Task<SendingDomain> CheckAsync(int accountId, string domain, CancellationToken ct)
    {
        var name = Name("domain", domain);
        var (found, routes) = await _database.ReadAsync(async session => (await FindAsync(session, accountId, name, Kept, ct), await _routes.OfAsync(session, accountId, ct)), ct);
        var before = found ?? throw NotThere(name);
        var (checks, nextKeyIsThere) = await _checks.RunAsync(before, routes, ct);
        return await _database.WriteAsync(async session =>
        {
            var now = await session.NowAsync(ct);
            // What was changed meanwhile was not looked at: that change stands, and the domain is to be checked again.
            var current = await FindAsync(session, accountId, name, Kept, ct) ?? throw NotThere(name);
            if ((current.ReturnPath, current.TrackingHost, current.Dkim, current.NextDkim) != (before.ReturnPath, before.TrackingHost, before.Dkim, before.NextDkim)) return current;
            // Silence ends no failure: only an answer does.
            var known = checks.Select(check => check.IsSilence ? current.Checks.FirstOrDefault(earlier => earlier.Name == check.Name && earlier.State == CheckState.Fail) ?? check : check).ToList();
            if (nextKeyIsThere)
                await session.ExecuteAsync("""
                    UPDATE sending_domain SET dkim_selector = next_selector, dkim_key = next_key, dkim_public = next_public, next_selector = NULL, next_key = NULL, next_public = NULL
                    WHERE account_id = @account AND domain = @domain
                    """, ct, ("account", accountId), ("domain", name));
            await session.ExecuteAsync("UPDATE sending_domain SET state = @state, checks = @checks, checked_at = @now WHERE account_id = @account AND domain = @domain", ct,
                ("account", accountId), ("domain", name), ("state", (int)DomainCheck.Sum(known)), ("checks", new JsonText(JsonSerializer.Serialize(known, Json))), ("now", now));
            await Audit.RecordAsync(session, accountId, "domain.check", name, ct);
            await _senders().ReviewStopAsync(session, accountId, ct);
            return (await FindAsync(session, accountId, name, ct))!;
        }, ct);
    }

    /// <summary>Looks again at domains that nobody has looked at for a day: records are changed by people who do not know what hangs on them. Gives how many.</summary>
    internal async Task<int> RecheckAsync(CancellationToken ct)
    {
        var due = await _database.ReadAsync(async session => await session.QueryAsync(
            "SELECT account_id, domain FROM sending_domain WHERE checked_at < @before AND NOT forgotten ORDER BY checked_at LIMIT @most", row => (Account: row.Int(0), Domain: row.Text(1)), ct,
            ("before", await session.NowAsync(ct) - (long)Fresh.TotalMilliseconds), ("most", MostRechecked)), ct);
        var failed = new ConcurrentQueue<Exception>();
        await Parallel.ForEachAsync(due, new ParallelOptions { MaxDegreeOfParallelism = RecheckedAtOnce, CancellationToken = ct }, async (each, _) =>
        {
            try
            {
                await CheckAsync(each.Account, each.Domain, ct);
            }
            catch (NotFoundException)
            {
                // Removed meanwhile.
            }
            catch (Exception error) when (!ct.IsCancellationRequested)
            {
                failed.Enqueue(error); // one domain's trouble is not the others'
            }
        });
        return failed.IsEmpty ? due.Count : throw new AggregateException($"Of {due.Count} sending domains {failed.Count} could not be checked again.", failed);
    }

    /// <summary>By what the account's mail leaves.</summary>
    internal Task<IReadOnlyList<SendingRoute>> RoutesAsync(Session session, int accountId, CancellationToken ct) => _routes.OfAsync(session, accountId, ct);

    private static DkimKey? NewKey(SendingDomainSettings settings)
    {
        if (settings.DkimPrivateKey is not { } pem) return settings.DkimKey == DkimKeyChange.Generate ? DkimKey.Generate() : null;
        if (settings.DkimKey != DkimKeyChange.Keep) throw new InvalidInputException("dkim_private_key", "is given, so dkim_key must not be");
        return DkimKey.Parse(pem);
    }

    /// <summary>A name by the month, so that whoever looks at the DNS years later sees how old a key is.</summary>
    private static string FreeSelector(SendingDomain domain, DateTimeOffset now)
    {
        var month = $"mailflow{now:yyyyMM}";
        return Enumerable.Range(0, int.MaxValue).Select(n => n == 0 ? month : $"{month}-{n + 1}").First(name => name != domain.Dkim?.Selector && name != domain.NextDkim?.Selector);
    }

    private static void CheckSelector(string selector, string domain)
    {
        var wellFormed = selector.Split('.').All(label => label.Length is > 0 and <= 63 && label[0] != '-' && label[^1] != '-' && label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'));
        if (!wellFormed || DkimIdentity.RecordName(selector, domain).Length > 253)
            throw new InvalidInputException("dkim_selector", "is not a name in DNS: letters, digits, dashes and dots, such as 's1'");
    }

    /// <summary>A domain as it stands in addresses.</summary>
    private static string Name(string field, string text)
    {
        if (!EmailAddress.TryParse($"a@{text}", out var address, out _)) throw new InvalidInputException(field, $"'{text}' is not a domain such as example.org");
        return address.Domain;
    }

    private static NotFoundException NotThere(string domain) => new($"There is no sending domain '{domain}'.");

    private static SendingDomain Read(Row row)
    {
        var domain = row.Text(0);
        var dkim = row.TextOrNull(3) is not { } selector ? null : Identity(selector, row.TextOrNull(4));
        var next = row.TextOrNull(5) is not { } waiting ? null : Identity(waiting, row.TextOrNull(6));
        return new SendingDomain(domain, row.TextOrNull(1), row.TextOrNull(2), dkim, next, (CheckState)row.Int(7), row.InstantOrNull(8),
            row.IsNull(9) ? [] : JsonSerializer.Deserialize<IReadOnlyList<DomainCheck>>(row.Text(9), Json)!, row.DoubleOrNull(10));

        DkimIdentity Identity(string name, string? publicKey) =>
            new(name, publicKey is not null, new("TXT", DkimIdentity.RecordName(name, domain), publicKey is null ? "" : DkimKey.RecordOf(publicKey)));
    }
}
