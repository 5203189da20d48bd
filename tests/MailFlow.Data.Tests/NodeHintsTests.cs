using MailFlow.Testing;

namespace MailFlow.Data.Tests;

/// <summary>Signals from one node to another, over a real PostgreSQL. The clock stands still: nothing of this waits for a poll.</summary>
public sealed class NodeHintsTests : IDisposable
{
    private readonly CancellationTokenSource _stop = new(TimeSpan.FromMinutes(1));

    public void Dispose() => _stop.Dispose();

    private sealed class Signal(string topic) : INodeSignal
    {
        private readonly Lock _lock = new();
        private ulong _heard;

        public event Action<ulong>? Raised { add { } remove { } }

        public string Topic { get; } = topic;

        public ulong Heard { get { lock (_lock) return _heard; } }

        public void Hear(ulong which)
        {
            lock (_lock) _heard |= which;
        }
    }

    [Fact]
    public async Task What_one_node_sends_another_hears_by_topic_and_no_bit_is_lost_on_the_way()
    {
        await using var test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, TimeProvider.System);
        await using var other = Database.OpenPostgreSql(test.ConnectionString!, TimeProvider.System);
        var (here, there) = (new NodeHints(test.Database), new NodeHints(other));
        var (work, mail) = (new Signal("work"), new Signal("mail"));
        var hearing = await ListenAsync(there, work, mail);
        var telling = here.TellAsync(Fail, _stop.Token);

        for (var shard = 0; shard < 64; shard++) here.Send("work", 1UL << shard);
        here.Send("of a newer version", 1);
        while (work.Heard != ulong.MaxValue) await NextAsync();
        Assert.Equal(0UL, mail.Heard);
        here.Send("mail", 1);
        while (mail.Heard != 1) await NextAsync();

        await EndAsync(telling, hearing);
    }

    [Fact]
    public async Task Another_installation_in_the_same_database_hears_nothing()
    {
        await using var one = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, TimeProvider.System);
        await using var two = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, TimeProvider.System);
        var (ofOne, ofTwo) = (new Signal("work"), new Signal("work"));
        var hearingOne = await ListenAsync(new NodeHints(one.Database), ofOne);
        var hearingTwo = await ListenAsync(new NodeHints(two.Database), ofTwo);
        var (sender, senderOfTwo) = (new NodeHints(one.Database), new NodeHints(two.Database));
        var telling = sender.TellAsync(Fail, _stop.Token);
        var tellingTwo = senderOfTwo.TellAsync(Fail, _stop.Token);

        sender.Send("work", 1);
        while (ofOne.Heard != 1) await NextAsync();
        senderOfTwo.Send("work", 2);
        while ((ofTwo.Heard & 2) == 0) await NextAsync();

        Assert.Equal((1UL, 2UL), (ofOne.Heard, ofTwo.Heard));
        await EndAsync(telling, tellingTwo, hearingOne, hearingTwo);
    }

    [Fact]
    public async Task A_connection_that_breaks_is_made_anew()
    {
        await using var test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, TimeProvider.System);
        var hints = new NodeHints(test.Database);
        var (work, listening, broke) = (new Signal("work"), 0, 0);
        var hearing = hints.HearAsync([work], () => Interlocked.Increment(ref listening), _ => Interlocked.Increment(ref broke), _stop.Token);
        while (Volatile.Read(ref listening) < 1) await NextAsync();

        await test.Database.ReadAsync(session => session.ScalarAsync<long>(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN mailflow_' || @channel", default, ("channel", $"{StableHash.Of(test.Database.Schema):x16}")), default);
        while (Volatile.Read(ref listening) < 2) await NextAsync();

        var telling = hints.TellAsync(Fail, _stop.Token);
        hints.Send("work", 4);
        while (work.Heard != 4) await NextAsync();
        Assert.Equal(1, broke);
        await EndAsync(telling, hearing);
    }

    private async Task<Task> ListenAsync(NodeHints hints, params INodeSignal[] signals)
    {
        var listening = new TaskCompletionSource();
        var hearing = hints.HearAsync(signals, listening.SetResult, Fail, _stop.Token);
        await listening.Task.WaitAsync(_stop.Token);
        return hearing;
    }

    private async Task NextAsync()
    {
        _stop.Token.ThrowIfCancellationRequested();
        await Task.Yield();
    }

    private async Task EndAsync(params Task[] tasks)
    {
        await _stop.CancelAsync();
        await Task.WhenAll(tasks);
    }

    private void Fail(Exception error) => throw new InvalidOperationException("a hint was lost", error);
}
