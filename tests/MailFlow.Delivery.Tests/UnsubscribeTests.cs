using System.Buffers.Text;
using System.Text;
using System.Text.RegularExpressions;
using MailFlow.Audience;
using MailFlow.Delivery.Unsubscribing;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests;

public sealed partial class UnsubscribeTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Looking_at_the_link_does_nothing_and_acting_on_it_stops_the_next_mail(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var contact = await fixture.ContactAsync("ada");
        await fixture.QueueAsync(contact);
        await fixture.SendAllAsync();
        var token = await TokenOfCapturedMailAsync(fixture);
        var next = await fixture.QueueAsync(contact);

        var page = await fixture.Get<Unsubscribe>().ReadAsync(token, default);
        var suppressedByLooking = (await fixture.Get<Suppressions>().ListAsync(1, null, 10, default)).Items;
        Assert.True(await fixture.Get<Unsubscribe>().ActAsync(token, default));
        Assert.True(await fixture.Get<Unsubscribe>().ActAsync(token, default));
        await fixture.SendAllAsync();

        Assert.Equal(new UnsubscribePage("ada@example.org", "Shop", false), page);
        Assert.Empty(suppressedByLooking);
        Assert.Equal((MessageState.Suppressed, "not sent: suppressed for marketing after unsubscribing on 5 January 2026"), await fixture.StateAsync(next));
        var suppression = Assert.Single((await fixture.Get<Suppressions>().ListAsync(1, null, 10, default)).Items);
        Assert.Equal(("ada@example.org", "unsubscribed", "marketing", "unsubscribe"), (suppression.Email, suppression.Reason, suppression.Scope, suppression.Source));
        Assert.True((await fixture.Get<Unsubscribe>().ReadAsync(token, default))!.Unsubscribed);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task It_withdraws_the_consent_the_mail_was_sent_under_once(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var contact = await fixture.ContactAsync("ada");
        var consents = fixture.Get<Consents>();
        await fixture.Database.WriteAsync(session => consents.RecordAsync(session, [new Consent(1, contact.Id, "newsletter", true, "test", fixture.Time.GetUtcNow())], default), default);
        var id = await fixture.QueueAsync(contact, message => message with { Purpose = "newsletter" });
        await fixture.SendAllAsync();
        var token = await TokenOfCapturedMailAsync(fixture);

        await fixture.Get<Unsubscribe>().ActAsync(token, default);
        await fixture.Get<Unsubscribe>().ActAsync(token, default);

        var history = await fixture.Database.ReadAsync(session => consents.HistoryAsync(session, 1, contact.Id, default), default);
        Assert.Equal([("newsletter", true, "test"), ("newsletter", false, "unsubscribe"), ("marketing", false, "unsubscribe")], history.Select(consent => (consent.Purpose, consent.Granted, consent.Source)));
        Assert.Contains(id.ToString(), history[^1].Evidence);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_old_mails_link_works_for_the_address_it_went_to_and_the_present_one(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        await fixture.SendAllAsync();
        var token = await TokenOfCapturedMailAsync(fixture);
        await fixture.ContactAsync("ada", "ada@new.example");
        await fixture.Database.WriteAsync(session => session.ExecuteAsync("DELETE FROM message", default), default);

        Assert.True(await fixture.Get<Unsubscribe>().ActAsync(token, default));

        Assert.Equal(
            ["ada@example.org", "ada@new.example"],
            (await fixture.Get<Suppressions>().ListAsync(1, null, 10, default)).Items.Select(suppression => suppression.Email).Order());
    }

    // Seen red.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Whoever_only_paused_is_offered_to_unsubscribe_for_good(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var contact = await fixture.ContactAsync("ada");
        var id = await fixture.QueueAsync(contact);
        await fixture.SendAllAsync();
        var token = await TokenOfCapturedMailAsync(fixture);
        await fixture.Get<Preferences>().ActAsync(await PreferencesTokenAsync(fixture, contact.Id, id), new PreferenceChoice.Pause(30), new Visitor(null, null), default);

        Assert.False((await fixture.Get<Unsubscribe>().ReadAsync(token, default))!.Unsubscribed);
        await fixture.Get<Unsubscribe>().ActAsync(token, default);
        Assert.True((await fixture.Get<Unsubscribe>().ReadAsync(token, default))!.Unsubscribed);
    }

    // Seen red.
    /// <summary>Mail to it is stopped, but not because the contact said so: it may come again.</summary>
    [Theory]
    [InlineData("soft_bounce", "marketing", 7)]
    [InlineData("listed_at_provider", "marketing", null)]
    [InlineData("manual", "all", null)]
    [InlineData("hard_bounce", "all", null)]
    [InlineData("unsubscribed", "marketing", 7)]
    public async Task Whose_address_is_suppressed_for_another_reason_is_offered_to_unsubscribe(string reason, string scope, int? days)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(DatabaseKind.Sqlite);
        await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        await fixture.SendAllAsync();
        var token = await TokenOfCapturedMailAsync(fixture);
        await fixture.Get<Suppressions>().AddAsync(1, "ada@example.org", reason, scope, "test", default, null, days is { } until ? fixture.Time.GetUtcNow().AddDays(until) : null);

        Assert.False((await fixture.Get<Unsubscribe>().ReadAsync(token, default))!.Unsubscribed);
        await fixture.Get<Unsubscribe>().ActAsync(token, default);
        Assert.True((await fixture.Get<Unsubscribe>().ReadAsync(token, default))!.Unsubscribed);
    }

    // Seen red.
    [Theory]
    [InlineData(DatabaseKind.Sqlite, "topic")]
    [InlineData(DatabaseKind.Sqlite, "moved")]
    [InlineData(DatabaseKind.PostgreSql, "topic")]
    [InlineData(DatabaseKind.PostgreSql, "moved")]
    public async Task The_same_file_imported_again_does_not_undo_what_the_person_withdrew_meanwhile(DatabaseKind kind, string how)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        await fixture.Get<Purposes>().PutAsync(1, "news", "News", "Once a month.", true, 1, default);
        await ImportAsync("ada@example.org");
        var contact = await fixture.ContactAsync("ada", "ada@example.org");
        var first = await fixture.QueueAsync(contact, message => message with { Purpose = "news" });
        await fixture.SendAllAsync();
        Assert.Equal(MessageState.Accepted, (await fixture.StateAsync(first)).State);
        fixture.Time.Advance(TimeSpan.FromMinutes(1));
        if (how == "topic") // unticked at the preference centre
            await fixture.Get<Preferences>().ActAsync(await PreferencesTokenAsync(fixture, contact.Id, first), new PreferenceChoice.Topics(new HashSet<string>()), new Visitor(null, null), default);
        else await fixture.Get<Unsubscribe>().ActAsync(await TokenOfCapturedMailAsync(fixture), default, oneClick: true);
        fixture.Time.Advance(TimeSpan.FromMinutes(1));

        await ImportAsync(how == "moved" ? "ada@new.example" : "ada@example.org");

        var next = await fixture.QueueAsync(contact, message => message with { Purpose = "news" });
        await fixture.SendAllAsync();
        Assert.Equal(MessageState.Suppressed, (await fixture.StateAsync(next)).State);

        async Task ImportAsync(string email)
        {
            using var csv = new MemoryStream(Encoding.UTF8.GetBytes($"user_id,email,consents.news\nada,{email},true\n"));
            await fixture.Get<Audience.Importing.ContactImport>().ImportAsync(1, csv, false, default);
        }
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task It_acts_in_its_own_account_only(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        await fixture.ContactAsync("ada", account: 2);
        await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        await fixture.SendAllAsync();

        await fixture.Get<Unsubscribe>().ActAsync(await TokenOfCapturedMailAsync(fixture), default);

        Assert.Single((await fixture.Get<Suppressions>().ListAsync(1, null, 10, default)).Items);
        Assert.Empty((await fixture.Get<Suppressions>().ListAsync(2, null, 10, default)).Items);
    }

    [Fact]
    public void A_token_with_any_bit_changed_is_refused()
    {
        var key = new SigningKey(1, [.. Enumerable.Range(0, 32).Select(i => (byte)i)]);
        var subject = new UnsubscribeSubject(1, 42, Guid.Parse("01890000-0000-7000-8000-000000000001"), "ada@example.org");
        var token = UnsubscribeToken.Write(subject, key);
        Assert.True(UnsubscribeToken.TryRead(token, [key], out var read));
        Assert.Equal(subject, read);

        var bytes = Base64Url.DecodeFromChars(token);
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(UnsubscribeToken.TryRead(Base64Url.EncodeToString(bytes), [key], out _));
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
        for (var length = 0; length < token.Length; length++) Assert.False(UnsubscribeToken.TryRead(token[..length], [key], out _));
        Assert.All(["", "x", "%%%", new string('A', 5000), token + "AAAA"], text => Assert.False(UnsubscribeToken.TryRead(text, [key], out _)));
    }

    [Fact]
    public void After_a_rotation_old_links_still_work_and_a_strangers_key_does_not()
    {
        var (old, current, stranger) = (Key(1, 1), Key(2, 2), Key(1, 3));
        var subject = new UnsubscribeSubject(1, 42, Guid.Empty, "ada@example.org");

        Assert.True(UnsubscribeToken.TryRead(UnsubscribeToken.Write(subject, old), [current, old], out _));
        Assert.False(UnsubscribeToken.TryRead(UnsubscribeToken.Write(subject, old), [current], out _));
        Assert.False(UnsubscribeToken.TryRead(UnsubscribeToken.Write(subject, stranger), [current, old], out _));

        static SigningKey Key(byte id, byte fill) => new(id, [.. Enumerable.Repeat(fill, 32)]);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_installations_own_key_outlives_a_restart(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        await fixture.SendAllAsync();
        var token = await TokenOfCapturedMailAsync(fixture);

        fixture.Start();

        Assert.NotNull(await fixture.Get<Unsubscribe>().ReadAsync(token, default));
        Assert.Null(await fixture.Get<Unsubscribe>().ReadAsync(token[..^2] + "xx", default));
        Assert.False(await fixture.Get<Unsubscribe>().ActAsync("nonsense", default));
    }

    internal static async Task<string> TokenOfCapturedMailAsync(DeliveryFixture fixture)
    {
        var mail = (await fixture.Get<SandboxMailbox>().ListAsync(1, null, null, 10, default)).Items[^1];
        return Link().Match((string)mail.Headers["List-Unsubscribe"]!).Groups[1].Value;
    }

    private static async Task<string> PreferencesTokenAsync(DeliveryFixture fixture, long contactId, Guid messageId) => UnsubscribeToken.Write(
        new(1, contactId, messageId, "ada@example.org"), (await fixture.Get<SigningKeys>().AllAsync(default))[0], preferences: true);

    [GeneratedRegex("^<https://mail\\.example\\.org/unsubscribe/([A-Za-z0-9_-]+)>$")]
    private static partial Regex Link();
}
