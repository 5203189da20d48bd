using MailFlow.Audience;
using MailFlow.Delivery.Unsubscribing;
using MailFlow.Engine.Activities;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests;

/// <summary>Double opt-in.</summary>
public sealed class ConfirmationTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_button_records_an_express_consent_and_raises_one_event_however_often_it_is_pressed(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        await fixture.Get<Purposes>().PutAsync(1, "news", "News", "Once a month.", true, 1, default);
        await fixture.Get<Suppressions>().AddAsync(1, "ada@example.org", "unsubscribed", "marketing", "unsubscribe", default);
        var (contact, id, token) = await AskedAsync(fixture);

        var page = await fixture.Get<Confirmation>().ReadAsync(token, default);
        Assert.Empty(await HistoryAsync(fixture, contact));
        var visitor = new Visitor("203.0.113.7", "Browser");
        Assert.True(await fixture.Get<Confirmation>().ActAsync(token, visitor, default));
        Assert.True(await fixture.Get<Confirmation>().ActAsync(token, visitor, default));

        Assert.Equal(new ConfirmPage("ada@example.org", "Shop", "News: Once a month.", false), page);
        var consent = (await HistoryAsync(fixture, contact))[^1];
        Assert.Equal(("news", true, "double_opt_in", new ConsentProof("express", "News: Once a month.", "1", "203.0.113.7", "Browser", null, id)), (consent.Purpose, consent.Granted, consent.Source, consent.Proof));
        Assert.Empty((await fixture.Get<Suppressions>().ListAsync(1, null, 10, default)).Items);
        var raised = Assert.Single(await fixture.Database.ReadAsync(session => session.QueryAsync("SELECT user_id, body FROM inbox WHERE kind = 1", row => (User: row.Text(0), Body: row.Text(1)), default), default));
        Assert.Equal("ada", raised.User);
        Assert.Contains("\"event_type\":\"consent_confirmed\"", raised.Body);
        Assert.Contains($"\"purpose\":\"news\",\"message_id\":\"{id}\"", raised.Body);
    }

    // Seen red: the next mail of a journey without a purpose went to both.
    /// <summary>The suppression came with a file, so that nobody's refusal stood beside it.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Of_an_address_that_had_unsubscribed_only_what_was_said_yes_to_goes_again_to_whomever_it_belongs(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var early = await fixture.ContactAsync("early", "ada@example.org");
        await fixture.Get<Contacts>().RecordConsentAsync(1, "early", new(Consents.Marketing, true), default);
        fixture.Time.Advance(TimeSpan.FromMinutes(1));
        await fixture.Get<Suppressions>().AddAsync(1, "ada@example.org", "unsubscribed", "marketing", "import", default);
        var (contact, _, token) = await AskedAsync(fixture);
        var (twin, late) = (await fixture.ContactAsync("twin", "Ada@example.org"), await fixture.ContactAsync("late", "ada@example.org"));
        fixture.Time.Advance(TimeSpan.FromDays(1));
        await fixture.Get<Contacts>().RecordConsentAsync(1, "late", new(Consents.Marketing, true), default);

        for (var i = 0; i < 2; i++) Assert.True(await fixture.Get<Confirmation>().ActAsync(token, new Visitor(null, null), default));
        Guid[] goes = [await fixture.QueueAsync(contact, message => message with { Purpose = "news" }), await fixture.QueueAsync(late)];
        Guid[] stays = [await fixture.QueueAsync(contact), await fixture.QueueAsync(twin), await fixture.QueueAsync(early)];
        await fixture.SendAllAsync();

        foreach (var id in goes) Assert.Equal(MessageState.Accepted, (await fixture.StateAsync(id)).State);
        foreach (var id in stays) Assert.Equal((MessageState.Suppressed, "not sent: the contact has refused marketing mail"), await fixture.StateAsync(id));
        var history = await HistoryAsync(fixture, contact);
        Assert.Equal([("marketing", false, "unsubscribe"), ("news", true, "double_opt_in")], history.Select(consent => (consent.Purpose, consent.Granted, consent.Source)));
        Assert.Equal("the address unsubscribed on 2026-01-05 (import); a yes to news ended that for no other mail", history[0].Evidence);
        Assert.True(Assert.Single(await HistoryAsync(fixture, late)).Granted);
    }

    // Seen red: the consent stood without its event.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_consent_whose_event_cannot_be_taken_in_is_not_recorded_and_a_second_press_does_both(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var (contact, _, token) = await AskedAsync(fixture);
        await ExecuteAsync("ALTER TABLE inbox RENAME TO inbox_away");
        await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() => fixture.Get<Confirmation>().ActAsync(token, new Visitor(null, null), default));
        Assert.Empty(await HistoryAsync(fixture, contact));

        await ExecuteAsync("ALTER TABLE inbox_away RENAME TO inbox");
        Assert.True(await fixture.Get<Confirmation>().ActAsync(token, new Visitor(null, null), default));

        Assert.Single(await HistoryAsync(fixture, contact));
        Assert.Equal(1, await fixture.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM inbox", default), default));

        Task ExecuteAsync(string sql) => fixture.Database.WriteAsync(session => session.ExecuteAsync(sql, default), default);
    }

    // Seen red: it said neither who asked nor how to be left alone, though asking for consent is itself a commercial message (CASL, s. 1(3)).
    [Theory]
    [InlineData(DatabaseKind.Sqlite, "1 High Street", true)]
    [InlineData(DatabaseKind.PostgreSql, "1 High Street", true)]
    [InlineData(DatabaseKind.Sqlite, null, false)]
    public async Task The_question_shows_the_postal_address_and_a_way_out_and_is_no_marketing_mail_all_the_same(DatabaseKind kind, string? address, bool isComplete)
    {
        OutgoingEmail? sent = null;
        await using var fixture = await DeliveryFixture.CreateAsync(kind, new StubProvider { OnSend = email => sent = email });
        fixture.Options = fixture.Options with { Sender = fixture.Options.Sender with { PostalAddress = address } };
        fixture.Start();
        var id = await AskAsync(fixture, await fixture.ContactAsync("ada"));

        // One from before its sender's address was asked for still goes: it cannot wait as marketing mail does.
        Assert.Equal(MessageState.Accepted, (await fixture.StateAsync(id)).State);
        foreach (var part in new[] { sent!.Html, sent.Text })
            Assert.Equal((isComplete, isComplete), (part.Contains("1 High Street", StringComparison.Ordinal), part.Contains("/unsubscribe/", StringComparison.Ordinal)));
        Assert.Equal(Engine.Definitions.MessageStream.Transactional, sent.Stream);
        Assert.DoesNotContain(sent.Headers, header => header.Name.StartsWith("List-", StringComparison.Ordinal));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task After_its_time_a_link_confirms_nothing(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var (contact, _, token) = await AskedAsync(fixture);

        fixture.Time.Advance(TimeSpan.FromDays(14));

        Assert.True((await fixture.Get<Confirmation>().ReadAsync(token, default))!.Expired);
        Assert.False(await fixture.Get<Confirmation>().ActAsync(token, new Visitor(null, null), default));
        Assert.Empty(await HistoryAsync(fixture, contact));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task It_confirms_the_address_it_was_sent_to_and_no_other(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var (contact, _, token) = await AskedAsync(fixture);
        await fixture.ContactAsync("ada", "ada@new.example");

        Assert.Null(await fixture.Get<Confirmation>().ReadAsync(token, default));
        Assert.False(await fixture.Get<Confirmation>().ActAsync(token, new Visitor(null, null), default));
        Assert.Empty(await HistoryAsync(fixture, contact));
    }

    [Fact]
    public void A_token_with_any_bit_changed_is_refused_and_a_later_end_cannot_be_written_in()
    {
        var key = new SigningKey(1, [.. Enumerable.Range(0, 32).Select(i => (byte)i)]);
        var subject = new ConfirmSubject(new UnsubscribeSubject(1, 42, Guid.Empty, "ada@example.org"), "news", DateTimeOffset.FromUnixTimeMilliseconds(1_767_225_600_000));
        var token = ConfirmToken.Write(subject, key);
        Assert.Equal(subject, ConfirmToken.Read(token, [key]));

        var bytes = System.Buffers.Text.Base64Url.DecodeFromChars(token);
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Null(ConfirmToken.Read(System.Buffers.Text.Base64Url.EncodeToString(bytes), [key]));
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
        Assert.All(["", "x", "%%%", new string('A', 5000), token[..^4]], text => Assert.Null(ConfirmToken.Read(text, [key])));
        Assert.False(UnsubscribeToken.TryRead(token, [key], out _));
        Assert.False(UnsubscribeToken.TryRead(token, [key], out _, preferences: true));
    }

    private static async Task<(Contact Contact, Guid Message, string Token)> AskedAsync(DeliveryFixture fixture)
    {
        var contact = await fixture.ContactAsync("ada");
        var id = await AskAsync(fixture, contact);
        var html = (await fixture.Get<SandboxMailbox>().ListAsync(1, null, null, 10, default)).Items[^1].Html;
        const string before = "https://mail.example.org/confirm/";
        var from = html.IndexOf(before, StringComparison.Ordinal) + before.Length;
        return (contact, id, html[from..html.IndexOf('"', from)]);
    }

    private static async Task<Guid> AskAsync(DeliveryFixture fixture, Contact contact)
    {
        await fixture.TemplateAsync("welcome", "Please confirm", "<p><a href=\"{{confirm_url}}\">Confirm</a></p>");
        var id = await fixture.QueueAsync(contact, message => message with
        {
            TemplateVersion = 2,
            Stream = Engine.Definitions.MessageStream.Transactional,
            Snapshot = """{"trigger":{},"journey":{"id":"double-opt-in","name":"Double opt-in"},"confirm":"news"}""",
        });
        await fixture.SendAllAsync();
        return id;
    }

    private static Task<IReadOnlyList<Consent>> HistoryAsync(DeliveryFixture fixture, Contact contact) =>
        fixture.Database.ReadAsync(session => fixture.Get<Consents>().HistoryAsync(session, 1, contact.Id, default), default);
}
