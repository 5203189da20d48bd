using MailFlow.Audience;
using MailFlow.Delivery.Unsubscribing;
using MailFlow.Engine.Activities;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests;

/// <summary>The preference centre: topics, a pause, and leaving.</summary>
public sealed class PreferencesTests
{
    private static readonly Visitor Ada = new("203.0.113.7", "Mail\r\n/1.0");

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Looking_changes_nothing_and_topics_are_agreed_to_and_withdrawn_with_their_wording(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var (contact, token) = await SentAsync(fixture);

        var page = await fixture.Get<Preferences>().ReadAsync(token, default);
        Assert.Empty(await HistoryAsync(fixture, contact));
        Assert.True(await ActAsync(fixture, token, new PreferenceChoice.Topics(new HashSet<string> { "news", "secret", "unknown" })));
        Assert.True(await ActAsync(fixture, token, new PreferenceChoice.Topics(new HashSet<string> { "news" })));
        Assert.True(await ActAsync(fixture, token, new PreferenceChoice.Topics(new HashSet<string>())));

        Assert.Equal(("ada@example.org", "Shop", null, false), (page!.Email, page.SenderName, page.PausedUntil, page.Unsubscribed));
        Assert.Equal([new("news", "News", "Once a month.", false), new PreferenceTopic("offers", "Offers", "", false)], page.Topics);
        var history = await HistoryAsync(fixture, contact);
        Assert.Equal([("news", true), ("news", false)], history.Select(consent => (consent.Purpose, consent.Granted)));
        Assert.Equal(("preference_centre", "express", "News: Once a month.", "1", "203.0.113.7", "Mail/1.0"),
            (history[0].Source, history[0].Proof!.Basis, history[0].Proof!.Wording, history[0].Proof!.WordingVersion, history[0].Proof!.Ip, history[0].Proof!.UserAgent));
        Assert.NotNull(history[0].Proof!.MessageId);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_pause_holds_mail_back_until_it_is_over(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var (contact, token) = await SentAsync(fixture);

        await ActAsync(fixture, token, new PreferenceChoice.Pause(30));
        var during = await fixture.QueueAsync(contact);
        await fixture.SendAllAsync();
        Assert.Equal(fixture.Time.GetUtcNow().AddDays(30), (await fixture.Get<Preferences>().ReadAsync(token, default))!.PausedUntil);
        fixture.Time.Advance(TimeSpan.FromDays(30));
        var after = await fixture.QueueAsync(contact);
        await fixture.SendAllAsync();

        Assert.Equal((MessageState.Suppressed, "not sent: suppressed for marketing at the contact's wish on 5 January 2026 until 4 February 2026"), await fixture.StateAsync(during));
        Assert.Equal(MessageState.Accepted, (await fixture.StateAsync(after)).State);

        await ActAsync(fixture, token, new PreferenceChoice.Pause(90));
        await ActAsync(fixture, token, new PreferenceChoice.Resume());
        var resumed = await fixture.QueueAsync(contact);
        await fixture.SendAllAsync();
        Assert.Equal(MessageState.Accepted, (await fixture.StateAsync(resumed)).State);
    }

    // Seen red: the page was saved with one topic less, and mail of the other came the next day.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Another_choice_of_topics_ends_no_pause(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var (contact, token) = await SentAsync(fixture);
        await ActAsync(fixture, token, new PreferenceChoice.Topics(new HashSet<string> { "news", "offers" }));
        await ActAsync(fixture, token, new PreferenceChoice.Pause(30));

        await ActAsync(fixture, token, new PreferenceChoice.Topics(new HashSet<string> { "news" }));

        var page = (await fixture.Get<Preferences>().ReadAsync(token, default))!;
        Assert.Equal((fixture.Time.GetUtcNow().AddDays(30), "news"), (page.PausedUntil, page.Topics.Single(topic => topic.Subscribed).Key));
        var mail = await fixture.QueueAsync(contact, message => message with { Purpose = "news" });
        await fixture.SendAllAsync();
        Assert.Equal(MessageState.Suppressed, (await fixture.StateAsync(mail)).State);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Leaving_everything_withdraws_all_and_a_pause_or_its_end_does_not_undo_it_but_a_topic_ticked_does(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var (contact, token) = await SentAsync(fixture);
        await ActAsync(fixture, token, new PreferenceChoice.Topics(new HashSet<string> { "news", "offers" }));

        await ActAsync(fixture, token, new PreferenceChoice.UnsubscribeFromAll());
        await ActAsync(fixture, token, new PreferenceChoice.UnsubscribeFromAll());
        await ActAsync(fixture, token, new PreferenceChoice.Pause(30));
        await ActAsync(fixture, token, new PreferenceChoice.Resume());
        fixture.Time.Advance(TimeSpan.FromDays(100));

        var page = (await fixture.Get<Preferences>().ReadAsync(token, default))!;
        Assert.True(page.Unsubscribed);
        Assert.All(page.Topics, topic => Assert.False(topic.Subscribed));
        Assert.Equal(["news", "offers", "news", "offers", "marketing"], (await HistoryAsync(fixture, contact)).Select(consent => consent.Purpose));
        await ActAsync(fixture, token, new PreferenceChoice.Topics(new HashSet<string> { "offers" }));
        page = (await fixture.Get<Preferences>().ReadAsync(token, default))!;
        Assert.Equal((false, "offers"), (page.Unsubscribed, page.Topics.Single(topic => topic.Subscribed).Key));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Whoever_left_everything_stays_away_under_another_address_until_a_topic_is_ticked_there(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var (_, token) = await SentAsync(fixture);
        await ActAsync(fixture, token, new PreferenceChoice.UnsubscribeFromAll());
        fixture.Time.Advance(TimeSpan.FromDays(1));

        var moved = await fixture.ContactAsync("ada", "ada@new.example");
        var (general, receipt) = (await fixture.QueueAsync(moved), await fixture.QueueAsync(moved, message => message with { Stream = Engine.Definitions.MessageStream.Transactional }));
        await fixture.SendAllAsync();
        Assert.Equal((MessageState.Suppressed, "not sent: the contact has refused marketing mail"), await fixture.StateAsync(general));
        Assert.Equal(MessageState.Accepted, (await fixture.StateAsync(receipt)).State);

        var keys = await fixture.Get<SigningKeys>().AllAsync(default);
        await ActAsync(fixture, UnsubscribeToken.Write(new(1, moved.Id, receipt, "ada@new.example"), keys[0], preferences: true), new PreferenceChoice.Topics(new HashSet<string> { "offers" }));
        var (offer, other) = (await fixture.QueueAsync(moved, message => message with { Purpose = "offers" }), await fixture.QueueAsync(moved));
        await fixture.SendAllAsync();
        Assert.Equal([MessageState.Accepted, MessageState.Suppressed], [(await fixture.StateAsync(offer)).State, (await fixture.StateAsync(other)).State]);
    }

    // Seen red: the next mail of a journey without a purpose went.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_topic_ticked_for_an_address_that_a_file_had_unsubscribed_lets_no_other_mail_go(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var (contact, token) = await SentAsync(fixture);
        await fixture.Get<Suppressions>().AddAsync(1, "ada@example.org", "unsubscribed", "marketing", "import", default);
        fixture.Time.Advance(TimeSpan.FromDays(1));

        await ActAsync(fixture, token, new PreferenceChoice.Topics(new HashSet<string> { "news" }));
        var (news, other) = (await fixture.QueueAsync(contact, message => message with { Purpose = "news" }), await fixture.QueueAsync(contact));
        await fixture.SendAllAsync();

        Assert.Equal([MessageState.Accepted, MessageState.Suppressed], [(await fixture.StateAsync(news)).State, (await fixture.StateAsync(other)).State]);
        Assert.Equal("news", (await fixture.Get<Preferences>().ReadAsync(token, default))!.Topics.Single(topic => topic.Subscribed).Key);
    }

    // Seen red: both were ticked, and saving one recorded a new yes.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task After_one_click_no_topic_is_ticked_and_leaving_one_topic_lets_no_mail_of_another_go_again(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var (contact, token) = await SentAsync(fixture);
        await ActAsync(fixture, token, new PreferenceChoice.Topics(new HashSet<string> { "news", "offers" }));
        fixture.Time.Advance(TimeSpan.FromDays(1));
        var key = (await fixture.Get<SigningKeys>().AllAsync(default))[0];
        await fixture.Get<Unsubscribe>().ActAsync(UnsubscribeToken.Write(new(1, contact.Id, Guid.Empty, "ada@example.org"), key), default, Ada, true);
        fixture.Time.Advance(TimeSpan.FromDays(1));
        var moved = await fixture.ContactAsync("ada", "ada@new.example");
        token = UnsubscribeToken.Write(new(1, moved.Id, Guid.Empty, "ada@new.example"), key, preferences: true);

        var page = (await fixture.Get<Preferences>().ReadAsync(token, default))!;
        var ticked = page.Topics.Where(topic => topic.Subscribed).Select(topic => topic.Key).ToHashSet();
        ticked.Remove("news"); // what the browser posts when one box is cleared
        await ActAsync(fixture, token, new PreferenceChoice.Topics(ticked));
        var offer = await fixture.QueueAsync(moved, message => message with { Purpose = "offers" });
        await fixture.SendAllAsync();

        Assert.False(page.Unsubscribed);
        Assert.All(page.Topics, topic => Assert.False(topic.Subscribed));
        Assert.Equal(MessageState.Suppressed, (await fixture.StateAsync(offer)).State);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_complaint_is_not_undone_by_ticking_a_topic(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var (_, token) = await SentAsync(fixture);
        await fixture.Get<Suppressions>().AddAsync(1, "ada@example.org", "complaint", "marketing", "webhook", default);

        await ActAsync(fixture, token, new PreferenceChoice.Topics(new HashSet<string> { "news" }));

        Assert.True((await fixture.Get<Preferences>().ReadAsync(token, default))!.Unsubscribed);
    }

    // Seen red: the page said that all was done, had no button, and nobody wrote down that Ada had left.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_address_that_a_provider_lists_can_still_leave(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var (_, token) = await SentAsync(fixture);
        await fixture.Get<Suppressions>().AddAsync(1, "ada@example.org", SuppressionReason.ListedAtProvider, Suppression.Marketing, "webhook", default);

        Assert.False((await fixture.Get<Preferences>().ReadAsync(token, default))!.Unsubscribed);
        await ActAsync(fixture, token, new PreferenceChoice.UnsubscribeFromAll());
        Assert.True((await fixture.Get<Preferences>().ReadAsync(token, default))!.Unsubscribed);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Whoever_reads_an_address_that_the_contact_has_left_chooses_nothing_for_the_contact(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var (contact, token) = await SentAsync(fixture);
        await ActAsync(fixture, token, new PreferenceChoice.Topics(new HashSet<string> { "news" }));
        await fixture.ContactAsync("ada", "ada@new.example");

        Assert.Empty((await fixture.Get<Preferences>().ReadAsync(token, default))!.Topics);
        await ActAsync(fixture, token, new PreferenceChoice.Topics(new HashSet<string> { "offers" }));

        Assert.Equal(["news"], (await HistoryAsync(fixture, contact)).Select(consent => consent.Purpose));
        Assert.Empty((await fixture.Get<Suppressions>().ListAsync(1, null, 10, default)).Items);
    }

    // Seen red.
    /// <summary>As the unsubscribe link does: it is the person who objects.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Leaving_everything_by_an_old_mails_link_stops_the_present_address_too_and_is_the_contacts_refusal(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var (contact, token) = await SentAsync(fixture);
        await ActAsync(fixture, token, new PreferenceChoice.Topics(new HashSet<string> { "news" }));
        await fixture.ContactAsync("ada", "ada@new.example");

        await ActAsync(fixture, token, new PreferenceChoice.UnsubscribeFromAll());

        Assert.Equal(["ada@example.org", "ada@new.example"], (await fixture.Get<Suppressions>().ListAsync(1, null, 10, default)).Items.Select(suppression => suppression.Email));
        Assert.Equal([("news", true), ("news", false), ("marketing", false)], (await HistoryAsync(fixture, contact)).Select(consent => (consent.Purpose, consent.Granted)));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_token_is_good_for_its_own_page_and_account_alone(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var (contact, token) = await SentAsync(fixture);
        var keys = await fixture.Get<SigningKeys>().AllAsync(default);
        var subject = new UnsubscribeSubject(1, contact.Id, Guid.Empty, "ada@example.org");

        Assert.Null(await fixture.Get<Preferences>().ReadAsync(UnsubscribeToken.Write(subject, keys[0]), default));
        Assert.False(await fixture.Get<Unsubscribe>().ActAsync(token, default));
        Assert.Null(await fixture.Get<Confirmation>().ReadAsync(token, default));
        Assert.False(await ActAsync(fixture, UnsubscribeToken.Write(subject with { AccountId = 2 }, keys[0], preferences: true), new PreferenceChoice.UnsubscribeFromAll()));
        Assert.False(await ActAsync(fixture, UnsubscribeToken.Write(subject, new SigningKey(keys[0].Id, new byte[32]), preferences: true), new PreferenceChoice.UnsubscribeFromAll()));
        Assert.Empty((await fixture.Get<Suppressions>().ListAsync(1, null, 10, default)).Items);
    }

    private static async Task<(Contact Contact, string Token)> SentAsync(DeliveryFixture fixture)
    {
        await fixture.Get<Purposes>().PutAsync(1, "news", "News", "Once a month.", true, 1, default);
        await fixture.Get<Purposes>().PutAsync(1, "offers", "Offers", null, true, 2, default);
        await fixture.Get<Purposes>().PutAsync(1, "secret", "Internal", null, false, 3, default);
        await fixture.Get<Purposes>().PutAsync(2, "other", "Another account's", null, true, 1, default);
        await fixture.TemplateAsync("welcome", "Welcome", "<p><a href=\"{{preferences_url}}\">Choose</a></p>");
        var contact = await fixture.ContactAsync("ada");
        await fixture.QueueAsync(contact, message => message with { TemplateVersion = 2 });
        await fixture.SendAllAsync();
        var html = (await fixture.Get<SandboxMailbox>().ListAsync(1, null, null, 10, default)).Items[^1].Html;
        const string before = "https://mail.example.org/preferences/";
        var from = html.IndexOf(before, StringComparison.Ordinal) + before.Length;
        return (contact, html[from..html.IndexOf('"', from)]);
    }

    private static Task<bool> ActAsync(DeliveryFixture fixture, string token, PreferenceChoice choice) => fixture.Get<Preferences>().ActAsync(token, choice, Ada, default);

    private static Task<IReadOnlyList<Consent>> HistoryAsync(DeliveryFixture fixture, Contact contact) =>
        fixture.Database.ReadAsync(session => fixture.Get<Consents>().HistoryAsync(session, 1, contact.Id, default), default);
}
