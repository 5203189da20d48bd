using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Testing;

namespace MailFlow.Audience.Tests;

public sealed class ContactStoreTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Unknown_users_are_created_once_and_come_back_in_the_order_asked(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        await audience.CreateAsync(1, "b");

        var contacts = await audience.CreateAsync(1, "c", "b", "a", "c");

        Assert.Equal(["c", "b", "a", "c"], contacts.Select(contact => contact.UserId));
        Assert.Same(contacts[0], contacts[3]);
        Assert.Equal(3, contacts.Select(contact => contact.Id).Distinct().Count());
        Assert.Equal(audience.Time.GetUtcNow(), contacts[2].Fields["created_at"]);
        Assert.Equal(3, await CountAsync(audience, "SELECT count(*) FROM contact"));
    }

    /// <summary>Seen red on PostgreSQL with the rows inserted in the order asked: a deadlock.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Writers_that_create_the_same_users_at_once_get_the_same_contacts(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var users = Enumerable.Range(0, 3000).Select(i => $"user-{i}").ToArray();

        var all = await Task.WhenAll(Enumerable.Range(0, 6).Select(writer => Task.Run(() =>
            audience.CreateAsync(1, writer % 2 == 0 ? users : [.. users.Reverse()]))));

        foreach (var contacts in all) Assert.Equal(IdsByUser(all[0]), IdsByUser(contacts));
        Assert.Equal(users.Length, await CountAsync(audience, "SELECT count(*) FROM contact"));

        static IEnumerable<long> IdsByUser(IReadOnlyList<Contact> contacts) => contacts.OrderBy(c => c.UserId, StringComparer.Ordinal).Select(c => c.Id);
    }

    /// <summary>Seen red without the second look.</summary>
    [Fact]
    public async Task A_user_whom_another_transaction_is_creating_is_waited_for_and_found()
    {
        await using var audience = await AudienceFixture.CreateAsync(DatabaseKind.PostgreSql);
        Task<IReadOnlyList<Contact>>? waiting = null;
        var created = await audience.Database.WriteAsync(async session =>
        {
            var mine = await audience.Store.FindOrCreateAsync(session, [(1, "ada")], audience.Now, default);
            using (ExecutionContext.SuppressFlow()) waiting = Task.Run(() => audience.CreateAsync(1, "ada", "bob"));
            while (await session.ScalarAsync<long>("SELECT count(*) FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid", default) == 0)
                Assert.False(waiting.IsFaulted);
            return mine[0];
        }, default);

        Assert.Equal(created.Id, (await waiting!)[0].Id);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_same_user_id_in_two_accounts_is_two_contacts_each_on_its_own_shard(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var one = (await audience.CreateAsync(1, "ada"))[0];
        var two = (await audience.CreateAsync(2, "ada"))[0];

        await audience.ApplyAsync(one, """{"first_name":"Ada"}""");

        Assert.NotEqual(one.Id, two.Id);
        Assert.Null((await audience.ReloadAsync(two)).Text("first_name"));
        var shards = await audience.Database.ReadAsync(s => s.QueryAsync("SELECT shard FROM contact ORDER BY account_id", row => row.Int(0), default), default);
        Assert.Equal([StableHash.Shard(1, "ada"), StableHash.Shard(2, "ada")], shards);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_change_shows_in_the_contact_at_once_exactly_as_it_is_read_back(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contact = (await audience.CreateAsync(1, "ada"))[0];

        var changed = await audience.ApplyAsync(contact, """
            {"email":"  Ada@Example.org ","first_name":"Ada","last_name":"Lovelace","time_zone":"Europe/London","tags":["vip","new","vip"],
             "attributes":{"plan":"pro","score":1.0,"nested":{"b":[1,2.5,null],"a":"x"}},"country":"GB","email_opt":true}
            """);

        var expected = new Dictionary<string, object?>
        {
            ["user_id"] = "ada",
            ["created_at"] = audience.Time.GetUtcNow(),
            ["email"] = "Ada@Example.org",
            ["first_name"] = "Ada",
            ["last_name"] = "Lovelace",
            ["time_zone"] = "Europe/London",
            ["tags"] = JsonData.Parse("""["vip","new"]"""),
            ["attributes"] = JsonData.Parse("""{"plan":"pro","score":1,"nested":{"b":[1,2.5,null],"a":"x"},"country":"GB","email_opt":true}"""),
            ["plan"] = "pro",
            ["score"] = 1L,
            ["nested"] = JsonData.Parse("""{"b":[1,2.5,null],"a":"x"}"""),
            ["country"] = "GB",
            ["email_opt"] = true,
        };
        Assert.Same(contact, Assert.Single(changed));
        AssertSame(expected, contact.Fields);
        AssertSame(expected, (await audience.ReloadAsync(contact)).Fields);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Attributes_are_patched_and_a_null_removes(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contact = (await audience.CreateAsync(1, "ada"))[0];
        await audience.ApplyAsync(contact, """{"attributes":{"a":1,"b":{"x":1},"c":"keep"}}""");

        await audience.ApplyAsync(contact, """{"attributes":{"a":null,"never":null},"b":{"y":2}}""");

        AssertSame(JsonData.ParseMap("""{"b":{"y":2},"c":"keep"}"""), contact.Fields["attributes"]);
        AssertSame(contact.Fields, (await audience.ReloadAsync(contact)).Fields);
        Assert.False(contact.Fields.ContainsKey("a"));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Two_writers_with_old_copies_both_keep_their_attributes(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var one = (await audience.CreateAsync(1, "ada"))[0];
        var other = await audience.ReloadAsync(one);

        await audience.ApplyAsync(one, """{"a":1}""");
        await audience.ApplyAsync(other, """{"b":2}""");

        AssertSame(JsonData.ParseMap("""{"a":1,"b":2}"""), (await audience.ReloadAsync(one)).Fields["attributes"]);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Several_changes_of_one_contact_apply_in_order(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contacts = await audience.CreateAsync(1, "ada", "bob");
        var (ada, bob) = (contacts[0], contacts[1]);

        var changed = await audience.ApplyAsync(
            new ContactChange(ada, JsonData.ParseMap("""{"plan":"free","tags":["a","b"],"first_name":"A"}""")),
            new ContactChange(bob, JsonData.Empty, AddTags: ["x"]),
            new ContactChange(ada, JsonData.ParseMap("""{"plan":"pro"}"""), AddTags: ["c", "a"], RemoveTags: ["b"]),
            new ContactChange(ada, JsonData.ParseMap("""{"first_name":null}""")));

        Assert.Equal(2, changed.Count);
        Assert.Equal("pro", ada.Text("plan"));
        Assert.Equal("""["a","c"]""", JsonData.Write(ada.Fields["tags"]));
        Assert.Null(ada.Text("first_name"));
        AssertSame(ada.Fields, (await audience.ReloadAsync(ada)).Fields);
        Assert.Equal("""["x"]""", JsonData.Write((await audience.ReloadAsync(bob)).Fields["tags"]));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_changes_nothing_writes_nothing(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contact = (await audience.CreateAsync(1, "ada"))[0];
        const string Fields = """{"email":"ada@example.org","tags":["a"],"attributes":{"n":1,"m":{"x":1,"y":[]}},"consents":{"news":true}}""";
        await audience.ApplyAsync(contact, Fields);
        audience.Time.Advance(TimeSpan.FromHours(1));

        Assert.Empty(await audience.ApplyAsync(contact, Fields));
        Assert.Empty(await audience.ApplyAsync(await audience.ReloadAsync(contact), """{"n":1.0,"m":{"y":[],"x":1},"gone":null}"""));

        Assert.Equal(0, await CountAsync(audience, "SELECT count(*) FROM contact WHERE updated_at > created_at"));
        Assert.Equal(1, await CountAsync(audience, "SELECT count(*) FROM consent"));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_field_of_the_wrong_type_is_left_as_it_was(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contact = (await audience.CreateAsync(1, "ada"))[0];
        await audience.ApplyAsync(contact, """{"email":"ada@example.org","first_name":"Ada","time_zone":"Europe/Berlin","tags":["a"]}""");

        var changed = await audience.ApplyAsync(contact,
            """{"email":"nonsense","first_name":7,"time_zone":"Mars/Olympus","tags":"b","attributes":[1],"consents":{"news":"yes","BAD":true},"user_id":"eve","created_at":1}""");

        Assert.Empty(changed);
        Assert.Equal("ada@example.org", contact.Text("email"));
        Assert.Equal("ada", contact.Text("user_id"));
        Assert.Equal(0, await CountAsync(audience, "SELECT count(*) FROM consent"));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Contacts_that_are_not_there_are_left_out_when_loaded(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contact = (await audience.CreateAsync(1, "ada"))[0];
        var found = await audience.Database.ReadAsync(s => audience.Store.LoadAsync(s, [contact.Id, contact.Id, contact.Id + 1000], default), default);
        Assert.Equal(contact.Id, Assert.Single(found).Id);
    }

    private static void AssertSame(object? expected, object? actual) => Assert.Equal(Sorted(expected), Sorted(actual));

    private static string Sorted(object? value) => JsonData.Write(Sort(value));

    private static object? Sort(object? value) => value switch
    {
        IReadOnlyDictionary<string, object?> map => new SortedDictionary<string, object?>(map.ToDictionary(m => m.Key, m => Sort(m.Value)), StringComparer.Ordinal),
        IReadOnlyList<object?> list => list.Select(Sort).ToList(),
        _ => value,
    };

    private static Task<long> CountAsync(AudienceFixture audience, string sql) =>
        audience.Database.ReadAsync(session => session.ScalarAsync<long>(sql, default), default);
}
