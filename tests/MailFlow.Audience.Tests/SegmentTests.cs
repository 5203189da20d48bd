using MailFlow.Data;
using MailFlow.Testing;

namespace MailFlow.Audience.Tests;

public sealed class SegmentTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_segment_is_put_found_replaced_listed_and_deleted_in_its_account_alone(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var created = await audience.Segments.PutAsync(1, "vip", "VIP customers", "'vip' in contact.tags", default);
        await audience.Segments.PutAsync(1, "all", null, "true", default);
        await audience.Segments.PutAsync(2, "vip", "Others", "false", default);
        audience.Time.Advance(TimeSpan.FromHours(1));

        var replaced = await audience.Segments.PutAsync(1, "vip", "VIPs", "contact.plan == 'pro'", default);

        Assert.Equal(("VIPs", "contact.plan == 'pro'", created.CreatedAt, created.CreatedAt.AddHours(1)), (replaced.Name, replaced.Rule, replaced.CreatedAt, replaced.UpdatedAt));
        var first = await audience.Segments.ListAsync(1, null, 1, default);
        Assert.Equal(["all"], first.Items.Select(segment => segment.Name));
        Assert.Equal([replaced], (await audience.Segments.ListAsync(1, first.Next, 1, default)).Items);
        Assert.True(await audience.Segments.DeleteAsync(1, "vip", default));
        Assert.False(await audience.Segments.DeleteAsync(1, "vip", default));
        Assert.Null(await audience.Segments.FindAsync(1, "vip", default));
        Assert.Equal("Others", (await audience.Segments.FindAsync(2, "vip", default))!.Name);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_segment_is_put_only_over_what_its_writer_has_seen(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var read = await audience.Segments.PutAsync(1, "vip", "VIP", "true", default);
        var first = await audience.Segments.PutAsync(1, "vip", "First", "true", read.UpdatedAt, default); // within the same millisecond of this clock

        await Assert.ThrowsAsync<ConflictException>(() => audience.Segments.PutAsync(1, "vip", "Second", "true", read.UpdatedAt, default));
        Assert.Equal("First", (await audience.Segments.FindAsync(1, "vip", default))!.Name);
        await audience.Segments.PutAsync(1, "vip", "Third", "true", first.UpdatedAt, default);
        await audience.Segments.DeleteAsync(1, "vip", default);
        await Assert.ThrowsAsync<ConflictException>(() => audience.Segments.PutAsync(1, "vip", "Fourth", "true", first.UpdatedAt, default));
    }

    [Theory]
    [InlineData("contact.plan ==", "rule")]
    [InlineData("event.total > 1", "rule")]
    [InlineData("", "rule")]
    public async Task A_rule_that_cannot_be_asked_is_refused_with_its_place(string rule, string field)
    {
        await using var audience = await AudienceFixture.CreateAsync(DatabaseKind.Sqlite);
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => audience.Segments.PutAsync(1, "vip", null, rule, default));
        Assert.Equal(field, error.Field);
        Assert.Contains("column", error.Message);
        Assert.Null(await audience.Segments.FindAsync(1, "vip", default));
    }

    [Fact]
    public async Task A_key_that_no_address_can_hold_is_refused()
    {
        await using var audience = await AudienceFixture.CreateAsync(DatabaseKind.Sqlite);
        foreach (var key in new[] { "", "a b", "a/b", new string('x', 101), "vip\n" })
            Assert.Equal("key", (await Assert.ThrowsAsync<InvalidInputException>(() => audience.Segments.PutAsync(1, key, null, "true", default))).Field);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_changed_rule_is_asked_from_its_commit_on(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        await audience.Segments.PutAsync(1, "vip", null, "contact.plan == 'pro'", default);
        var before = await RuleAsync();
        Assert.Same(before!.Rule, (await RuleAsync())!.Rule);

        await audience.Segments.PutAsync(1, "vip", "New", "contact.plan == 'gold'", default);
        Assert.Equal(("New", "contact.plan == 'gold'"), ((await RuleAsync())!.Name, (await RuleAsync())!.Rule.Text));
        await audience.Segments.DeleteAsync(1, "vip", default);
        Assert.Null(await RuleAsync());

        Task<SegmentRule?> RuleAsync() => audience.Database.ReadAsync(session => audience.Segments.RuleAsync(session, 1, "vip", default), default);
    }

    /// <summary>Seen red with a window that counted the event at its open end.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_segment_has_the_same_members_in_memory_and_in_sql(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contacts = await PopulateAsync(audience, 60);
        string[] rules =
        [
            "true", "false", "'vip' in contact.tags", "!('vip' in contact.tags)", "contact.plan == 'pro'", "contact.plan != 'pro'",
            "contact.score > 40 && contact.score <= 50.5", "has(contact.email)", "contact.email.endsWith('@example.org')",
            "contact.attributes.address.city == 'Köln'", "contact.created_at < now - duration('1h')", "contact.time_zone == 'Europe/Berlin'",
            "count_events('order') >= 2", "count_events('order', duration('7d')) == 1", "count_events('order', duration('7d')) == 0 && contact.first_name == 'Ada'",
            "timestamp(contact.trial_ends) < now", "contact.user_id == 'user-7' || contact.score == 7",
        ];
        var uniform = new List<string>();
        foreach (var rule in rules)
        {
            await audience.Segments.PutAsync(1, "it", null, rule, default);
            var inMemory = await audience.Database.ReadAsync(async session =>
            {
                var segment = (await audience.Segments.RuleAsync(session, 1, "it", default))!;
                var evaluation = await SegmentEvaluation.PrepareAsync(session, segment, [.. contacts.Select(c => c.Id)], audience.Time.GetUtcNow(), default);
                return contacts.Where(evaluation.Contains).Select(contact => contact.Id).ToList();
            }, default);
            var inSql = await MembersAsync(audience, "it");

            Assert.Equal(inMemory.Order(), inSql);
            Assert.Equal(inSql.Count, await audience.Segments.CountAsync(1, "it", default));
            Assert.Equal(inSql.Count, await audience.Segments.PreviewAsync(1, rule, default));
            if (inSql.Count is 0 or 60) uniform.Add(rule);
        }
        Assert.Equal(["true", "false"], uniform);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Members_are_paged_and_a_segment_that_is_not_there_is_said_to_be_so(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        await audience.CreateAsync(1, "a", "b", "c");
        await audience.CreateAsync(2, "d");
        await audience.Segments.PutAsync(1, "all", null, "true", default);

        var first = await audience.Segments.MembersAsync(1, "all", null, 2, default);
        var second = await audience.Segments.MembersAsync(1, "all", first.Next, 2, default);

        Assert.Equal((2, 1, null), (first.Items.Count, second.Items.Count, second.Next));
        await Assert.ThrowsAsync<NotFoundException>(() => audience.Segments.MembersAsync(2, "all", null, 2, default));
        await Assert.ThrowsAsync<NotFoundException>(() => audience.Segments.CountAsync(1, "none", default));
        Assert.Equal(["all"], await audience.Database.ReadAsync(s => audience.Segments.ExistingAsync(s, 1, ["all", "none"], default), default));
    }

    private static async Task<List<long>> MembersAsync(AudienceFixture audience, string key)
    {
        var members = new List<long>();
        for (string? cursor = null; ;)
        {
            var page = await audience.Segments.MembersAsync(1, key, cursor, 25, default);
            members.AddRange(page.Items.Select(contact => contact.Id));
            if ((cursor = page.Next) is null) return members;
        }
    }

    /// <summary>Contacts of every kind: fields missing, of other types, and events on both edges of the window of a week.</summary>
    private static async Task<IReadOnlyList<Engine.Activities.Contact>> PopulateAsync(AudienceFixture audience, int count)
    {
        var early = await audience.CreateAsync(1, [.. Enumerable.Range(0, count / 2).Select(i => $"user-{i}")]);
        audience.Time.Advance(TimeSpan.FromDays(20));
        var late = await audience.CreateAsync(1, [.. Enumerable.Range(count / 2, count - (count / 2)).Select(i => $"user-{i}")]);
        Engine.Activities.Contact[] contacts = [.. early, .. late];
        string[] fields =
        [
            """{"plan":"pro","score":41,"tags":["vip"],"email":"a@example.org","first_name":"Ada"}""",
            """{"plan":"free","score":50.5,"tags":["VIP","x"],"email":"A@EXAMPLE.ORG","time_zone":"Europe/Berlin"}""",
            """{"plan":7,"score":"41","address":{"city":"Köln"},"trial_ends":"2026-01-10"}""",
            """{"score":7,"tags":["vip","y"],"trial_ends":"2027-01-10","first_name":"Ada","address":"Köln"}""",
            """{"trial_ends":"soon","attributes":{"email":"hidden@example.org"}}""",
        ];
        for (var i = 0; i < count; i++) await audience.ApplyAsync(contacts[i], fields[i % fields.Length]);
        long[] ages = [0, 1, 7 * 86_400_000L, (7 * 86_400_000L) + 1, (7 * 86_400_000L) - 1, -1];
        await audience.Database.WriteAsync(async session =>
        {
            for (var i = 0; i < count; i++)
                for (var n = 0; n < i % 4; n++)
                    await session.ExecuteAsync(
                        "INSERT INTO event (account_id, contact_id, event_type, event_id, occurred_at, accepted_at, payload) VALUES (1, @contact, @type, 'e', @at, @at, '{}')",
                        default, ("contact", contacts[i].Id), ("type", n == 2 ? "visit" : "order"), ("at", audience.Now - ages[(i + n) % ages.Length]));
        }, default);
        return contacts;
    }
}
