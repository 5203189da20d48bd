using MailFlow.Data;
using MailFlow.Engine.Storage;
using MailFlow.Testing;

namespace MailFlow.Engine.Tests.Execution;

/// <summary>What fails alone and outside any activity is laid aside: that, and nothing else.</summary>
public sealed class LaidAsideTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Of_many_the_row_and_the_instance_that_cannot_be_read_are_laid_aside_and_counted(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind);
        await host.PublishAsync(Flows.Of("on:s:go wait:w:PT1H say:end", "s --> w", "w --> end"));
        var users = EngineHost.UsersOfOneShard(60);
        await host.EventsAsync([.. users.Take(30).Select(user => host.NewEvent("go", user))]);
        await host.RunAsync();
        var broken = (await host.InstancesAsync())[17];
        await host.Write(s => s.ExecuteAsync("UPDATE instance SET format = 99 WHERE id = @id", default, ("id", broken)));

        host.Time.Advance(TimeSpan.FromHours(1));
        await host.EventsAsync([.. users.Skip(30).Take(15).Select(user => host.NewEvent("go", user))]);
        await host.Write(async s =>
        {
            await Inbox.PostAsync(s, [new InboxItem(1, 7, InboxKind.Event, StableHash.Key("x"), users[50], "not json")], default);
            return 0;
        });
        await host.EventsAsync([.. users.Skip(45).Select(user => host.NewEvent("go", user))]);
        await host.RunAsync();

        Assert.Equal([(users[50], "not json")], await host.Read(s => s.QueryAsync("SELECT user_id, body FROM dead_letter", row => (row.Text(0), row.Text(1)), default)));
        Assert.Equal([broken], await host.Read(s => s.QueryAsync("SELECT id FROM instance WHERE status = 3 AND due_at IS NULL", row => row.Uuid(0), default)));
        Assert.Single(await host.HistoryAsync(), line => line.StartsWith("-1 F", StringComparison.Ordinal) && line.Contains("format 99", StringComparison.Ordinal));
        await host.AdvanceAsync(TimeSpan.FromHours(1));
        var counts = await host.CountsAsync();
        Assert.Equal((60, 59, 1), (counts[CountKind.Entered], counts[CountKind.Completed], counts[CountKind.Faulted]));

        // Mended, it goes on where it stood.
        await host.Write(s => s.ExecuteAsync("UPDATE instance SET format = 1 WHERE id = @id", default, ("id", broken)));
        var user = await host.Read(s => s.FirstAsync("SELECT c.user_id FROM instance i JOIN contact c ON c.id = i.contact_id WHERE i.id = @id", row => row.Text(0), default, ("id", broken)));
        await host.CommandAsync(InboxKind.Retry, user!, broken);
        await host.RunAsync();
        counts = await host.CountsAsync();
        Assert.Equal((60, 0), (counts[CountKind.Completed], counts[CountKind.Faulted]));
    }

    // Seen red: rows were laid aside one by one, those of every account.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task While_the_journeys_cannot_be_read_nothing_is_laid_aside(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind);
        await host.PublishAsync(Flows.Of("on:s:go say:end", "s --> end"));
        await host.EventsAsync([.. EngineHost.UsersOfOneShard(3).Select(user => host.NewEvent("go", user))]);
        await host.Write(s => s.ExecuteAsync("ALTER TABLE parked_node RENAME TO hidden", default));
        await Assert.ThrowsAnyAsync<Exception>(() => host.RunAsync());
        await host.Write(s => s.ExecuteAsync("ALTER TABLE hidden RENAME TO parked_node", default));
        Assert.Equal(0, await host.Read(s => s.ScalarAsync<long>("SELECT count(*) FROM dead_letter", default)));

        await host.RunAsync();
        Assert.Equal(3, (await host.CountsAsync())[CountKind.Completed]);
    }

    /// <summary>Seen red with the trace's line in the only try: the shard stood still.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Where_it_is_the_contact_that_cannot_be_had_the_row_is_laid_aside_untold(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind);
        await host.PublishAsync(Flows.Of("on:s:go say:end", "s --> end"));
        var users = EngineHost.UsersOfOneShard(3);
        await host.Write(s => s.ExecuteAsync(kind == DatabaseKind.PostgreSql
            ? $"ALTER TABLE contact ADD CHECK (user_id <> '{users[1]}')"
            : $"CREATE TRIGGER no_contact BEFORE INSERT ON contact WHEN NEW.user_id = '{users[1]}' BEGIN SELECT RAISE(ABORT, 'no'); END", default));

        await host.EventsAsync([.. users.Select(user => host.NewEvent("go", user))]);
        await host.RunAsync();

        Assert.Equal([$"{users[0]}: end", $"{users[2]}: end"], (await host.LinesAsync(withUser: true)).OrderBy(line => line.Length));
        Assert.Equal([users[1]], (await host.DeadLetters.ListAsync(1, null, 10, default)).Items.Select(letter => letter.UserId));
    }

    /// <summary>Seen red with only the inbox asked: the rest waited for the next poll, and a shard with timers alone was thought worked through.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_batch_full_of_timers_says_that_there_may_be_more(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind, batchSize: 10);
        await host.PublishAsync(Flows.Of("on:s:go wait:w:PT1H say:end", "s --> w", "w --> end"));
        var users = EngineHost.UsersOfOneShard(15);
        await host.EventsAsync([.. users.Select(user => host.NewEvent("go", user))]);
        await host.RunAsync();
        host.Time.Advance(TimeSpan.FromHours(1));

        var shard = StableHash.Shard(1, users[0]);
        var (first, second) = (await host.Worker.RunOnceAsync(shard, default), await host.Worker.RunOnceAsync(shard, default));

        Assert.Equal((10, true, 5, false), (first.Claimed, first.HasMore, second.Claimed, second.HasMore));
    }
}
