using MailFlow.Delivery.Unsubscribing;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Reports;

/// <summary>That a contact left by a link of ours, for a journey that waits for it.</summary>
public sealed class LeavingEventTests
{
    private static readonly Visitor Ada = new("203.0.113.7", "Mail/1.0");

    // Seen red: a journey that waited for it heard of those alone who had left at the provider.
    [Theory]
    [InlineData(DatabaseKind.Sqlite, "link")]
    [InlineData(DatabaseKind.Sqlite, "one_click")]
    [InlineData(DatabaseKind.Sqlite, "preferences")]
    [InlineData(DatabaseKind.PostgreSql, "one_click")]
    [InlineData(DatabaseKind.PostgreSql, "preferences")]
    public async Task Whoever_leaves_by_our_own_means_raises_what_a_providers_report_raises_and_once(DatabaseKind kind, string how)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var journey = await fixture.Delivery.JourneyAsync();
        var id = await fixture.SentAsync(with: message => message with { JourneyId = journey, ActivityId = "send-welcome" });
        var subject = new UnsubscribeSubject(1, (await fixture.Delivery.ContactAsync("ada")).Id, id, "ada@example.org");
        var left = fixture.Now;

        for (var i = 0; i < 2; i++)
        {
            await LeaveAsync(fixture, subject, how);
            fixture.Delivery.Time.Advance(TimeSpan.FromHours(1));
        }
        await fixture.ReportAsync(fixture.Report(FeedbackKind.Unsubscribed, id)); // the provider has its own button

        var (type, payload) = Assert.Single(await fixture.EventsAsync());
        Assert.Equal(("email_unsubscribed", id.ToString(), "welcome", "welcome-series", "send-welcome", 4),
            (type, payload["message_id"], payload["template"], payload["journey"], payload["activity_id"], payload.Count));
        Assert.Equal(left, (await fixture.FeedbackAsync(id))!.UnsubscribedAt);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_topic_given_up_a_pause_and_a_mail_that_is_not_known_any_more_raise_nothing(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        await fixture.Delivery.Get<Audience.Purposes>().PutAsync(1, "news", "News", null, true, 1, default);
        var id = await fixture.SentAsync();
        var subject = new UnsubscribeSubject(1, (await fixture.Delivery.ContactAsync("ada")).Id, id, "ada@example.org");

        foreach (PreferenceChoice choice in new PreferenceChoice[] { new PreferenceChoice.Topics(new HashSet<string> { "news" }), new PreferenceChoice.Topics(new HashSet<string>()), new PreferenceChoice.Pause(30) })
            await ChooseAsync(fixture, subject, choice);
        foreach (var how in new[] { "link", "preferences" }) await LeaveAsync(fixture, subject with { MessageId = Guid.Empty }, how);

        Assert.Empty(await fixture.EventsAsync());
        Assert.Null((await fixture.FeedbackAsync(id))?.UnsubscribedAt);
        Assert.Single(await fixture.SuppressionsAsync("ada@example.org"));
    }

    private static async Task LeaveAsync(FeedbackFixture fixture, UnsubscribeSubject subject, string how)
    {
        if (how == "preferences") await ChooseAsync(fixture, subject, new PreferenceChoice.UnsubscribeFromAll());
        else Assert.True(await fixture.Delivery.Get<Unsubscribe>().ActAsync(UnsubscribeToken.Write(subject, await KeyAsync(fixture)), default, Ada, how == "one_click"));
    }

    private static async Task ChooseAsync(FeedbackFixture fixture, UnsubscribeSubject subject, PreferenceChoice choice) =>
        Assert.True(await fixture.Delivery.Get<Preferences>().ActAsync(UnsubscribeToken.Write(subject, await KeyAsync(fixture), preferences: true), choice, Ada, default));

    private static async Task<SigningKey> KeyAsync(FeedbackFixture fixture) => (await fixture.Delivery.Get<SigningKeys>().AllAsync(default))[0];
}
