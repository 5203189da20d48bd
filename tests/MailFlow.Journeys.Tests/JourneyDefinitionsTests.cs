using System.Text.Json.Nodes;
using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Storage;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;
using static MailFlow.Journeys.Tests.Flow;

namespace MailFlow.Journeys.Tests;

public class JourneyDefinitionsTests
{
    private const int Account = JourneyHost.Account;
    private static readonly string OneLine = Of(null, Trigger("go"), Line("one"));
    private static readonly string TwoLines = Of(null, Trigger("go"), Line("one"), Line("two", "line2"));

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_draft_is_saved_over_and_a_published_version_never_changes(DatabaseKind kind)
    {
        await using var host = await JourneyHost.CreateAsync(kind);
        Assert.Equal((1, false), Standing(await host.Journeys.SaveDraftAsync(Account, "j", OneLine, default)));
        Assert.Equal((1, false), Standing(await host.Journeys.SaveDraftAsync(Account, "j", TwoLines, default)));
        Assert.True((await host.Journeys.PublishAsync(Account, "j", default)).IsPublished);
        Assert.Equal((1, true), Standing(await host.Journeys.SaveDraftAsync(Account, "j", TwoLines, default))); // says the same
        Assert.Equal((2, false), Standing(await host.Journeys.SaveDraftAsync(Account, "j", OneLine, default)));
        Assert.Equal((2, false), Standing(await host.Journeys.SaveDraftAsync(Account, "j", OneLine, default)));
        await host.Journeys.UnpublishAsync(Account, "j", default);
        var versions = await host.Journeys.VersionsAsync(Account, "j", default);
        Assert.Equal([(2, true, false, false), (1, false, false, true)], versions.Select(v => (v.Version, v.IsLatest, v.IsPublished, v.WasPublished)));
        Assert.Contains("line2", (await host.Journeys.FindAsync(Account, "j", 1, default))!.Json);
        Assert.Equal(1, (await host.Journeys.FindVersionAsync(Account, versions[1].Id, default))!.Version);
        Assert.Null(await host.Journeys.FindVersionAsync(2, versions[1].Id, default));
        Assert.Null(await host.Journeys.FindAsync(2, "j", null, default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_was_put_comes_back_with_the_servers_stamp(DatabaseKind kind)
    {
        await using var host = await JourneyHost.CreateAsync(kind);
        await host.PublishAsync("j", OneLine);
        var json = JsonNode.Parse((await host.Journeys.FindAsync(Account, "j", null, default))!.Json)!;
        Assert.Equal("as it was", (string?)json["customProperties"]!["kept"]);
        Assert.Equal(("j", 1, true, true), ((string?)json["definitionId"], (int)json["version"]!, (bool)json["isLatest"]!, (bool)json["isPublished"]!));
        Assert.Equal("Workflow1:flow:line", (string?)json["root"]!["activities"]![1]!["nodeId"]);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_definition_with_an_error_is_not_published_and_nothing_changes(DatabaseKind kind)
    {
        await using var host = await JourneyHost.CreateAsync(kind);
        await host.PublishAsync("j", OneLine);
        var epoch = await host.Database.ReadAsync(session => EngineEpoch.ReadAsync(session, default), default);
        await host.Journeys.SaveDraftAsync(Account, "j", Of(null, Trigger("go"), Mail("no-such-template")), default);
        var result = await host.Journeys.PublishAsync(Account, "j", default);
        Assert.Equal((2, false), (result.Version, result.IsPublished));
        Assert.Contains(result.Findings, finding => finding is { Severity: Severity.Error, ActivityId: "mail" } && finding.Message.Contains("no-such-template"));
        Assert.True((await host.Journeys.FindAsync(Account, "j", 1, default))!.IsPublished);
        Assert.Equal(epoch, await host.Database.ReadAsync(session => EngineEpoch.ReadAsync(session, default), default));
        Assert.Equal(result.Findings.Count, (await host.Journeys.CheckAsync(Account, Of(null, Trigger("go"), Mail("no-such-template")), default)).Count);
    }

    [Theory]
    [InlineData("MailFlow.WaitUntil", "timeOfDay", "25:00", "“step” timeOfDay: '25:00' is not a time: write it like 09:30.")]
    [InlineData("MailFlow.WaitUntil", "timeZone", "Mars/Olympus", "“step” needs exactly one of at, attribute and timeOfDay.")]
    [InlineData("MailFlow.CallWebhook", "url", "ftp://example.org", "“step” url: 'ftp://example.org' is not an http or https address.")]
    [InlineData("MailFlow.StartJourney", "journey", "nowhere", "“step” starts the journey 'nowhere', which does not exist.")]
    public async Task Inputs_that_no_contact_can_mend_are_found_before_the_publish(string type, string input, string value, string message)
    {
        await using var host = await JourneyHost.CreateAsync(DatabaseKind.Sqlite);
        var findings = await host.Journeys.CheckAsync(Account, Of(null, Trigger("go"), ("step", type, [(input, "Literal", value)])), default);
        Assert.Equal((Severity.Error, "step", message), findings.Select(finding => (finding.Severity, finding.ActivityId!, finding.Message)).Single());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Contacts_stay_on_the_version_they_entered(DatabaseKind kind)
    {
        await using var host = await JourneyHost.CreateAsync(kind);
        await host.PublishAsync("j", Of(null, Trigger("go"), Wait("P1D"), Line("old")));
        await host.EventAsync("go", "ada", new { });
        await host.PublishAsync("j", Of(null, Trigger("go"), Wait("P1D"), Line("new")));
        await host.EventAsync("go", "bob", new { });
        await host.AdvanceAsync(TimeSpan.FromDays(1));
        Assert.Equal("old", await LastLineAsync(host, "ada"));
        Assert.Equal("new", await LastLineAsync(host, "bob"));
    }

    /// <summary>Seen red without the resume commands.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_paused_journey_holds_still_and_what_fell_due_runs_on_resume(DatabaseKind kind)
    {
        await using var host = await JourneyHost.WithSamplesAsync(kind);
        await host.PublishAsync("j", Of(null, Trigger("go"), Wait("P1D"), Mail("welcome")));
        await host.EventAsync("go", "ada", new { contact = new { email = "ada@example.org" } });
        await host.Journeys.PauseAsync(Account, "j", default);
        await host.Journeys.PauseAsync(Account, "j", default);
        await host.EventAsync("go", "bob", new { contact = new { email = "bob@example.org" } });
        await host.AdvanceAsync(TimeSpan.FromDays(3));
        Assert.Empty(await host.SentAsync("ada@example.org"));
        Assert.True((await host.Journeys.FindAsync(Account, "j", null, default))!.IsPaused);

        await host.Journeys.ResumeAsync(Account, "j", default);
        await host.RunAsync();
        Assert.Equal(["2026-01-08 09:00 welcome"], await host.SentAsync("ada@example.org", withTime: true));
        await host.AdvanceAsync(TimeSpan.FromDays(2));
        Assert.Equal(["welcome"], await host.SentAsync("bob@example.org"));
        Assert.Equal("entered 2, waiting 0, completed 2, exited 0, faulted 0", await host.StatsAsync("j"));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_unpublished_journey_lets_nobody_in_and_those_inside_go_on(DatabaseKind kind)
    {
        await using var host = await JourneyHost.CreateAsync(kind);
        await host.PublishAsync("j", Of(null, Trigger("go"), Wait("P1D"), Line("one")));
        await host.EventAsync("go", "ada", new { });
        await host.Journeys.UnpublishAsync(Account, "j", default);
        await host.EventAsync("go", "bob", new { });
        await host.AdvanceAsync(TimeSpan.FromDays(2));
        Assert.Equal("entered 1, waiting 0, completed 1, exited 0, faulted 0", await host.StatsAsync("j"));
        await Assert.ThrowsAsync<ConflictException>(() => host.Instances.StartAsync(Account, "j", "ada", JsonData.Empty, default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_journey_is_deleted_only_when_nobody_is_inside(DatabaseKind kind)
    {
        await using var host = await JourneyHost.CreateAsync(kind);
        await host.PublishAsync("j", Of(null, Trigger("go"), Wait("P1D"), Line("one")));
        await host.EventAsync("go", "ada", new { });
        await Assert.ThrowsAsync<ConflictException>(() => host.Journeys.DeleteAsync(Account, "j", default));
        await host.AdvanceAsync(TimeSpan.FromDays(1));
        await Assert.ThrowsAsync<NotFoundException>(() => host.Journeys.DeleteAsync(2, "j", default));
        await host.Journeys.DeleteAsync(Account, "j", default);
        Assert.Null(await host.Journeys.FindAsync(Account, "j", null, default));
        await host.EventAsync("go", "ada", new { });
        Assert.Empty(await host.InstanceIdsAsync());
        Assert.Contains((await host.Trace.ReadAsync(Account, "ada", null, 100, default)).Items, entry => entry.Reason == "came to the end of a journey since deleted");
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Mail_that_a_deleted_journey_still_has_is_called_off_even_when_a_pause_held_it(DatabaseKind kind)
    {
        await using var host = await JourneyHost.CreateAsync(kind, services => services.AddSingleton<IEmailProvider>(new StubProvider { Answer = _ => StubAnswer.Defer }));
        await host.PutTemplateAsync("welcome", """{"subject":"Welcome","html":"<p>Hello</p>"}""");
        await host.PublishAsync("j", Of(null, Trigger("go"), Mail("welcome")));
        await host.EventAsync("go", "ada", new { contact = new { email = "ada@example.org" } });
        await host.Journeys.PauseAsync(Account, "j", default);
        await host.AdvanceAsync(TimeSpan.FromMinutes(1));
        Assert.True((await MessageAsync()).Held);

        await host.Journeys.DeleteAsync(Account, "j", default);

        var message = await MessageAsync();
        Assert.Equal((MessageState.Cancelled, "not sent: the journey “j” was deleted"), (message.State, message.Reason));

        async Task<Message> MessageAsync() => Assert.Single((await host.Get<Messages>().ListAsync(Account, null, null, null, null, 10, default)).Items);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Numbers_are_kept_by_activity_and_journeys_are_listed_by_page(DatabaseKind kind)
    {
        await using var host = await JourneyHost.CreateAsync(kind);
        foreach (var id in new[] { "c", "a", "b" }) await host.PublishAsync(id, Of(null, Trigger("go"), Line("one"), Wait("P1D"), Line("two", "line2")));
        await host.EventAsync("go", "ada", new { });
        await host.EventAsync("go", "bob", new { });
        var stats = await host.Journeys.StatsAsync(Account, "a", default);
        Assert.Equal([("trigger", 2, 0, 0), ("line", 2, 0, 0), ("wait", 0, 2, 0), ("line2", 0, 0, 0)], stats.Activities.Select(a => (a.ActivityId, (int)a.Passed, (int)a.Waiting, (int)a.Failed)));

        var first = await host.Journeys.ListAsync(Account, null, 2, default);
        Assert.Equal(["a", "b"], first.Items.Select(journey => journey.DefinitionId));
        var second = await host.Journeys.ListAsync(Account, first.Next, 2, default);
        Assert.Equal(("c", "Test journey", 1, 1), second.Items.Select(j => (j.DefinitionId, j.Name, j.LatestVersion, j.PublishedVersion!.Value)).Single());
        Assert.Null(second.Next);
        Assert.Empty((await host.Journeys.ListAsync(2, null, 10, default)).Items);
    }

    [Theory]
    [InlineData("", "definition_id")]
    [InlineData("../etc", "definition_id")]
    [InlineData("a b", "definition_id")]
    public async Task An_id_that_cannot_stand_in_an_address_is_refused(string id, string field)
    {
        await using var host = await JourneyHost.CreateAsync(DatabaseKind.Sqlite);
        Assert.Equal(field, (await Assert.ThrowsAsync<InvalidInputException>(() => host.Journeys.SaveDraftAsync(Account, id, OneLine, default))).Field);
        await Assert.ThrowsAsync<InvalidInputException>(() => host.Journeys.SaveDraftAsync(Account, "j", "{", default));
        await Assert.ThrowsAsync<NotFoundException>(() => host.Journeys.PublishAsync(Account, "j", default));
    }

    private static (int, bool) Standing(StoredDefinition stored) => (stored.Version, stored.IsPublished);

    private static async Task<string?> LastLineAsync(JourneyHost host, string user) =>
        (await host.Trace.ReadAsync(Account, user, null, 100, default)).Items.Last(entry => entry.ActivityId == "line").Reason;

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_activity_at_which_everybody_fails_stands_in_the_numbers_until_it_works(DatabaseKind kind)
    {
        var outage = new Outage { IsOn = true };
        await using var host = await JourneyHost.CreateAsync(kind, services => services.AddSingleton(outage).AddActivity<CallHome>());
        await host.PublishAsync("j", Of(null, ("fail", "Test.CallHome", []), Line("after")));
        var users = Enumerable.Range(0, int.MaxValue).Select(i => $"u{i}").Where(user => StableHash.Shard(Account, user) == 7).Take(10).ToList();
        foreach (var user in users) await host.Instances.StartAsync(Account, "j", user, JsonData.Empty, default);
        await host.RunAsync();

        Assert.Equal("entered 10, waiting 10, completed 0, exited 0, faulted 0", await host.StatsAsync("j"));
        var parked = Assert.Single((await host.Journeys.StatsAsync(Account, "j", default)).Parked);
        Assert.Equal(("fail", 1, 1, host.Time.GetUtcNow().AddMinutes(1)), (parked.ActivityId, parked.Version, parked.Attempts, parked.RetryAt));

        outage.IsOn = false;
        await host.AdvanceAsync(TimeSpan.FromMinutes(2));
        Assert.Equal("entered 10, waiting 0, completed 10, exited 0, faulted 0", await host.StatsAsync("j"));
        Assert.Empty((await host.Journeys.StatsAsync(Account, "j", default)).Parked);
    }

    internal sealed class Outage
    {
        public bool IsOn { get; set; }
    }

    [Activity("Test.CallHome")]
    internal sealed class CallHome(Outage outage) : Activity<CallHome.Input>
    {
        internal sealed record Input;

        protected override StepResult Run(Input input, Step step) =>
            outage.IsOn ? throw new InvalidOperationException("nobody is at home") : StepResult.Complete();
    }
}
