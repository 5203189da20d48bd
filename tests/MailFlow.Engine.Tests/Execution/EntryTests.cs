using MailFlow.Engine.Storage;
using MailFlow.Testing;

namespace MailFlow.Engine.Tests.Execution;

/// <summary>Who may enter, who leaves early, and what an event does in which order.</summary>
public sealed class EntryTests
{
    private const string Flow = "on:s:go wait:w:P1D say:end";

    [Theory]
    [InlineData("""{"entry":"every_time"}""", 3)]
    [InlineData("""{"entry":"once"}""", 1)]
    [InlineData("""{"entry":"one_at_a_time"}""", 2)]
    [InlineData("""{"entry":"once_per:P2D"}""", 2)]
    public async Task An_entry_rule_says_how_often_a_contact_enters(string rules, int entries)
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite);
        await host.PublishAsync(Flows.With(rules, Flow, "s --> w", "w --> end"));

        await host.EventAsync("go");
        await host.RunAsync();
        await host.EventAsync("go"); // still inside
        await host.AdvanceAsync(TimeSpan.FromDays(3));
        await host.EventAsync("go"); // out again, three days later
        await host.AdvanceAsync(TimeSpan.FromDays(3));

        Assert.Equal(entries, (await host.InstancesAsync()).Count);
        Assert.Equal(3 - entries, (await host.HistoryAsync()).Count(line => line.Contains("not entered", StringComparison.Ordinal)));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_same_event_twice_enters_once_and_is_said_to_be_a_duplicate(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind);
        await host.PublishAsync(Flows.Of(Flow, "s --> w", "w --> end"));

        var first = await host.EventAsync("go", id: "e-1");
        await host.RunAsync();
        var again = await host.EventAsync("go", id: "e-1");
        var both = await host.EventsAsync([host.NewEvent("go", "ada", id: "e-2"), host.NewEvent("go", "ada", id: "e-2")]);
        var otherAccount = await host.EventAsync("go", id: "e-1", account: 2);
        await host.RunAsync();

        Assert.Equal((1, 0), (first.Accepted, again.Accepted));
        Assert.Equal([0], again.Duplicates);
        Assert.Equal((1, 1), (both.Accepted, both.Duplicates.Count));
        Assert.Equal(1, otherAccount.Accepted);
        Assert.Equal(2, (await host.InstancesAsync()).Count);
    }

    // Seen red: it was not counted again before the clock had come to where it had been; whoever filled it kept out everybody else.
    [Fact]
    public async Task A_full_inbox_keeps_out_whoever_filled_it_and_takes_events_again_when_it_is_worked_off_though_the_clock_was_set_back()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite);
        await host.Write(session => session.ExecuteAsync("""
            INSERT INTO inbox (account_id, shard, kind, key, accepted_at, body)
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < @most) SELECT 1, 0, 1, x'00', 0, '' FROM n
            """, default, ("most", EventIntake.MostWaiting)));
        await Assert.ThrowsAsync<IntakeFullException>(() => host.EventAsync("go"));
        Assert.Equal(1, (await host.EventAsync("go", account: 2)).Accepted);
        await host.Write(session => session.ExecuteAsync("DELETE FROM inbox", default));

        host.Time.Step(-TimeSpan.FromHours(1));
        host.Time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(1, (await host.EventAsync("go")).Accepted);
    }

    [Fact]
    public async Task A_filter_sees_the_events_own_change_of_the_contact()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite);
        await host.PublishAsync(Flows.Of("on:s:go if:vip:contact.plan=='gold'&&event.total>50 say:yes say:no", "s --> vip", "vip -True-> yes", "vip -False-> no"));

        await host.EventAsync("go", "ada", """{"total":60,"contact":{"plan":"gold"}}""");
        await host.EventAsync("go", "bob", """{"total":60,"contact":{"plan":"free"}}""");
        await host.RunAsync();

        Assert.Equal(["ada: yes", "bob: no"], (await host.LinesAsync(withUser: true)).Order());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_exit_condition_takes_the_contact_out_at_once(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind);
        await host.PublishAsync(Flows.With("""{"exit_when":"event.event_type == 'order_placed' && event.cart == trigger.cart"}""", Flow, "s --> w", "w --> end"));
        await host.EventAsync("go", payload: """{"cart":7}""");
        await host.EventAsync("order_placed", payload: """{"cart":8}""");
        await host.RunAsync();
        Assert.Equal([InstanceStatus.Running], await host.StatusesAsync());

        await host.EventAsync("order_placed", payload: """{"cart":7}""");
        await host.AdvanceAsync(TimeSpan.FromDays(2));

        Assert.Equal([InstanceStatus.Exited], await host.StatusesAsync());
        Assert.Empty(await host.LinesAsync());
        var counts = await host.CountsAsync();
        Assert.Equal((1, 0, 1), (counts[CountKind.Entered], counts.GetValueOrDefault(CountKind.Waiting), counts[CountKind.Exited]));
    }

    [Fact]
    public async Task A_wait_that_begins_while_an_event_is_worked_does_not_see_that_event()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite);
        await host.PublishAsync(Flows.Of("on:s:go on:again:go say:end", "s --> again", "again --> end"));

        await host.EventAsync("go", id: "1");
        await host.RunAsync();
        Assert.Empty(await host.LinesAsync());

        await host.EventAsync("go", id: "2"); // satisfies the first instance's wait, and starts a second
        await host.RunAsync();
        Assert.Equal(["end"], await host.LinesAsync());
        Assert.Equal(2, (await host.InstancesAsync()).Count);
    }

    [Theory]
    [InlineData(1), InlineData(5), InlineData(1000)]
    public async Task A_contacts_events_are_worked_in_the_order_in_which_they_were_accepted(int batchSize)
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite, batchSize: batchSize);
        await host.PublishAsync(Flows.Of("on:s:n say:line:{{event.n}}", "s --> line"));

        for (var n = 0; n < 50; n++) await host.EventsAsync([.. new[] { "ada", "bob", "cid" }.Select(user => host.NewEvent("n", user, $$"""{"n":{{n}}}"""))]);
        await host.RunAsync();

        var lines = await host.Read(s => s.QueryAsync("SELECT c.user_id, e.payload FROM event e JOIN contact c ON c.id = e.contact_id ORDER BY e.id", row => (row.Text(0), row.Text(1)), default));
        foreach (var user in new[] { "ada", "bob", "cid" })
            Assert.Equal(Enumerable.Range(0, 50).Select(n => $$"""{"n":{{n}}}"""), lines.Where(line => line.Item1 == user).Select(line => line.Item2));
        Assert.Equal(150, (await host.InstancesAsync()).Count);
    }

    [Fact]
    public async Task Accounts_do_not_see_each_others_events_or_journeys()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite);
        await host.PublishAsync(Flows.Of("on:s:go say:one", "s --> one"), account: 1);
        await host.PublishAsync(Flows.Of("on:s:go say:two", "s --> two"), account: 2);

        await host.EventAsync("go", account: 2);
        await host.RunAsync();

        Assert.Equal(["two"], await host.LinesAsync());
    }

    /// <summary>Seen red: an instance with an incident counted as gone.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task One_at_a_time_counts_an_instance_that_stands_still_with_an_incident(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind);
        await host.PublishAsync(Flows.With("""{"entry":"one_at_a_time"}""", "on:s:go Fault:f", "s --> f"));
        await host.PublishAsync(Flows.Named("other", Flows.With("""{"entry":"one_at_a_time"}""", "on:s:go say:other", "s --> other")));
        await host.EventAsync("go");
        await host.RunAsync();

        await host.EventAsync("go");
        await host.RunAsync();
        Assert.Equal(2, (await host.LinesAsync()).Count(line => line == "other"));
        Assert.Single(await host.StatusesAsync(), InstanceStatus.Faulted);
        Assert.Single(await host.HistoryAsync(), line => line.Contains("still inside", StringComparison.Ordinal));

        // So it does within one batch.
        await host.EventsAsync([host.NewEvent("go", "bob"), host.NewEvent("go", "bob")]);
        await host.RunAsync();
        Assert.Equal(2, (await host.StatusesAsync()).Count(status => status == InstanceStatus.Faulted));

        // Cancelled, it is out of the way; in the same batch even.
        var faulted = await host.Read(s => s.FirstAsync(
            "SELECT i.id FROM instance i JOIN contact c ON c.id = i.contact_id WHERE i.status = 3 AND c.user_id = 'ada'", row => row.Uuid(0), default));
        await host.CommandAsync(InboxKind.Cancel, "ada", faulted);
        await host.EventAsync("go");
        await host.RunAsync();
        Assert.Equal(2, (await host.StatusesAsync()).Count(status => status == InstanceStatus.Faulted));
        Assert.Single(await host.StatusesAsync(), InstanceStatus.Cancelled);
    }

    /// <summary>Seen red: dropped without a word.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_start_of_a_journey_that_is_not_published_any_more_stands_in_the_history(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind);
        await host.PublishAsync(Flows.Of("on:s:go say:end", "s --> end"));
        await host.Write(async session =>
        {
            await session.ExecuteAsync("UPDATE journey SET published_version_id = NULL", default);
            await EngineEpoch.BumpAsync(session, default);
        });

        await host.StartAsync("ada");
        await host.StartAsync("bob", "nowhere");
        await host.RunAsync();

        Assert.Equal(
            ["-1 N  not entered: the journey 'test' is not published", "-1 N  not entered: there is no journey 'nowhere' any more"], (await host.HistoryAsync()).Order(StringComparer.Ordinal));
        Assert.Equal(0, await host.Read(s => s.ScalarAsync<long>("SELECT count(*) FROM inbox", default)));
    }

    // Seen red: it entered at the journey's start, said to be "started by hand or by another journey".
    [Fact]
    public async Task A_start_by_a_trigger_that_is_gone_is_refused()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite);
        await host.PublishAsync(Flows.Of("on:s:go say:end", "s --> end"));

        await host.StartAsync("ada", activity: "gone");
        await host.RunAsync();

        Assert.Empty(await host.InstancesAsync());
        Assert.Equal(["-1 N  not entered: the schedule it was to start by is no longer in the journey"], await host.HistoryAsync());
    }

    [Fact]
    public async Task A_journey_that_starts_one_that_is_not_published_says_so_and_goes_on()
    {
        await using var host = await EngineHost.CreateAsync(DatabaseKind.Sqlite);
        var json = System.Text.Json.Nodes.JsonNode.Parse(Flows.Of("on:s:go DispatchWorkflow:d say:end", "s --> d", "d --> end"))!;
        json["root"]!["activities"]!.AsArray().Single(a => a!["id"]!.GetValue<string>() == "d")!["workflowDefinitionId"] =
            System.Text.Json.Nodes.JsonNode.Parse("""{"typeName":"String","expression":{"type":"Literal","value":"nowhere"}}""");
        await host.PublishAsync(json.ToJsonString());

        await host.EventAsync("go");
        await host.RunAsync();

        Assert.Equal(["nowhere was not started: it is not published", "end"], await host.LinesAsync());
    }
}
