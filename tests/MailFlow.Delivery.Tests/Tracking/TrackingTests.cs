using System.Buffers.Text;
using System.Text.RegularExpressions;
using MailFlow.Delivery.Deliverability;
using MailFlow.Delivery.Deliverability.Dns;
using MailFlow.Delivery.Tests.Deliverability;
using MailFlow.Delivery.Tests.Reports;
using MailFlow.Delivery.Tracking;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Delivery.Tests.Tracking;

/// <summary>Opens and clicks by our own means.</summary>
public sealed partial class TrackingTests
{
    private const string Chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/130.0.0.0 Safari/537.36";

    private const string Html = """
        <html><body><!--[if mso]><a href="https://shop.example/outlook">x</a><![endif]-->
        <a href="https://shop.example/sale?utm_source=mail&amp;x=ü">Sale</a> <a href='mailto:a@b.example'>Mail</a> <a href="tel:+1">Call</a> <a href="#top">Top</a>
        <a href="{{unsubscribe_url}}">Unsubscribe</a> <a clicktracking="off" href="https://shop.example/reset">Reset</a></body></html>
        """;

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_human_reads_the_mail_and_follows_its_link(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var (id, mail) = await SendAsync(fixture);
        var tracking = fixture.Delivery.Get<MailTracking>();
        var visitor = new TrackingVisitor(Chrome, "203.0.113.9", false);

        var links = Links(mail.Html, "c");
        Assert.Equal(2, links.Count); // the sale and the trap: all others stay as they were
        foreach (var kept in new[] { "https://shop.example/outlook", "mailto:a@b.example", "tel:+1", "#top", "https://mail.example.org/unsubscribe/", "https://shop.example/reset" }) Assert.Contains(kept, mail.Html);
        Assert.DoesNotContain("/t/c/", mail.Text);
        fixture.Delivery.Time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(new TrackedTarget(null), await tracking.VisitAsync(Links(mail.Html, "o").Single(), true, visitor, default));
        fixture.Delivery.Time.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal(new TrackedTarget("https://shop.example/sale?utm_source=mail&x=%C3%BC"), await tracking.VisitAsync(links[0], false, visitor, default));
        await fixture.WorkAsync();
        await fixture.SettleAsync();

        var feedback = (await fixture.FeedbackAsync(id))!;
        Assert.Equal((1, 1, 0, 0), (feedback.Opens, feedback.Clicks, feedback.MachineOpens, feedback.MachineClicks));
        Assert.Equal(["email_opened", "email_clicked"], (await fixture.EventsAsync()).Select(each => each.Type));
    }

    // Seen red: the switch counted for mail that left after it alone.
    [Theory]
    [InlineData(DatabaseKind.Sqlite, false)]
    [InlineData(DatabaseKind.Sqlite, "no")]
    [InlineData(DatabaseKind.PostgreSql, false)]
    [InlineData(DatabaseKind.PostgreSql, "no")]
    public async Task Who_says_no_after_the_mail_has_left_is_not_tracked_from_there_on_by_us_or_the_provider(DatabaseKind kind, object no)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var (id, mail) = await SendAsync(fixture);
        var tracking = fixture.Delivery.Get<MailTracking>();
        var visitor = new TrackingVisitor(Chrome, "203.0.113.9", false);
        fixture.Delivery.Time.Advance(TimeSpan.FromMinutes(5));
        await tracking.VisitAsync(Links(mail.Html, "c")[0], false, visitor, default);
        await fixture.WorkAsync();
        await fixture.SettleAsync();
        await AgreeAsync(fixture, no);

        fixture.Delivery.Time.Advance(TimeSpan.FromMinutes(5));
        Assert.NotNull((await tracking.VisitAsync(Links(mail.Html, "c")[0], false, visitor, default))!.Url); // the link works
        await tracking.VisitAsync(Links(mail.Html, "o").Single(), true, visitor, default);
        var opened = fixture.Report(FeedbackKind.Opened, id);
        await fixture.TakeAsync(opened, fixture.Report(FeedbackKind.Delivered, id));
        await fixture.ReportAsync(opened); // once more, in the same batch
        await fixture.SettleAsync();

        var feedback = (await fixture.FeedbackAsync(id))!;
        Assert.Equal((0, 1, 0), (feedback.Opens, feedback.Clicks, feedback.MachineOpens));
        Assert.NotNull(feedback.DeliveredAt);
        Assert.Equal(2, (await fixture.Delivery.Messages.ReportsAsync(1, id, default)).Count);
        Assert.Equal((1, 0), (await fixture.CountAsync("SELECT sum(repeated) FROM webhook_day"), await fixture.CountAsync("SELECT sum(unmatched) FROM webhook_day")));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_scanner_that_follows_every_link_falls_into_the_trap(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var (id, mail) = await SendAsync(fixture);
        var tracking = fixture.Delivery.Get<MailTracking>();
        fixture.Delivery.Time.Advance(TimeSpan.FromMinutes(5));
        foreach (var link in Links(mail.Html, "c"))
        {
            Assert.NotNull(await tracking.VisitAsync(link, false, new TrackingVisitor(Chrome, "203.0.113.9", false), default));
            fixture.Delivery.Time.Advance(TimeSpan.FromSeconds(5));
        }
        await tracking.VisitAsync(Links(mail.Html, "o").Single(), true, new TrackingVisitor("", "203.0.113.9", false), default);
        await tracking.VisitAsync(Links(mail.Html, "c")[0], false, new TrackingVisitor(Chrome, "198.51.100.1", true), default);
        await fixture.WorkAsync();
        await fixture.SettleAsync();

        var feedback = (await fixture.FeedbackAsync(id))!;
        Assert.Equal((0, 0, 1, 2), (feedback.Opens, feedback.Clicks, feedback.MachineOpens, feedback.MachineClicks));
        Assert.All(await fixture.EventsAsync(), each => Assert.Equal(false, each.Payload["human"]));
        Assert.Single(await fixture.Delivery.Messages.ReportsAsync(1, id, default), report => report.Kind == "trap");
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Guessed_tampered_and_swapped_tokens_lead_nowhere_and_are_not_kept(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var (_, mail) = await SendAsync(fixture);
        var tracking = fixture.Delivery.Get<MailTracking>();
        var good = Links(mail.Html, "c")[0];
        var visitor = new TrackingVisitor(Chrome, null, false);

        var bytes = Base64Url.DecodeFromChars(good);
        for (var at = 0; at < bytes.Length; at++)
        {
            var tampered = bytes.ToArray();
            tampered[at] ^= 1;
            Assert.Null(await tracking.VisitAsync(Base64Url.EncodeToString(tampered), false, visitor, default));
        }
        var forged = TrackingToken.Write(new TrackedAddress(1, Guid.CreateVersion7(fixture.Now), TrackedKind.Click, "https://evil.example"), new SigningKey(1, new byte[32]));
        var unsubscribe = UnsubscribeLink().Match(mail.Html).Groups[1].Value;
        foreach (var token in new[] { forged, unsubscribe, good + "A", good[..^1], "", "%2e%2e", new string('A', 100_000), "https://evil.example" })
            Assert.Null(await tracking.VisitAsync(token, false, visitor, default));
        Assert.Null(await tracking.VisitAsync(good, true, visitor, default));
        Assert.Null(await tracking.VisitAsync(Links(mail.Html, "o").Single(), false, visitor, default));
        Assert.False(await fixture.Delivery.Get<Unsubscribe>().ActAsync(good, default));

        Assert.Equal(0, await fixture.CountAsync("SELECT count(*) FROM webhook_call"));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Account_contact_and_provider_can_each_be_left_out(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var tracking = fixture.Delivery.Get<MailTracking>();
        Assert.True(await IsTrackedAsync(null));
        Assert.False(await IsTrackedAsync(false)); // the contact said no
        await PutAsync(new TrackingSettings(null, true));
        Assert.False(await IsTrackedAsync(null));
        Assert.True(await IsTrackedAsync(true));
        await PutAsync(new TrackingSettings(false, false));
        Assert.False(await IsTrackedAsync(true));

        async Task PutAsync(TrackingSettings settings)
        {
            await tracking.PutAsync(1, settings, default);
            fixture.Delivery.Time.Advance(TimeSpan.FromSeconds(6));
        }

        async Task<bool> IsTrackedAsync(bool? agrees) => (await SendAsync(fixture, agrees)).Mail.Html.Contains("/t/c/", StringComparison.Ordinal);
    }

    // Seen red: the provider tracked everybody, and what it reported was kept.
    [Theory]
    [InlineData(DatabaseKind.Sqlite, false, false, false)]
    [InlineData(DatabaseKind.Sqlite, false, null, true)]
    [InlineData(DatabaseKind.Sqlite, true, null, false)]
    [InlineData(DatabaseKind.Sqlite, true, true, true)]
    [InlineData(DatabaseKind.PostgreSql, false, false, false)]
    [InlineData(DatabaseKind.PostgreSql, false, null, true)]
    [InlineData(DatabaseKind.PostgreSql, true, null, false)]
    [InlineData(DatabaseKind.PostgreSql, true, true, true)]
    public async Task What_the_provider_tracks_follows_contact_and_account_too(DatabaseKind kind, bool needsConsent, bool? agrees, bool mayTrack)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        await fixture.Delivery.Get<MailTracking>().PutAsync(1, new TrackingSettings(false, needsConsent), default); // not by our own means
        var (id, mail) = await SendAsync(fixture, agrees);
        Assert.Equal(mayTrack, mail.MayTrack);

        fixture.Delivery.Time.Advance(TimeSpan.FromMinutes(5));
        await fixture.ReportAsync(
            fixture.Report(FeedbackKind.Delivered, id, fixture.Now.AddMinutes(-4)), fixture.Report(FeedbackKind.Opened, id, agent: Chrome),
            fixture.Report(FeedbackKind.Clicked, id, url: "https://shop.example/sale", agent: Chrome));
        await fixture.SettleAsync();

        var feedback = (await fixture.FeedbackAsync(id))!;
        Assert.Equal(mayTrack ? (1, 1) : (0, 0), (feedback.Opens + feedback.MachineOpens, feedback.Clicks + feedback.MachineClicks));
        Assert.NotNull(feedback.DeliveredAt);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Links_lead_to_the_sending_domains_own_host_once_its_check_has_found_that_it_leads_here(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        await using var dns = await RealDnsServer.StartAsync("host-record=mail.example.org,192.0.2.1", "cname=links.shop.example,mail.example.org");
        var tls = new Tls("its certificate is another host's");
        fixture.Start(services: services => services.AddSingleton<IDnsResolver>(DnsResolverTests.For(dns)).AddSingleton<ITlsProbe>(tls));
        var domains = fixture.Delivery.Get<SendingDomains>();
        await domains.PutAsync(1, "shop.example", new(TrackingHost: "links.shop.example"), default);
        Assert.Equal("https://mail.example.org", await HostAsync()); // nobody has looked yet

        await domains.CheckAsync(1, "shop.example", default);
        Assert.Equal("https://mail.example.org", await HostAsync()); // browsers would warn
        tls.Problem = null;
        await domains.CheckAsync(1, "shop.example", default);
        Assert.Equal("https://links.shop.example", await HostAsync());

        await domains.PutAsync(1, "shop.example", new(TrackingHost: "elsewhere.shop.example"), default);
        Assert.Equal("https://mail.example.org", await HostAsync());

        async Task<string> HostAsync()
        {
            fixture.Delivery.Time.Advance(TimeSpan.FromMinutes(2));
            var hosts = Regex.Matches((await SendAsync(fixture)).Mail.Html, "(https://[a-z.]+)/t/[co]/").Select(match => match.Groups[1].Value).ToList();
            Assert.Equal(3, hosts.Count); // the sale, the trap and the dot
            return Assert.Single(hosts.Distinct());
        }
    }

    private sealed class Tls(string? problem) : ITlsProbe
    {
        public string? Problem { get; set; } = problem;

        public Task<string?> ProbeAsync(string host, CancellationToken ct) => Task.FromResult(Problem);
    }

    [Fact]
    public async Task The_sandbox_is_not_tracked_until_the_account_asks()
    {
        await using var delivery = await DeliveryFixture.CreateAsync(DatabaseKind.Sqlite);
        await delivery.TemplateAsync("linked", "Hi", Html);
        var contact = await delivery.ContactAsync("ada");
        await delivery.QueueAsync(contact, message => message with { Template = "linked" });
        await delivery.SendAllAsync();
        await delivery.Get<MailTracking>().PutAsync(1, new TrackingSettings(true, false), default);
        await delivery.QueueAsync(contact, message => message with { Template = "linked" });
        await delivery.SendAllAsync();

        var mails = (await delivery.Get<SandboxMailbox>().ListAsync(1, null, null, 10, default)).Items;
        Assert.Equal([false, true], mails.Select(mail => mail.Html.Contains("/t/o/", StringComparison.Ordinal)));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task One_mails_link_fetched_without_end_fills_no_database(DatabaseKind kind)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind);
        var (_, mail) = await SendAsync(fixture);
        var tracking = fixture.Delivery.Get<MailTracking>();
        for (var i = 0; i < 100; i++) Assert.NotNull(await tracking.VisitAsync(Links(mail.Html, "c")[0], false, new TrackingVisitor(Chrome, null, false), default));
        Assert.Equal(60, await fixture.CountAsync("SELECT count(*) FROM webhook_call"));
    }

    private static async Task<(Guid Id, OutgoingEmail Mail)> SendAsync(FeedbackFixture fixture, bool? agrees = null)
    {
        await fixture.Delivery.TemplateAsync("linked", "Hi", Html);
        OutgoingEmail? sent = null;
        fixture.Type.Provider.OnSend = email => sent = email;
        var contact = await AgreeAsync(fixture, agrees);
        var version = await fixture.CountAsync("SELECT max(version) FROM template_version WHERE key = 'linked'");
        var id = await fixture.Delivery.QueueAsync(contact, message => message with { Template = "linked", TemplateVersion = (int)version });
        await fixture.Delivery.SendAllAsync();
        return (id, sent!);
    }

    private static async Task<Engine.Activities.Contact> AgreeAsync(FeedbackFixture fixture, object? agrees)
    {
        var contact = await fixture.Delivery.ContactAsync("ada");
        await fixture.Delivery.Database.WriteAsync(session => fixture.Delivery.Get<Engine.Activities.IContactStore>().ApplyAsync(
            session, [new(contact, new Dictionary<string, object?> { ["tracking"] = agrees })], "test", fixture.Delivery.Now, default), default);
        return contact;
    }

    private static List<string> Links(string html, string kind) => [.. Regex.Matches(html, $"https://[a-z.]+/t/{kind}/([A-Za-z0-9_-]+)").Select(match => match.Groups[1].Value)];

    [GeneratedRegex("/unsubscribe/([A-Za-z0-9_-]+)")]
    private static partial Regex UnsubscribeLink();
}
