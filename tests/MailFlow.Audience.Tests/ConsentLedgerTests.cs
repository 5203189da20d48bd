using MailFlow.Data;
using MailFlow.Testing;

namespace MailFlow.Audience.Tests;

/// <summary>What makes a consent demonstrable, and when it ends.</summary>
public sealed class ConsentLedgerTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_implied_consent_ends_when_the_law_says(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contact = (await audience.CreateAsync(1, "ada"))[0];
        var bought = audience.Time.GetUtcNow().AddMonths(-23);
        Assert.True((await audience.Contacts.RecordConsentAsync(1, "ada", new("offers", true, "implied", "purchase", Jurisdiction: "CA", GivenAt: bought), default)).Recorded);

        Assert.Equal([contact.Id], await GrantedAsync());
        audience.Time.Advance(bought.AddMonths(24) - audience.Time.GetUtcNow());
        Assert.Empty(await GrantedAsync());
        Assert.False((await audience.Contacts.FindAsync(1, "ada", default))!.Consents["offers"]);
        Assert.True((await audience.Contacts.RecordConsentAsync(1, "ada", new("offers", true, "implied", "inquiry"), default)).Recorded);
        Assert.Equal([contact.Id], await GrantedAsync());
        audience.Time.Advance(TimeSpan.FromDays(184));
        Assert.Empty(await GrantedAsync());

        Task<IReadOnlySet<long>> GrantedAsync() => audience.Database.ReadAsync(s => audience.Consents.GrantedAsync(s, 1, "offers", [contact.Id], default), default);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_implied_consent_never_takes_the_place_of_an_express_one(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        await audience.CreateAsync(1, "ada");
        Assert.True(await RecordAsync(new("offers", true, "implied", "inquiry")));
        Assert.False(await RecordAsync(new("offers", true, "implied", "inquiry", GivenAt: audience.Time.GetUtcNow().AddDays(-1))));
        Assert.True(await RecordAsync(new("offers", true, Wording: "Send me offers", WordingVersion: "1")));
        Assert.False(await RecordAsync(new("offers", true, "implied", "purchase")));
        Assert.False(await RecordAsync(new("offers", true, Wording: "Send me offers", WordingVersion: "1")));
        Assert.True(await RecordAsync(new("offers", true, Wording: "Send me offers weekly", WordingVersion: "2")));
        Assert.True(await RecordAsync(new("offers", false)));
        Assert.False(await RecordAsync(new("offers", false)));

        var entries = (await audience.Contacts.ConsentsAsync(1, await audience.Contacts.IdOfAsync(1, "ada", default), null, 10, default)).Items;
        Assert.Equal(["False  ", "True express 2", "True express 1", "True implied "], entries.Select(entry => $"{entry.Granted} {entry.Basis} {entry.WordingVersion}"));

        async Task<bool> RecordAsync(ConsentGiven given) => (await audience.Contacts.RecordConsentAsync(1, "ada", given, default)).Recorded;
    }

    public static TheoryData<DatabaseKind, string, string> Refusals()
    {
        var cases = new TheoryData<DatabaseKind, string, string>();
        foreach (var kind in new[] { DatabaseKind.Sqlite, DatabaseKind.PostgreSql })
            foreach (var basis in ConsentBasis.All.Where(basis => basis != ConsentBasis.Express))
                foreach (var refused in new[] { "offers", Consents.Marketing }) cases.Add(kind, basis, refused);
        return cases;
    }

    // Seen red: he who had left the newsletter was mailed for having bought something.
    [Theory, MemberData(nameof(Refusals))]
    public async Task Who_has_refused_is_asked_and_not_mailed_on_another_basis(DatabaseKind kind, string basis, string refused)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contact = (await audience.CreateAsync(1, "bob"))[0];
        await RecordAsync(new("offers", true));
        await RecordAsync(new(refused, false));
        var given = new ConsentGiven("offers", true, basis, basis == ConsentBasis.Implied ? "purchase" : null);

        Assert.Equal(new(false, true), await RecordAsync(given));
        if (refused == Consents.Marketing) Assert.Equal(new(false, true), await RecordAsync(given with { Purpose = refused }));
        Assert.False(await IsMailedAsync());
        Assert.Equal(new(true, false), await RecordAsync(new("offers", true)));
        Assert.True(await IsMailedAsync());
        await RecordAsync(given); // nor does it take the place of the word that overrules a refusal of marketing
        Assert.True(await IsMailedAsync());

        Task<ConsentRecorded> RecordAsync(ConsentGiven said)
        {
            audience.Time.Advance(TimeSpan.FromMinutes(1));
            return audience.Contacts.RecordConsentAsync(1, "bob", said, default);
        }

        Task<bool> IsMailedAsync() => audience.Database.ReadAsync(async session => (await audience.Consents.GrantedAsync(session, 1, "offers", [contact.Id], default)).Count == 1
            && (await audience.Consents.RefusedMarketingAsync(session, 1, "offers", [contact.Id], default)).Count == 0, default);
    }

    // Seen red: what an application filled in afterwards, of long ago, undid what the person had withdrawn meanwhile.
    [Theory]
    [InlineData(DatabaseKind.Sqlite, "offers")]
    [InlineData(DatabaseKind.Sqlite, "marketing")]
    [InlineData(DatabaseKind.PostgreSql, "offers")]
    [InlineData(DatabaseKind.PostgreSql, "marketing")]
    public async Task A_yes_from_before_a_refusal_does_not_undo_it(DatabaseKind kind, string refused)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        await audience.CreateAsync(1, "bob");
        await RecordAsync(new("offers", true));
        var before = audience.Time.GetUtcNow();
        await RecordAsync(new(refused, false));
        var after = audience.Time.GetUtcNow().AddMinutes(1);
        audience.Time.Advance(TimeSpan.FromDays(1));

        foreach (var purpose in new[] { "offers", refused }) Assert.Equal(new(false, true), await RecordAsync(new(purpose, true, GivenAt: before)));
        Assert.Equal(new(true, false), await RecordAsync(new("offers", true, GivenAt: after)));

        Task<ConsentRecorded> RecordAsync(ConsentGiven said)
        {
            audience.Time.Advance(TimeSpan.FromMinutes(1));
            return audience.Contacts.RecordConsentAsync(1, "bob", said, default);
        }
    }

    [Theory]
    [InlineData("newsletter", "guessed", null, "basis")]
    [InlineData("News Letter", "express", null, "purpose")]
    [InlineData("newsletter", "implied", null, "implied_by")]
    [InlineData("newsletter", "express", "purchase", "implied_by")]
    [InlineData("newsletter", "implied", "gift", "implied_by")]
    public async Task What_is_no_consent_is_refused_by_name(string purpose, string basis, string? impliedBy, string field)
    {
        await using var audience = await AudienceFixture.CreateAsync(DatabaseKind.Sqlite);
        await audience.CreateAsync(1, "ada");
        Assert.Equal(field, (await Assert.ThrowsAsync<InvalidInputException>(() => audience.Contacts.RecordConsentAsync(1, "ada", new(purpose, true, basis, impliedBy), default))).Field);
        await Assert.ThrowsAsync<NotFoundException>(() => audience.Contacts.RecordConsentAsync(2, "ada", new("newsletter", true), default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_purpose_counts_its_wordings_and_belongs_to_its_account(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var purposes = audience.Get<Purposes>();
        await purposes.PutAsync(1, "offers", "Offers", null, true, 2, default);
        await purposes.PutAsync(1, "newsletter", "Newsletter", "Once a month.", true, 1, default);
        var same = await purposes.PutAsync(1, "offers", "Offers", "", false, 3, default);
        var other = await purposes.PutAsync(1, "offers", "Offers", "Up to 50 % off.", true, 3, default);

        Assert.Equal((1, 2), (same.Version, other.Version));
        Assert.Equal(["newsletter", "offers"], (await purposes.ListAsync(1, default)).Select(purpose => purpose.Key));
        Assert.Empty(await purposes.ListAsync(2, default));
        Assert.False(await purposes.DeleteAsync(2, "offers", default));
        Assert.True(await purposes.DeleteAsync(1, "offers", default));
        Assert.Equal("name", (await Assert.ThrowsAsync<InvalidInputException>(() => purposes.PutAsync(1, "x", "two\r\nlines", null, true, 0, default))).Field);
    }
}
