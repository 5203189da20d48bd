using MailFlow.Data;
using MailFlow.Delivery.Deliverability;
using MailFlow.Delivery.Routing;
using MailFlow.Engine.Definitions;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Routing;

public sealed class LimitTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task In_no_window_does_more_leave_than_the_limit_allows_and_the_limit_is_used(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        await fixture.ConnectAsync("main", draft: new(PerSecond: 7));
        await fixture.Delivery.QueueManyAsync(300);

        await fixture.RunAsync(TimeSpan.FromSeconds(60), TimeSpan.FromMilliseconds(250));

        Assert.Equal(300, fixture.Log.Count);
        AssertWithin(fixture.Log.Select(entry => entry.At), 7);
        Assert.InRange((fixture.Log[^1].At - fixture.Log[0].At) / 1000.0, 40, 44);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_sending_domains_limit_holds_over_all_of_its_connections_and_both_streams(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        await fixture.ConnectAsync("one");
        await fixture.ConnectAsync("two", draft: new(PerSecond: 50));
        await fixture.Delivery.Get<SendingDomains>().PutAsync(1, "shop.example", new(PerSecond: 5), default);
        await fixture.Delivery.QueueManyAsync(100);
        await fixture.QueueAsync(20, MessageStream.Transactional);

        await fixture.RunAsync(TimeSpan.FromSeconds(40), TimeSpan.FromMilliseconds(250));

        Assert.Equal(120, fixture.Log.Count);
        AssertWithin(fixture.Log.Select(entry => entry.At), 5);
        Assert.InRange((fixture.Log[^1].At - fixture.Log[0].At) / 1000.0, 22, 25);
        Assert.All(fixture.Log.Take(20), entry => Assert.StartsWith("transactional", entry.To));
        Assert.Equal(2, fixture.Log.Select(entry => entry.Connection).Distinct().Count());
        await Assert.ThrowsAsync<InvalidInputException>(() => fixture.Delivery.Get<SendingDomains>().PutAsync(1, "shop.example", new(PerSecond: 0), default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Two_nodes_share_one_limit_and_a_restart_does_not_refill_it(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        await fixture.ConnectAsync("main", draft: new(PerSecond: 5));
        await fixture.Delivery.QueueManyAsync(100);
        var options = fixture.Delivery.Options;

        for (var i = 0; i < 40; i++)
        {
            var (one, two) = (fixture.Start(options with { Node = "node-1" }), fixture.Start(options with { Node = "node-2" }));
            await Task.WhenAll(one.RunOnceAsync(default), two.RunOnceAsync(default));
            fixture.Delivery.Time.Advance(TimeSpan.FromMilliseconds(500));
        }

        Assert.InRange(fixture.Log.Count, 90, 105);
        AssertWithin(fixture.Log.Select(entry => entry.At), 5);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_days_limit_holds_until_midnight_and_keeps_a_twentieth_for_transactional_mail(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        await fixture.ConnectAsync("main", draft: new(PerDay: 40));
        await fixture.Delivery.QueueManyAsync(60);
        await fixture.RunAsync(TimeSpan.FromHours(2), TimeSpan.FromMinutes(20));
        var marketing = fixture.Log.Count;
        await fixture.QueueAsync(5, MessageStream.Transactional);
        await fixture.RunAsync(TimeSpan.FromHours(2), TimeSpan.FromMinutes(20));
        var together = fixture.Log.Count;

        await fixture.RunAsync(TimeSpan.FromHours(24), TimeSpan.FromHours(1));

        Assert.Equal((38, 40, 65), (marketing, together, fixture.Log.Count));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_mailbox_providers_limit_is_over_all_of_its_domains_and_holds_nobody_else(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        await fixture.ConnectAsync("main");
        await fixture.Delivery.Get<MailboxLimits>().ReplaceAsync(1, [new("gmail", 2), new("example.net", 0.5), new("*", 100)], default);
        await fixture.QueueAsync(10, domain: "gmail.com");
        await fixture.QueueAsync(10, domain: "googlemail.com");
        await fixture.QueueAsync(4, domain: "example.net");
        await fixture.QueueAsync(30, domain: "example.org");

        await fixture.RunAsync(TimeSpan.FromSeconds(15), TimeSpan.FromMilliseconds(250));

        Assert.Equal(54, fixture.Log.Count);
        AssertWithin(Of("gmail.com", "googlemail.com"), 2);
        AssertWithin(Of("example.net"), 0.5);
        Assert.Single(Of("example.org").Distinct());
        Assert.InRange((Of("gmail.com", "googlemail.com").Max() - Of("gmail.com", "googlemail.com").Min()) / 1000.0, 8, 11);

        List<long> Of(params string[] domains) => [.. fixture.Log.Where(entry => domains.Contains(entry.To.Split('@')[1])).Select(entry => entry.At)];
    }

    [Theory]
    [InlineData("gmial", 1, "limits[0].mailbox")]
    [InlineData("gmail", 0, "limits[0].per_second")]
    [InlineData("gmail", double.NaN, "limits[0].per_second")]
    public async Task A_limit_that_cannot_be_is_refused_by_name(string mailbox, double perSecond, string field)
    {
        await using var fixture = await RoutingFixture.CreateAsync(DatabaseKind.Sqlite);
        Assert.Equal(field, (await Assert.ThrowsAsync<InvalidInputException>(() => fixture.Delivery.Get<MailboxLimits>().ReplaceAsync(1, [new(mailbox, perSecond)], default))).Field);
    }

    /// <summary>Over each window between two mails no more than the store and what came in meanwhile.</summary>
    private static void AssertWithin(IEnumerable<long> instants, double perSecond)
    {
        var at = instants.Order().ToList();
        for (var first = 0; first < at.Count; first++)
            for (var last = first; last < at.Count; last++)
                Assert.True(last - first + 1 <= Math.Max(1, perSecond) + ((at[last] - at[first]) / 1000.0 * perSecond) + 1e-6, $"{last - first + 1} mails within {at[last] - at[first]} ms");
    }
}
