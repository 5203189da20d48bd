using MailFlow.Testing;

namespace MailFlow.Audience.Tests;

public sealed class ConsentTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_last_word_of_each_contact_on_each_purpose_counts(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contacts = await audience.CreateAsync(1, "ada", "bob", "cyd", "dan");
        await audience.ApplyAsync(contacts[0], """{"consents":{"news":true,"offers":false}}""");
        await audience.ApplyAsync(contacts[1], """{"consents":{"news":true}}""");
        await audience.ApplyAsync(contacts[1], """{"consents":{"news":false}}""");
        await audience.ApplyAsync(contacts[2], """{"consents":{"news":false}}""");
        await audience.ApplyAsync(contacts[2], """{"consents":{"news":true}}""");

        Assert.Equal([contacts[0].Id, contacts[2].Id], (await GrantedAsync("news")).Order());
        Assert.Empty(await GrantedAsync("offers"));
        Assert.Empty(await GrantedAsync("unheard-of"));

        Task<IReadOnlySet<long>> GrantedAsync(string purpose) => audience.Database.ReadAsync(session =>
            audience.Consents.GrantedAsync(session, 1, purpose, [.. contacts.Select(contact => contact.Id)], default), default);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Each_change_of_mind_is_kept_with_its_source_and_time_and_a_repetition_is_not(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contact = (await audience.CreateAsync(1, "ada"))[0];
        var start = audience.Time.GetUtcNow();
        foreach (var granted in new[] { "true", "true", "false", "true" })
        {
            await audience.ApplyAsync(contact, $$"""{"consents":{"news":{{granted}} } }""");
            audience.Time.Advance(TimeSpan.FromDays(1));
        }

        var history = await audience.Database.ReadAsync(session => audience.Consents.HistoryAsync(session, 1, contact.Id, default), default);

        Assert.Equal(
            [(true, start), (false, start.AddDays(2)), (true, start.AddDays(3))],
            history.Select(consent => (consent.Granted, consent.At)));
        Assert.All(history, consent => Assert.Equal(("news", "event"), (consent.Purpose, consent.Source)));
    }

    // Seen red: the second no to marketing repeated the first, was passed over, and what was said yes to between the two went on.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_refusal_of_marketing_said_again_overrules_what_was_granted_since_the_first(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contact = (await audience.CreateAsync(1, "ada"))[0];
        await SayAsync(false, "news", Consents.Marketing);
        await SayAsync(true, "news", "offers");
        Assert.False(await IsRefusedAsync("offers"));

        await SayAsync(false, "news", Consents.Marketing);
        await SayAsync(false, "news", Consents.Marketing); // and this one is a repetition

        Assert.True(await IsRefusedAsync("offers"));
        Assert.Equal(6, (await audience.Database.ReadAsync(session => audience.Consents.HistoryAsync(session, 1, contact.Id, default), default)).Count);
        await SayAsync(true, "offers");
        Assert.False(await IsRefusedAsync("offers"));

        async Task SayAsync(bool granted, params string[] purposes)
        {
            audience.Time.Advance(TimeSpan.FromMinutes(1));
            await audience.Database.WriteAsync(session => audience.Consents.RecordAsync(session, [.. purposes.Select(purpose => new Consent(
                1, contact.Id, purpose, granted, Consents.OneClick, audience.Time.GetUtcNow(), Proof: granted ? new ConsentProof(ConsentBasis.Express) : null))], default), default);
        }

        Task<bool> IsRefusedAsync(string purpose) => audience.Database.ReadAsync(async session => (await audience.Consents.RefusedMarketingAsync(session, 1, purpose, [contact.Id], default)).Count == 1, default);
    }

    // Purposes before and after "marketing" in the order in which they are written. Seen red: the yes won on the second day, and from the third on by turns.
    [Theory]
    [InlineData(DatabaseKind.Sqlite, "alerts")]
    [InlineData(DatabaseKind.Sqlite, "news")]
    [InlineData(DatabaseKind.PostgreSql, "alerts")]
    [InlineData(DatabaseKind.PostgreSql, "news")]
    public async Task Of_a_record_with_a_no_to_marketing_and_a_yes_the_no_holds_however_often_it_comes(DatabaseKind kind, string purpose)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contact = (await audience.CreateAsync(1, "ada"))[0];
        await SyncAsync("""{"consents":{"marketing":false} }""");
        for (var day = 2; day < 5; day++) Assert.True(await SyncAsync($$"""{"consents":{"marketing":false,"{{purpose}}":true} }"""), $"day {day}");
        Assert.Equal(3, (await HistoryAsync()).Count);

        // What the person says for herself comes between, and the same record again is no word of hers.
        audience.Time.Advance(TimeSpan.FromDays(1));
        await audience.Database.WriteAsync(session => audience.Consents.RecordAsync(session, [new Consent(
            1, contact.Id, purpose, true, "double_opt_in", audience.Time.GetUtcNow(), "confirmation link", new ConsentProof(ConsentBasis.Express))], default), default);
        Assert.False(await SyncAsync($$"""{"consents":{"marketing":false,"{{purpose}}":true} }"""));
        Assert.Equal(4, (await HistoryAsync()).Count);

        async Task<bool> SyncAsync(string record)
        {
            audience.Time.Advance(TimeSpan.FromDays(1));
            await audience.ApplyAsync(contact, record);
            return await audience.Database.ReadAsync(async session => (await audience.Consents.RefusedMarketingAsync(session, 1, purpose, [contact.Id], default)).Count == 1, default);
        }

        Task<IReadOnlyList<Consent>> HistoryAsync() => audience.Database.ReadAsync(session => audience.Consents.HistoryAsync(session, 1, contact.Id, default), default);
    }

    // Seen red.
    [Theory]
    [InlineData(DatabaseKind.Sqlite, "one_click")]
    [InlineData(DatabaseKind.PostgreSql, "one_click")]
    [InlineData(DatabaseKind.Sqlite, "unsubscribe")]
    [InlineData(DatabaseKind.Sqlite, "preference_centre")]
    public async Task What_a_person_withdrew_by_a_link_is_granted_again_by_a_yes_with_a_basis_and_by_no_other(DatabaseKind kind, string source)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contact = (await audience.CreateAsync(1, "ada"))[0];
        await audience.ApplyAsync(contact, """{"consents":{"news":true}}""");
        audience.Time.Advance(TimeSpan.FromMinutes(1));
        await audience.Database.WriteAsync(session => audience.Consents.RecordAsync(session, [new Consent(1, contact.Id, "news", false, source, audience.Time.GetUtcNow())], default), default);
        audience.Time.Advance(TimeSpan.FromMinutes(1));

        // An application that sends along what it has on file, with every event.
        await audience.ApplyAsync(contact, """{"consents":{"news":true}}""");
        Assert.False(await GrantedAsync());
        await audience.Contacts.RecordConsentAsync(1, "ada", new("news", true, Source: "sign-up form"), default);
        Assert.True(await GrantedAsync());

        Task<bool> GrantedAsync() => audience.Database.ReadAsync(async session => (await audience.Consents.GrantedAsync(session, 1, "news", [contact.Id], default)).Count == 1, default);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Evidence_is_kept(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contact = (await audience.CreateAsync(1, "ada"))[0];
        await audience.Database.WriteAsync(session => audience.Consents.RecordAsync(
            session, [new Consent(1, contact.Id, "news", true, "form", audience.Time.GetUtcNow(), "double opt-in from 192.0.2.1")], default), default);

        var history = await audience.Database.ReadAsync(session => audience.Consents.HistoryAsync(session, 1, contact.Id, default), default);

        Assert.Equal("double opt-in from 192.0.2.1", Assert.Single(history).Evidence);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Another_account_sees_no_consent(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contact = (await audience.CreateAsync(1, "ada"))[0];
        await audience.ApplyAsync(contact, """{"consents":{"news":true}}""");

        var granted = await audience.Database.ReadAsync(session => audience.Consents.GrantedAsync(session, 2, "news", [contact.Id], default), default);
        var history = await audience.Database.ReadAsync(session => audience.Consents.HistoryAsync(session, 2, contact.Id, default), default);

        Assert.Empty(granted);
        Assert.Empty(history);
    }
}
