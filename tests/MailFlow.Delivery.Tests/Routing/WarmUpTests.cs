using MailFlow.Data;
using MailFlow.Delivery.Routing;
using MailFlow.Engine.Definitions;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Delivery.Tests.Routing;

public sealed class WarmUpTests
{
    private static readonly SendingLog Quiet = new([]);

    [Fact]
    public void The_schedule_grows_in_equal_proportions_from_the_first_volume_to_the_target()
    {
        var warmUp = new WarmUp(50, 100_000, 28, 0, 0);
        var volumes = Enumerable.Range(0, 28).Select(warmUp.VolumeAt).ToList();

        Assert.Equal((50, 100_000), (volumes[0], volumes[^1]));
        Assert.All(volumes.Zip(volumes.Skip(1)), pair => Assert.InRange((double)pair.Second / pair.First, 1.29, 1.36));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Twenty_eight_days_follow_the_schedule_and_then_everything_leaves(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind, Options(BatchSize: 1000));
        await fixture.ConnectAsync("main");
        await fixture.Delivery.Get<WarmUps>().PutAsync(1, "shop.example", 5, 200, 28, default);
        await fixture.Delivery.QueueManyAsync(2500);
        var schedule = (await fixture.StateAsync()).Domain!.WarmUp!.Schedule;

        for (var day = 0; day < 30; day++)
        {
            await fixture.RunAsync(TimeSpan.FromHours(24), TimeSpan.FromHours(6));
            if (day < 28) Assert.Equal(schedule[day], SentOn(fixture, day));
        }

        Assert.Equal(2500, fixture.Log.Count);
        Assert.True(SentOn(fixture, 28) > 200);
        Assert.Null((await fixture.StateAsync()).Domain!.WarmUp!.Volume);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task It_slows_down_at_a_complaint_rate_of_a_tenth_of_a_per_cent_and_stops_at_a_quarter(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind, Options(BatchSize: 1000));
        fixture.Delivery.Time.Advance(TimeSpan.FromHours(15)); // to midnight
        await fixture.ConnectAsync("main");
        await fixture.Delivery.Get<WarmUps>().PutAsync(1, "shop.example", 400, 4000, 20, default);
        await fixture.Delivery.QueueManyAsync(6000);
        await fixture.RunAsync(TimeSpan.FromHours(48), TimeSpan.FromHours(6));
        var (first, second) = (SentOn(fixture, 0), SentOn(fixture, 1));

        await ComplainAsync(fixture, 2);
        await fixture.RunAsync(TimeSpan.FromHours(24), TimeSpan.FromHours(6));
        var slowed = SentOn(fixture, 2);
        var standing = (await fixture.StateAsync()).Domain!.Standing;
        await ComplainAsync(fixture, 3);
        await fixture.QueueAsync(2, MessageStream.Transactional);
        await fixture.RunAsync(TimeSpan.FromHours(24 * 9), TimeSpan.FromHours(6));

        Assert.Equal((400, 452), (first, second));
        Assert.Equal("poor", standing);
        Assert.Equal(510 / 2, slowed);
        Assert.Equal(2, SentOn(fixture, 3)); // the receipts
        Assert.Equal(0, Enumerable.Range(4, 8).Sum(day => SentOn(fixture, day)));
        var stop = Assert.Single((await fixture.StateAsync()).Stops);
        Assert.Equal(("domain:shop.example", MessageStream.Marketing), (stop.Subject, stop.Stream));
        Assert.Contains("were called spam", stop.Reason);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_domain_that_was_resumed_sends_and_is_judged_by_what_comes_after(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind, Options(BatchSize: 1000));
        await fixture.ConnectAsync("main");
        await fixture.Delivery.QueueManyAsync(1200);
        await fixture.Delivery.SendAllAsync();
        await ComplainAsync(fixture, 4);
        await fixture.QueueAsync(5);
        await fixture.Delivery.SendAllAsync();
        Assert.Single((await fixture.StateAsync()).Stops);
        Assert.Equal(1200, fixture.Log.Count);

        Assert.True(await fixture.Delivery.Get<SendingStops>().ResumeAsync(1, "domain:shop.example", default));
        fixture.Delivery.Time.Advance(TimeSpan.FromMinutes(1));
        await fixture.Delivery.SendAllAsync();
        var resumed = await fixture.StateAsync();
        Assert.Equal((0, 1205, "good"), (resumed.Stops.Count, fixture.Log.Count, resumed.Domain!.Standing));
        Assert.Equal(fixture.Delivery.Time.GetUtcNow().AddMinutes(-1), resumed.Domain.ResumedAt);

        // Two more only slow it down, as those of before the resume are not added to them; the third is too many again.
        await ComplainAsync(fixture, 2);
        fixture.Delivery.Time.Advance(TimeSpan.FromDays(1));
        await fixture.QueueAsync(1, domain: "example.net");
        await fixture.Delivery.SendAllAsync();
        Assert.Equal((1206, "poor"), (fixture.Log.Count, (await fixture.StateAsync()).Domain!.Standing));
        await ComplainAsync(fixture, 1);
        await fixture.QueueAsync(1, domain: "example.com");
        await fixture.Delivery.SendAllAsync();
        Assert.Equal(1206, fixture.Log.Count);
        Assert.Equal("domain:shop.example", Assert.Single((await fixture.StateAsync()).Stops).Subject);
    }

    // Seen red: all 17 left.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Transactional_mail_of_the_same_hand_over_comes_off_the_warm_ups_volume(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        await fixture.ConnectAsync("main");
        await fixture.Delivery.Get<WarmUps>().PutAsync(1, "shop.example", 10, 100, 28, default);
        await fixture.QueueAsync(7, MessageStream.Transactional);
        await fixture.QueueAsync(10);

        await fixture.Delivery.SendAllAsync();

        Assert.Equal((7, 3), (fixture.Log.Count(each => each.To.StartsWith("transactional", StringComparison.Ordinal)), fixture.Log.Count(each => each.To.StartsWith("marketing", StringComparison.Ordinal))));
    }

    // Seen red: it expired, tried once.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_mail_put_off_once_does_not_expire_while_it_waits_behind_a_warm_ups_backlog(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        var main = await fixture.ConnectAsync("main");
        await fixture.Delivery.Get<WarmUps>().PutAsync(1, "shop.example", 5, 10, 28, default);
        var ids = await fixture.QueueAsync(60);
        main.Answer = email => email.Attempt == 1 && main.Calls <= 2 ? StubAnswer.Defer : StubAnswer.Accept;

        await fixture.RunAsync(TimeSpan.FromDays(15), TimeSpan.FromHours(4));

        foreach (var id in ids) Assert.Equal((MessageState.Accepted, null), await fixture.Delivery.StateAsync(id));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_mail_counts_for_the_domains_day_when_it_is_taken_however_often_it_was_tried(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind, Options(BatchSize: 1000));
        fixture.Delivery.Time.Advance(TimeSpan.FromHours(15)); // to midnight
        var stub = await fixture.ConnectAsync("main");
        stub.Answer = _ => StubAnswer.Defer;
        await fixture.Delivery.Get<WarmUps>().PutAsync(1, "shop.example", 20, 2000, 28, default);
        await fixture.QueueAsync(2);

        await fixture.RunAsync(TimeSpan.FromHours(12), TimeSpan.FromMinutes(10));

        Assert.True(stub.Calls > 10);
        Assert.Equal(0, (await fixture.StateAsync()).Domain!.Today); // none was taken

        stub.Answer = _ => StubAnswer.Accept;
        await fixture.RunAsync(TimeSpan.FromHours(2), TimeSpan.FromMinutes(10));
        var domain = (await fixture.StateAsync()).Domain!;
        Assert.Equal((2, 18), (domain.Today, domain.WarmUp!.Left));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_mail_whose_answer_was_lost_counts_once_when_it_is_handed_over_again(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind, Options(BatchSize: 1000));
        var stub = await fixture.ConnectAsync("main", draft: new(PerDay: 100));
        stub.Answer = _ => stub.Calls < 3 ? StubAnswer.AcceptThenDrop : StubAnswer.Accept;
        await fixture.QueueAsync(1);

        await fixture.RunAsync(TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(1));

        var state = await fixture.StateAsync();
        Assert.True(stub.Calls > 1);
        Assert.Equal((1, 1), (state.Domain!.Today, state.Routes[0].Today));
    }

    [Theory]
    [InlineData("yahoo", 2000, 8, "Bad")] // 0.4 % there, though 0.04 % of all
    [InlineData("yahoo", 2000, 4, "Poor")]
    [InlineData("yahoo", 499, 4, "Good")] // too few mails
    [InlineData("yahoo", 600, 2, "Good")] // too few complaints
    [InlineData("other", 2000, 8, "Bad")]
    public void Complaints_at_one_mailbox_provider_are_not_thinned_by_the_others(string mailbox, int mails, int complaints, string standing)
    {
        var log = new SendingLog([new(100, 20_000, 0, 0, complaints)], new Dictionary<string, SendingLog>
        {
            ["microsoft"] = new([new(100, 20_000 - mails, 0, 0, 0)]),
            [mailbox] = new([new(100, mails, 0, 0, complaints)]),
        });

        Assert.Equal(standing, log.StandingOn(100).ToString());
        Assert.Equal(mails >= 500 && complaints >= 3 ? mailbox : null, log.WorstMailbox(100)?.Mailbox);
    }

    [Fact]
    public void Gmail_reports_no_complaints_so_its_mails_thin_nobodys()
    {
        var log = new SendingLog([new(100, 10_000, 0, 0, 3)], new Dictionary<string, SendingLog> { ["gmail"] = new([new(100, 8_000, 0, 0, 0)]), ["apple"] = new([new(100, 400, 0, 0, 3)]) });

        Assert.Equal(3 / 2_000.0, log.ComplaintRate(100));
        Assert.Equal("Poor", log.StandingOn(100).ToString());
        Assert.Null(log.Mailboxes(100).Single(mailbox => mailbox.Mailbox == "gmail").ComplaintRate);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Mail_is_counted_by_who_keeps_the_mailbox_and_complaints_there_stop_the_domain(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind, Options(BatchSize: 1000));
        await fixture.ConnectAsync("main");
        foreach (var domain in new[] { "gmail.com", "Yahoo.de", "aol.com", "example.org" }) await fixture.QueueAsync(2, domain: domain);
        await fixture.Delivery.SendAllAsync();
        Assert.Equal([("gmail", 2), ("yahoo", 4), ("other", 2)], (await fixture.StateAsync()).Domain!.Mailboxes.Select(mailbox => (mailbox.Mailbox, mailbox.Mails)));

        await CountAsync(fixture, "yahoo.com", new(1, SendingStops.OfDomain("shop.example"), FlowStore.DayOf(fixture.Delivery.Now), HandedOver: 996, Complaints: 3));
        await CountAsync(fixture, "outlook.com", new(1, SendingStops.OfDomain("shop.example"), FlowStore.DayOf(fixture.Delivery.Now), HandedOver: 9_000));
        await fixture.QueueAsync(1);
        await fixture.Delivery.SendAllAsync();

        var state = await fixture.StateAsync();
        Assert.Equal((8, "bad"), (fixture.Log.Count, state.Domain!.Standing));
        Assert.Contains("yahoo", Assert.Single(state.Stops).Reason);
        Assert.True(await fixture.Delivery.Get<SendingStops>().ResumeAsync(1, "domain:shop.example", default));
        await fixture.Delivery.SendAllAsync();
        Assert.Equal((9, "good"), (fixture.Log.Count, (await fixture.StateAsync()).Domain!.Standing));

        static Task CountAsync(RoutingFixture fixture, string recipients, DayCount count) => fixture.Delivery.Database.WriteAsync(
            session => FlowStore.CountAsync(session, [.. FlowStore.InAllAndByMailbox(count, recipients)], default), default);
    }

    // Gmail counts a sender's subdomains together: who moves on to the next one has not become another. Seen red: with each From domain judged alone, the sixth mail left.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Who_moves_to_another_name_below_the_same_registered_domain_takes_the_standing_along(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind, Options(BatchSize: 1000));
        await fixture.ConnectAsync("main");
        await CountAsync("news.shop.example", "news", complaints: 3);
        await CountAsync("other-shop.example", "other", complaints: 900);
        await fixture.QueueAsync(5);
        await fixture.Delivery.SendAllAsync();
        Assert.Equal((0, "bad"), (fixture.Log.Count, (await fixture.StateAsync()).Domain!.Standing));
        Assert.Equal("domain:shop.example", Assert.Single((await fixture.StateAsync()).Stops).Subject);

        // Resumed, all of them are judged by what comes after.
        Assert.True(await fixture.Delivery.Get<SendingStops>().ResumeAsync(1, "domain:shop.example", default));
        await fixture.Delivery.SendAllAsync();
        Assert.Equal((5, "good"), (fixture.Log.Count, (await fixture.StateAsync()).Domain!.Standing));

        Task CountAsync(string domain, string recipients, int complaints) => fixture.Delivery.Database.WriteAsync(session => FlowStore.CountAsync(session, [.. FlowStore.InAllAndByMailbox(
            new(1, SendingStops.OfDomain(domain), FlowStore.DayOf(fixture.Delivery.Now), HandedOver: 1_000, Complaints: complaints), $"{recipients}.example")], default), default);
    }

    // On SQLite one process sends. Seen red: each of the two found the whole half unused.
    [Fact]
    public async Task Two_senders_at_once_keep_the_halved_volume_of_a_domain_in_poor_standing()
    {
        await using var fixture = await RoutingFixture.CreateAsync(DatabaseKind.PostgreSql);
        await fixture.ConnectAsync("main");
        var yesterday = FlowStore.DayOf(fixture.Delivery.Now) - 1;
        await fixture.Delivery.Database.WriteAsync(session => FlowStore.CountAsync(session, [new(1, SendingStops.OfDomain("shop.example"), yesterday, HandedOver: 100, Complaints: 2)], default), default);
        await fixture.QueueAsync(300);
        Assert.Equal("poor", (await fixture.StateAsync()).Domain!.Standing);

        var other = fixture.Start();
        Task<int>? second = null;
        var first = fixture.Start(services: with => with.AddSingleton<IFaultPoints>(new At("sender.hand-over.before-commit", () =>
        {
            if (second is not null) return;
            using (ExecutionContext.SuppressFlow()) second = Task.Run(() => other.RunOnceAsync(default));
            Assert.True(SpinWait.SpinUntil(() => second.IsCompleted || fixture.Delivery.IsAnyWaiting(), TimeSpan.FromMinutes(1)));
        })));
        await first.RunOnceAsync(default);
        await second!;

        Assert.Equal(50, fixture.Log.Count);
    }

    [Fact]
    public void A_day_that_was_not_used_leads_nowhere_and_a_poor_one_a_step_back()
    {
        var warmUp = new WarmUp(100, 10_000, 21, 4, 10);

        Assert.Equal(4, warmUp.On(13, Quiet).Step);
        Assert.Equal(5, warmUp.On(11, new SendingLog([new(10, warmUp.VolumeAt(4) / 2 + 1, 0, 0, 0)])).Step);
        Assert.Equal(3, warmUp.On(11, new SendingLog([new(10, 1000, 0, 0, 1)])).Step);
        Assert.Equal(10, warmUp.On(9, Quiet).Day); // a clock that steps back changes nothing
    }

    [Fact]
    public void The_forecast_is_the_day_on_which_the_schedule_has_room_for_the_last_mail()
    {
        var warmUp = new WarmUp(100, 800, 4, 0, 0); // 100, 200, 400, 800, then all

        Assert.Equal([0, 1, 1, 2, 3, 4, 5], new long[] { 0, 1, 100, 101, 301, 1500, 1501 }.Select(backlog => warmUp.DaysFor(backlog, 0)));
        Assert.Equal(2, warmUp.DaysFor(100, usedToday: 1));
    }

    [Theory]
    [InlineData("shop.example", 0, 10, 28, "first_volume")]
    [InlineData("shop.example", 10, 9, 28, "target_volume")]
    [InlineData("shop.example", 10, 100, 1, "days")]
    [InlineData("not a domain", 10, 100, 28, "domain")]
    public async Task A_schedule_that_cannot_be_is_refused_by_the_fields_name(string domain, int first, int target, int days, string field)
    {
        await using var fixture = await RoutingFixture.CreateAsync(DatabaseKind.Sqlite);
        Assert.Equal(field, (await Assert.ThrowsAsync<InvalidInputException>(() => fixture.Delivery.Get<WarmUps>().PutAsync(1, domain, first, target, days, default))).Field);
    }

    [Theory]
    [InlineData(2000, 1, 0, "Good")]
    [InlineData(2000, 2, 0, "Poor")]
    [InlineData(2000, 5, 0, "Bad")]
    [InlineData(100, 1, 0, "Poor")] // of few mails, one complaint counts as of a thousand
    [InlineData(2000, 0, 99, "Good")]
    [InlineData(2000, 0, 100, "Poor")]
    [InlineData(2000, 0, 200, "Bad")]
    public void Standing_is_by_complaints_and_hard_bounces_of_seven_days(int handedOver, int complaints, int bounces, string standing)
    {
        var log = new SendingLog([new(100, handedOver / 2, 0, bounces, 0), new(106, handedOver - (handedOver / 2), 0, 0, complaints)]);

        Assert.Equal(standing, log.StandingOn(106).ToString());
        Assert.Equal(Standing.Good, log.StandingOn(114));
    }

    private static DeliveryOptions Options(int BatchSize) =>
        new() { Node = "node-1", PublicBaseUrl = "https://mail.example.org", Sender = new("Shop", "hello@shop.example", null, "1 High Street"), BatchSize = BatchSize };

    private static int SentOn(RoutingFixture fixture, int day)
    {
        var start = FlowStore.DayOf(fixture.Log[0].At);
        return fixture.Log.Count(entry => FlowStore.DayOf(entry.At) == start + day);
    }

    private static Task ComplainAsync(RoutingFixture fixture, int count) => fixture.Delivery.Database.WriteAsync(session => FlowStore.CountAsync(
        session, [new DayCount(1, SendingStops.OfDomain("shop.example"), FlowStore.DayOf(fixture.Delivery.Now), Complaints: count)], default), default);
}
