using MailFlow.Engine.Execution;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace MailFlow.Delivery.Tests;

/// <summary>The sender in the background of a host.</summary>
public sealed class SenderLoopTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_commit_of_the_engines_wakes_it_and_a_stop_leaves_nothing_inflight(DatabaseKind kind)
    {
        var sent = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var stub = new StubProvider { OnSend = _ => sent.TrySetResult() };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        fixture.Start(services: services => services.AddDeliveryWorkers());
        var loop = fixture.Get<IEnumerable<IHostedService>>().Single(service => service.GetType().Name == "SenderLoop");
        await loop.StartAsync(default);

        // The clock stands still, so no poll comes: only the signal can wake it.
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        fixture.Get<EffectSignal>().Notify();
        await sent.Task;
        await loop.StopAsync(default);

        Assert.Equal(MessageState.Accepted, (await fixture.StateAsync(id)).State);
        Assert.Equal(0, await fixture.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM node_epoch WHERE ended_at IS NULL AND epoch = (SELECT max(epoch) FROM node_epoch)", default), default));
    }
}
