using MailFlow.Engine.Storage;
using MailFlow.Testing;

namespace MailFlow.Engine.Tests.Execution;

/// <summary>How tokens flow, by what the activities write.</summary>
public sealed class FlowTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_event_starts_an_instance_which_runs_to_its_end(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind);
        await host.PublishAsync(Flows.Of("on:start:signed_up say:hello:Hello~{{event.name}}", "start --> hello"));

        await host.EventAsync("signed_up", payload: """{"name":"Ada"}""");
        await host.EventAsync("something_else");
        await host.RunAsync();

        Assert.Equal(["Hello Ada"], await host.LinesAsync());
        Assert.Equal([InstanceStatus.Completed], await host.StatusesAsync());
    }

    [Theory]
    [InlineData("WaitAny", "Start,End")]
    [InlineData("WaitAll", "Start,One,Two,End")]
    [InlineData("WaitAllActive", "Start,One,Two,End")]
    public async Task A_join_runs_once(string mode, string expected)
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite);
        var lines = mode == "WaitAny" ? ("join:one:WaitAny", "join:two:WaitAny") : ("say:one:One", "say:two:Two");
        await host.PublishAsync(Flows.Of($"say:start:Start {lines.Item1} {lines.Item2} join:join:{mode} say:end:End",
            "start --> one", "start --> two", "one --> join", "two --> join", "join --> end"));

        await host.StartAsync();
        await host.RunAsync();

        Assert.Equal(expected.Split(','), (await host.LinesAsync()).Select(line => line));
    }

    [Fact]
    public async Task An_implicit_join_waits_for_the_longer_branch_and_not_for_a_dead_one()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite);
        await host.PublishAsync(Flows.Of("Start:s say:a say:b wait:w:P1D say:c if:d:false say:e say:end",
            "s --> a", "s --> b", "s --> d", "b --> w", "w --> c", "d -True-> e", "a --> end", "c --> end", "e --> end"));

        await host.StartAsync();
        await host.RunAsync();
        Assert.Equal(["a", "b"], await host.LinesAsync());

        await host.AdvanceAsync(TimeSpan.FromDays(1));
        Assert.Equal(["a", "b", "c", "end"], await host.LinesAsync());
        Assert.Equal([InstanceStatus.Completed], await host.StatusesAsync());
    }

    [Fact]
    public async Task A_race_cancels_the_branch_that_still_waits()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite);
        await host.PublishAsync(Flows.Of("Start:s wait:short:PT1H wait:long:P30D join:j:WaitAny say:end", "s --> short", "s --> long", "short --> j", "long --> j", "j --> end"));

        await host.StartAsync();
        await host.AdvanceAsync(TimeSpan.FromDays(60));

        Assert.Equal(["end"], await host.LinesAsync());
        Assert.Equal([InstanceStatus.Completed], await host.StatusesAsync());
    }

    [Fact]
    public async Task A_join_that_can_never_complete_ends_the_instance_and_is_named()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite);
        await host.PublishAsync(Flows.Of("Start:s say:a if:d:false say:b join:j:WaitAll say:end", "s --> a", "s --> d", "d -True-> b", "a --> j", "b --> j", "j --> end"));

        await host.StartAsync();
        await host.RunAsync();

        Assert.Equal([InstanceStatus.Completed], await host.StatusesAsync());
        Assert.Contains(await host.HistoryAsync(), line => line.StartsWith("-1 Z", StringComparison.Ordinal) && line.Contains("could not complete: j", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_loop_over_a_wait_goes_round_until_its_condition_fails()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite);
        await host.PublishAsync(Flows.Of("on:s:go say:hi:round wait:w:P1D if:again:count_events('stop')==0 say:end", "s --> hi", "hi --> w", "w --> again", "again -True-> hi", "again -False-> end"));

        await host.EventAsync("go");
        await host.AdvanceAsync(TimeSpan.FromDays(2.5));
        await host.EventAsync("stop");
        await host.AdvanceAsync(TimeSpan.FromDays(5));

        Assert.Equal(["round", "round", "round", "end"], await host.LinesAsync());
    }

    [Fact]
    public async Task A_loop_without_a_wait_becomes_an_incident_and_harms_nobody_else()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite);
        await host.PublishAsync(Flows.Of("on:s:go if:a:contact.user_id=='ada' say:end", "s --> a", "a -True-> a", "a -False-> end"));

        await host.EventAsync("go", "ada");
        await host.EventAsync("go", "bob");
        await host.RunAsync();

        Assert.Equal(["end"], await host.LinesAsync());
        Assert.Equal([InstanceStatus.Completed, InstanceStatus.Faulted], (await host.StatusesAsync()).Order());
        Assert.Contains(await host.HistoryAsync(), line => line.Contains("the journey loops", StringComparison.Ordinal));
    }

    [Fact]
    public async Task End_ends_the_flow_and_drops_what_else_waits()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite);
        await host.PublishAsync(Flows.Of("Start:s wait:w:P1D say:late say:a End:e", "s --> w", "w --> late", "s --> a", "a --> e"));

        await host.StartAsync();
        await host.AdvanceAsync(TimeSpan.FromDays(2));

        Assert.Equal(["a"], await host.LinesAsync());
    }

    [Theory]
    [InlineData("say --> race", "say --> slow"), InlineData("say --> slow", "say --> race")]
    public async Task A_race_is_won_once_in_whatever_order_its_connections_are_drawn(string first, string second)
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite);
        await host.PublishAsync(Flows.Of("Start:s say:say wait:slow:PT1H join:race:WaitAny say:end", "s --> say", first, second, "slow --> race", "race --> end"));

        await host.StartAsync();
        await host.AdvanceAsync(TimeSpan.FromHours(2));

        Assert.Equal(["say", "end"], await host.LinesAsync());
        Assert.Equal([InstanceStatus.Completed], await host.StatusesAsync());
    }

    [Theory]
    [InlineData("WaitAny"), InlineData("WaitAll"), InlineData("WaitAllActive")]
    public async Task A_join_at_the_head_of_a_loop_lets_every_round_through(string mode)
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite);
        await host.PublishAsync(Flows.Of($"Start:s join:head:{mode} say:round wait:w:P1D", "s --> head", "head --> round", "round --> w", "w --> head"));

        await host.StartAsync();
        await host.AdvanceAsync(TimeSpan.FromDays(2.5));

        Assert.Equal(["round", "round", "round"], await host.LinesAsync());
    }
}
