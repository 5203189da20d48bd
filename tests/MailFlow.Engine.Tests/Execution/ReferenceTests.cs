using FsCheck;
using FsCheck.Fluent;
using MailFlow.Testing;

namespace MailFlow.Engine.Tests.Execution;

/// <summary>The engine against the reference interpreter: random charts, contacts and schedules with outages. Batching, worker count and database change nothing.</summary>
public sealed class ReferenceTests
{
    private static readonly int[] BatchSizes = [1, 3, 1_000];

    [Fact]
    public void On_sqlite_every_batch_size_gives_what_the_reference_gives() => ForAnySeed(3, async seed =>
    {
        var world = ChartWorld.Generate(seed, cases: 50);
        foreach (var size in BatchSizes) await world.RunAsync(DatabaseKind.Sqlite, size, workers: 1);
    });

    [Fact]
    public void On_postgresql_one_worker_and_two_at_once_give_what_the_reference_gives() => ForAnySeed(1, async seed =>
    {
        var world = ChartWorld.Generate(seed, cases: 25);
        foreach (var size in BatchSizes) await world.RunAsync(DatabaseKind.PostgreSql, size, workers: 1);
        await world.RunAsync(DatabaseKind.PostgreSql, 3, workers: 2);
    });

    private static void ForAnySeed(int worlds, Func<int, Task> holds) => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(worlds),
        Prop.ForAll(Gen.Choose(1, 2_000_000).ToArbitrary(), seed => Task.Run(() => holds(seed)).GetAwaiter().GetResult()));
}
