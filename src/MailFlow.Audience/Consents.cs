using MailFlow.Data;

namespace MailFlow.Audience;

/// <summary>What contacts have agreed to. Nothing said means not granted; what was granted until an instant is granted no longer then.</summary>
public sealed class Consents
{
    /// <summary>The purpose of a yes or no to marketing mail in general.</summary>
    public const string Marketing = "marketing";

    /// <summary>Where a "no" comes from that the person said by a link or page of ours, or at the provider.</summary>
    public const string Unsubscribed = "unsubscribe", OneClick = "one_click", PreferenceCentre = "preference_centre", Complaint = "complaint";

    private static readonly string[] OwnMeans = [Unsubscribed, OneClick, PreferenceCentre, Complaint];

    /// <summary>Where a consent comes from that stood in a file.</summary>
    internal const string Import = "import";

    /// <summary>
    /// Of a row r of something said, with p the last word on its purpose: whether it is a yes that comes after a no, to the purpose or to marketing in general, that it may not undo.
    /// Where the yes has a basis other than the person's own word, that is any: who has objected is not mailed on a legitimate interest, nor for having bought something (GDPR, Art. 21(3)).
    /// Where it tells of a yes from before the no, it is that one: the person's mind has changed since. Where it has no basis, it is one that the person said by our own means, and for a
    /// file, which tells what was once, one from anywhere but a file.
    /// </summary>
    private static readonly string KeptWithdrawn = $"""
        (r.granted AND EXISTS (
          SELECT 1 FROM consent k
          WHERE k.id IN (p.id, (SELECT max(l.id) FROM consent l WHERE l.contact_id = r.contact_id AND l.purpose = '{Marketing}')) AND NOT k.granted AND (
            r.basis <> '{ConsentBasis.Express}'
            OR ((k.purpose = r.purpose OR p.granted IS NOT TRUE OR p.at <= k.at) AND (
              r.given_at <= k.at
              OR (r.basis IS NULL AND (k.source IN ({string.Join(", ", OwnMeans.Select(source => $"'{source}'"))}) OR (r.source = '{Import}' AND k.source <> '{Import}'))))))))
        """;

    /// <summary>
    /// What somebody withdraws who wants no more marketing mail: consent to the purpose of the mail that was had enough of, and marketing in general, because it is the person who
    /// objects, and not an address.
    /// </summary>
    /// <param name="purpose">That mail's purpose; null for none.</param>
    public static IReadOnlyList<string> Withdrawn(string? purpose) => purpose is null or Marketing ? [Marketing] : [purpose, Marketing];

    internal const string EntryColumns = "purpose, granted, source, at, evidence, basis, wording, wording_version, ip, user_agent, jurisdiction, message_id, expires_at";

    /// <summary>Those of the contacts who have granted the purpose, as of this session.</summary>
    /// <param name="session">Where.</param>
    /// <param name="accountId">The account.</param>
    /// <param name="purpose">The purpose.</param>
    /// <param name="contactIds">The contacts' dense keys.</param>
    /// <param name="ct">Cancels.</param>
    /// <param name="now">Unix milliseconds, where they are known already.</param>
    public async Task<IReadOnlySet<long>> GrantedAsync(Session session, int accountId, string purpose, IReadOnlyList<long> contactIds, CancellationToken ct, long? now = null)
    {
        var granted = await session.QueryAsync(
            """
            SELECT r.id FROM {rows} JOIN consent c ON c.id = (SELECT max(l.id) FROM consent l WHERE l.contact_id = r.id AND l.purpose = @purpose)
            WHERE c.granted AND c.account_id = @account AND (c.expires_at IS NULL OR c.expires_at > @now)
            """,
            new Rows<long>([.. contactIds.Distinct()]).Long("id", id => id), row => row.Long(0), ct,
            ("purpose", purpose), ("account", accountId), ("now", now ?? await session.NowAsync(ct)));
        return granted.ToHashSet();
    }

    /// <summary>
    /// Those of the contacts who have refused marketing mail in general: the last thing they said of it is no, and they have not said yes to the purpose since.
    /// Of two said at the same instant the refusal holds, and a yes on another basis than the person's own word never overrules it. Who never said anything has refused nothing.
    /// </summary>
    /// <param name="session">Where.</param>
    /// <param name="accountId">The account.</param>
    /// <param name="purpose">The purpose that the mail is for; null for none.</param>
    /// <param name="contactIds">The contacts' dense keys.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<IReadOnlySet<long>> RefusedMarketingAsync(Session session, int accountId, string? purpose, IReadOnlyList<long> contactIds, CancellationToken ct)
    {
        var refused = await session.QueryAsync(
            $$"""
            SELECT r.id FROM {rows} JOIN consent m ON m.id = (SELECT max(l.id) FROM consent l WHERE l.contact_id = r.id AND l.purpose = @marketing)
            LEFT JOIN consent p ON p.id = (SELECT max(l.id) FROM consent l WHERE l.contact_id = r.id AND l.purpose = @purpose)
            WHERE m.account_id = @account AND NOT m.granted AND (p.id IS NULL OR NOT p.granted OR p.at <= m.at OR p.basis <> '{{ConsentBasis.Express}}')
            """,
            new Rows<long>([.. contactIds.Distinct()]).Long("id", id => id), row => row.Long(0), ct,
            ("marketing", Marketing), ("purpose", purpose ?? Marketing), ("account", accountId));
        return refused.ToHashSet();
    }

    /// <summary>The present state of every purpose that was ever asked of these contacts; a contact of whom nothing was recorded has no purposes.</summary>
    public async Task<IReadOnlyDictionary<long, IReadOnlyDictionary<string, bool>>> StatesAsync(
        Session session, int accountId, IReadOnlyList<long> contactIds, CancellationToken ct)
    {
        var states = contactIds.Distinct().ToDictionary(id => id, _ => new SortedDictionary<string, bool>(StringComparer.Ordinal));
        var now = await session.NowAsync(ct);
        var recorded = await session.QueryAsync(
            "SELECT r.id, c.purpose, c.granted, c.expires_at FROM {rows} JOIN consent c ON c.contact_id = r.id WHERE c.account_id = @account ORDER BY c.id",
            new Rows<long>([.. states.Keys]).Long("id", id => id),
            row => (Id: row.Long(0), Purpose: row.Text(1), Granted: row.Bool(2) && !(row.LongOrNull(3) <= now)), ct, ("account", accountId));
        foreach (var (id, purpose, granted) in recorded) states[id][purpose] = granted;
        return states.ToDictionary(state => state.Key, IReadOnlyDictionary<string, bool> (state) => state.Value);
    }

    /// <summary>All that was recorded of a contact, the oldest first.</summary>
    public async Task<IReadOnlyList<Consent>> HistoryAsync(Session session, int accountId, long contactId, CancellationToken ct) =>
        await session.QueryAsync(
            $"SELECT {EntryColumns} FROM consent WHERE contact_id = @contact AND account_id = @account ORDER BY id",
            row => ReadEntry(row, 0) is var e
                ? new Consent(accountId, contactId, e.Purpose, e.Granted, e.Source, e.At, e.Evidence,
                    new ConsentProof(e.Basis, e.Wording, e.WordingVersion, e.Ip, e.UserAgent, e.Jurisdiction, e.MessageId, e.ExpiresAt))
                : null!,
            ct, ("contact", contactId), ("account", accountId));

    /// <summary>What was last said of a purpose up to an instant, or null.</summary>
    public Task<ConsentEntry?> AsOfAsync(Session session, int accountId, long contactId, string purpose, DateTimeOffset instant, CancellationToken ct) => session.FirstAsync(
        $"SELECT {EntryColumns} FROM consent WHERE contact_id = @contact AND account_id = @account AND purpose = @purpose AND at <= @instant ORDER BY id DESC LIMIT 1",
        row => ReadEntry(row, 0), ct, ("contact", contactId), ("account", accountId), ("purpose", purpose), ("instant", instant));

    /// <summary>Those of the contacts who have said neither no to marketing mail in general, nor yes after this instant.</summary>
    public Task<List<long>> SilentOnMarketingAsync(Session session, IReadOnlyList<long> contactIds, DateTimeOffset since, CancellationToken ct) => session.QueryAsync(
        """
        SELECT r.id FROM {rows} LEFT JOIN consent m ON m.id = (SELECT max(l.id) FROM consent l WHERE l.contact_id = r.id AND l.purpose = @marketing)
        WHERE m.id IS NULL OR (m.granted AND m.at <= @since)
        """,
        new Rows<long>(contactIds).Long("id", id => id), row => row.Long(0), ct, ("marketing", Marketing), ("since", since.ToUnixTimeMilliseconds()));

    /// <summary>
    /// Appends what is news; what only repeats the present state is passed over, and so is a grant that ends beside one that does not, or ends later. A better basis or
    /// another wording is news, and so is a yes said again after a refusal of marketing in general, which it overrules, unless that refusal is said again beside it. So is such a
    /// refusal said again after a yes, beside one, or by the person; where it is a field of a record that was sent again, the yes that came in between stays.
    /// A yes on another basis than the person's own word undoes no refusal, nor does one that was given before it; one without a basis does not undo what the person
    /// withdrew by our own means, nor one from a file any refusal but a file's. Give each (contact, purpose) once. The caller holds
    /// the contacts' shard lock, or two writers might record the same change
    /// twice. Gives the contacts of whom something was recorded.
    /// </summary>
    public async Task<IReadOnlySet<long>> RecordAsync(Session session, IReadOnlyList<Consent> consents, CancellationToken ct)
    {
        if (consents.Count == 0) return new HashSet<long>(); // as of most batches
        // The refusals of marketing in general come after all else: whether one is news may hang on what was granted beside it, which one statement would see on SQLite alone.
        var refusals = consents.Where(IsRefusal).ToList();
        var refusing = refusals.Select(consent => consent.ContactId).ToHashSet();
        var recorded = await InsertAsync(session, [.. consents.Where(consent => !IsRefusal(consent)).Select(consent => new Said(consent, Again: !refusing.Contains(consent.ContactId)))], ct);
        var granted = consents.Where(consent => consent.Granted && recorded.Contains((consent.ContactId, consent.Purpose))).Select(consent => consent.ContactId).ToHashSet();
        recorded.UnionWith(await InsertAsync(session, [.. refusals.Select(consent => new Said(consent, Again: IsOfItsOwn(consent), Anyway: granted.Contains(consent.ContactId)))], ct));
        await ConsentFacts.WriteAsync(session, [.. consents.Where(consent => recorded.Contains((consent.ContactId, consent.Purpose)))], ct);
        return recorded.Select(each => each.ContactId).ToHashSet();
    }

    private static bool IsRefusal(Consent consent) => consent is { Granted: false, Purpose: Marketing };

    /// <summary>Whether it was said for itself, and is not one of the fields of a contact that come again with each of its records.</summary>
    private static bool IsOfItsOwn(Consent consent) => consent.Proof is not null || consent.Evidence is not null || OwnMeans.Contains(consent.Source);

    /// <param name="Consent">What is said.</param>
    /// <param name="Again">Whether it is news though it only repeats the last word on its purpose, where a word on marketing in general, or a yes, came after that.</param>
    /// <param name="Anyway">Whether it is news whatever came before.</param>
    private readonly record struct Said(Consent Consent, bool Again, bool Anyway = false);

    private static async Task<HashSet<(long ContactId, string Purpose)>> InsertAsync(Session session, IReadOnlyList<Said> said, CancellationToken ct) => said.Count == 0 ? [] : (await session.QueryAsync(
        $$"""
        INSERT INTO consent (account_id, contact_id, {{EntryColumns}})
        SELECT r.account_id, r.contact_id, r.purpose, r.granted, r.source, r.at, r.evidence, r.basis, r.wording, r.wording_version, r.ip, r.user_agent,
          r.jurisdiction, r.message_id, r.expires_at
        FROM {rows} LEFT JOIN consent p ON p.id = (SELECT max(l.id) FROM consent l WHERE l.contact_id = r.contact_id AND l.purpose = r.purpose)
        WHERE NOT {{KeptWithdrawn}} AND (r.anyway OR p.granted IS DISTINCT FROM r.granted
          OR (r.granted AND p.expires_at IS NOT NULL AND (r.expires_at IS NULL OR r.expires_at > p.expires_at))
          OR (r.granted AND p.expires_at IS NULL AND r.expires_at IS NULL AND (
            (r.basis IS NOT NULL AND r.basis IS DISTINCT FROM p.basis) OR (r.wording_version IS NOT NULL AND r.wording_version IS DISTINCT FROM p.wording_version)))
          OR (r.again AND r.granted AND EXISTS (SELECT 1 FROM consent m WHERE m.id = (SELECT max(l.id) FROM consent l WHERE l.contact_id = r.contact_id AND l.purpose = '{{Marketing}}')
            AND NOT m.granted AND m.at >= p.at AND m.at < r.at))
          OR (r.again AND NOT r.granted AND r.purpose = '{{Marketing}}' AND EXISTS (SELECT 1 FROM consent g WHERE g.contact_id = r.contact_id AND g.granted AND g.at > p.at)))
        RETURNING contact_id, purpose
        """,
        new Rows<Said>(said)
            .Int("account_id", each => each.Consent.AccountId)
            .Long("contact_id", each => each.Consent.ContactId)
            .Text("purpose", each => each.Consent.Purpose)
            .Bool("granted", each => each.Consent.Granted)
            .Text("source", each => each.Consent.Source)
            .Long("at", each => each.Consent.At.ToUnixTimeMilliseconds())
            .Text("evidence", each => each.Consent.Evidence)
            .Text("basis", each => each.Consent.Proof?.Basis)
            .Text("wording", each => each.Consent.Proof?.Wording)
            .Text("wording_version", each => each.Consent.Proof?.WordingVersion)
            .Text("ip", each => each.Consent.Proof?.Ip)
            .Text("user_agent", each => each.Consent.Proof?.UserAgent)
            .Text("jurisdiction", each => each.Consent.Proof?.Jurisdiction)
            .UuidOrNull("message_id", each => each.Consent.Proof?.MessageId)
            .LongOrNull("expires_at", each => each.Consent.Proof?.ExpiresAt?.ToUnixTimeMilliseconds())
            .LongOrNull("given_at", each => each.Consent.GivenAt?.ToUnixTimeMilliseconds())
            .Bool("again", each => each.Again)
            .Bool("anyway", each => each.Anyway),
        row => (ContactId: row.Long(0), Purpose: row.Text(1)), ct)).ToHashSet();

    /// <summary>Those of the contacts of whom a yes among these is passed over, because of what they have refused.</summary>
    internal async Task<IReadOnlySet<long>> KeptWithdrawnAsync(Session session, IReadOnlyList<Consent> said, CancellationToken ct) => (await session.QueryAsync(
        $$"""
        SELECT r.contact_id FROM {rows} LEFT JOIN consent p ON p.id = (SELECT max(l.id) FROM consent l WHERE l.contact_id = r.contact_id AND l.purpose = r.purpose)
        WHERE {{KeptWithdrawn}}
        """,
        new Rows<Consent>(said).Long("contact_id", each => each.ContactId).Text("purpose", each => each.Purpose)
            .Bool("granted", each => each.Granted).Text("basis", each => each.Proof?.Basis).Text("source", each => each.Source)
            .LongOrNull("given_at", each => each.GivenAt?.ToUnixTimeMilliseconds()),
        row => row.Long(0), ct)).ToHashSet();

    /// <summary>Reads <see cref="EntryColumns"/> that begin at a column.</summary>
    internal static ConsentEntry ReadEntry(Row row, int first) => new(
        row.Text(first), row.Bool(first + 1), row.Text(first + 2), row.Instant(first + 3), row.TextOrNull(first + 4), row.TextOrNull(first + 5), row.TextOrNull(first + 6),
        row.TextOrNull(first + 7), row.TextOrNull(first + 8), row.TextOrNull(first + 9), row.TextOrNull(first + 10), row.UuidOrNull(first + 11), row.InstantOrNull(first + 12));
}
