using MailFlow.Engine.Definitions;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests;

/// <summary>The sender dies at every labelled point and starts again; the provider's own log says what recipients got.</summary>
public sealed class CrashTests
{
    private static readonly string[] Points =
    [
        "sender.hand-over.before-commit", "sender.hand-over.after-commit", "sender.provider.before-call",
        "sender.provider.after-call", "sender.answers.before-commit", "sender.answers.after-commit",
    ];

    public static TheoryData<DatabaseKind, string> Everywhere
    {
        get
        {
            var data = new TheoryData<DatabaseKind, string>();
            foreach (var kind in Enum.GetValues<DatabaseKind>())
                foreach (var point in Points) data.Add(kind, point);
            return data;
        }
    }

    [Theory, MemberData(nameof(Everywhere))]
    public async Task With_an_idempotent_provider_every_mail_arrives_exactly_once(DatabaseKind kind, string point)
    {
        var stub = new BulkStubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var ids = await fixture.QueueManyAsync(20);

        await CrashAndRestartAsync(fixture, point);

        Assert.Equal(ids.Order(), stub.Taken.Select(mail => mail.Key).Order());
        Assert.Equal(20, (await fixture.Messages.CountAsync(1, default))[MessageState.Accepted]);
    }

    [Theory, MemberData(nameof(Everywhere))]
    public async Task With_the_sandbox_every_mail_is_captured_exactly_once(DatabaseKind kind, string point)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        var ids = await fixture.QueueManyAsync(20);

        await CrashAndRestartAsync(fixture, point);

        var captured = await fixture.Get<SandboxMailbox>().ListAsync(1, null, null, 1000, default);
        Assert.Equal(ids.Order(), captured.Items.Select(mail => mail.Id).Order());
        Assert.Equal(20, (await fixture.Messages.CountAsync(1, default))[MessageState.Accepted]);
    }

    [Theory, MemberData(nameof(Everywhere))]
    public async Task With_a_searchable_provider_every_mail_arrives_exactly_once(DatabaseKind kind, string point)
    {
        var stub = new StubProvider(ReplayPolicy.Searchable);
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var ids = await fixture.QueueManyAsync(8);

        await CrashAndRestartAsync(fixture, point);

        Assert.Equal(ids.Order(), stub.Taken.Select(mail => mail.Key).Order());
        Assert.Equal(8, (await fixture.Messages.CountAsync(1, default))[MessageState.Accepted]);
    }

    [Theory, MemberData(nameof(Everywhere))]
    public async Task With_neither_no_marketing_mail_arrives_twice_and_what_may_be_lost_is_listed(DatabaseKind kind, string point)
    {
        var stub = new StubProvider(ReplayPolicy.Neither);
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var ids = await fixture.QueueManyAsync(8);

        await CrashAndRestartAsync(fixture, point);

        var arrived = stub.Taken.Select(mail => mail.Key).ToList();
        var unconfirmed = (await fixture.Messages.ListAsync(1, null, null, "unconfirmed", null, 1000, default)).Items.Select(message => message.Id).ToList();
        Assert.Equal(arrived.Distinct().Count(), arrived.Count);
        Assert.Empty(ids.Except(arrived).Except(unconfirmed));
        // No more than were under way at once.
        Assert.InRange(unconfirmed.Count, 0, stub.Concurrency);
        Assert.Equal(8, unconfirmed.Count + (await fixture.Messages.CountAsync(1, default)).GetValueOrDefault(MessageState.Accepted));
    }

    [Theory, MemberData(nameof(Everywhere))]
    public async Task With_neither_every_transactional_mail_arrives_at_least_once(DatabaseKind kind, string point)
    {
        var stub = new StubProvider(ReplayPolicy.Neither);
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var ids = await fixture.QueueManyAsync(8, with: message => message with { Stream = MessageStream.Transactional });

        await CrashAndRestartAsync(fixture, point);

        Assert.Equal(ids.Order(), stub.Taken.Select(mail => mail.Key).Distinct().Order());
        Assert.Equal(8, (await fixture.Messages.CountAsync(1, default))[MessageState.Accepted]);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_node_that_starts_again_finishes_what_it_left_at_once(DatabaseKind kind)
    {
        var stub = new BulkStubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var ids = await fixture.QueueManyAsync(5);
        await Assert.ThrowsAsync<CrashException>(() => fixture.SendAllAsync(fixture.Start(new CrashAt("sender.provider.after-call"))));

        await fixture.SendAllAsync(fixture.Start());

        Assert.Equal(ids.Order(), stub.Taken.Select(mail => mail.Key).Order());
        Assert.Equal(5, (await fixture.Messages.CountAsync(1, default))[MessageState.Accepted]);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_crash_while_orphans_are_looked_for_loses_none(DatabaseKind kind)
    {
        var stub = new BulkStubProvider();
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var ids = await fixture.QueueManyAsync(5);
        await Assert.ThrowsAsync<CrashException>(() => fixture.SendAllAsync(fixture.Start(new CrashAt("sender.hand-over.after-commit"))));

        await CrashAndRestartAsync(fixture, "sender.orphans.before-commit");

        Assert.Equal(ids.Order(), stub.Taken.Select(mail => mail.Key).Order());
    }

    private static async Task CrashAndRestartAsync(DeliveryFixture fixture, string point)
    {
        var crash = new CrashAt(point);
        var dying = fixture.Start(crash);
        await Assert.ThrowsAnyAsync<Exception>(() => fixture.SendAllAsync(dying));
        Assert.True(crash.Reached);

        var restarted = fixture.Start();
        await fixture.SendAllAsync(restarted);
        // Beyond the window in which a late answer is waited for.
        fixture.Time.Advance(TimeSpan.FromMinutes(20));
        await fixture.SendAllAsync(restarted);
        Assert.DoesNotContain(await fixture.Messages.CountAsync(1, default), count => !count.Key.IsEnd());
    }
}
