using System.Globalization;
using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Expressions;

namespace MailFlow.Audience;

/// <summary>Contacts as the API and the console read and write them.</summary>
public sealed class Contacts(Database database, IContactStore store, Consents consents, Suppressions suppressions, IContactChanged changed)
{
    /// <summary>How many contacts one page of a search looks at.</summary>
    public const int MostLookedAt = 50_000;

    private const string Columns = ContactRecord.Columns + ", c.updated_at, c.erased_at";

    /// <summary>The contact with this user id, or null.</summary>
    public Task<ContactDetails?> FindAsync(int accountId, string userId, CancellationToken ct) =>
        database.ReadAsync(session => FindAsync(session, accountId, userId, ct), ct);

    /// <summary>
    /// Creates a contact, or changes the one there is: the members given are set (null clears), <c>attributes</c> are patched (a null member
    /// is removed), <c>tags</c> are replaced, <c>consents</c> are recorded. Any other name is an attribute.
    /// </summary>
    /// <param name="accountId">The account.</param>
    /// <param name="userId">The application's own id for the contact.</param>
    /// <param name="fields">email, first_name, last_name, time_zone, attributes, tags, consents.</param>
    /// <param name="ct">Cancels.</param>
    /// <param name="source">Where the change comes from, for the consent record.</param>
    /// <exception cref="InvalidInputException">A field cannot be taken; nothing was changed.</exception>
    public Task<ContactDetails> PutAsync(int accountId, string userId, IReadOnlyDictionary<string, object?> fields, CancellationToken ct, string source = "api")
    {
        ContactFieldsCheck.UserId(userId, "user_id");
        // What GET shows beyond what PUT takes may come back with it.
        var given = fields.Where(field => field.Key is not ("id" or "updated_at" or "suppressions")).ToDictionary();
        ContactFieldsCheck.Check(given, "");
        return database.WriteAsync(async session =>
        {
            // Under the shard's lock, so that a batch of the worker never works on a contact that changes beneath it.
            await session.LockShardAsync(StableHash.Shard(accountId, userId), wait: true, ct);
            var now = await session.NowAsync(ct);
            var isNew = await session.ScalarAsync<long>("SELECT count(*) FROM contact WHERE account_id = @account AND user_id = @user", ct, ("account", accountId), ("user", userId)) == 0;
            var contact = (await store.FindOrCreateAsync(session, [(accountId, userId)], now, ct))[0];
            var (before, lastConsent) = (contact.Fields, await session.ScalarAsync<long>("SELECT coalesce(max(id), 0) FROM consent WHERE contact_id = @contact", ct, ("contact", contact.Id)));
            var isChanged = (await store.ApplyAsync(session, [new ContactChange(contact, given)], source, now, ct)).Count > 0;
            if (isChanged) await changed.AnnounceAsync(session, [contact], ct);
            if (isNew || isChanged)
            {
                var purposes = await session.QueryAsync("SELECT purpose FROM consent WHERE contact_id = @contact AND id > @last", row => row.Text(0), ct, ("contact", contact.Id), ("last", lastConsent));
                await Audit.RecordAsync(session, accountId, "contact.put", userId, ct, ("fields", Changed(before, contact.Fields, purposes)));
            }
            return (await FindAsync(session, accountId, userId, ct))!;
        }, ct);
    }

    /// <summary>The names of what changed, and no values: these are the person's, and the audit record is kept for long.</summary>
    private static List<object?> Changed(IReadOnlyDictionary<string, object?> before, IReadOnlyDictionary<string, object?> after, IEnumerable<string> purposes)
    {
        var (old, now) = (AttributesOf(before), AttributesOf(after));
        return
        [
            .. new[] { "email", "first_name", "last_name", "time_zone", "tags" }.Where(name => !PlainValues.Same(after.GetValueOrDefault(name), before.GetValueOrDefault(name)))
                .Concat(old.Keys.Union(now.Keys).Where(name => !PlainValues.Same(now.GetValueOrDefault(name), old.GetValueOrDefault(name))).Select(name => $"{ContactFields.Attributes}.{name}"))
                .Concat(purposes.Select(purpose => $"consents.{purpose}")).Order(StringComparer.Ordinal),
        ];

        static IReadOnlyDictionary<string, object?> AttributesOf(IReadOnlyDictionary<string, object?> fields) =>
            fields.GetValueOrDefault(ContactFields.Attributes) as IReadOnlyDictionary<string, object?> ?? JsonData.Empty;
    }

    /// <summary>A page of the contacts in the order in which they were created; those with an address, if one is given.</summary>
    public Task<Page<ContactDetails>> ListAsync(int accountId, string? cursor, int limit, CancellationToken ct, string? email = null)
    {
        var condition = email is null ? new SqlFragment("true", []) : new SqlFragment("c.email_key = @email", [("email", EmailAddress.Key(email))]);
        return database.ReadAsync(session => ListAsync(session, accountId, cursor, limit, condition, ct), ct);
    }

    /// <summary>
    /// A page of the contacts whose user id, address or name holds a text, in any case of ASCII letters. Those whose user id or address is exactly it come first.
    /// One page looks at no more than <see cref="MostLookedAt"/> contacts: it may hold fewer than asked for, and none, and still have a next.
    /// </summary>
    public Task<Page<ContactDetails>> SearchAsync(int accountId, string text, string? cursor, int limit, CancellationToken ct)
    {
        var after = Cursor.ReadNumber(cursor) ?? 0;
        return database.ReadAsync(async session =>
        {
            const string exact = "(c.user_id = @text OR coalesce(c.email_key, '') = @key)";
            List<(string, object?)> parameters = [("account", accountId), ("text", text), ("key", EmailAddress.Key(text)), ("looked", MostLookedAt), ("after", after)];
            var first = cursor is not null ? []
                : await session.QueryAsync($"""
                    SELECT {Columns} FROM contact c WHERE c.account_id = @account AND c.user_id = @text
                    UNION SELECT {Columns} FROM contact c WHERE c.account_id = @account AND c.email_key = @key ORDER BY 1 LIMIT @limit
                    """, Read, ct, ("account", accountId), ("text", text), ("key", EmailAddress.Key(text)), ("limit", limit));
            var room = limit - first.Count;
            var position = session.Dialect.IsPostgreSql ? "strpos" : "instr";
            var found = room == 0 ? [] : await session.QueryAsync($"""
                SELECT {Columns} FROM (SELECT * FROM contact WHERE account_id = @account AND id > @after ORDER BY id LIMIT @looked) c
                WHERE NOT {exact} AND ({position}(lower(c.user_id), lower(@text)) > 0 OR {position}(coalesce(c.email_key, ''), @key) > 0
                  OR {position}(lower(coalesce(c.first_name, '') || ' ' || coalesce(c.last_name, '')), lower(@text)) > 0)
                ORDER BY c.id LIMIT @limit
                """, Read, ct, [.. parameters, ("limit", room + 1)]);

            string? next;
            if (room == 0) next = Cursor.Write("0");
            else if (found.Count > room) next = Cursor.Write(found[room - 1].Id.ToString(CultureInfo.InvariantCulture));
            else
            {
                var last = await session.ScalarAsync<long>("SELECT id FROM contact WHERE account_id = @account AND id > @after ORDER BY id LIMIT 1 OFFSET @looked", ct,
                    ("account", accountId), ("after", after), ("looked", MostLookedAt - 1));
                next = last == 0 ? null : Cursor.Write(last.ToString(CultureInfo.InvariantCulture));
            }
            return new Page<ContactDetails>(await CompleteAsync(session, accountId, [.. first, .. found.Take(room)], ct), next);
        }, ct);
    }

    /// <summary>The dense key of a contact.</summary>
    /// <exception cref="NotFoundException">There is no such contact.</exception>
    public async Task<long> IdOfAsync(int accountId, string userId, CancellationToken ct) =>
        await database.ReadAsync(session => session.FirstAsync("SELECT id FROM contact WHERE account_id = @account AND user_id = @user",
            row => (long?)row.Long(0), ct, ("account", accountId), ("user", userId)), ct) ?? throw new NotFoundException($"There is no contact '{userId}'.");

    /// <summary>A contact as templates and rules see it; null when there is none.</summary>
    public async Task<IReadOnlyDictionary<string, object?>?> FieldsAsync(int accountId, string userId, CancellationToken ct) =>
        (await database.ReadAsync(session => session.FirstAsync($"SELECT {ContactRecord.Columns} FROM contact c WHERE c.account_id = @account AND c.user_id = @user",
            ContactRecord.Read, ct, ("account", accountId), ("user", userId)), ct))?.Fields;

    /// <summary>A page of what a contact agreed to and withdrew, the latest first.</summary>
    public async Task<Page<ConsentEntry>> ConsentsAsync(int accountId, long contactId, string? cursor, int limit, CancellationToken ct)
    {
        var before = Cursor.ReadNumber(cursor) ?? long.MaxValue;
        var found = await database.ReadAsync(session => session.QueryAsync($"""
            SELECT id, {Consents.EntryColumns} FROM consent WHERE contact_id = @contact AND account_id = @account AND id < @before ORDER BY id DESC LIMIT @limit
            """,
            row => (Id: row.Long(0), Entry: Consents.ReadEntry(row, 1)), ct,
            ("contact", contactId), ("account", accountId), ("before", before), ("limit", limit + 1)), ct);
        var page = Cursor.Page(found, limit, last => last.Id.ToString(CultureInfo.InvariantCulture));
        return new([.. page.Items.Select(item => item.Entry)], page.Next);
    }

    /// <summary>
    /// Records that a contact agreed to a purpose, or withdrew, with what proves it. What only repeats the present state is passed over, and so is a yes that may not undo what the contact
    /// has refused.
    /// </summary>
    /// <exception cref="NotFoundException">There is no such contact.</exception>
    /// <exception cref="InvalidInputException">A member cannot be taken; names it.</exception>
    public Task<ConsentRecorded> RecordConsentAsync(int accountId, string userId, ConsentGiven given, CancellationToken ct) => database.WriteAsync(async session =>
    {
        // Under the shard's lock, as every record of consent.
        await session.LockShardAsync(StableHash.Shard(accountId, userId), wait: true, ct);
        var contact = await session.FirstAsync($"SELECT {ContactRecord.Columns} FROM contact c WHERE c.account_id = @account AND c.user_id = @user",
            ContactRecord.Read, ct, ("account", accountId), ("user", userId)) ?? throw new NotFoundException($"There is no contact '{userId}'.");
        var consent = given.Checked(accountId, contact.Id, DateTimeOffset.FromUnixTimeMilliseconds(await session.NowAsync(ct)));
        if ((await consents.RecordAsync(session, [consent], ct)).Count == 0) return new ConsentRecorded(false, (await consents.KeptWithdrawnAsync(session, [consent], ct)).Count > 0);
        await Audit.RecordAsync(session, accountId, consent.Granted ? "consent.grant" : "consent.withdraw", userId, ct,
            ("purpose", consent.Purpose), ("basis", consent.Proof?.Basis), ("source", consent.Source));
        await changed.AnnounceAsync(session, [contact], ct);
        return new ConsentRecorded(true, false);
    }, ct);

    /// <summary>A page of the contacts for whom a condition (on the table c) holds.</summary>
    internal async Task<Page<ContactDetails>> ListAsync(Session session, int accountId, string? cursor, int limit, SqlFragment condition, CancellationToken ct)
    {
        var after = Cursor.ReadNumber(cursor) ?? 0;
        var found = await session.QueryAsync(
            $"SELECT {Columns} FROM contact c WHERE c.account_id = @account AND c.id > @after AND {condition.Text} ORDER BY c.id LIMIT @limit",
            Read, ct,
            [("account", accountId), ("now", await session.NowAsync(ct)), ("after", after), ("limit", limit + 1), .. condition.Parameters]);
        var page = Cursor.Page(found, limit, last => last.Id.ToString(CultureInfo.InvariantCulture));
        return new Page<ContactDetails>(await CompleteAsync(session, accountId, page.Items, ct), page.Next);
    }

    /// <summary>For how many contacts a condition (on the table c) holds.</summary>
    internal async Task<long> CountAsync(Session session, int accountId, SqlFragment condition, CancellationToken ct) =>
        await session.ScalarAsync<long>(
            $"SELECT count(*) FROM contact c WHERE c.account_id = @account AND {condition.Text}",
            ct, [("account", accountId), ("now", await session.NowAsync(ct)), .. condition.Parameters]);

    /// <summary>Some of those for whom a condition holds, by dense key from after <paramref name="after"/> on.</summary>
    internal async Task<IReadOnlyList<(long Id, string UserId)>> KeysAsync(Session session, int accountId, SqlFragment condition, long after, int limit, CancellationToken ct) =>
        await session.QueryAsync(
            $"SELECT c.id, c.user_id FROM contact c WHERE c.account_id = @account AND c.id > @after AND {condition.Text} ORDER BY c.id LIMIT @limit",
            row => (row.Long(0), row.Text(1)), ct, [("account", accountId), ("after", after), ("limit", limit), ("now", await session.NowAsync(ct)), .. condition.Parameters]);

    private async Task<ContactDetails?> FindAsync(Session session, int accountId, string userId, CancellationToken ct)
    {
        var contact = await session.FirstAsync(
            $"SELECT {Columns} FROM contact c WHERE c.account_id = @account AND c.user_id = @user", Read, ct, ("account", accountId), ("user", userId));
        return contact is null ? null : (await CompleteAsync(session, accountId, [contact], ct))[0];
    }

    /// <summary>Adds what stands in other tables, in two queries however many contacts.</summary>
    private async Task<IReadOnlyList<ContactDetails>> CompleteAsync(Session session, int accountId, IReadOnlyList<ContactDetails> contacts, CancellationToken ct)
    {
        var ids = contacts.Select(contact => contact.Id).ToList();
        var granted = await consents.StatesAsync(session, accountId, ids, ct);
        var blocked = await suppressions.AllAmongAsync(session, accountId, [.. contacts.Select(contact => (contact.Id, contact.Email))], ct);
        return [.. contacts.Select(contact => contact with { Consents = granted[contact.Id], Suppressions = [.. blocked[contact.Id]] })];
    }

    private static ContactDetails Read(Row row) => new(
        row.Long(0), row.Text(2), row.TextOrNull(3), row.TextOrNull(4), row.TextOrNull(5), row.TextOrNull(6),
        (IReadOnlyDictionary<string, object?>)row.Json(9)!, [.. ((IReadOnlyList<object?>)row.Json(8)!).OfType<string>()],
        new Dictionary<string, bool>(), [], row.Instant(7), row.Instant(12), row.InstantOrNull(10), row.InstantOrNull(11), row.InstantOrNull(13));
}
