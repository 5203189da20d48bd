using MailFlow.Engine.Activities;
using MailFlow.Engine.Execution;
using MailFlow.Engine.Storage;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Engine.Tests.Execution;

/// <summary>PostgreSQL ends a transaction that stands idle for too long; an activity that thinks stands idle. Here on a server's clock, with small limits.</summary>
public sealed class SlowActivityTests
{
    /// <summary>How long each call takes, on both clocks.</summary>
    internal sealed record Pace(TimeSpan Each);

    /// <summary>Thinks, and looks at no token: a computation, or another's library.</summary>
    [Activity("Tests.Thinks")]
    internal sealed class Thinks(TimeProvider clock, Pace pace) : BatchActivity<Thinks.Input>
    {
        public sealed record Input;

        protected override async ValueTask RunAsync(StepBatch<Input> steps, CancellationToken ct)
        {
            await Task.Delay(pace.Each, TimeProvider.System, CancellationToken.None);
            ((FakeTime)clock).Advance(pace.Each);
            foreach (var step in steps) step.Complete();
        }
    }

    private static Task<EngineHost> NewAsync(TimeSpan longestIdle, TimeSpan each) => EngineHost.CreateAsync(
        DatabaseKind.PostgreSql, services => services.AddSingleton(new Pace(each)).AddActivity<Thinks>(), batchSize: 1, longestIdle: longestIdle);

    /// <summary>Seen red with the 20 s that a call had, beside the 10 s that the transaction has.</summary>
    [Fact]
    public async Task A_call_ends_before_its_transaction_does()
    {
        await using var host = await NewAsync(TimeSpan.FromSeconds(10), default);

        Assert.Equal("10s", await host.Read(session => session.ScalarAsync<string>("SHOW idle_in_transaction_session_timeout", default)));
        Assert.InRange(Batch.CallDeadlineOn(host.Database), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(9));
    }

    /// <summary>Seen red: the lost transaction was taken for the database's trouble, and the batch tried again for ever.</summary>
    [Fact]
    public async Task A_call_that_outlasts_its_transaction_is_an_incident()
    {
        await using var host = await NewAsync(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1.5));
        await host.PublishAsync(Flows.Of("on:s:go Tests.Thinks:t", "s --> t"));
        await host.EventAsync("go");

        await host.RunAsync();

        Assert.Equal([InstanceStatus.Faulted], await host.StatusesAsync());
        Assert.Contains("did not decide within 0.8 s", (await host.HistoryAsync())[^1]);
    }

    /// <summary>Seen red without a statement between the calls.</summary>
    [Fact]
    public async Task Calls_that_take_long_together_but_not_each_keep_their_transaction()
    {
        await using var host = await NewAsync(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(1.2));
        await host.PublishAsync(Flows.Of("on:s:go Tests.Thinks:a Tests.Thinks:b say:end", "s --> a", "a --> b", "b --> end"));
        await host.EventAsync("go");

        await host.RunAsync();

        Assert.Equal(["end"], await host.LinesAsync());
    }
}
