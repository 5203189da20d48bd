using System.Collections.Frozen;
using MailFlow.Data;
using MailFlow.Delivery.Routing;
using MailFlow.Delivery.Tests.Routing;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Execution;
using MailFlow.Testing;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

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

    // Both seen red: no mail left by the other connection until the silent one had timed out, and no answer was written down before.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_provider_that_does_not_answer_holds_up_no_other_and_gets_no_more_than_each_lane_gave_it(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        var silent = await ConnectSilentAsync(fixture);
        var sound = await ConnectSoundAsync(fixture);
        fixture.Start(services: services => services.AddDeliveryWorkers());
        var loop = fixture.Delivery.Get<IEnumerable<IHostedService>>().Single(service => service.GetType().Name == "SenderLoop");
        await loop.StartAsync(default);
        for (var calls = 1; calls <= fixture.Delivery.Options.Lanes; calls++)
        {
            await fixture.QueueAsync(1, domain: $"silent-{calls}.example");
            fixture.Delivery.Get<MessageSignal>().Notify();
            await UntilAsync(() => silent.Calls == calls, fixture);
        }

        var waiting = await fixture.QueueAsync(1, domain: "waiting.example");
        await fixture.QueueAsync(3, MessageStream.Transactional);
        await UntilAsync(() => sound.Taken.Count == 3, fixture);
        Assert.Equal(fixture.Delivery.Options.Lanes, silent.Calls);
        Assert.Equal(MessageState.Queued, (await fixture.Delivery.StateAsync(waiting[0])).State);
        var stop = loop.StopAsync(default);
        fixture.Delivery.Time.Advance(silent.RequestTimeout);
        await stop;

        Assert.Equal(0, await fixture.Delivery.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM message WHERE lease_until IS NOT NULL", default), default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Answers_that_are_known_are_written_down_while_others_are_waited_for(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        var silent = await ConnectSilentAsync(fixture);
        silent.Answer = email => email.To.Domain == "silent.example" ? StubAnswer.Stall : StubAnswer.Accept;
        await ConnectSoundAsync(fixture);
        List<Guid> answered = [.. await fixture.QueueAsync(2), .. await fixture.QueueAsync(2, MessageStream.Transactional)];
        var late = (await fixture.QueueAsync(1, domain: "silent.example"))[0];

        var round = fixture.Delivery.Get<MessageSender>().RunOnceAsync(default);
        await UntilAsync(() => answered.TrueForAll(id => fixture.Delivery.StateAsync(id).Result.State == MessageState.Accepted), fixture);
        Assert.Equal(MessageState.Inflight, (await fixture.Delivery.StateAsync(late)).State);
        fixture.Delivery.Time.Advance(silent.RequestTimeout);
        await round;

        Assert.Equal(MessageState.Unknown, (await fixture.Delivery.StateAsync(late)).State);
    }

    // Seen red: the round was over with a call under way, so that the stop ended the node's epoch and another node took the mail up.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task At_a_stop_a_database_that_refuses_the_first_answers_gets_them_again_and_the_others_are_waited_for(DatabaseKind kind)
    {
        await using var fixture = await RoutingFixture.CreateAsync(kind);
        var silent = await ConnectSilentAsync(fixture);
        await ConnectSoundAsync(fixture);
        var answered = (await fixture.QueueAsync(1, MessageStream.Transactional))[0];
        var late = (await fixture.QueueAsync(1))[0];
        using var stopping = new CancellationTokenSource();
        var writes = 0;
        var sender = fixture.Start(services: with => with.AddSingleton<IFaultPoints>(new At("sender.answers.before-commit", () =>
        {
            if (writes++ == 0) throw kind == DatabaseKind.Sqlite ? new SqliteException("database is locked", 5) : new NpgsqlException("the database does not answer");
        })));

        var round = await sender.BeginAsync(FrozenSet<Route>.Empty, stopping.Token);
        await UntilAsync(() => silent.Calls == 1, fixture, seconds: 0);
        await stopping.CancelAsync();
        await UntilAsync(() => fixture.Delivery.StateAsync(answered).Result.State == MessageState.Accepted, fixture);
        Assert.False(round.End.IsCompleted);
        fixture.Delivery.Time.Advance(silent.RequestTimeout);
        await round.End;

        Assert.Equal(3, writes); // the refused one, that one again, and the one that was waited for
        Assert.Equal(MessageState.Unknown, (await fixture.Delivery.StateAsync(late)).State);
    }

    /// <summary>A connection for marketing mail that never answers.</summary>
    private static async Task<StubProvider> ConnectSilentAsync(RoutingFixture fixture)
    {
        var silent = await fixture.ConnectAsync("silent", draft: new ConnectionDraft { TransactionalWeight = 0 });
        (silent.Answer, silent.RequestTimeout) = (_ => StubAnswer.Stall, TimeSpan.FromHours(1));
        return silent;
    }

    private static Task<StubProvider> ConnectSoundAsync(RoutingFixture fixture) => fixture.ConnectAsync("sound", draft: new ConnectionDraft { MarketingWeight = 0 });

    /// <summary>Lets seconds pass, far fewer than a call may take, until something is so.</summary>
    private static async Task UntilAsync(Func<bool> isSo, RoutingFixture fixture, int seconds = 1)
    {
        for (var look = 0; look < 100 && !isSo(); look++)
        {
            fixture.Delivery.Time.Advance(TimeSpan.FromSeconds(seconds));
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System); // for the sender's own work, of which nobody tells
        }
        Assert.True(isSo());
    }
}
