using MailFlow.Data;
using MailFlow.Testing;

namespace MailFlow.Audience.Tests;

public sealed class ContactsTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Put_creates_and_put_again_sets_what_is_given_and_patches_attributes(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        await audience.Suppressions.AddAsync(1, "ada@example.org", "manual", null, "api", default);
        var created = await PutAsync(audience, "ada", """
            {"email":"ada@example.org","first_name":"Ada","time_zone":"Europe/London","attributes":{"plan":"pro","seats":3},"tags":["vip"],"consents":{"news":true,"offers":false}}
            """);
        audience.Time.Advance(TimeSpan.FromDays(1));
        await PutAsync(audience, "ada", """{"last_name":"Lovelace","attributes":{"seats":null,"city":"London"},"tags":["new"],"consents":{"offers":true}}""");

        var found = (await audience.Contacts.FindAsync(1, "ada", default))!;

        Assert.Equal(("ada@example.org", "Ada", "Lovelace", "Europe/London"), (found.Email, found.FirstName, found.LastName, found.TimeZone));
        Assert.Equal(["city", "plan"], found.Attributes.Keys.Order());
        Assert.Equal(["new"], found.Tags);
        Assert.Equal([new("news", true), new("offers", true)], found.Consents);
        Assert.Equal("manual", Assert.Single(found.Suppressions).Reason);
        Assert.Equal((created.CreatedAt, created.CreatedAt.AddDays(1)), (found.CreatedAt, found.UpdatedAt));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Only_a_real_change_is_announced_to_the_engine(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        await PutAsync(audience, "ada", "{}");
        Assert.Empty(audience.Announced.Users);
        await PutAsync(audience, "ada", """{"trial_ends":"2026-05-03"}""");
        await PutAsync(audience, "ada", """{"trial_ends":"2026-05-03"}""");
        Assert.Equal(["ada"], audience.Announced.Users);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_get_shows_can_be_put_back_and_changes_nothing(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        await PutAsync(audience, "ada", """{"email":"ada@example.org","plan":"pro"}""");
        await PutAsync(audience, "ada", """{"user_id":"ada","email":"ada@example.org","attributes":{"plan":"pro"},"suppressions":[],"created_at":"2026-01-01T00:00:00Z","updated_at":"x"}""");
        Assert.Equal(["plan"], (await audience.Contacts.FindAsync(1, "ada", default))!.Attributes.Keys);
        Assert.Single(audience.Announced.Users);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_refused_put_leaves_nothing_behind(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => PutAsync(audience, "ada", """{"first_name":"Ada","time_zone":"Mars/Olympus"}"""));
        Assert.Equal("time_zone", error.Field);
        Assert.Null(await audience.Contacts.FindAsync(1, "ada", default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_same_contact_put_by_many_at_once_keeps_every_attribute(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        await Task.WhenAll(Enumerable.Range(0, 12).Select(i => Task.Run(() => PutAsync(audience, "ada", $$"""{"a{{i}}":{{i}},"consents":{"news":true} }"""))));

        var found = (await audience.Contacts.FindAsync(1, "ada", default))!;
        Assert.Equal(12, found.Attributes.Count);
        Assert.Single(await audience.Database.ReadAsync(s => audience.Consents.HistoryAsync(s, 1, found.Id, default), default));
    }

    /// <summary>Seen red without the lock.</summary>
    [Fact]
    public async Task A_put_waits_for_the_batch_that_holds_the_contacts_shard()
    {
        await using var audience = await AudienceFixture.CreateAsync(DatabaseKind.PostgreSql);
        Task<ContactDetails>? waiting = null;
        await audience.Database.WriteAsync(async session =>
        {
            await session.LockShardAsync(StableHash.Shard(1, "ada"), wait: true, default);
            using (ExecutionContext.SuppressFlow()) waiting = Task.Run(() => PutAsync(audience, "ada", """{"plan":"pro"}"""));
            while (await WaitersAsync(session) == 0) Assert.False(waiting.IsCompleted);
        }, default);

        Assert.Equal("pro", (await waiting!).Attributes["plan"]);

        static Task<long> WaitersAsync(Session session) => session.ScalarAsync<long>(
            """
            SELECT count(*) FROM pg_locks held JOIN pg_locks asked USING (locktype, classid, objid)
            WHERE held.pid = pg_backend_pid() AND held.granted AND NOT asked.granted AND locktype = 'advisory'
            """, default);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Contacts_are_listed_by_page_and_by_address_in_their_account_alone(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        foreach (var user in new[] { "c", "a", "b" }) await PutAsync(audience, user, """{"email":"shared@example.org"}""");
        await PutAsync(audience, "d", """{"email":"own@example.org","consents":{"news":true}}""");
        await audience.Contacts.PutAsync(2, "a", JsonData.ParseMap("""{"email":"own@example.org"}"""), default);

        var first = await audience.Contacts.ListAsync(1, null, 3, default);
        var second = await audience.Contacts.ListAsync(1, first.Next, 3, default);
        var own = await audience.Contacts.ListAsync(1, null, 10, default, email: "OWN@example.org");

        Assert.Equal(["c", "a", "b"], first.Items.Select(contact => contact.UserId));
        Assert.Equal(["d"], second.Items.Select(contact => contact.UserId));
        Assert.Null(second.Next);
        Assert.Equal(["d"], own.Items.Select(contact => contact.UserId));
        Assert.True(own.Items[0].Consents["news"]);
        Assert.Null(await audience.Contacts.FindAsync(2, "d", default));
    }

    private static Task<ContactDetails> PutAsync(AudienceFixture audience, string userId, string fields) =>
        audience.Contacts.PutAsync(1, userId, JsonData.ParseMap(fields), default);
}
