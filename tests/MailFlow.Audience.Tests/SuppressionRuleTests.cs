using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Storage;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Audience.Tests;

/// <summary>Suppressions of whole domains, of one stream, and for a time.</summary>
public sealed class SuppressionRuleTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_domains_rule_blocks_its_addresses_and_no_others(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contacts = await audience.CreateAsync(1, "in", "sub", "like", "none");
        await audience.ApplyAsync(contacts[0], """{"email":"Ada@Rival.example"}""");
        await audience.ApplyAsync(contacts[1], """{"email":"ada@mail.rival.example"}""");
        await audience.ApplyAsync(contacts[2], """{"email":"ada@notrival.example"}""");

        await audience.Suppressions.AddAsync(1, "@RIVAL.example", "competitor", null, "api", default);

        Assert.Equal([contacts[0].Id], (await AmongAsync(audience, MessageStream.Marketing, contacts.Select(c => c.Id))).Keys);
        Assert.Equal([contacts[0].Id], (await AmongAsync(audience, MessageStream.Transactional, contacts.Select(c => c.Id))).Keys);
        Assert.Equal("whole domain rival.example suppressed (competitor) on 5 January 2026", (await FindAsync(audience, MessageStream.Marketing, "x@rival.EXAMPLE"))!.Describe());
        Assert.Equal(["domain"], (await audience.Suppressions.OfAsync(1, "ada@rival.example", default)).Select(s => s.Kind));
        Assert.Empty(await audience.Suppressions.RemoveAsync(1, "ada@rival.example", null, default));
        Assert.Single(await audience.Suppressions.RemoveAsync(1, "@rival.example", null, default));
        Assert.Empty(await AmongAsync(audience, MessageStream.Marketing, contacts.Select(c => c.Id)));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_international_domain_is_one_domain_however_it_is_written(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);

        await audience.Suppressions.AddAsync(1, "@MÜNCHEN.example", "competitor", null, "api", default);
        await audience.Suppressions.AddAsync(1, "Ada@xn--bcher-kva.example", "complaint", null, "api", default);

        foreach (var blocked in new[] { "x@münchen.example", "x@xn--mnchen-3ya.example", "x@XN--MNCHEN-3YA.example", "ada@bücher.example", "ADA@Bücher.example" })
            Assert.NotNull(await FindAsync(audience, MessageStream.Transactional, blocked));
        Assert.Null(await FindAsync(audience, MessageStream.Marketing, "eve@bücher.example"));
        Assert.Single(await audience.Suppressions.RemoveAsync(1, "@münchen.example", null, default));
        Assert.Null(await FindAsync(audience, MessageStream.Marketing, "x@xn--mnchen-3ya.example"));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_stream_has_a_scope_of_its_own(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        await audience.Suppressions.AddAsync(1, "ada@example.org", "manual", "transactional", "api", default);

        Assert.Null(await FindAsync(audience, MessageStream.Marketing, "ada@example.org"));
        Assert.Equal("suppressed for transactional by hand on 5 January 2026", (await FindAsync(audience, MessageStream.Transactional, "ada@example.org"))!.Describe());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task One_that_has_ended_blocks_nothing_and_is_swept(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contact = (await audience.CreateAsync(1, "ada"))[0];
        await audience.ApplyAsync(contact, """{"email":"ada@example.org"}""");
        var end = audience.Time.GetUtcNow().AddDays(30);
        await audience.Suppressions.AddAsync(1, "ada@example.org", "paused", "marketing", "api", default, expiresAt: end);
        await audience.Suppressions.AddAsync(1, "bob@example.org", "manual", null, "api", default);

        audience.Time.Advance(TimeSpan.FromDays(30) - TimeSpan.FromMilliseconds(1));
        Assert.Equal("suppressed for marketing at the contact's wish on 5 January 2026 until 4 February 2026",
            (await AmongAsync(audience, MessageStream.Marketing, [contact.Id]))[contact.Id].Describe());
        audience.Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Empty(await AmongAsync(audience, MessageStream.Marketing, [contact.Id]));
        Assert.Empty(await audience.Suppressions.OfAsync(1, "ada@example.org", default));
        Assert.Equal(["bob@example.org"], (await audience.Suppressions.ListAsync(1, null, 10, default)).Items.Select(s => s.Email));

        Assert.Equal(2, await CountAsync(audience));
        audience.Time.Advance(TimeSpan.FromMilliseconds(1));
        await new Retention(audience.Database, audience.Get<IEnumerable<RetentionRule>>()).RunOnceAsync(default);
        Assert.Equal(1, await CountAsync(audience));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Neither_a_stronger_reason_that_ends_nor_a_weaker_that_does_not_shortens_the_other(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var soon = audience.Time.GetUtcNow().AddDays(10);
        await audience.Suppressions.AddAsync(1, "a@example.org", "unsubscribed", null, "api", default);
        await audience.Suppressions.AddAsync(1, "a@example.org", "hard_bounce", null, "webhook", default, expiresAt: soon);
        await audience.Suppressions.AddAsync(1, "b@example.org", "hard_bounce", null, "webhook", default, expiresAt: soon);
        var longer = await audience.Suppressions.AddAsync(1, "b@example.org", "unsubscribed", null, "api", default);
        await audience.Suppressions.AddAsync(1, "c@example.org", "manual", null, "api", default);
        var paused = await audience.Suppressions.AddAsync(1, "c@example.org", "paused", null, "api", default, expiresAt: soon);

        Assert.Equal(SuppressionChange.Strengthened, longer.Change);
        Assert.Equal(("manual", SuppressionChange.Unchanged), (paused.Suppression.Reason, paused.Change));
        Assert.All(await Task.WhenAll("abc".Select(name => audience.Suppressions.OfAsync(1, $"{name}@example.org", default))), found => Assert.Null(Assert.Single(found).ExpiresAt));
        Assert.Equal("hard_bounce", (await FindAsync(audience, MessageStream.Marketing, "a@example.org"))!.Reason);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_new_one_takes_the_place_of_one_that_has_ended(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        await audience.Suppressions.AddAsync(1, "a@example.org", "hard_bounce", null, "webhook", default, expiresAt: audience.Time.GetUtcNow().AddDays(1));
        audience.Time.Advance(TimeSpan.FromDays(2));

        var (now, change) = await audience.Suppressions.AddAsync(1, "a@example.org", "unsubscribed", null, "api", default);

        Assert.Equal(("unsubscribed", null, SuppressionChange.Added), (now.Reason, now.ExpiresAt, change));
        await Assert.ThrowsAsync<InvalidInputException>(() => audience.Suppressions.AddAsync(1, "a@example.org", null, null, "api", default, expiresAt: audience.Time.GetUtcNow()));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_list_is_searched_and_paged(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        foreach (var email in new[] { "ada@example.org", "bob@example.com", "@example.org", "carol@example.org" }) await audience.Suppressions.AddAsync(1, email, null, null, "api", default);
        await audience.Suppressions.AddAsync(2, "other@example.org", null, null, "api", default);

        var first = await audience.Suppressions.ListAsync(1, null, 2, default, "EXAMPLE.org");
        var second = await audience.Suppressions.ListAsync(1, first.Next, 2, default, "example.org");

        Assert.Equal(["@example.org", "ada@example.org"], first.Items.Select(s => s.Email));
        Assert.Equal(["carol@example.org"], second.Items.Select(s => s.Email));
        Assert.Null(second.Next);
        Assert.Empty((await audience.Suppressions.ListAsync(1, null, 2, default, "%")).Items);
    }

    [Theory]
    [InlineData("@")]
    [InlineData("@org")]
    [InlineData("@exa mple.org")]
    [InlineData("@@example.org")]
    [InlineData("#abc")]
    public async Task What_is_no_domain_is_refused(string email)
    {
        await using var audience = await AudienceFixture.CreateAsync(DatabaseKind.Sqlite);
        Assert.Equal("email", (await Assert.ThrowsAsync<InvalidInputException>(() => audience.Suppressions.AddAsync(1, email, null, null, "api", default))).Field);
    }

    private static Task<IReadOnlyDictionary<long, Suppression>> AmongAsync(AudienceFixture audience, MessageStream stream, IEnumerable<long> ids) =>
        audience.Database.ReadAsync(s => audience.Suppressions.AmongAsync(s, 1, stream, [.. ids], default), default);

    private static Task<Suppression?> FindAsync(AudienceFixture audience, MessageStream stream, string email) =>
        audience.Database.ReadAsync(s => audience.Suppressions.FindAsync(s, 1, stream, email, default), default);

    private static Task<long> CountAsync(AudienceFixture audience) =>
        audience.Database.ReadAsync(s => s.ScalarAsync<long>("SELECT count(*) FROM suppression", default), default);
}
