using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Testing;
using static MailFlow.Journeys.Tests.Flow;

namespace MailFlow.Journeys.Tests;

public class JourneyVersionsTests
{
    private const int Account = JourneyHost.Account;

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Versions_are_listed_with_what_they_are_and_who_waits_in_them(DatabaseKind kind)
    {
        await using var host = await JourneyHost.CreateAsync(kind);
        var versions = host.Get<JourneyVersions>();
        await host.PublishAsync("j", Of(null, Trigger("go"), Wait("P1D")));
        await host.EventAsync("go", "ada", new { });
        await host.EventAsync("go", "bob", new { });
        await host.PublishAsync("j", Of(null, Trigger("go"), Wait("P2D")));
        await host.EventAsync("go", "eve", new { });
        await host.Journeys.SaveDraftAsync(Account, "j", Of(null, Trigger("go"), Wait("P3D")), default);
        var (found, next) = await versions.ListAsync(Account, "j", null, 3, default);
        Assert.Equal([(3, "draft", false, 0L), (2, "published", true, 1), (1, "retired", true, 2)], found.Select(version => (version.Version, version.State, version.PublishedAt is not null, version.Waiting)));
        Assert.Null(next);
        var first = await versions.ListAsync(Account, "j", null, 2, default);
        Assert.Equal(found, [.. first.Items, .. (await versions.ListAsync(Account, "j", first.Next, 2, default)).Items]);
        await Assert.ThrowsAsync<NotFoundException>(() => versions.ListAsync(2, "j", null, 3, default));

        // Of the published version and the draft, if nothing else is asked for.
        var diff = await versions.DiffAsync(Account, "j", null, null, default);
        Assert.Equal((2, 3, "Duration of “wait” is now 3 days (was 2 days)."), (diff.From, diff.To, diff.Changes.Single().Text));
        Assert.Equal("Duration of “wait” is now 3 days (was 1 day).", (await versions.DiffAsync(Account, "j", 1, 3, default)).Changes.Single().Text);
        Assert.Equal(1, (await versions.DiffAsync(Account, "j", null, 2, default)).From);
        Assert.Null((await versions.DiffAsync(Account, "j", null, 1, default)).From);
        await Assert.ThrowsAsync<NotFoundException>(() => versions.DiffAsync(Account, "j", 7, null, default));
        await Assert.ThrowsAsync<NotFoundException>(() => versions.DiffAsync(2, "j", null, null, default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Before_a_publish_it_is_said_who_waits_at_what_is_changed_or_gone(DatabaseKind kind)
    {
        await using var host = await JourneyHost.CreateAsync(kind);
        var versions = host.Get<JourneyVersions>();
        await host.PublishAsync("j", Of(null, Trigger("go"), Wait("P1D", "first"), Wait("P1D", "second"), Wait("P1D", "third"), Line("end")));
        await host.EventAsync("go", "ada", new { });
        await host.AdvanceAsync(TimeSpan.FromDays(1));
        await host.EventAsync("go", "bob", new { });
        await host.AdvanceAsync(TimeSpan.FromDays(1));
        await host.EventAsync("go", "eve", new { });
        await host.EventAsync("go", "joe", new { });
        await host.Journeys.SaveDraftAsync(Account, "j", Of(null, Trigger("go"), Wait("P1D", "first"), Wait("P5D", "second"), Line("end")), default);

        var preview = await versions.PreviewAsync(Account, "j", default);
        Assert.Equal((1, 2, 4L), (preview.From!.Value, preview.To, preview.TotalWaiting));
        Assert.Equal([("third", 1L, ActivityChange.Removed), ("second", 1, ActivityChange.Changed), ("first", 2, ActivityChange.Unchanged)],
            preview.Waiting.Select(place => (place.ActivityId, place.Count, place.Change)));
        Assert.Equal(["Duration of “second” is now 5 days (was 1 day).", "“third” (Wait) is gone.", "“second” now leads to “line”."], preview.Changes.Select(change => change.Text));
        Assert.Empty(preview.Findings);

        await host.Journeys.SaveDraftAsync(Account, "j", Of(null, Trigger("go"), Wait("soon")), default);
        Assert.Equal(Severity.Error, Assert.Single((await versions.PreviewAsync(Account, "j", default)).Findings).Severity);
        await Assert.ThrowsAsync<NotFoundException>(() => versions.PreviewAsync(2, "j", default));

        await host.Journeys.SaveDraftAsync(Account, "new", Of(null, Trigger("go"), Wait("P1D")), default);
        var first = await versions.PreviewAsync(Account, "new", default);
        Assert.Equal((null, 1, 0, 0L), (first.From, first.To, first.Changes.Count, first.TotalWaiting));
    }
}
