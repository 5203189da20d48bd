using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Storage;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Engine.Tests.Execution;

/// <summary>Where the activity throws for everybody alike the node is broken: it is parked, and nobody becomes an incident. Who comes new is tried. Each seen red.</summary>
public sealed class ParkedNodeTests
{
    internal sealed class Outside
    {
        public Func<string, string?> Problem { get; set; } = _ => null;

        public int Calls { get; set; }
    }

    /// <summary>Fails as a whole: one call for all.</summary>
    [Activity("Tests.Whole")]
    internal sealed class Whole(Outside outside) : BatchActivity<Whole.Input>
    {
        public sealed record Input;

        protected override async ValueTask RunAsync(StepBatch<Input> steps, CancellationToken ct)
        {
            outside.Calls++;
            await steps.Session.ExecuteAsync("UPDATE account SET name = name", ct);
            foreach (var step in steps)
                if (outside.Problem(step.Context.Contact.UserId) is { } problem) await steps.Session.ExecuteAsync("SELECT " + problem, ct);
            foreach (var step in steps) step.Complete(text: "through");
        }
    }

    /// <summary>Fails step by step.</summary>
    [Activity("Tests.Each")]
    internal sealed class Each(Outside outside) : Activity<Each.Input>
    {
        public sealed record Input;

        protected override StepResult Run(Input input, Step step)
        {
            outside.Calls++;
            return outside.Problem(step.Contact.UserId) is { } problem ? throw new InvalidOperationException(problem) : StepResult.Complete(text: "through");
        }
    }

    /// <summary>Waits an hour, and fails when that is over.</summary>
    [Activity("Tests.Waits")]
    internal sealed class Waits(Outside outside) : Activity<Waits.Input>
    {
        public sealed record Input;

        protected override StepResult Run(Input input, Step step) => step.Wake == WakeReason.Arrived ? StepResult.WaitUntil(step.Now.AddHours(1))
            : outside.Problem(step.Contact.UserId) is { } problem ? throw new InvalidOperationException(problem)
            : StepResult.Complete(text: $"waited until {step.WaitingUntil:HH:mm}");
    }

    public static TheoryData<DatabaseKind, string> Kinds()
    {
        var all = new TheoryData<DatabaseKind, string>();
        foreach (var kind in Enum.GetValues<DatabaseKind>())
            foreach (var type in new[] { "Tests.Whole", "Tests.Each" }) all.Add(kind, type);
        return all;
    }

    private static async Task<(EngineHost Host, Outside Outside)> NewAsync(DatabaseKind kind, string type, int contacts, Func<string, string?> problem)
    {
        var outside = new Outside { Problem = problem };
        var host = await EngineHost.CreateAsync(kind, services => services.AddSingleton(outside).AddActivity<Whole>().AddActivity<Each>().AddActivity<Waits>());
        await host.PublishAsync(Flows.Of($"on:s:go {type}:f say:end", "s --> f", "f --> end"));
        await host.EventsAsync([.. EngineHost.UsersOfOneShard(contacts).Select(user => host.NewEvent("go", user))]);
        await host.RunAsync();
        return (host, outside);
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task A_node_at_which_everybody_fails_alike_is_parked_and_goes_on_when_it_works(DatabaseKind kind, string type)
    {
        var (host, outside) = await NewAsync(kind, type, 100, _ => "no_such_column");
        await using var _ = host;

        var counts = await host.CountsAsync();
        Assert.Equal((100, 0, 100), (counts[CountKind.Entered], counts.GetValueOrDefault(CountKind.Faulted), counts[CountKind.Waiting]));
        Assert.All(await host.StatusesAsync(), status => Assert.Equal(InstanceStatus.Running, status));
        var park = Assert.Single(await ParkedAsync(host));
        Assert.Contains("no_such_column", park.Reason);
        Assert.Equal((1, 60_000), (park.Attempts, park.RetryAt - park.Since));
        Assert.Equal(100, (await host.HistoryAsync()).Count(line => line.Contains("S  held, and tried again until it works", StringComparison.Ordinal)));

        // Who comes meanwhile is tried, and held as well; that does not put off the others' try.
        var calls = outside.Calls;
        await host.EventAsync("go", "late");
        await host.RunAsync();
        Assert.True(outside.Calls > calls);
        Assert.Equal(park, Assert.Single(await ParkedAsync(host)));

        // Tried again after 1, 2, 4 … minutes, and said once.
        host.Time.Advance(TimeSpan.FromMinutes(1));
        await host.RunAsync();
        park = Assert.Single(await ParkedAsync(host));
        Assert.Equal((2, 120_000), (park.Attempts, park.RetryAt - host.Time.GetUtcNow().ToUnixTimeMilliseconds()));
        Assert.Equal(101, (await host.HistoryAsync()).Count(line => line.Contains("S  held", StringComparison.Ordinal)));

        outside.Problem = _ => null;
        await host.AdvanceAsync(TimeSpan.FromMinutes(2));
        Assert.Empty(await ParkedAsync(host));
        counts = await host.CountsAsync();
        Assert.Equal((101, 0, 0), (counts[CountKind.Completed], counts.GetValueOrDefault(CountKind.Faulted), counts[CountKind.Waiting]));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_wait_between_tries_doubles_up_to_an_hour(DatabaseKind kind)
    {
        var (host, _) = await NewAsync(kind, "Tests.Each", 10, _ => "broken");
        await using var __ = host;

        await host.AdvanceAsync(TimeSpan.FromHours(12));

        var park = Assert.Single(await ParkedAsync(host));
        Assert.InRange(park.RetryAt - host.Time.GetUtcNow().ToUnixTimeMilliseconds(), 0, 3_600_000);
        Assert.Equal(7 + 10, park.Attempts, 1.0); // 1 + 2 + 4 + 8 + 16 + 32 minutes, then every hour
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task Where_some_get_through_the_others_are_incidents_and_nothing_is_parked(DatabaseKind kind, string type)
    {
        var good = EngineHost.UsersOfOneShard(40)[5];
        var (host, _) = await NewAsync(kind, type, 40, user => user == good ? null : "no_such_column");
        await using var __ = host;

        var counts = await host.CountsAsync();
        Assert.Equal((1, 39), (counts[CountKind.Completed], counts[CountKind.Faulted]));
        Assert.Empty(await ParkedAsync(host));
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task A_few_who_fail_alike_are_incidents(DatabaseKind kind, string type)
    {
        var (host, _) = await NewAsync(kind, type, 9, _ => "no_such_column");
        await using var __ = host;

        Assert.Equal(9, (await host.CountsAsync())[CountKind.Faulted]);
        Assert.Empty(await ParkedAsync(host));
    }

    /// <summary>At the next try one gets through: the node works, and who fails is an incident.</summary>
    [Theory, MemberData(nameof(Kinds))]
    public async Task When_a_try_gets_one_through_those_who_still_fail_are_incidents(DatabaseKind kind, string type)
    {
        var (host, outside) = await NewAsync(kind, type, 30, _ => "no_such_column");
        await using var _ = host;
        var bad = EngineHost.UsersOfOneShard(30)[3];

        outside.Problem = user => user == bad ? "no_such_column" : null;
        await host.AdvanceAsync(TimeSpan.FromHours(2));

        var counts = await host.CountsAsync();
        Assert.Equal((29, 1, 0), (counts[CountKind.Completed], counts[CountKind.Faulted], counts[CountKind.Waiting]));
        Assert.Empty(await ParkedAsync(host));
    }

    /// <summary>It is they who fail and not the activity: one who comes later goes through at once, and that shows it.</summary>
    [Theory, MemberData(nameof(Kinds))]
    public async Task Who_comes_to_a_parked_node_goes_through_at_once_and_those_who_then_still_fail_are_incidents(DatabaseKind kind, string type)
    {
        var (host, _) = await NewAsync(kind, type, 12, user => user == "good" ? null : "no_such_column");
        await using var __ = host;
        Assert.Single(await ParkedAsync(host));

        await host.EventAsync("go", "good");
        await host.RunAsync();
        Assert.Equal(1, (await host.CountsAsync())[CountKind.Completed]);
        Assert.Empty(await ParkedAsync(host));

        await host.AdvanceAsync(TimeSpan.FromMinutes(1));
        var counts = await host.CountsAsync();
        Assert.Equal((1, 12), (counts[CountKind.Completed], counts[CountKind.Faulted]));
        Assert.Empty(await ParkedAsync(host));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Contacts_for_whom_an_expression_fails_are_incidents_and_hold_up_nobody(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind);
        await host.PublishAsync(Flows.Of("on:s:go wait:w:event.length say:end", "s --> w", "w --> end")
            .Replace("\"type\":\"Literal\",\"value\":\"event.length\"", "\"type\":\"CEL\",\"value\":\"event.length\"", StringComparison.Ordinal));
        var users = EngineHost.UsersOfOneShard(30);
        await host.EventsAsync([.. users.Take(25).Select(user => host.NewEvent("go", user))]);
        await host.RunAsync();
        Assert.Equal(25, (await host.CountsAsync())[CountKind.Faulted]);
        Assert.Empty(await ParkedAsync(host));

        await host.EventsAsync([.. users.Skip(25).Select(user => host.NewEvent("go", user, "{\"length\":\"PT1S\"}"))]);
        await host.AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(5, (await host.CountsAsync())[CountKind.Completed]);
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task That_some_come_and_fail_between_the_tries_does_not_put_them_off(DatabaseKind kind, string type)
    {
        var (host, outside) = await NewAsync(kind, type, 10, _ => "no_such_column");
        await using var _ = host;
        for (var i = 0; i < 5; i++)
        {
            host.Time.Advance(TimeSpan.FromSeconds(11));
            await host.EventAsync("go", $"later{i}");
            await host.RunAsync();
        }
        Assert.Equal(1, Assert.Single(await ParkedAsync(host)).Attempts);

        outside.Problem = _ => null;
        host.Time.Advance(TimeSpan.FromSeconds(5));
        await host.RunAsync();
        Assert.Equal(15, (await host.CountsAsync())[CountKind.Completed]);
    }

    /// <summary>The shard before theirs tries first, and fails.</summary>
    [Theory, MemberData(nameof(Kinds))]
    public async Task That_one_shard_still_fails_does_not_keep_the_others_from_their_try(DatabaseKind kind, string type)
    {
        var (host, outside) = await NewAsync(kind, type, 10, _ => "no_such_column");
        await using var _ = host;
        var bad = Enumerable.Range(0, int.MaxValue).Select(i => $"u{i}").First(user => StableHash.Shard(1, user) == 0);
        await host.EventAsync("go", bad);
        await host.RunAsync();

        outside.Problem = user => user == bad ? "no_such_column" : null;
        host.Time.Advance(TimeSpan.FromMinutes(1));
        await host.RunAsync();

        Assert.Equal(10, (await host.CountsAsync())[CountKind.Completed]);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Who_is_held_after_a_wait_keeps_its_instant_and_is_not_late_for_it(DatabaseKind kind)
    {
        var outside = new Outside { Problem = _ => "broken" };
        await using var host = await EngineHost.CreateAsync(kind, services => services.AddSingleton(outside).AddActivity<Waits>());
        await host.PublishAsync(Flows.With("""{"expire_late":"PT1H"}""", "on:s:go Tests.Waits:w", "s --> w"));
        await host.EventsAsync([.. EngineHost.UsersOfOneShard(10).Select(user => host.NewEvent("go", user))]);
        await host.AdvanceAsync(TimeSpan.FromHours(10));
        Assert.Single(await ParkedAsync(host));

        outside.Problem = _ => null;
        await host.EventAsync("go", "new"); // releases it in an hour
        await host.EventsAsync([.. EngineHost.UsersOfOneShard(10).Select(user => host.NewEvent("other", user))]);
        await host.AdvanceAsync(TimeSpan.FromHours(1));

        Assert.Equal(11, (await host.CountsAsync())[CountKind.Completed]);
        Assert.Equal(10, (await host.LinesAsync()).Count(line => line == "waited until 10:00"));
    }

    [Fact]
    public async Task A_fault_that_the_author_drew_and_a_loop_are_incidents_of_all()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite);
        await host.PublishAsync(Flows.Of("on:s:go Fault:f", "s --> f"));
        await host.EventsAsync([.. EngineHost.UsersOfOneShard(20).Select(user => host.NewEvent("go", user))]);
        await host.RunAsync();

        Assert.Equal(20, (await host.CountsAsync())[CountKind.Faulted]);
    }

    /// <summary>A wait that fails when it is over: it is held though its instant is past, and an exit still takes the contact out.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Who_is_held_can_still_leave(DatabaseKind kind)
    {
        var (host, _) = await NewAsync(kind, "Tests.Each", 12, _ => "broken");
        await using var __ = host;
        var first = (await host.InstancesAsync())[0];
        var user = await host.Read(session => session.FirstAsync("SELECT c.user_id FROM instance i JOIN contact c ON c.id = i.contact_id WHERE i.id = @id", row => row.Text(0), default, ("id", first)));

        await host.CommandAsync(InboxKind.Cancel, user!, first);
        await host.RunAsync();

        Assert.Equal(11, (await host.StatusesAsync()).Count(status => status == InstanceStatus.Running));
    }

    private static Task<List<ParkedNode>> ParkedAsync(EngineHost host) => host.Read(session => ParkedNode.ReadAllAsync(session, default));
}
