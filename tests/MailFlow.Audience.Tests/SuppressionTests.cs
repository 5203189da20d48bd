using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Testing;

namespace MailFlow.Audience.Tests;

public sealed class SuppressionTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Marketing_is_blocked_by_both_scopes_and_transactional_mail_by_one(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contacts = await audience.CreateAsync(1, "free", "bounced", "left", "nameless");
        await audience.ApplyAsync(contacts[0], """{"email":"free@example.org"}""");
        await audience.ApplyAsync(contacts[1], """{"email":"Bounced@Example.org"}""");
        await audience.ApplyAsync(contacts[2], """{"email":"left@example.org"}""");
        await audience.Suppressions.AddAsync(1, " bounced@EXAMPLE.org ", "hard_bounce", null, "api", default);
        await audience.Suppressions.AddAsync(1, "LEFT@example.org", "unsubscribed", "marketing", "api", default);
        var ids = contacts.Select(contact => contact.Id).ToList();

        var marketing = await audience.Database.ReadAsync(s => audience.Suppressions.AmongAsync(s, 1, MessageStream.Marketing, ids, default), default);
        var transactional = await audience.Database.ReadAsync(s => audience.Suppressions.AmongAsync(s, 1, MessageStream.Transactional, ids, default), default);

        Assert.Equal([contacts[1].Id, contacts[2].Id], marketing.Keys.Order());
        Assert.Equal([contacts[1].Id], transactional.Keys);
        Assert.Null(await FindAsync(audience, MessageStream.Transactional, "left@example.org"));
        Assert.Equal("unsubscribed", (await FindAsync(audience, MessageStream.Marketing, "Left@Example.org"))!.Reason);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Of_two_suppressions_the_stronger_is_told(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contact = (await audience.CreateAsync(1, "ada"))[0];
        await audience.ApplyAsync(contact, """{"email":"ada@example.org"}""");
        await audience.Suppressions.AddAsync(1, "ada@example.org", "complaint", "marketing", "webhook", default);
        await audience.Suppressions.AddAsync(1, "ada@example.org", "manual", "all", "api", default);

        var marketing = await audience.Database.ReadAsync(s => audience.Suppressions.AmongAsync(s, 1, MessageStream.Marketing, [contact.Id], default), default);

        Assert.Equal("complaint", marketing[contact.Id].Reason);
        Assert.Equal("manual", (await FindAsync(audience, MessageStream.Transactional, "ada@example.org"))!.Reason);
        Assert.Equal(2, (await audience.Suppressions.OfAsync(1, "ada@example.org", default)).Count);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_an_operator_said_outlives_a_recipients_unsubscription_and_its_taking_back_in_either_order(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        foreach (var (email, reasons) in new[] { ("ada@example.org", new[] { "manual", "unsubscribed" }), ("bob@example.org", ["unsubscribed", "manual"]), ("eve@example.org", ["legal says never", "paused", "unsubscribed"]) })
        {
            foreach (var reason in reasons) await audience.Suppressions.AddAsync(1, email, reason, "marketing", "api", default);
            // As a topic that is ticked and a double opt-in do it.
            await audience.Database.WriteAsync(session => audience.Suppressions.RemoveAsync(session, 1, email, "marketing", default, "unsubscribed", "paused"), default);
            Assert.Contains(Assert.Single(await audience.Suppressions.OfAsync(1, email, default)).Reason, (string[])["manual", "legal says never"]);
            // The operator takes it back.
            Assert.Single(await audience.Suppressions.RemoveAsync(1, email, "marketing", default));
            Assert.Empty(await audience.Suppressions.OfAsync(1, email, default));
        }
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_repetition_keeps_the_first_and_a_stronger_reason_replaces_it(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var start = audience.Time.GetUtcNow();
        var added = await AddAsync("unsubscribed");
        var repeated = await AddAsync("unsubscribed");
        var strengthened = await AddAsync("Hard bounce");
        var weaker = await AddAsync("unsubscribed");

        Assert.Equal(
            [SuppressionChange.Added, SuppressionChange.Unchanged, SuppressionChange.Strengthened, SuppressionChange.Unchanged],
            new[] { added, repeated, strengthened, weaker }.Select(result => result.Change));
        Assert.Equal(start, repeated.Suppression.At);
        Assert.Equal(("hard_bounce", start.AddDays(2)), (weaker.Suppression.Reason, weaker.Suppression.At));

        async Task<(Suppression Suppression, SuppressionChange Change)> AddAsync(string reason)
        {
            var result = await audience.Suppressions.AddAsync(1, "ada@example.org", reason, null, "api", default);
            audience.Time.Advance(TimeSpan.FromDays(1));
            return result;
        }
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_suppression_belongs_to_the_address_not_to_the_contact(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contact = (await audience.CreateAsync(1, "ada"))[0];
        await audience.ApplyAsync(contact, """{"email":"old@example.org"}""");
        await audience.Suppressions.AddAsync(1, "old@example.org", "hard_bounce", null, "api", default);

        await audience.ApplyAsync(contact, """{"email":"new@example.org"}""");
        Assert.Empty(await AmongAsync());
        await audience.ApplyAsync(contact, """{"email":"OLD@example.org"}""");
        Assert.Single(await AmongAsync());

        Task<IReadOnlyDictionary<long, Suppression>> AmongAsync() => audience.Database.ReadAsync(s =>
            audience.Suppressions.AmongAsync(s, 1, MessageStream.Marketing, [contact.Id], default), default);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Accounts_do_not_share_suppressions(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var other = (await audience.CreateAsync(2, "ada"))[0];
        await audience.ApplyAsync(other, """{"email":"ada@example.org"}""");
        await audience.Suppressions.AddAsync(1, "ada@example.org", "complaint", null, "api", default);
        var third = (await audience.CreateAsync(3, "ada"))[0];
        await audience.ApplyAsync(third, """{"email":"third@example.org"}""");
        await audience.Suppressions.AddAsync(3, "third@example.org", "complaint", null, "api", default);

        Assert.Empty(await audience.Database.ReadAsync(s => audience.Suppressions.AmongAsync(s, 1, MessageStream.Marketing, [third.Id], default), default));
        Assert.Empty(await audience.Database.ReadAsync(s => audience.Suppressions.AmongAsync(s, 2, MessageStream.Marketing, [other.Id], default), default));
        Assert.Empty(await audience.Database.ReadAsync(s => audience.Suppressions.AmongAsync(s, 1, MessageStream.Marketing, [other.Id], default), default));
        Assert.Empty((await audience.Suppressions.ListAsync(2, null, 10, default)).Items);
        Assert.Empty(await audience.Suppressions.RemoveAsync(2, "ada@example.org", null, default));
        Assert.Single(await audience.Suppressions.OfAsync(1, "ada@example.org", default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_list_is_paged_and_an_address_removed_can_be_mailed_again(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        foreach (var user in new[] { "c", "a", "b" }) await audience.Suppressions.AddAsync(1, $"{user}@example.org", null, null, "api", default);
        await audience.Suppressions.AddAsync(1, "a@example.org", null, "marketing", "api", default);

        var first = await audience.Suppressions.ListAsync(1, null, 3, default);
        var second = await audience.Suppressions.ListAsync(1, first.Next, 3, default);
        var removed = await audience.Suppressions.RemoveAsync(1, "A@example.org", null, default);

        Assert.Equal(["a/all", "a/marketing", "b/all"], first.Items.Select(Short));
        Assert.Equal(["c/all"], second.Items.Select(Short));
        Assert.Null(second.Next);
        Assert.Equal(2, removed.Count);
        Assert.Null(await FindAsync(audience, MessageStream.Marketing, "a@example.org"));

        static string Short(Suppression suppression) => $"{suppression.Email[0]}/{suppression.Scope}";
    }

    [Theory]
    [InlineData("hard_bounce", "all", "suppressed after hard bounce on 3 May 2026")]
    [InlineData("complaint", "all", "suppressed after spam complaint on 3 May 2026")]
    [InlineData("unsubscribed", "marketing", "suppressed for marketing after unsubscribing on 3 May 2026")]
    [InlineData("legal hold", "all", "suppressed (legal hold) on 3 May 2026")]
    public void A_suppression_says_why_in_plain_words(string reason, string scope, string expected) =>
        Assert.Equal(expected, new Suppression("a@example.org", reason, scope, "api", new DateTimeOffset(2026, 5, 3, 23, 59, 0, TimeSpan.Zero)).Describe());

    [Theory]
    [InlineData("not an address", "manual", "all", "email")]
    [InlineData("a@example.org", "manual", "everything", "scope")]
    [InlineData("a@example.org", "man\0ual", "all", "reason")]
    public async Task What_cannot_be_suppressed_is_refused_by_name(string email, string reason, string scope, string field)
    {
        await using var audience = await AudienceFixture.CreateAsync(DatabaseKind.Sqlite);
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => audience.Suppressions.AddAsync(1, email, reason, scope, "api", default));
        Assert.Equal(field, error.Field);
    }

    private static Task<Suppression?> FindAsync(AudienceFixture audience, MessageStream stream, string email) =>
        audience.Database.ReadAsync(session => audience.Suppressions.FindAsync(session, 1, stream, email, default), default);
}
