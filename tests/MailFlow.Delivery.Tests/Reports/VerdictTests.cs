using MailFlow.Delivery.Reports;
using MailFlow.Engine.Expressions;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Reports;

/// <summary>Whether a human opened or clicked.</summary>
public sealed class VerdictTests
{
    private const string Chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36";
    private const long Delivered = 1_000_000;

    [Theory]
    [InlineData(Chrome, true)]
    [InlineData(null, true)]
    [InlineData("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", true)]
    [InlineData("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", true)]
    [InlineData("Mozilla/4.0 (compatible; ms-office; MSOffice 16)", true)]
    [InlineData("Mozilla/5.0 (Linux; Android 13; CUBOT KINGKONG) AppleWebKit/537.36", true)]
    [InlineData("Mozilla/5.0", false)]
    [InlineData("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", false)]
    [InlineData("Barracuda Sentinel (EE)", false)]
    [InlineData("Mozilla/5.0 (compatible; proofpoint-urldefense)", false)]
    [InlineData("python-requests/2.31", false)]
    [InlineData("curl/8.5.0", false)]
    [InlineData("facebookexternalhit/1.1", false)]
    [InlineData("WhatsApp/2.23.20 A", false)]
    [InlineData("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0 Safari/537.36", false)]
    public void A_program_tells_by_its_name(string? agent, bool human)
    {
        foreach (var kind in new[] { FeedbackKind.Opened, FeedbackKind.Clicked })
            Assert.Equal(human, Only(Made(kind, 600_000, agent: agent)).Human);
    }

    [Theory]
    [InlineData(-5_000, false, "it came before the mail was delivered")]
    [InlineData(0, false, "it came within two seconds of the delivery")]
    [InlineData(2_000, false, "it came within two seconds of the delivery")]
    [InlineData(2_001, true, null)]
    [InlineData(60_000, true, null)]
    public void A_click_faster_than_anybody_reads_is_a_machines(long after, bool human, string? because) =>
        Assert.Equal(new Verdict(human, because), Only(Made(FeedbackKind.Clicked, after)));

    [Fact]
    public void Several_links_at_once_are_a_scanners_and_one_link_twice_is_not()
    {
        var verdicts = Judge(
            Made(FeedbackKind.Clicked, 60_000, "https://a.example"), Made(FeedbackKind.Clicked, 61_000, "https://b.example"),
            Made(FeedbackKind.Clicked, 90_000, "https://a.example"), Made(FeedbackKind.Clicked, 90_500, "https://a.example"), Made(FeedbackKind.Clicked, 93_000, "https://b.example"));
        Assert.Equal([false, false, true, true, true], verdicts.Select(verdict => verdict.Human));
    }

    [Fact]
    public void Who_followed_the_hidden_link_is_a_machine_with_all_that_it_did_nearby()
    {
        var verdicts = Judge(
            Made(Report.Trap, 60_000), Made(FeedbackKind.Clicked, 30_000, "https://a.example"), Made(FeedbackKind.Clicked, 110_000, "https://b.example"), Made(FeedbackKind.Clicked, 130_000, "https://a.example"));
        Assert.Equal([false, false, false, true], verdicts.Select(verdict => verdict.Human));
    }

    [Fact]
    public void The_providers_own_word_is_believed()
    {
        Assert.Equal(new Verdict(false, "the provider says that a machine did it"), Only(Made(FeedbackKind.Opened, 60_000) with { IsMachine = true }));
        Assert.True(Only(Made(FeedbackKind.Opened, 60_000) with { IsMachine = false }).Human);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_open_and_a_click_settle_before_they_are_told_and_a_scanners_pattern_is_never_counted_as_human(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var id = await fixture.SentAsync();
        var start = fixture.Now;
        fixture.Delivery.Time.Advance(TimeSpan.FromHours(1));

        // A scanner follows all links when the mail arrives; a human reads it later.
        await fixture.ReportAsync(
            fixture.Report(FeedbackKind.Clicked, id, start.AddSeconds(31), "https://a.example", Chrome), fixture.Report(FeedbackKind.Clicked, id, start.AddSeconds(32), "https://b.example", Chrome),
            fixture.Report(FeedbackKind.Delivered, id, start), fixture.Report(FeedbackKind.Opened, id, start.AddMinutes(40), agent: Chrome),
            fixture.Report(FeedbackKind.Clicked, id, start.AddMinutes(41), "https://a.example", Chrome));
        Assert.Equal(["email_delivered"], (await fixture.EventsAsync()).Select(each => each.Type));
        Assert.Null((await fixture.FeedbackAsync(id))!.ClickedAt);
        await fixture.SettleAsync();

        var feedback = (await fixture.FeedbackAsync(id))!;
        Assert.Equal((1, 0, 1, 2), (feedback.Opens, feedback.MachineOpens, feedback.Clicks, feedback.MachineClicks));
        Assert.Equal((start.AddMinutes(40), start.AddMinutes(41)), (feedback.OpenedAt, feedback.ClickedAt));
        var events = (await fixture.EventsAsync()).Where(each => each.Type == "email_clicked").ToList();
        Assert.Equal([false, false, true], events.Select(each => (bool)each.Payload["human"]!).Order());
        var click = events.Single(each => (bool)each.Payload["human"]!).Payload;
        Assert.Equal((id.ToString(), "welcome", "https://a.example"), (click["message_id"], click["template"], click["url"]));
        var reports = await fixture.Delivery.Messages.ReportsAsync(1, id, default);
        Assert.Equal("several links were followed at the same moment", reports.First(report => report.Kind == "clicked").Verdict);
        var contact = await fixture.Delivery.ContactAsync("ada");
        Assert.Equal((start.AddMinutes(41), start.AddMinutes(41)), (contact.Fields[ContactFields.LastOpenedAt], contact.Fields[ContactFields.LastClickedAt]));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_humans_open_that_settles_a_doubt_is_a_humans(DatabaseKind kind)
    {
        var stub = new StubProvider(ReplayPolicy.Neither) { Answer = _ => StubAnswer.AcceptThenDrop };
        await using var fixture = await FeedbackFixture.CreateAsync(kind, stub);
        var id = await fixture.SentAsync("ada");
        Assert.Equal(MessageState.Unknown, (await fixture.Delivery.StateAsync(id)).State);
        fixture.Delivery.Time.Advance(TimeSpan.FromMinutes(5));

        await fixture.ReportAsync(fixture.Report(FeedbackKind.Opened, id, agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"));
        await fixture.SettleAsync();

        Assert.Equal((1, 0), await fixture.FeedbackAsync(id) is { } feedback ? (feedback.Opens, feedback.MachineOpens) : default);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_turns_out_to_be_a_machines_later_is_counted_no_longer(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var id = await fixture.SentAsync();
        var start = fixture.Now;
        fixture.Delivery.Time.Advance(TimeSpan.FromHours(1));
        await fixture.ReportAsync(fixture.Report(FeedbackKind.Clicked, id, start.AddMinutes(10), "https://a.example", Chrome));
        await fixture.SettleAsync();
        Assert.Equal(1, (await fixture.FeedbackAsync(id))!.Clicks);

        await fixture.ReportAsync(fixture.Report(FeedbackKind.Clicked, id, start.AddMinutes(10).AddSeconds(1), "https://b.example", Chrome));
        await fixture.SettleAsync();

        var feedback = (await fixture.FeedbackAsync(id))!;
        Assert.Equal((0, 2, null), (feedback.Clicks, feedback.MachineClicks, feedback.ClickedAt));
        Assert.Equal([true, false], (await fixture.EventsAsync()).Select(each => (bool)each.Payload["human"]!)); // what was told stays told
    }

    private static Engagement Made(FeedbackKind kind, long after, string? url = null, string? agent = Chrome) => new(Guid.CreateVersion7(TimeProvider.System.GetUtcNow()), kind, Delivered + after, url, agent, null, null);

    private static Verdict Only(Engagement one) => Judge(one).Single();

    private static List<Verdict> Judge(params Engagement[] all)
    {
        var verdicts = Verdicts.Judge(all, Delivered);
        return [.. all.Select(each => verdicts[each.Key])];
    }
}
