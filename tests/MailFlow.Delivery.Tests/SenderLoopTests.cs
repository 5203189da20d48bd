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

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_a_stop_finds_not_begun_is_handed_back_and_another_sender_sends_it_at_once(DatabaseKind kind)
    {
        var stub = new StubProvider { Concurrency = 1 };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        fixture.Start(services: services => services.AddDeliveryWorkers());
        var ids = await fixture.QueueManyAsync(5);
        var loop = fixture.Get<IEnumerable<IHostedService>>().Single(service => service.GetType().Name == "SenderLoop");
        var stopped = new TaskCompletionSource<Task>(TaskCreationOptions.RunContinuationsAsynchronously);
        stub.OnSend = _ => stopped.TrySetResult(loop.StopAsync(default)); // while the first is on the wire
        await loop.StartAsync(default);
        await (await stopped.Task);

        var states = new List<(MessageState State, string? Reason)>();
        foreach (var id in ids) states.Add(await fixture.StateAsync(id));
        Assert.Equal(1, states.Count(each => each.State == MessageState.Accepted));
        Assert.Equal(4, states.Count(each => each == (MessageState.Deferred, "the sender was stopped before the hand-over")));

        stub.OnSend = _ => { };
        Assert.Equal(4, await fixture.SendAllAsync(fixture.Start())); // no time has passed
        Assert.Equal(ids.Order(), stub.Taken.Select(mail => mail.Key).Order());
    }
}
