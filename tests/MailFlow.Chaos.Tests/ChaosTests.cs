using MailFlow.Delivery;
using Xunit.Abstractions;

namespace MailFlow.Chaos.Tests;

/// <summary>A short chaos run, and the test of that test: with a guard taken out of MailFlow, the checker must miss it. Longer ones by <c>./chaos.sh</c>.</summary>
public sealed class ChaosTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Fire = TimeSpan.FromSeconds(15), MutationsFire = TimeSpan.FromSeconds(6);

    [Fact]
    public async Task Three_nodes_under_fire_lose_nothing_and_send_nothing_twice()
    {
        // Faults of the provider open its breaker for half a minute and more: those are for the long runs.
        var verdict = await RunAsync(new ChaosOptions
        {
            Seed = 5,
            Length = Fire,
            Contacts = 900,
            Mode = ReplayPolicy.Searchable,
            Faults = ["kill", "kill-at", "postgres-terminate", "postgres-restart", "redis-restart", "rabbitmq-restart", "kafka-broker", "pause"],
        });
        Assert.Empty(verdict.Findings);
        Assert.Equal((0, 0, 900 * 3), (verdict.Duplicates, verdict.Losses, verdict.Taken));
    }

    [Fact]
    public async Task Nodes_whose_clocks_are_minutes_wrong_and_step_send_nothing_twice_and_nothing_too_early()
    {
        var verdict = await RunAsync(WrongClocks);
        Assert.Empty(verdict.Findings);
        Assert.Equal((0, 0, 600 * 3), (verdict.Duplicates, verdict.Losses, verdict.Taken));
    }

    [Fact]
    public async Task Without_the_databases_clock_the_checker_finds_mails_that_came_too_early() =>
        Contains("too early: ", await RunAsync(Mutated(Mutation.NoSharedClock) with { Wait = TimeSpan.FromMinutes(10), Planned = [Step(0.5, 0, 20)] }));

    [Fact]
    public async Task Without_the_unique_key_of_events_the_checker_finds_some_handled_twice() =>
        Contains("event handled twice", await RunAsync(Mutated(Mutation.NoUniqueKey)));

    [Fact]
    public async Task Without_the_lock_of_shards_the_checker_finds_two_workers_in_one() =>
        // One stops with a batch in its hands, again and again, so that the other has the time to work on the same instances however busy the machine is.
        Contains("two workers in one shard", await RunAsync(Mutated(Mutation.NoLock) with
        {
            Planned = [.. Enumerable.Range(1, 6).Select(turn => new Fault(TimeSpan.FromSeconds(2 * turn), "freeze-at", 0, TimeSpan.FromSeconds(1), "batch.loaded", 1))],
        }));

    [Fact]
    public async Task Without_the_mark_of_a_hand_over_the_checker_finds_mails_that_came_twice() =>
        Contains("duplicate: ", await RunAsync(Mutated(Mutation.NoInflightMark) with
        {
            Mode = ReplayPolicy.Neither,
            Reports = false,
            Patience = TimeSpan.FromMinutes(2), // what a killed node had in hand comes again when its lease has run out, on a busy machine later
            Planned = [.. new[] { 1, 3 }.Select(second => new Fault(TimeSpan.FromSeconds(second), "kill-at", second / 2, TimeSpan.Zero, "sender.provider.after-call", 1))],
        }));

    private static ChaosOptions WrongClocks => Mutated(Mutation.None) with
    {
        Mode = ReplayPolicy.Searchable,
        Patience = TimeSpan.FromMinutes(5),
        Planned = [Step(0.5, 0, 5), Step(1, 1, -5), Step(3, 0, -10), new(TimeSpan.FromSeconds(4), "kill", 1, TimeSpan.Zero), Step(4.5, 1, 10)],
    };

    private static Fault Step(double second, int node, int minutes) => new(TimeSpan.FromSeconds(second), Plan.ClockStep, node, TimeSpan.Zero, Ahead: TimeSpan.FromMinutes(minutes));

    private static ChaosOptions Mutated(Mutation mutation) =>
        new() { Mutation = mutation, Length = MutationsFire, Contacts = 600, Nodes = 2, Wait = TimeSpan.FromSeconds(1), Brokers = false, Planned = [], Patience = TimeSpan.FromSeconds(20) };

    private Task<Verdict> RunAsync(ChaosOptions options) => new ChaosRun(options, output.WriteLine).RunAsync();

    private static void Contains(string words, Verdict verdict) => Assert.Contains(verdict.Findings, finding => finding.StartsWith(words, StringComparison.Ordinal));
}
