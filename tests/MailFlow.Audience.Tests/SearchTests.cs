using MailFlow.Testing;

namespace MailFlow.Audience.Tests;

/// <summary>Finding contacts by what somebody types.</summary>
public sealed class SearchTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_contact_is_found_by_a_part_of_id_address_or_name_in_any_case(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        await PutAsync(audience, "u-1", "Ada@Example.org", "Ada", "Lovelace");
        await PutAsync(audience, "u-2", "grace@example.org", "Grace", "Hopper");
        await PutAsync(audience, "customer-ada", null, null, null);
        await audience.CreateAsync(2, "ada");

        Assert.Equal(["u-1", "customer-ada"], await FindAsync(audience, "ADA"));
        Assert.Equal(["u-1"], await FindAsync(audience, "da love"));
        Assert.Equal(["u-1", "u-2"], await FindAsync(audience, "example.ORG"));
        Assert.Empty(await FindAsync(audience, "%"));
        Assert.Empty(await FindAsync(audience, "' OR 1=1 --"));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Exactly_what_was_typed_comes_first_and_once(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        foreach (var user in new[] { "ada-1", "ada-2", "ada", "ada-3" }) await PutAsync(audience, user, null, null, null);

        foreach (var limit in new[] { 1, 2, 3, 100 })
        {
            var found = await FindAsync(audience, "ada", limit);
            Assert.Equal("ada", found[0]);
            Assert.Equal(["ada", "ada-1", "ada-2", "ada-3"], found.Order(StringComparer.Ordinal));
        }
    }

    // Seen red with twice the limit in the inner query: all were found on the first page.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task One_page_looks_at_a_bounded_number_of_contacts_and_the_next_goes_on(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        await audience.Database.WriteAsync(session => session.ExecuteAsync($"""
            INSERT INTO contact (account_id, shard, user_id, created_at, updated_at)
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {Contacts.MostLookedAt + 10})
            SELECT 1, 0, CASE WHEN i IN (7, {Contacts.MostLookedAt + 5}) THEN 'needle-' || i ELSE 'hay-' || i END, 0, 0 FROM n
            """, default), default);

        var first = await audience.Contacts.SearchAsync(1, "needle", null, 10, default);
        var second = await audience.Contacts.SearchAsync(1, "needle", first.Next, 10, default);

        Assert.Equal(["needle-7"], first.Items.Select(contact => contact.UserId));
        Assert.Equal([$"needle-{Contacts.MostLookedAt + 5}"], second.Items.Select(contact => contact.UserId));
        Assert.Null(second.Next);
    }

    private static Task<ContactDetails> PutAsync(AudienceFixture audience, string user, string? email, string? first, string? last) => audience.Contacts.PutAsync(1, user,
        new Dictionary<string, object?> { ["email"] = email, ["first_name"] = first, ["last_name"] = last }, default);

    private static async Task<List<string>> FindAsync(AudienceFixture audience, string text, int limit = 100)
    {
        var found = new List<string>();
        string? cursor = null;
        do
        {
            var page = await audience.Contacts.SearchAsync(1, text, cursor, limit, default);
            Assert.True(page.Items.Count <= limit);
            found.AddRange(page.Items.Select(contact => contact.UserId));
            cursor = page.Next;
        }
        while (cursor is not null);
        return found;
    }
}
