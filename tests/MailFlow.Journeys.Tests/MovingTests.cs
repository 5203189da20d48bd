using MailFlow.Data;
using MailFlow.Testing;
using static MailFlow.Journeys.Tests.Flow;

namespace MailFlow.Journeys.Tests;

public class MovingTests
{
    private const int Account = JourneyHost.Account;
    private static readonly string First = Of(null, Trigger("go"), Wait("P1D"), Line("old"));
    private static readonly string Second = Of(null, Trigger("go"), Line("hello", "new-line"), Wait("P1D"), Line("new"));

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_instance_moves_and_its_journal_names_the_activities_of_both_versions(DatabaseKind kind)
    {
        await using var host = await JourneyHost.CreateAsync(kind);
        await host.PublishAsync("j", First);
        var id = await host.Instances.StartAsync(Account, "j", "ada", JsonData.Empty, default);
        await Assert.ThrowsAsync<ConflictException>(() => host.Instances.MoveAsync(Account, id, null, null, default)); // not begun
        await host.RunAsync();
        await Assert.ThrowsAsync<ConflictException>(() => host.Instances.MoveAsync(Account, id, null, null, default)); // there already
        await host.Journeys.SaveDraftAsync(Account, "j", Second, default);
        await Assert.ThrowsAsync<ConflictException>(() => host.Instances.MoveAsync(Account, id, 2, null, default)); // a draft
        await host.PublishAsync("j", Second);
        await Assert.ThrowsAsync<NotFoundException>(() => host.Instances.MoveAsync(Account, id, 3, null, default));
        await Assert.ThrowsAsync<NotFoundException>(() => host.Instances.MoveAsync(2, id, null, null, default));
        Assert.Equal("activity_id", (await Assert.ThrowsAsync<InvalidInputException>(() => host.Instances.MoveAsync(Account, id, 2, "nowhere", default))).Field);

        await host.Instances.MoveAsync(Account, id, null, null, default);
        await host.AdvanceAsync(TimeSpan.FromDays(1));

        var moved = (await host.Instances.FindAsync(Account, id, default))!;
        Assert.Equal((2, "completed"), (moved.Version, moved.Outcome));
        Assert.Equal(
            [("trigger", "Entered"), ("trigger", "Completed"), ("wait", "Suspended"), (null, "Moved"), ("wait", "Completed"), ("line", "Completed"), (null, "Finished")],
            moved.Journal.Select(entry => (entry.ActivityId, entry.Event)));
        Assert.Equal("new", moved.Journal[^2].Text);
        Assert.Contains("moved from version 1 to version 2", (await host.Trace.ReadAsync(Account, "ada", null, 100, default)).Items.Select(entry => entry.Reason));
        Assert.Equal("entered 1, waiting 0, completed 1, exited 0, faulted 0", await host.StatsAsync("j"));
        Assert.All((await host.Journeys.StatsAsync(Account, "j", default)).Activities, activity => Assert.Equal((0, 0), (activity.Waiting, activity.Failed)));
        await Assert.ThrowsAsync<ConflictException>(() => host.Instances.MoveAsync(Account, id, 1, null, default)); // ended
    }

    /// <summary>Without a version, a named activity is looked for in the instance's own.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_instance_is_sent_to_another_activity_of_its_own_version(DatabaseKind kind)
    {
        await using var host = await JourneyHost.CreateAsync(kind);
        await host.PublishAsync("j", First);
        var id = await host.Instances.StartAsync(Account, "j", "ada", JsonData.Empty, default);
        await host.RunAsync();
        await host.PublishAsync("j", Second);

        await host.Instances.MoveAsync(Account, id, null, "line", default);
        await host.RunAsync();

        var moved = (await host.Instances.FindAsync(Account, id, default))!;
        Assert.Equal((1, "completed", "old"), (moved.Version, moved.Outcome, moved.Journal[^2].Text));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_mail_that_a_version_between_lacked_is_sent_again_when_an_instance_is_sent_to_it(DatabaseKind kind)
    {
        await using var host = await JourneyHost.CreateAsync(kind);
        await host.PutTemplateAsync("hello", """{"subject":"Hello","html":"<p>Hello</p>"}""");
        var withMail = Of(null, Trigger("go"), Mail("hello"), Wait("P1D"));
        await host.PublishAsync("j", withMail);
        await host.EventAsync("go", "ada", new { contact = new { email = "ada@example.org" } });
        var id = Assert.Single(await host.InstanceIdsAsync());
        await host.PublishAsync("j", Of(null, Trigger("go"), Wait("P1D")));
        await host.PublishAsync("j", withMail);

        await host.Instances.MoveAsync(Account, id, 2, null, default);
        await host.RunAsync();
        await host.Instances.MoveAsync(Account, id, 3, "mail", default);
        await host.RunAsync();

        Assert.Equal(2, (await host.SentAsync("ada@example.org")).Count);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task All_who_wait_move_to_the_version_just_published(DatabaseKind kind)
    {
        await using var host = await JourneyHost.CreateAsync(kind);
        await host.PublishAsync("j", First);
        await host.PublishAsync("other", First);
        for (var i = 0; i < 20; i++) await host.EventAsync("go", $"u{i}", new { });
        await host.PublishAsync("j", Second);
        await host.EventAsync("go", "late", new { });

        await host.Instances.MoveWaitingAsync(Account, "j", 2, default);
        await host.RunAsync();

        var versions = await host.Database.ReadAsync(session => session.QueryAsync(
            "SELECT j.definition_id, v.version, count(*) FROM instance i JOIN journey j ON j.id = i.journey_id JOIN definition_version v ON v.id = i.version_id GROUP BY j.definition_id, v.version ORDER BY 1, 2",
            row => (row.Text(0), row.Int(1), row.Long(2)), default), default);
        Assert.Equal([("j", 2, 21), ("other", 1, 21)], versions);
        Assert.Single((await host.Trace.ReadAsync(Account, "u3", null, 100, default)).Items, entry => entry.Event == "Moved");
        Assert.DoesNotContain((await host.Trace.ReadAsync(Account, "late", null, 100, default)).Items, entry => entry.Event == "Moved");
        await host.AdvanceAsync(TimeSpan.FromDays(1));
        Assert.Equal("entered 21, waiting 0, completed 21, exited 0, faulted 0", await host.StatsAsync("j"));

        await Assert.ThrowsAsync<NotFoundException>(() => host.Instances.MoveWaitingAsync(Account, "j", 9, default));
        await Assert.ThrowsAsync<NotFoundException>(() => host.Instances.MoveWaitingAsync(2, "j", 2, default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task All_who_wait_on_older_versions_exit(DatabaseKind kind)
    {
        await using var host = await JourneyHost.CreateAsync(kind);
        await host.PublishAsync("j", First);
        for (var i = 0; i < 5; i++) await host.EventAsync("go", $"u{i}", new { });
        await host.PublishAsync("j", Second);
        await host.EventAsync("go", "late", new { });

        await host.Instances.ExitWaitingAsync(Account, "j", "version 2 replaces it", 2, default);
        await host.RunAsync();
        Assert.Equal("entered 6, waiting 1, completed 0, exited 5, faulted 0", await host.StatsAsync("j"));
        Assert.Equal("left “Test journey” early: version 2 replaces it", (await host.Trace.ReadAsync(Account, "u3", null, 100, default)).Items[^1].Reason);

        await host.Instances.ExitWaitingAsync(Account, "j", "closed", null, default);
        await host.RunAsync();
        Assert.Equal("entered 6, waiting 0, completed 0, exited 6, faulted 0", await host.StatsAsync("j"));
    }
}
