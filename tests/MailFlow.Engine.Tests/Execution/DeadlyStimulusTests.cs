using MailFlow.Engine.Activities;
using MailFlow.Engine.Storage;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Engine.Tests.Execution;

/// <summary>A stimulus that kills the process, which a supervisor starts again: it is found, alone, and laid aside.</summary>
public sealed class DeadlyStimulusTests
{
    internal sealed class Killers : HashSet<string>;

    /// <summary>Nobody catches a cancellation: to the worker it is the end.</summary>
    [Activity("Tests.Deadly")]
    internal sealed class Deadly(Killers killers) : Activity<Deadly.Input>
    {
        public sealed record Input;

        protected override StepResult Run(Input input, Step step) =>
            killers.Contains(step.Contact.UserId) ? throw new OperationCanceledException("stack overflow") : StepResult.Complete(text: "survived");
    }

    private static async Task<(EngineHost Host, Killers Killers)> NewAsync(DatabaseKind kind, string activities, params string[] connections)
    {
        var killers = new Killers();
        var host = await EngineHost.CreateAsync(kind, services => services.AddSingleton(killers).AddActivity<Deadly>());
        await host.PublishAsync(Flows.Of(activities, connections));
        await host.Worker.BeginAsync(default);
        return (host, killers);
    }

    /// <summary>Runs as a supervised process does; gives how often it died.</summary>
    private static async Task<int> RunSupervisedAsync(EngineHost host)
    {
        for (var deaths = 0; ; deaths++)
        {
            Assert.True(deaths < 30, "it dies for ever");
            try
            {
                await host.RunAsync();
                return deaths;
            }
            catch (OperationCanceledException)
            {
                await host.RestartAsync();
            }
        }
    }

    /// <summary>Seen red without the marks: it died for ever.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_event_that_kills_the_process_is_found_and_laid_aside_and_all_others_go_on(DatabaseKind kind)
    {
        var (host, killers) = await NewAsync(kind, "on:s:go Tests.Deadly:d say:end", "s --> d", "d --> end");
        await using var _ = host;
        var users = EngineHost.UsersOfOneShard(300);
        killers.Add(users[123]);

        await host.EventsAsync([.. users.Append("elsewhere").Select(user => host.NewEvent("go", user))]);
        var deaths = await RunSupervisedAsync(host);

        Assert.InRange(deaths, 3, 12);
        Assert.Equal(300, (await host.LinesAsync()).Count(line => line == "end"));
        Assert.Equal([users[123]], await host.Read(s => s.QueryAsync("SELECT user_id FROM dead_letter", row => row.Text(0), default)));
        Assert.Equal(0, await host.Read(s => s.ScalarAsync<long>("SELECT count(*) FROM inbox", default)));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_timer_that_kills_the_process_makes_its_instance_an_incident(DatabaseKind kind)
    {
        var (host, killers) = await NewAsync(kind, "on:s:go wait:w:PT1H Tests.Deadly:d say:end", "s --> w", "w --> d", "d --> end");
        await using var _ = host;
        var users = EngineHost.UsersOfOneShard(50);
        killers.Add(users[20]);

        await host.EventsAsync([.. users.Select(user => host.NewEvent("go", user))]);
        await host.RunAsync();
        host.Time.Advance(TimeSpan.FromHours(1));
        await RunSupervisedAsync(host);

        var counts = await host.CountsAsync();
        Assert.Equal((49, 1), (counts[CountKind.Completed], counts[CountKind.Faulted]));
        Assert.Contains("died every time", Assert.Single(await host.HistoryAsync(), line => line.StartsWith("-1 F", StringComparison.Ordinal)));
    }

    /// <summary>A power cut, an operator: nobody is to blame.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_death_or_two_by_chance_lays_nothing_aside(DatabaseKind kind)
    {
        var (host, killers) = await NewAsync(kind, "on:s:go Tests.Deadly:d say:end", "s --> d", "d --> end");
        await using var _ = host;
        killers.Add("ada");
        await host.EventAsync("go", "ada");

        await Assert.ThrowsAsync<OperationCanceledException>(host.RunAsync);
        await host.RestartAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(host.RunAsync);
        await host.RestartAsync();
        killers.Clear();
        await host.RunAsync();

        Assert.Equal(["survived", "end"], await host.LinesAsync());
        Assert.Equal(0, await host.Read(s => s.ScalarAsync<long>("SELECT count(*) FROM dead_letter", default)));
    }

    [Fact]
    public async Task After_a_stop_in_good_order_nothing_is_written_beside_the_work()
    {
        var (host, _) = await NewAsync(DatabaseKind.Sqlite, "on:s:go Tests.Deadly:d say:end", "s --> d", "d --> end");
        await using var __ = host;
        await host.Worker.EndAsync(default);
        await host.RestartAsync();
        await host.Write(s => s.ExecuteAsync("DROP TABLE shard_trial", default));

        await host.EventAsync("go", "ada");
        await host.RunAsync();

        Assert.Equal(["survived", "end"], await host.LinesAsync());
    }
}
