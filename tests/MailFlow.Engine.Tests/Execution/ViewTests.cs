using MailFlow.Data;
using MailFlow.Engine.Storage;
using MailFlow.Testing;

namespace MailFlow.Engine.Tests.Execution;

/// <summary>
/// What changes a journey commits between two statements of a batch that has its shard's lock: what the batch claims is then never younger than what it knows of the journeys. Of PostgreSQL.
/// </summary>
public sealed class ViewTests
{
    /// <summary>Has a worker stand before its claim, and then lets <paramref name="meanwhile"/> commit.</summary>
    private static async Task BeforeTheClaimAsync(EngineHost host, int shard, Func<Session, Task> meanwhile)
    {
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var batch = Task.Run(async () =>
        {
            await go.Task;
            return await host.Worker.RunOnceAsync(shard, default);
        });
        await host.Write(async session =>
        {
            await session.ExecuteAsync("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE", default);
            go.SetResult();
            while (await host.Read(s => s.ScalarAsync<long>("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = CAST('inbox' AS regclass)", default)) == 0)
            {
                Assert.False(batch.IsCompleted, "It did not come by the inbox.");
                await Task.Yield();
            }
            await meanwhile(session);
        });
        await batch;
    }

    // Seen red: the batch took the command, and held the journey for paused still: nobody was to wake those contacts any more.
    [Fact]
    public async Task Who_is_parked_goes_on_whenever_the_resume_comes()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.PostgreSql);
        await host.PublishAsync(Flows.Of("on:s:go wait:w:PT30M say:end", "s --> w", "w --> end"));
        await host.EventAsync("go");
        await host.RunAsync();
        await host.PauseAsync(true);
        host.Time.Advance(TimeSpan.FromHours(1));
        await host.RunAsync();
        Assert.Equal(1, await host.Read(s => s.ScalarAsync<long>("SELECT count(*) FROM instance WHERE parked_at IS NOT NULL", default)));

        await host.EventAsync("noise"); // the shard has something to do
        await BeforeTheClaimAsync(host, StableHash.Shard(1, "ada"), session => EngineHost.PauseAsync(session, paused: false));
        await host.AdvanceAsync(TimeSpan.FromDays(365));

        Assert.Equal(["end"], await host.LinesAsync());
    }

    // Seen red: it was refused, because nothing was published.
    [Fact]
    public async Task Whoever_is_started_after_a_publish_enters_whenever_both_come()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.PostgreSql);
        await host.PublishAsync(Flows.Of("on:s:other say:end", "s --> end"), account: 2); // some journey
        await host.RunAsync();
        await host.EventAsync("noise");
        var json = Flows.Of("on:s:go say:end", "s --> end");
        await BeforeTheClaimAsync(host, StableHash.Shard(1, "ada"), async session =>
        {
            var now = await session.NowAsync(default);
            await session.ExecuteAsync("INSERT INTO journey (account_id, definition_id, name, created_at, updated_at) VALUES (1, 'test', 'test', @now, @now)", default, ("now", now));
            var journey = await session.ScalarAsync<int>("SELECT id FROM journey WHERE account_id = 1 AND definition_id = 'test'", default);
            var version = await session.ScalarAsync<long>("""
                INSERT INTO definition_version (account_id, journey_id, version, definition, created_at, published_at) VALUES (1, @journey, 99, @json, @now, @now) RETURNING id
                """, default, ("journey", journey), ("json", json), ("now", now));
            await session.ExecuteAsync("UPDATE journey SET published_version_id = @version WHERE id = @journey", default, ("version", version), ("journey", journey));
            await EngineEpoch.BumpAsync(session, default);
            await Inbox.PostAsync(session, [InboxItem.StartInstance(1, "ada", StableHash.TimedKey(now, StableHash.Key("hand")), "test", new Dictionary<string, object?>(), underEntryRule: false)], default);
        });
        await host.RunAsync();

        Assert.Equal(["end"], await host.LinesAsync());
    }
}
