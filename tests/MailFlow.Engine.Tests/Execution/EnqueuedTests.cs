using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Storage;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Engine.Tests.Execution;

/// <summary>What an activity enqueues is its own and fails as that; who is told of an end reads what the batch did.</summary>
public sealed class EnqueuedTests
{
    [Activity("Tests.Enqueues")]
    internal sealed class Enqueues : BatchActivity<Enqueues.Input>
    {
        public sealed record Input;

        protected override async ValueTask RunAsync(StepBatch<Input> steps, CancellationToken ct)
        {
            await steps.Session.EnqueueAsync("INSERT INTO nowhere (n) SELECT r.n FROM {rows}", new Rows<int>([1]).Int("n", n => n), ct);
            foreach (var step in steps) step.Complete(text: "through");
        }
    }

    // Seen red on PostgreSQL: the event was laid aside.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_an_activity_enqueues_fails_as_the_activitys(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind, services => services.AddActivity<Enqueues>());
        await host.PublishAsync(Flows.Of("on:s:go Tests.Enqueues:f say:end", "s --> f", "f --> end"));
        await host.EventAsync("go");
        await host.RunAsync();

        Assert.Empty((await host.DeadLetters.ListAsync(1, null, 10, default)).Items);
        Assert.Equal([InstanceStatus.Faulted], await host.StatusesAsync());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Where_all_fail_alike_in_what_they_enqueue_the_node_is_parked(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind, services => services.AddActivity<Enqueues>());
        await host.PublishAsync(Flows.Of("on:s:go Tests.Enqueues:f say:end", "s --> f", "f --> end"));
        await host.EventsAsync([.. EngineHost.UsersOfOneShard(20).Select(user => host.NewEvent("go", user))]);
        await host.RunAsync();
        Assert.Equal((0L, 1L), await host.Read(s => s.FirstAsync("SELECT (SELECT count(*) FROM dead_letter), (SELECT count(*) FROM parked_node)", row => (row.Long(0), row.Long(1)), default)));
    }

    private sealed class ReadsTheEnded : IInstanceEnded
    {
        public List<int> Statuses { get; } = [];

        public async Task OnEndedAsync(Session session, IReadOnlyList<Guid> instanceIds, string reason, CancellationToken ct) =>
            Statuses.AddRange(await session.QueryAsync("SELECT i.status FROM {rows} JOIN instance i ON i.id = r.id", new Rows<Guid>(instanceIds).Uuid("id", id => id), row => row.Int(0), ct));
    }

    // Seen red: instances were written after.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Who_is_told_of_an_end_reads_the_instance_as_ended(DatabaseKind kind)
    {
        var told = new ReadsTheEnded();
        await using var host = await EngineHost.CreateAsync(kind, services => services.AddSingleton<IInstanceEnded>(told));
        await host.PublishAsync(Flows.Of("on:s:go wait:w:PT30M say:end", "s --> w", "w --> end"));
        await host.EventAsync("go");
        await host.RunAsync();
        await host.CommandAsync(InboxKind.Cancel, "ada", (await host.InstancesAsync())[0]);
        await host.RunAsync();
        Assert.Equal([4], told.Statuses);
    }
}
