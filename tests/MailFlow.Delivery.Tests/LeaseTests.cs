using MailFlow.Testing;

namespace MailFlow.Delivery.Tests;

/// <summary>Several senders, and senders that are too slow.</summary>
public sealed class LeaseTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Senders_at_work_at_once_never_send_a_message_twice(DatabaseKind kind)
    {
        var stub = new StubProvider(ReplayPolicy.Neither) { Concurrency = 16 };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var ids = await fixture.QueueManyAsync(300);
        var senders = Enumerable.Range(1, 4).Select(node => fixture.Start(options: fixture.Options with { Node = $"node-{node}" })).ToList();

        await Task.WhenAll(senders.Select(sender => Task.Run(() => fixture.SendAllAsync(sender))));

        Assert.Equal(ids.Order(), stub.Taken.Select(mail => mail.Key).Order());
        Assert.Equal(300, (await fixture.Messages.CountAsync(1, default))[MessageState.Accepted]);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task One_sender_that_runs_several_rounds_at_once_never_sends_a_message_twice(DatabaseKind kind)
    {
        var stub = new StubProvider(ReplayPolicy.Neither) { Concurrency = 8 };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var ids = await fixture.QueueManyAsync(100);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => fixture.SendAllAsync())));

        Assert.Equal(ids.Order(), stub.Taken.Select(mail => mail.Key).Order());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_another_node_left_is_in_doubt_once_its_lease_has_run_out_and_not_before(DatabaseKind kind)
    {
        var stub = new StubProvider(ReplayPolicy.Neither);
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        var dead = fixture.Start(new CrashAt("sender.hand-over.after-commit"));
        await Assert.ThrowsAsync<CrashException>(() => dead.RunOnceAsync(default));

        var other = fixture.Start(options: fixture.Options with { Node = "node-2" });
        fixture.Time.Advance(fixture.Options.Lease + stub.RequestTimeout);
        await fixture.SendAllAsync(other);
        var before = await fixture.StateAsync(id);
        fixture.Time.Advance(TimeSpan.FromSeconds(10));
        await fixture.SendAllAsync(other);

        Assert.Equal(MessageState.Inflight, before.State);
        Assert.Equal((MessageState.Unknown, "the sender stopped during the hand-over"), await fixture.StateAsync(id));
        Assert.Empty(stub.Taken);
    }

    /// <summary>Seen red with one name for both.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_node_that_starts_again_finds_what_it_left_and_leaves_another_nodes_alone(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind, new StubProvider(ReplayPolicy.Neither));
        var own = await UnderWayAsync("node-1");
        var other = await UnderWayAsync("node-2");

        await fixture.SendAllAsync(fixture.Start());

        Assert.Equal(MessageState.Unknown, (await fixture.StateAsync(own)).State);
        Assert.Equal(MessageState.Inflight, (await fixture.StateAsync(other)).State);

        async Task<Guid> UnderWayAsync(string node)
        {
            var id = await fixture.QueueAsync(await fixture.ContactAsync(node));
            var sender = fixture.Start(new CrashAt("sender.hand-over.after-commit"), fixture.Options with { Node = node });
            await Assert.ThrowsAsync<CrashException>(() => sender.RunOnceAsync(default));
            return id;
        }
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_sender_that_was_too_slow_gives_the_mail_back_instead_of_sending_it(DatabaseKind kind)
    {
        var stub = new StubProvider(ReplayPolicy.Neither) { Concurrency = 1 };
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        // Frozen between its commit and the wire.
        var slow = fixture.Start(new At("sender.hand-over.after-commit", () => fixture.Time.Advance(fixture.Options.Lease)));

        await slow.RunOnceAsync(default);

        Assert.Equal(0, stub.Calls);
        Assert.Equal((MessageState.Deferred, "the sender was too slow: its lease had run out before the hand-over"), await fixture.StateAsync(id));
    }

    // Seen red: handed over beyond the lease.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_sender_that_was_answered_too_slowly_gives_the_mail_back_though_the_provider_has_not_got_it(DatabaseKind kind)
    {
        DeliveryFixture? made = null;
        var provider = new SlowSearch(() => made!.Time.Advance(made.Options.Lease));
        await using var fixture = made = await DeliveryFixture.CreateAsync(kind, provider);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        await fixture.Get<MessageSender>().RunOnceAsync(default);

        await fixture.Get<MessageSender>().RunOnceAsync(default);

        Assert.Equal(1, provider.Calls);
        Assert.Equal((MessageState.Deferred, "the sender was too slow: its lease had run out before the hand-over"), await fixture.StateAsync(id));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_late_answer_settles_a_message_that_was_given_up_for_unknown(DatabaseKind kind)
    {
        var stub = new StubProvider(ReplayPolicy.Neither);
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        var states = new List<MessageState>();
        stub.OnSend = _ =>
        {
            // While the call is under way, another start of the node takes it for dead.
            fixture.SendAllAsync(fixture.Start()).GetAwaiter().GetResult();
            states.Add(fixture.StateAsync(id).GetAwaiter().GetResult().State);
        };

        await fixture.Start().RunOnceAsync(default);

        Assert.Equal([MessageState.Unknown], states);
        Assert.Equal(MessageState.Accepted, (await fixture.StateAsync(id)).State);
        Assert.Single(stub.Taken);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_sender_that_is_told_to_stop_gives_back_what_it_has_not_begun(DatabaseKind kind)
    {
        var stub = new StubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var ids = await fixture.QueueManyAsync(5);
        using var stopping = new CancellationTokenSource();
        var sender = fixture.Start(new At("sender.hand-over.after-commit", stopping.Cancel));

        await sender.RunOnceAsync(stopping.Token);

        Assert.Equal(0, stub.Calls);
        Assert.Equal(5, (await fixture.Messages.CountAsync(1, default))[MessageState.Deferred]);
        fixture.Time.Advance(TimeSpan.FromSeconds(30));
        await fixture.SendAllAsync(fixture.Start());
        Assert.Equal(ids.Order(), stub.Taken.Select(mail => mail.Key).Order());
    }

    /// <summary>Loses its first answer, and takes its time to say that it has not got a mail.</summary>
    private sealed class SlowSearch(Action look) : IEmailProvider
    {
        public int Calls { get; private set; }
        public string Name => "slow";
        public ReplayPolicy Replay => ReplayPolicy.Searchable;
        public int Concurrency => 4;
        public TimeSpan RequestTimeout => TimeSpan.FromHours(1);

        public Task<HandOver> SendAsync(OutgoingEmail email, CancellationToken ct) =>
            ++Calls == 1 ? throw new IOException("the connection broke") : Task.FromResult<HandOver>(new HandOver.Accepted("x"));

        public Task<HandOver> FindAsync(OutgoingEmail email, CancellationToken ct)
        {
            look();
            return Task.FromResult<HandOver>(new HandOver.Deferred("not found"));
        }
    }
}
