using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Execution;
using MailFlow.Engine.Storage;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Engine.Tests.Execution;

/// <summary>PostgreSQL ends a transaction that stands idle for too long; an activity that thinks stands idle. Here it thinks on the test's clock.</summary>
public sealed class SlowActivityTests
{
    private static readonly TimeSpan LongestIdle = TimeSpan.FromSeconds(10);

    /// <summary>How long each call takes and whether its transaction is ended meanwhile; and since when that stood idle as each call found it.</summary>
    internal sealed record Thoughts(TimeSpan Each, bool IsEnded = false)
    {
        public List<long> IdleSince { get; } = [];

        public int? Backend { get; set; }
    }

    /// <summary>Thinks, and looks at no token: a computation, or another's library. All but its first statement come from beside its transaction, which they leave idle.</summary>
    [Activity("Tests.Thinks")]
    internal sealed class Thinks(TimeProvider clock, Thoughts thoughts, Database database) : BatchActivity<Thinks.Input>
    {
        public sealed record Input;

        protected override async ValueTask RunAsync(StepBatch<Input> steps, CancellationToken ct)
        {
            thoughts.Backend ??= await steps.Session.ScalarAsync<int>("SELECT pg_backend_pid()", default);
            await database.ReadAsync(async beside =>
            {
                thoughts.IdleSince.Add(await beside.ScalarAsync<long>("SELECT (extract(epoch FROM state_change) * 1000000)::bigint FROM pg_stat_activity WHERE pid = @pid", default, ("pid", thoughts.Backend)));
                return thoughts.IsEnded && await beside.ScalarAsync<bool>("SELECT pg_terminate_backend(@pid, 60000)", default, ("pid", thoughts.Backend));
            }, default);
            ((FakeTime)clock).Advance(thoughts.Each);
            foreach (var step in steps) step.Complete();
        }
    }

    private static Task<EngineHost> NewAsync(Thoughts thoughts) => EngineHost.CreateAsync(
        DatabaseKind.PostgreSql, services => services.AddSingleton(thoughts).AddActivity<Thinks>(), batchSize: 1, longestIdle: LongestIdle);

    /// <summary>Seen red with the 20 s that a call had, beside the 10 s that the transaction has.</summary>
    [Fact]
    public async Task A_call_ends_before_its_transaction_does()
    {
        await using var host = await NewAsync(new Thoughts(default));

        Assert.Equal("10s", await host.Read(session => session.ScalarAsync<string>("SHOW idle_in_transaction_session_timeout", default)));
        Assert.InRange(Batch.CallDeadlineOn(host.Database), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(9));
    }

    /// <summary>Seen red: the lost transaction was taken for the database's trouble, and the batch tried again for ever.</summary>
    [Fact]
    public async Task A_call_that_outlasts_its_transaction_is_an_incident()
    {
        await using var host = await NewAsync(new Thoughts(TimeSpan.FromSeconds(15), IsEnded: true));
        await host.PublishAsync(Flows.Of("on:s:go Tests.Thinks:t", "s --> t"));
        await host.EventAsync("go");

        await host.RunAsync();

        Assert.Equal([InstanceStatus.Faulted], await host.StatusesAsync());
        Assert.Contains("did not decide within 8 s", (await host.HistoryAsync())[^1]);
    }

    /// <summary>Two calls of six seconds each, in a transaction that may stand idle for ten. Seen red without a statement between the calls.</summary>
    [Fact]
    public async Task Calls_that_take_long_together_but_not_each_keep_their_transaction()
    {
        var thoughts = new Thoughts(TimeSpan.FromSeconds(6));
        await using var host = await NewAsync(thoughts);
        await host.PublishAsync(Flows.Of("on:s:go Tests.Thinks:a Tests.Thinks:b say:end", "s --> a", "a --> b", "b --> end"));
        await host.EventAsync("go");

        await host.RunAsync();

        Assert.Equal(["end"], await host.LinesAsync());
        Assert.Equal(2, thoughts.IdleSince.Distinct().Count());
    }
}
