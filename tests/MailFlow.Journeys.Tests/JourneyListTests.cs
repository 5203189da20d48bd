using MailFlow.Data;
using MailFlow.Testing;
using static MailFlow.Journeys.Tests.Flow;

namespace MailFlow.Journeys.Tests;

public class JourneyListTests
{
    private const int Account = JourneyHost.Account;

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Journeys_are_found_by_state_and_by_part_of_name_or_id(DatabaseKind kind)
    {
        await using var host = await JourneyHost.CreateAsync(kind);
        foreach (var id in new[] { "live", "held", "gone" }) await host.PublishAsync(id, Named(id));
        await host.Journeys.PauseAsync(Account, "held", default);
        await host.Journeys.UnpublishAsync(Account, "gone", default);
        await host.Journeys.SaveDraftAsync(Account, "new", Named("100%_sure"), default);
        await host.Journeys.SaveDraftAsync(Account, "live", Named("live", "P2D"), default);

        Assert.Equal([("gone", "unpublished", 1), ("held", "paused", 1), ("live", "published", 1), ("new", "draft", 1)], await ListAsync(host, null, null));
        foreach (var (id, state) in new[] { ("gone", "unpublished"), ("held", "paused"), ("live", "published"), ("new", "draft") })
            Assert.Equal([(id, state, 1)], await ListAsync(host, null, state));
        Assert.Equal(["held", "live"], (await ListAsync(host, "E ", null)).Select(found => found.Id).Intersect(["held", "live"]));
        Assert.Equal(["new"], (await ListAsync(host, "100%_S", null)).Select(found => found.Id));
        Assert.Empty(await ListAsync(host, "1%s", null));
        Assert.Equal(2, (await host.Get<JourneyList>().ListAsync(Account, null, "published", null, 10, default)).Items.Single().LatestVersion);
        Assert.Equal("state", (await Assert.ThrowsAsync<InvalidInputException>(() => ListAsync(host, null, "asleep"))).Field);

        var first = await host.Get<JourneyList>().ListAsync(Account, null, null, null, 3, default);
        Assert.Equal(["new"], (await host.Get<JourneyList>().ListAsync(Account, null, null, first.Next, 3, default)).Items.Select(item => item.DefinitionId));
        Assert.Empty((await host.Get<JourneyList>().ListAsync(2, null, null, null, 10, default)).Items);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_last_days_are_told_from_all_time(DatabaseKind kind)
    {
        await using var host = await JourneyHost.WithSamplesAsync(kind);
        await host.PublishAsync("j", Of(null, Trigger("go"), Mail("welcome"), Wait("P1D"), ("fail", "Elsa.Fault", [("message", "Literal", "broken")])));
        await EnterAsync(host, "ada", "bob");
        Assert.Equal((2, 2, 0, 2, 2), await NumbersAsync(host)); // as new as it is, all of it is lately
        var days = new JourneyDays(host.Database);
        await days.RunOnceAsync(default);
        await EnterAsync(host, "eve");
        await days.RunOnceAsync(default); // once a day, and the first counts
        for (var day = 0; day < 10; day++)
        {
            await host.AdvanceAsync(TimeSpan.FromDays(1));
            await days.RunOnceAsync(default);
        }
        Assert.Equal((3, 0, 3, 0, 0), await NumbersAsync(host));
        await EnterAsync(host, "joe");
        await host.AdvanceAsync(TimeSpan.FromMinutes(2));
        Assert.Equal((4, 1, 3, 1, 1), await NumbersAsync(host));

        await host.AdvanceAsync(TimeSpan.FromDays(100)); // the server was off: the last day on record before stands in
        await days.RunOnceAsync(default);
        Assert.Equal(1, await host.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM journey_day WHERE journey_id = (SELECT id FROM journey WHERE definition_id = 'j')", default), default));
    }

    private static string Named(string name, string wait = "P1D") => Of(null, Trigger("go"), Wait(wait)).Replace("Test journey", name, StringComparison.Ordinal);

    private static async Task<List<(string Id, string State, int Version)>> ListAsync(JourneyHost host, string? search, string? state) =>
        [.. (await host.Get<JourneyList>().ListAsync(Account, search, state, null, 100, default)).Items.Select(item => (item.DefinitionId, item.State, item.Version))];

    private static async Task EnterAsync(JourneyHost host, params string[] users)
    {
        foreach (var user in users) await host.EventAsync("go", user, new { contact = new { email = $"{user}@example.org" } });
    }

    private static async Task<(long Entered, long Waiting, long Faulted, long Emails, long Lately)> NumbersAsync(JourneyHost host)
    {
        var stats = (await host.Get<JourneyList>().ListAsync(Account, null, "published", null, 10, default)).Items.Single().Stats;
        Assert.Equal(stats.Entered, stats.Waiting + stats.Completed + stats.Exited + stats.Faulted);
        return (stats.Entered, stats.Waiting, stats.Faulted, stats.Emails7d, stats.Entered7d);
    }
}
