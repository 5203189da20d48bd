using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Storage;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Engine.Tests.Execution;

/// <summary>What fails stands alone; nobody else's batch is harmed.</summary>
public sealed class IncidentTests
{
    private static readonly HashSet<string> Poisoned = [];

    [Activity("Tests.Fragile")]
    internal sealed class Fragile : BatchActivity<Fragile.Input>
    {
        public sealed record Input;

        protected override async ValueTask RunAsync(StepBatch<Input> steps, CancellationToken ct)
        {
            await steps.Session.ExecuteAsync("UPDATE account SET name = name", ct);
            foreach (var step in steps)
            {
                lock (Poisoned)
                    if (Poisoned.Contains(step.Context.Contact.UserId)) throw new InvalidOperationException("poison");
                step.Complete(text: "survived");
            }
        }
    }

    [Activity("Tests.Thrower")]
    internal sealed class Thrower : Activity<Thrower.Input>
    {
        public sealed record Input;

        protected override StepResult Run(Input input, Step step) =>
            step.Contact.UserId == "bad" ? throw new InvalidOperationException("no") : StepResult.Complete(text: "fine");
    }

    [Activity("Tests.Slow")]
    internal sealed class Slow : BatchActivity<Slow.Input>
    {
        public sealed record Input;

        protected override ValueTask RunAsync(StepBatch<Input> steps, CancellationToken ct)
        {
            if (steps.Any(step => step.Context.Contact.UserId == "bad")) throw new TimeoutException("their server did not answer");
            foreach (var step in steps) step.Complete(text: "answered");
            return ValueTask.CompletedTask;
        }
    }

    internal sealed class Hanging : SemaphoreSlim
    {
        public Hanging() : base(0) { }

        public async Task BegunAsync() => Assert.True(await WaitAsync(TimeSpan.FromMinutes(1)), "not called");
    }

    [Activity("Tests.Hangs")]
    internal sealed class Hangs(Hanging hanging) : BatchActivity<Hangs.Input>
    {
        public sealed record Input;

        protected override async ValueTask RunAsync(StepBatch<Input> steps, CancellationToken ct)
        {
            hanging.Release();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct);
        }
    }

    /// <summary>Seen red with a deadline of 9 s: not called again in time.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_call_that_does_not_come_back_is_an_incident_after_8_seconds(DatabaseKind kind)
    {
        using var hanging = new Hanging();
        await using var host = await EngineHost.CreateAsync(kind, services => services.AddSingleton(hanging).AddActivity<Hangs>(), batchSize: 2);
        await host.PublishAsync(Flows.Of("on:s:go Tests.Hangs:h", "s --> h"));
        await host.EventAsync("go");

        var run = Task.Run(host.RunAsync);
        await hanging.BegunAsync();
        host.Time.Advance(TimeSpan.FromSeconds(7));
        Assert.False(run.IsCompleted || hanging.CurrentCount > 0);
        host.Time.Advance(TimeSpan.FromSeconds(1));
        await hanging.BegunAsync(); // alone
        host.Time.Advance(TimeSpan.FromSeconds(8));
        await run.WaitAsync(TimeSpan.FromMinutes(1));

        Assert.Equal([InstanceStatus.Faulted], await host.StatusesAsync());
        Assert.Contains("did not decide within 8 s", (await host.HistoryAsync())[^1]);
    }

    /// <summary>Seen red on PostgreSQL: a time-out of the activity's own was taken for the database's, and the shard tried again for ever.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_timeout_of_an_activity_is_its_incident_and_not_the_databases(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind, services => services.AddActivity<Slow>());
        await host.PublishAsync(Flows.Of("on:s:go Tests.Slow:f say:end", "s --> f", "f --> end"));

        await host.EventsAsync([host.NewEvent("go", "bad"), host.NewEvent("go", "good")]);
        await host.RunAsync();

        Assert.Equal([InstanceStatus.Completed, InstanceStatus.Faulted], (await host.StatusesAsync()).Order());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task One_poisonous_contact_becomes_an_incident_and_all_others_go_on(DatabaseKind kind)
    {
        var bad = $"bad-{kind}";
        await using var host = await EngineHost.CreateAsync(kind, services => services.AddActivity<Fragile>());
        await host.PublishAsync(Flows.Of("on:s:go Tests.Fragile:f say:end", "s --> f", "f --> end"));
        lock (Poisoned) Poisoned.Add(bad);

        await host.EventsAsync([.. Enumerable.Range(0, 200).Select(i => host.NewEvent("go", i == 77 ? bad : $"u{i}"))]);
        await host.RunAsync();

        var counts = await host.CountsAsync();
        Assert.Equal((200, 199, 1), (counts[CountKind.Entered], counts[CountKind.Completed], counts[CountKind.Faulted]));
        Assert.Equal(199, (await host.LinesAsync()).Count(line => line == "end"));

        // Mended, it is retried and goes on from where it stood.
        lock (Poisoned) Poisoned.Remove(bad);
        var faulted = await host.Read(s => s.FirstAsync("SELECT id FROM instance WHERE status = 3", row => row.Uuid(0), default));
        await host.CommandAsync(InboxKind.Retry, bad, faulted);
        await host.RunAsync();
        counts = await host.CountsAsync();
        Assert.Equal((200, 0), (counts[CountKind.Completed], counts[CountKind.Faulted]));
    }

    [Theory]
    [InlineData(InboxKind.Skip, InstanceStatus.Completed)]
    [InlineData(InboxKind.Cancel, InstanceStatus.Cancelled)]
    [InlineData(InboxKind.Retry, InstanceStatus.Faulted)]
    public async Task An_incident_can_be_skipped_cancelled_or_retried(InboxKind command, InstanceStatus after)
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite, services => services.AddActivity<Thrower>());
        await host.PublishAsync(Flows.Of("on:s:go Tests.Thrower:t say:end", "s --> t", "t --> end"));
        await host.EventAsync("go", "bad");
        await host.EventAsync("go", "good");
        await host.RunAsync();
        var faulted = await host.Read(s => s.FirstAsync("SELECT id FROM instance WHERE status = 3", row => row.Uuid(0), default));

        await host.CommandAsync(command, "bad", faulted);
        await host.RunAsync();

        Assert.Equal(after, await host.Read(s => s.FirstAsync("SELECT status FROM instance WHERE id = @id", row => (InstanceStatus)row.Int(0), default, ("id", faulted))));
        var counts = await host.CountsAsync();
        Assert.Equal(2, counts[CountKind.Entered]);
        Assert.Equal(2, counts.GetValueOrDefault(CountKind.Completed) + counts.GetValueOrDefault(CountKind.Exited) + counts.GetValueOrDefault(CountKind.Faulted));
    }

    [Fact]
    public async Task A_row_of_the_inbox_that_cannot_be_read_is_laid_aside_with_its_error()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite);
        await host.PublishAsync(Flows.Of("on:s:go say:end", "s --> end"));
        var shard = StableHash.Shard(1, "ada");
        await host.Write(async s =>
        {
            await Inbox.PostAsync(s, [new InboxItem(1, shard, InboxKind.Event, StableHash.Key("x"), "ada", "not json")], default);
            return 0;
        });
        await host.EventAsync("go");
        await host.RunAsync();

        Assert.Equal(["end"], await host.LinesAsync());
        Assert.Equal(1, await host.Read(s => s.ScalarAsync<long>("SELECT count(*) FROM dead_letter", default)));
    }
}
