using MailFlow.Delivery.Routing;
using MailFlow.Engine.Definitions;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Routing;

/// <summary>The lag of mail wakes people at night: it is of mail that a sender could take up, and of no other.</summary>
public sealed class HeldMailTests
{
    // Seen red: it counted, every day of a warm-up.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_a_warm_up_holds_until_tomorrow_is_nobodys_lag_and_receipts_behind_it_are(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        await fixture.ConnectAsync("main");
        await fixture.Delivery.Get<WarmUps>().PutAsync(1, "shop.example", 2, 100, 14, default);
        await fixture.QueueAsync(5);
        Assert.NotNull(await OldestAsync(fixture));
        await fixture.Delivery.SendAllAsync();

        Assert.Null(await OldestAsync(fixture));
        var reasons = await ReasonsAsync(fixture);
        Assert.Equal(3, reasons.Count(reason => reason == "Waits for tomorrow (UTC): today's volume of shop.example is used up, because it is warmed up or draws complaints."));
        Assert.Equal(2, reasons.Count(reason => reason is null));

        fixture.Delivery.Time.Advance(TimeSpan.FromMinutes(1));
        await fixture.QueueAsync(1, MessageStream.Transactional);

        Assert.Equal(fixture.Delivery.Time.GetUtcNow(), await OldestAsync(fixture));

        fixture.Delivery.Time.Advance(TimeSpan.FromDays(1));

        Assert.True(await OldestAsync(fixture) < fixture.Delivery.Time.GetUtcNow() - TimeSpan.FromDays(1));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_a_days_limit_or_a_stop_holds_is_nobodys_lag_until_it_ends(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        await fixture.ConnectAsync("main", draft: new ConnectionDraft(PerDay: 3));
        await fixture.QueueAsync(5, MessageStream.Transactional);
        await fixture.Delivery.SendAllAsync();
        Assert.Null(await OldestAsync(fixture));
        Assert.Contains("Waits for tomorrow (UTC): the connection's limit of a day is reached.", await ReasonsAsync(fixture));

        await fixture.ConnectAsync("other");
        Assert.NotNull(await OldestAsync(fixture));
        var stops = new[] { "connection:main", "connection:other" }.Select(subject => new NewStop(1, subject, MessageStream.Transactional, "refused"));
        await fixture.Delivery.Database.WriteAsync(session => SendingStops.StopAsync(session, stops, default), default);
        Assert.Null(await OldestAsync(fixture));
        Assert.Contains("Waits, because it is stopped: refused", await ReasonsAsync(fixture));

        await fixture.Delivery.Get<SendingStops>().ResumeAsync(1, "connection:other", default);
        Assert.NotNull(await OldestAsync(fixture));
    }

    private static async Task<List<string?>> ReasonsAsync(RoutingFixture fixture) =>
        [.. (await fixture.Delivery.Messages.ListAsync(1, null, null, null, null, 10, default)).Items.Select(message => message.Reason)];

    private static async Task<DateTimeOffset?> OldestAsync(RoutingFixture fixture) =>
        (await fixture.Delivery.Database.ReadAsync(session => fixture.Delivery.Get<MessageBacklogs>().ReadAsync(session, default), default)).OldestDueAt;
}
