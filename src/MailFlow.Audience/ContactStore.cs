using MailFlow.Data;
using MailFlow.Engine.Activities;

namespace MailFlow.Audience;

/// <summary>
/// The worker's part: every call is a handful of statements, however many contacts. Whoever changes a contact holds its
/// shard's lock and has loaded it after taking that.
/// </summary>
internal sealed class ContactStore(Consents consents) : IContactStore
{
    public async Task<IReadOnlyList<Contact>> FindOrCreateAsync(Session session, IReadOnlyList<(int AccountId, string UserId)> users, long now, CancellationToken ct)
    {
        var wanted = users.Distinct().ToList();
        var found = new Dictionary<(int, string), Contact>(wanted.Count);
        await FindAsync(session, wanted, found, ct);
        var missing = wanted.Where(user => !found.ContainsKey(user)).ToList();
        if (missing.Count > 0)
        {
            foreach (var contact in await CreateAsync(session, missing, now, ct)) found.Add((contact.AccountId, contact.UserId), contact);
            // What is still missing, another writer has created since we looked.
            await FindAsync(session, [.. missing.Where(user => !found.ContainsKey(user))], found, ct);
        }
        return [.. users.Select(user => found[user])];
    }

    public async Task<IReadOnlyList<Contact>> LoadAsync(Session session, IReadOnlyList<long> ids, CancellationToken ct) =>
        await session.QueryAsync(
            $"SELECT {ContactRecord.Columns} FROM {{rows}} JOIN contact c ON c.id = r.id",
            new Rows<long>([.. ids.Distinct()]).Long("id", id => id), ContactRecord.Read, ct);

    public async Task<IReadOnlySet<Contact>> ApplyAsync(Session session, IReadOnlyList<ContactChange> changes, string source, long now, CancellationToken ct)
    {
        var patches = new SortedDictionary<long, ContactPatch>();
        foreach (var change in changes)
        {
            if (!patches.TryGetValue(change.Contact.Id, out var patch)) patches.Add(change.Contact.Id, patch = new ContactPatch(change.Contact));
            patch.Add(change);
        }

        var rows = patches.Values.Where(patch => patch.ChangesRow).ToList();
        await UpdateAsync(session, rows, now, ct);
        var agreed = await consents.RecordAsync(session, ConsentsOf(patches.Values, source, now), ct);

        foreach (var patch in rows) patch.Contact.Fields = patch.Fields();
        foreach (var change in changes) change.Contact.Fields = patches[change.Contact.Id].Contact.Fields;
        return patches.Values.Where(patch => agreed.Contains(patch.Contact.Id)).Concat(rows).Select(patch => patch.Contact).ToHashSet();
    }

    private static List<Consent> ConsentsOf(IEnumerable<ContactPatch> patches, string source, long now) =>
        [.. from patch in patches
            from said in patch.Consents
            orderby patch.Contact.Id, said.Key
            select new Consent(patch.Contact.AccountId, patch.Contact.Id, said.Key, said.Value, source, DateTimeOffset.FromUnixTimeMilliseconds(now))];

    private static async Task FindAsync(Session session, List<(int AccountId, string UserId)> users, Dictionary<(int, string), Contact> found, CancellationToken ct)
    {
        var contacts = await session.QueryAsync(
            $"SELECT {ContactRecord.Columns} FROM {{rows}} JOIN contact c ON c.account_id = r.account_id AND c.user_id = r.user_id",
            RowsOf(users), ContactRecord.Read, ct);
        foreach (var contact in contacts) found[(contact.AccountId, contact.UserId)] = contact;
    }

    /// <summary>Sorted by key, so that two writers creating the same contacts wait for each other in one order and never in a circle.</summary>
    private static async Task<List<Contact>> CreateAsync(Session session, List<(int AccountId, string UserId)> users, long now, CancellationToken ct) =>
        await session.QueryAsync(
            """
            INSERT INTO contact AS c (account_id, user_id, shard, created_at, updated_at)
            SELECT r.account_id, r.user_id, r.shard, @now, @now FROM {rows} WHERE true
            ON CONFLICT (account_id, user_id) DO NOTHING
            RETURNING id, account_id, user_id, email, first_name, last_name, time_zone, created_at, tags, attributes, last_opened_at, last_clicked_at
            """,
            RowsOf([.. users.OrderBy(user => user.AccountId).ThenBy(user => user.UserId, StringComparer.Ordinal)])
                .Int("shard", user => StableHash.Shard(user.AccountId, user.UserId)),
            ContactRecord.Read, ct, ("now", now));

    private static Rows<(int AccountId, string UserId)> RowsOf(List<(int AccountId, string UserId)> users) =>
        new Rows<(int AccountId, string UserId)>(users).Int("account_id", user => user.AccountId).Text("user_id", user => user.UserId);

    private static Task<int> UpdateAsync(Session session, List<ContactPatch> patches, long now, CancellationToken ct) =>
        session.ExecuteAsync(
            """
            UPDATE contact SET email = r.email, first_name = r.first_name, last_name = r.last_name, time_zone = r.time_zone,
              attributes = CASE WHEN r.attributes IS NULL THEN contact.attributes ELSE json_patch_members(contact.attributes, r.attributes) END,
              tags = coalesce(r.tags, contact.tags), updated_at = @now
            FROM {rows} WHERE contact.id = r.id
            """,
            new Rows<ContactPatch>(patches)
                .Long("id", patch => patch.Contact.Id)
                .Text("email", patch => patch.Email)
                .Text("first_name", patch => patch.FirstName)
                .Text("last_name", patch => patch.LastName)
                .Text("time_zone", patch => patch.TimeZone)
                .Json("attributes", patch => patch.Attributes)
                .Json("tags", patch => patch.Tags),
            ct, ("now", now));
}
