using MailFlow.Data;
using MailFlow.Delivery.Activities;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Testing;
using NodaTime;

namespace MailFlow.Delivery.Tests;

/// <summary>Quiet hours and caps: as an account's policy at the hand-over, and as activities.</summary>
public sealed class PolicyTests
{
    private static readonly QuietTimes Night = new(new LocalTime(21, 0), new LocalTime(8, 0));

    [Theory]
    [InlineData("2026-01-05T20:59:59Z", null)]
    [InlineData("2026-01-05T21:00:00Z", "2026-01-06T08:00:00Z")]
    [InlineData("2026-01-06T07:59:59Z", "2026-01-06T08:00:00Z")]
    [InlineData("2026-01-06T08:00:00Z", null)]
    public void Quiet_hours_go_over_midnight(string now, string? end) => Assert.Equal(end, EndAfter(Night, now, "UTC"));

    [Theory]
    [InlineData("2026-01-05T13:30:00Z", "2026-01-05T14:00:00Z")]
    [InlineData("2026-01-05T14:00:00Z", null)]
    public void Quiet_hours_may_be_within_a_day(string now, string? end) => Assert.Equal(end, EndAfter(new(new LocalTime(12, 0), new LocalTime(14, 0)), now, "UTC"));

    [Theory]
    [InlineData("2026-03-28T22:30:00Z", "2026-03-29T06:00:00Z")] // Paris: the clocks go forward in this night
    [InlineData("2026-10-24T20:00:00Z", "2026-10-25T07:00:00Z")] // and back in this
    public void They_end_by_the_clock_that_the_morning_has(string now, string? end) => Assert.Equal(end, EndAfter(Night, now, "Europe/Paris"));

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Marketing_mail_waits_for_each_recipients_morning_and_a_receipt_does_not(DatabaseKind kind)
    {
        var stub = new StubProvider();
        var log = new List<(string To, DateTimeOffset At)>();
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        stub.OnSend = email =>
        {
            lock (log) log.Add((email.To.ToString(), fixture.Time.GetUtcNow()));
        };
        await fixture.Get<SendingPolicies>().PutAsync(1, new SendingPolicy(Night, null), default);
        await ZoneAsync(fixture, "tokyo", "Asia/Tokyo");
        await ZoneAsync(fixture, "york", "America/New_York");
        fixture.Time.Advance(TimeSpan.FromHours(14)); // 5 January, 23:00 UTC: 8:00 in Tokyo, 18:00 in New York
        foreach (var user in new[] { "tokyo", "york", "nowhere" }) await fixture.QueueAsync(await fixture.ContactAsync(user));
        await fixture.QueueAsync(await fixture.ContactAsync("nowhere"), message => message with { Stream = MessageStream.Transactional });

        await fixture.SendAllAsync();
        var at23 = log.Select(entry => entry.To).Order().ToList();
        for (var hour = 0; hour < 12; hour++)
        {
            fixture.Time.Advance(TimeSpan.FromHours(1));
            await fixture.SendAllAsync();
        }

        Assert.Equal(["nowhere@example.org", "tokyo@example.org", "york@example.org"], at23);
        Assert.Equal(("nowhere@example.org", DateTimeOffset.Parse("2026-01-06T08:00:00Z")), log[^1]);
        Assert.Equal(4, log.Count);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Over_the_cap_low_priority_is_skipped_normal_waits_and_high_goes(DatabaseKind kind)
    {
        var stub = new StubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        await fixture.Get<SendingPolicies>().PutAsync(1, new SendingPolicy(null, new MessageCap(2, TimeSpan.FromDays(7))), default);
        var ada = await fixture.ContactAsync("ada");
        var first = new[] { await fixture.QueueAsync(ada), await fixture.QueueAsync(ada), await fixture.QueueAsync(ada) };
        await fixture.SendAllAsync();
        Assert.Equal(2, stub.Taken.Count);
        fixture.Time.Advance(TimeSpan.FromDays(1));

        var low = await fixture.QueueAsync(ada, message => message with { Priority = MessagePriority.Low });
        var high = await fixture.QueueAsync(ada, message => message with { Priority = MessagePriority.High });
        var receipt = await fixture.QueueAsync(ada, message => message with { Stream = MessageStream.Transactional });
        await fixture.SendAllAsync();

        Assert.Equal((MessageState.Suppressed, "not sent: the contact has had 3 marketing mails within the cap's period, which is 2"), await fixture.StateAsync(low));
        Assert.Equal((MessageState.Accepted, MessageState.Accepted), ((await fixture.StateAsync(high)).State, (await fixture.StateAsync(receipt)).State));
        Assert.Single(first, id => fixture.StateAsync(id).Result.State == MessageState.Queued);
        fixture.Time.Advance(TimeSpan.FromDays(6)); // the first two are a week old; the high one is not
        await fixture.SendAllAsync();
        Assert.All(first, id => Assert.Equal(MessageState.Accepted, fixture.StateAsync(id).Result.State));
        Assert.Equal(5, stub.Taken.Count);
    }

    // On SQLite one process sends. Seen red: each of the two found the contact's room unused.
    [Theory]
    [InlineData(MessagePriority.Normal, MessageState.Queued)]
    [InlineData(MessagePriority.Low, MessageState.Suppressed)]
    public async Task Two_senders_at_once_keep_the_cap(MessagePriority priority, MessageState state)
    {
        var stub = new StubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(DatabaseKind.PostgreSql, stub);
        fixture.Options = fixture.Options with { BatchSize = 1 };
        await fixture.Get<SendingPolicies>().PutAsync(1, new SendingPolicy(null, new MessageCap(1, TimeSpan.FromDays(7))), default);
        var ada = await fixture.ContactAsync("ada");
        for (var i = 0; i < 2; i++) await fixture.QueueAsync(ada, message => message with { Priority = priority });
        var other = fixture.Start();
        Task<int>? second = null;
        var first = fixture.Start(new At("sender.hand-over.before-commit", () =>
        {
            if (second is not null) return;
            using (ExecutionContext.SuppressFlow()) second = Task.Run(() => other.RunOnceAsync(default));
            Assert.True(SpinWait.SpinUntil(() => second.IsCompleted || fixture.IsAnyWaiting(), TimeSpan.FromMinutes(1)));
        }));

        await first.RunOnceAsync(default);
        await second!;
        Assert.Single(stub.Taken);
        fixture.Time.Advance(TimeSpan.FromSeconds(2));
        await fixture.SendAllAsync(other);

        Assert.Single(stub.Taken);
        Assert.Equal((1, 1), await fixture.Messages.CountAsync(1, default) is var counts ? (counts[MessageState.Accepted], counts[state]) : default);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_activity_counts_what_a_contact_has_had_and_what_is_queued_for_it(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var (ada, bob) = (await fixture.ContactAsync("ada"), await fixture.ContactAsync("bob"));
        await fixture.QueueAsync(ada);
        fixture.Time.Advance(TimeSpan.FromDays(5));
        await fixture.QueueAsync(ada);
        await fixture.QueueAsync(bob, message => message with { Stream = MessageStream.Transactional });

        var counts = await fixture.Database.ReadAsync(session => Policies.MessagesHad.QueuedSinceAsync(
            session, MessageStream.Marketing, [ada.Id, bob.Id], fixture.Now - (long)TimeSpan.FromDays(7).TotalMilliseconds, default), default);
        var recent = await fixture.Database.ReadAsync(session => Policies.MessagesHad.QueuedSinceAsync(
            session, MessageStream.Marketing, [ada.Id], fixture.Now - (long)TimeSpan.FromDays(2).TotalMilliseconds, default), default);

        Assert.Equal((2, false), (counts[ada.Id], counts.ContainsKey(bob.Id)));
        Assert.Equal(1, recent[ada.Id]);
    }

    [Theory]
    [InlineData("21:00", "08:00", null, null)]
    [InlineData("21:00", "21:00", null, "from and to: '21:00' and '21:00' must be two different times of day such as 21:00 and 08:00")]
    [InlineData("9pm", "08:00", null, "from and to: '9pm' and '08:00' must be two different times of day such as 21:00 and 08:00")]
    [InlineData("21:00", "08:00", "Mars/Olympus", "timeZone: 'Mars/Olympus' is not a known time zone: write it like Europe/Paris")]
    public void Quiet_hours_that_cannot_be_are_found_at_publish(string from, string to, string? zone, string? problem) =>
        Assert.Equal(problem, QuietHours.Problem(new QuietHours.Input(from, to, zone)));

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_cap_counts_a_mail_when_it_was_handed_over_however_late_that_is_confirmed(DatabaseKind kind)
    {
        var stub = new StubProvider(ReplayPolicy.Neither) { Answer = _ => StubAnswer.AcceptThenDrop };
        await using var fixture = await Reports.FeedbackFixture.CreateAsync(kind, stub);
        await fixture.Delivery.Get<SendingPolicies>().PutAsync(1, new SendingPolicy(null, new MessageCap(1, TimeSpan.FromDays(7))), default);
        var first = await fixture.SentAsync("ada");
        fixture.Delivery.Time.Advance(TimeSpan.FromMinutes(16));
        await fixture.Delivery.SendAllAsync();
        fixture.Delivery.Time.Advance(TimeSpan.FromDays(6));
        stub.Answer = _ => StubAnswer.Accept;
        var within = await fixture.SentAsync("ada");
        await fixture.ReportAsync(fixture.Report(FeedbackKind.Delivered, first));
        Assert.Equal(MessageState.Queued, (await fixture.Delivery.StateAsync(within)).State);

        fixture.Delivery.Time.Advance(TimeSpan.FromDays(1));
        await fixture.Delivery.SendAllAsync();

        Assert.Equal(MessageState.Accepted, (await fixture.Delivery.StateAsync(within)).State);
    }

    [Theory]
    [InlineData(0, 7, "cap.messages")]
    [InlineData(1001, 7, "cap.messages")]
    [InlineData(3, 0, "cap.period")]
    [InlineData(3, 400, "cap.period")]
    public async Task A_cap_out_of_range_is_refused_by_the_fields_name(int messages, int days, string field)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(DatabaseKind.Sqlite);
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => fixture.Get<SendingPolicies>().PutAsync(1, new SendingPolicy(null, new MessageCap(messages, TimeSpan.FromDays(days))), default));
        Assert.Equal(field, error.Field);
    }

    // On 25 October 2026 clocks in Paris show 2 to 3 twice: from 00:00Z and again from 01:00Z. Seen red: mail of the second time waited a day.
    [Theory]
    [InlineData("2026-10-25T00:15:00Z", "2026-10-25T00:30:00Z")]
    [InlineData("2026-10-25T00:45:00Z", null)]
    [InlineData("2026-10-25T01:15:00Z", "2026-10-25T01:30:00Z")]
    [InlineData("2026-10-25T01:45:00Z", null)]
    public void An_end_that_the_clocks_show_twice_comes_twice(string now, string? end) =>
        Assert.Equal(end, EndAfter(new(new LocalTime(21, 0), new LocalTime(2, 30)), now, "Europe/Paris"));

    private static string? EndAfter(QuietTimes quiet, string now, string zone) =>
        quiet.EndAfter(Instant.FromDateTimeOffset(DateTimeOffset.Parse(now)), LocalClock.Zone(zone)!)?.ToString("uuuu-MM-dd'T'HH:mm:ss'Z'", null);

    private static async Task ZoneAsync(DeliveryFixture fixture, string userId, string zone)
    {
        var contact = await fixture.ContactAsync(userId);
        await fixture.Database.WriteAsync(async session =>
        {
            await session.LockShardAsync(StableHash.Shard(1, userId), wait: true, default);
            await fixture.Get<IContactStore>().ApplyAsync(session, [new ContactChange(contact, new Dictionary<string, object?> { ["time_zone"] = zone })], "test", fixture.Now, default);
        }, default);
    }
}
