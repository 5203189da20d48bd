using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Storage;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Engine.Tests.Execution;

/// <summary>While nodes of two releases run, the older one meets journeys with activities that it lacks: what may be for those it must leave to the newer ones.</summary>
public sealed class UnreadableTests
{
    private const string Journey = "on:s:go Tests.Ask:ask say:asked wait:w:PT1H say:end";
    private static readonly string[] Connections = ["s --> ask", "ask -Done-> asked", "asked --> w", "w --> end"];

    [Activity("Tests.Ask", Outcomes = ["Done"])]
    internal sealed class Ask : JobActivity<Ask.Input>
    {
        public sealed record Input;

        protected override Task<JobResult> RunAsync(Input input, Job job, CancellationToken ct) => Task.FromResult(JobResult.Complete());
    }

    // Seen red: events and starts were consumed and let nobody in.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_account_whose_published_journey_a_node_cannot_read_waits_in_its_order_for_one_that_can(DatabaseKind kind)
    {
        await using var host = await NewAsync(kind);
        await host.PublishAsync(Flows.Of(Journey, Connections), account: 2);
        await host.EventAsync("go", "ada");
        await host.RunAsync();
        await PublishUnreadableAsync(host);

        host.Time.Advance(TimeSpan.FromMinutes(59));
        await host.EventAsync("go", "bob");
        await host.StartAsync("eve");
        await host.EventAsync("go", "cleo", account: 2);
        host.Time.Advance(TimeSpan.FromMinutes(2));
        await host.RunAsync(); // learns what it cannot read
        await host.RunAsync();

        Assert.Equal(["ada: asked", "cleo: asked"], await host.LinesAsync(withUser: true));
        Assert.Equal(2, await InboxAsync(host));

        await RepairAsync(host);
        await host.RestartAsync();
        await host.RunAsync();

        Assert.Equal(["ada: asked", "ada: end", "bob: asked", "cleo: asked", "eve: asked"], (await host.LinesAsync(withUser: true)).Order());
        Assert.Equal(0, await InboxAsync(host));
    }

    // Seen red: without reading the journeys again, whose account was left to others was so for ever.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Once_the_journey_is_taken_back_the_account_goes_on(DatabaseKind kind)
    {
        await using var host = await NewAsync(kind);
        await PublishUnreadableAsync(host);
        await host.EventAsync("go", "bob");
        await host.RunAsync();
        Assert.Equal(1, await InboxAsync(host));

        await host.PublishAsync(Flows.Of(Journey, Connections));
        await host.RunAsync();

        Assert.Equal(["bob: asked"], await host.LinesAsync(withUser: true));
    }

    // Seen red: the job's result was consumed, and the contact stood there for ever; the time-out of the other journey overtook the event.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_concerns_a_contact_who_is_on_a_version_that_a_node_cannot_read_waits_and_holds_up_no_other(DatabaseKind kind)
    {
        await using var host = await NewAsync(kind, batchSize: 4);
        await host.PublishAsync(Flows.Named("other", Flows.Of("on:s:go on:e:paid say:paid wait:w:PT1H say:late fork:f:[\"a\",\"b\"]", "s --> f", "f -a-> e", "e --> paid", "f -b-> w", "w --> late")));
        var users = EngineHost.UsersOfOneShard(10);
        var held = users[..9];
        await host.EventsAsync([.. users.Select(user => host.NewEvent("go", user))]);
        await host.Worker.RunUntilIdleAsync(default);
        await PinToUnreadableAsync(host, users[^1]);
        await host.Jobs.RunOnceAsync(default);
        await host.EventsAsync([.. users.Select(user => host.NewEvent("paid", user))]);
        host.Time.Advance(TimeSpan.FromHours(1));
        await host.Worker.RunUntilIdleAsync(default);
        await host.Worker.RunUntilIdleAsync(default);

        Assert.Equal([$"{users[^1]}: asked", $"{users[^1]}: late", $"{users[^1]}: paid"], (await host.LinesAsync(withUser: true)).Order());
        Assert.Equal(2 * held.Count, await InboxAsync(host));

        await RepairAsync(host);
        await host.RestartAsync();
        await host.RunAsync();

        Assert.Equal(users.SelectMany(user => new[] { $"{user}: asked", $"{user}: late", $"{user}: paid" }).Order(), (await host.LinesAsync(withUser: true)).Order());
    }

    // Seen red: it was consumed, and nothing was tried again.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_command_for_an_incident_on_such_a_version_waits_too(DatabaseKind kind)
    {
        await using var host = await NewAsync(kind);
        await host.EventAsync("go");
        await host.RunAsync();
        await PinToUnreadableAsync(host, "");
        await host.Write(session => session.ExecuteAsync("UPDATE instance SET status = 3, due_at = NULL", default));
        await host.CommandAsync(InboxKind.Retry, "ada", (await host.InstancesAsync())[0]);
        await host.EventAsync("noise"); // does not concern it

        await host.RunAsync();
        await host.RunAsync();

        Assert.Equal([InboxKind.Retry], await host.Read(session => session.QueryAsync("SELECT kind FROM inbox", row => (InboxKind)row.Int(0), default)));

        await RepairAsync(host);
        await host.RestartAsync();
        await host.RunAsync();

        Assert.Equal(0, await InboxAsync(host));
        Assert.DoesNotContain(InstanceStatus.Faulted, await host.StatusesAsync());
    }

    // Seen red: any cancel passed what was held; with it the time-out of a journey whose event had come first.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task To_cancel_another_instance_of_the_contact_waits_in_its_place(DatabaseKind kind)
    {
        await using var host = await NewAsync(kind);
        await host.PublishAsync(Flows.Named("other", Flows.Of("on:s:go on:e:paid say:paid wait:w:PT1H say:late fork:f:[\"a\",\"b\"]", "s --> f", "f -a-> e", "e --> paid", "f -b-> w", "w --> late")));
        await host.EventAsync("go");
        await host.RunAsync();
        await PinToUnreadableAsync(host, "");
        await host.EventAsync("paid");
        host.Time.Advance(TimeSpan.FromHours(2));
        await host.CommandAsync(InboxKind.Cancel, "ada", (await host.Read(session => session.QueryAsync(
            "SELECT i.id FROM instance i JOIN journey j ON j.id = i.journey_id WHERE j.definition_id = 'other'", row => row.Uuid(0), default)))[0]);
        await host.RunAsync();
        await host.RunAsync();

        Assert.Equal(["asked"], await host.LinesAsync());
        Assert.Equal(2, await InboxAsync(host));

        await RepairAsync(host);
        await host.RestartAsync();
        await host.RunAsync();

        Assert.Equal(["asked", "end", "late", "paid"], (await host.LinesAsync()).Order());
        Assert.Equal(0, await InboxAsync(host));
    }

    // Seen red: the command for all waited for what could only go on once it was done.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task All_are_taken_out_of_such_a_version_however_much_of_theirs_waits(DatabaseKind kind)
    {
        await using var host = await NewAsync(kind);
        await host.EventAsync("go", "ada");
        await host.EventAsync("go", "bob");
        await host.RunAsync();
        await PinToUnreadableAsync(host, "");
        await host.EventAsync("noise", "ada");
        await host.Write(session => session.ExecuteAsync(
            """
            INSERT INTO inbox (account_id, shard, kind, key, user_id, accepted_at, body)
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 51000)
            SELECT i.account_id, i.shard, @move, i.key, i.user_id, i.accepted_at, @body FROM inbox i CROSS JOIN n
            """, default, ("move", (int)InboxKind.Move), ("body", $$"""{"instance": "{{Guid.Empty}}", "version": 0}""")));
        await host.Worker.RunOnceAsync(3, default);
        await host.Write(async session => await Inbox.PostAsync(session, [new InboxItem(1, 3, InboxKind.ForWaiting, StableHash.Key("all"), null, JsonData.Write(new Dictionary<string, object?>
        {
            ["journey"] = await session.ScalarAsync<long>("SELECT id FROM journey WHERE account_id = 1", default), ["reason"] = "unpublished", ["after"] = Guid.Empty.ToString(),
        }))], default));

        for (var turn = 0; turn < 3; turn++) // learns what it cannot read, posts, ends
            foreach (var shard in Enumerable.Range(0, StableHash.Shards)) await host.Worker.RunOnceAsync(shard, default);

        Assert.Equal([InstanceStatus.Exited, InstanceStatus.Exited], await host.StatusesAsync());
    }

    // Seen red: where no node can read the version any more, nothing could free the contact.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Who_is_on_such_a_version_can_be_taken_out_of_it_and_goes_on_elsewhere(DatabaseKind kind)
    {
        await using var host = await NewAsync(kind);
        await host.EventAsync("go");
        await host.RunAsync();
        await host.PublishAsync(Flows.Named("other", Flows.Of("on:s:paid say:paid", "s --> paid")));
        await PinToUnreadableAsync(host, "");
        await host.EventAsync("paid");
        await host.RunAsync();
        await host.RunAsync();
        Assert.Equal(1, await InboxAsync(host));

        await host.CommandAsync(InboxKind.Cancel, "ada", (await host.InstancesAsync())[0]);
        await host.RunAsync();
        await host.RunAsync();

        Assert.Equal(["asked", "paid"], await host.LinesAsync());
        Assert.Contains(InstanceStatus.Cancelled, await host.StatusesAsync());
        var counts = await host.CountsAsync();
        Assert.Equal((0L, 1L), (counts.GetValueOrDefault(CountKind.Waiting), counts.GetValueOrDefault(CountKind.Exited)));
    }

    // Seen red: the claim of one looked at the first account alone, found nothing for itself, and held the shard for worked through.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task After_a_crash_what_is_left_to_others_hides_no_stimulus_that_may_have_killed_the_last_run(DatabaseKind kind)
    {
        await using var host = await NewAsync(kind);
        await host.PublishAsync(Flows.Of(Journey, Connections), account: 2);
        var (ada, bob) = (EngineHost.UsersOfOneShard(1)[0], EngineHost.UsersOfOneShard(1, account: 2)[0]);
        await host.EventAsync("go", ada);
        await host.RunAsync();
        await PinToUnreadableAsync(host, "");
        await host.EventAsync("noise", ada);
        await host.EventAsync("go", bob, account: 2);
        await host.RestartAsync(); // the run before ended without a word
        await host.RestartAsync();

        var stimulus = await host.Read(session => session.ScalarAsync<long>("SELECT id FROM inbox WHERE account_id = 2", default));
        await host.Worker.RunOnceAsync(7, default);

        Assert.Equal($"inbox {stimulus}", await host.Read(session => session.ScalarAsync<string>("SELECT stimulus FROM shard_trial WHERE shard = 7", default)));
        await host.RunAsync();
        Assert.Equal(new[] { $"{ada}: asked", $"{bob}: asked" }.Order(), (await host.LinesAsync(withUser: true)).Order());
    }

    private static async Task<EngineHost> NewAsync(DatabaseKind kind, int batchSize = 100)
    {
        var host = await EngineHost.CreateAsync(kind, services => services.AddActivity<Ask>(), batchSize);
        await host.PublishAsync(Flows.Of(Journey, Connections));
        return host;
    }

    private static Task<long> InboxAsync(EngineHost host) => host.Read(session => session.ScalarAsync<long>("SELECT count(*) FROM inbox", default));

    /// <summary>Another version of the journey is published, which no node of this release can read.</summary>
    private static async Task PublishUnreadableAsync(EngineHost host)
    {
        await host.PublishAsync(Flows.Of(Journey, Connections));
        await host.Write(session => session.ExecuteAsync(
            "UPDATE definition_version SET definition = 'of a later MailFlow' WHERE id = (SELECT published_version_id FROM journey WHERE account_id = 1 AND definition_id = 'test')", default));
    }

    /// <summary>All but one contact of journey "test" are on another version, which no node of this release can read.</summary>
    private static Task PinToUnreadableAsync(EngineHost host, string but) => host.Write(async session =>
    {
        await session.ExecuteAsync(
            "INSERT INTO definition_version (account_id, journey_id, version, definition, created_at) SELECT 1, id, 99, 'of a later MailFlow', 0 FROM journey WHERE account_id = 1 AND definition_id = 'test'", default);
        await session.ExecuteAsync("""
            UPDATE instance SET version_id = (SELECT id FROM definition_version WHERE version = 99)
            WHERE journey_id = (SELECT journey_id FROM definition_version WHERE version = 99) AND contact_id NOT IN (SELECT id FROM contact WHERE user_id = @but)
            """, default, ("but", but));
        await session.ExecuteAsync("UPDATE journey_count SET version_id = (SELECT id FROM definition_version WHERE version = 99) WHERE journey_id = (SELECT journey_id FROM definition_version WHERE version = 99)", default);
    });

    private static Task<int> RepairAsync(EngineHost host) => host.Write(session => session.ExecuteAsync(
        "UPDATE definition_version SET definition = @readable WHERE definition = 'of a later MailFlow'", default, ("readable", Flows.Of(Journey, Connections))));
}
