using System.Buffers.Text;
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

    [GeneratedRegex("^<https://mail\\.example\\.org/unsubscribe/([A-Za-z0-9_-]+)>$")]
    private static partial Regex Link();
}
