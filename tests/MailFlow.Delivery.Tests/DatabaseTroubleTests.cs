using MailFlow.Data;
using MailFlow.Testing;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace MailFlow.Delivery.Tests;

/// <summary>The database goes away at the worst moments while the process lives on.</summary>
public sealed class DatabaseTroubleTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_answer_that_is_known_is_written_down_however_often_the_database_fails(DatabaseKind kind)
    {
        var stub = new StubProvider(ReplayPolicy.Neither);
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        var trouble = new FailsAt("sender.answers.before-commit", 3, kind);
        var sender = fixture.Start(trouble);

        var round = sender.RunOnceAsync(default);
        await trouble.Begun; // before it, a moving clock would only run out the lease
        while (!round.IsCompleted)
        {
            fixture.Time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }
        await round;

        Assert.Single(stub.Taken);
        Assert.Equal(MessageState.Accepted, (await fixture.StateAsync(id)).State);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_hand_over_that_failed_sends_nothing_and_is_done_again(DatabaseKind kind)
    {
        var stub = new StubProvider(ReplayPolicy.Neither);
        await using var fixture = await DeliveryFixture.CreateAsync(kind, stub);
        var id = await fixture.QueueAsync(await fixture.ContactAsync("ada"));
        var sender = fixture.Start(new FailsAt("sender.hand-over.before-commit", 1, kind));

        await Assert.ThrowsAnyAsync<Exception>(() => sender.RunOnceAsync(default));
        Assert.Empty(stub.Taken);
        Assert.Equal(MessageState.Queued, (await fixture.StateAsync(id)).State);
        await fixture.SendAllAsync(sender);

        Assert.Equal(id, Assert.Single(stub.Taken).Key);
    }

    private sealed class FailsAt(string point, int times, DatabaseKind kind) : IFaultPoints
    {
        private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _left = times;

        public Task Begun => _begun.Task;

        public void Reach(string name)
        {
            if (name != point || Interlocked.Decrement(ref _left) < 0) return;
            _begun.TrySetResult();
            throw kind == DatabaseKind.Sqlite ? new SqliteException("database is locked", 5) : new NpgsqlException("the database does not answer", new TimeoutException());
        }
    }
}
