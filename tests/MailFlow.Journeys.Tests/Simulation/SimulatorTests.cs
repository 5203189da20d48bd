using System.Text.Json;
using System.Text.Json.Nodes;
using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Expressions;
using MailFlow.Journeys.Simulation;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;
using static MailFlow.Journeys.Tests.Flow;

namespace MailFlow.Journeys.Tests.Simulation;

public class SimulatorTests
{
    private const int Account = JourneyHost.Account;
    private const string Ada = "ada@example.org";

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_contact_of_the_account_travels_with_fields_consents_suppressions_and_past_events(DatabaseKind kind)
    {
        await using var host = await JourneyHost.WithSamplesAsync(kind);
        await host.Get<Contacts>().PutAsync(Account, "ada", new Dictionary<string, object?>
        {
            ["email"] = Ada,
            ["first_name"] = "Ada",
            ["tags"] = new List<object?> { "vip" },
            ["total_spent"] = 20L,
            ["consents"] = new Dictionary<string, object?> { ["promotions"] = true },
        }, default);
        await host.EventAsync("order_placed", "ada", new { order_id = "1" });
        await SaveAsync(host, Of(null,
            Trigger("go"), ("vip", "MailFlow.EvaluateSegment", [("segment", "Literal", "vip-customers")]), ("lately", "MailFlow.EvaluateSegment", [("segment", "Literal", "bought-lately")]),
            ("agreed", "MailFlow.CheckConsent", [("purpose", "Literal", "promotions")]), ("clear", "MailFlow.CheckSuppression", []), Mail("welcome")), "In", "In", "Granted", "Clear");

        var open = await RunAsync(host, new() { UserId = "ada" });
        Assert.Equal(("Finished", "completed", "finished"), (open.Status, open.Outcome, open.Stopped));
        Assert.Equal((Ada, "Welcome to Northwind, Ada", "mail"), open.Mails.Select(mail => (mail.To, mail.Subject, mail.ActivityId)).Single());

        await host.Get<Suppressions>().AddAsync(Account, Ada, "hard bounce", "all", "test", default);
        Assert.Equal("Suppressed", (await RunAsync(host, new() { UserId = "ada" })).Timeline.Single(moment => moment is { ActivityId: "clear", Event: "Completed" }).Outcome);
        var other = await RunAsync(host, new() { UserId = "ada", Contact = new Dictionary<string, object?> { ["tags"] = new List<object?>() } });
        Assert.Equal("Out", other.Timeline.Single(moment => moment is { ActivityId: "vip", Event: "Completed" }).Outcome);
        await Assert.ThrowsAsync<NotFoundException>(() => RunAsync(host, new() { UserId = "nobody" }));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Nothing_of_the_account_is_changed_and_no_mail_leaves(DatabaseKind kind)
    {
        var provider = new StubProvider();
        await using var host = await JourneyHost.CreateAsync(kind, services => services.AddSingleton<IEmailProvider>(provider));
        foreach (var (key, json) in Samples.Templates()) await host.PutTemplateAsync(key, json);
        await SaveAsync(host, Of(null, Trigger("go"), Mail("welcome"), ("tag", "MailFlow.UpdateContact", [("addTags", "Object", "[\"seen\"]")])));
        await host.Get<Contacts>().PutAsync(Account, "ada", new Dictionary<string, object?> { ["email"] = Ada }, default);
        var before = await RowsAsync(host);

        var result = await RunAsync(host, new() { UserId = "ada", Contacts = 3 });
        Assert.Equal((3L, 3L), (result.MailsTotal, result.Stats.Completed));
        Assert.Equal(before, await RowsAsync(host));
        Assert.Empty(provider.Taken);
        Assert.Empty((IReadOnlyList<object?>)(await host.ContactAsync("ada"))["tags"]!);
    }

    [Fact]
    public async Task A_webhook_is_not_called_and_comes_to_the_outcome_that_is_asked_for()
    {
        await using var host = await JourneyHost.CreateAsync(DatabaseKind.Sqlite);
        await using var server = new TinyHttpServer(_ => TinyHttpServer.Ok());
        await SaveAsync(host, Of(null, Trigger("go"), ("hook", "MailFlow.CallWebhook", [("url", "Literal", server.Url("/").ToString())]), Line("told")));
        var told = await RunAsync(host, new());
        Assert.Equal("“hook”: not really done in a simulation: taken to come to Done", told.Timeline.Single(moment => moment is { ActivityId: "hook", Event: "Completed" }).Text);
        Assert.Contains(told.Timeline, moment => moment.ActivityId == "line");
        var failed = await RunAsync(host, new() { Outcomes = new Dictionary<string, string> { ["hook"] = "Failed" } });
        Assert.DoesNotContain(failed.Timeline, moment => moment.ActivityId == "line");
        Assert.Empty(server.Requests);
        await FieldAsync(host, "outcomes.hook", new() { Outcomes = new Dictionary<string, string> { ["hook"] = "Maybe" } });
        await FieldAsync(host, "outcomes.hok", new() { Outcomes = new Dictionary<string, string> { ["hok"] = "Done" } });
    }

    [Fact]
    public async Task Why_a_contact_is_not_let_in_is_said()
    {
        await using var host = await JourneyHost.WithSamplesAsync(DatabaseKind.Sqlite);
        var result = await host.Get<JourneySimulator>().RunAsync(Account, "abandoned-cart", new() { Input = new Dictionary<string, object?> { ["total"] = 0L } }, default);
        Assert.Equal(("NotEntered", "not_entered"), (result.Status, result.Outcome));
        Assert.Equal(["event cart_updated comes", "not entered: for this event and contact the condition of “Cart updated” does not hold: event.total > 0"], result.Timeline.Select(moment => moment.Text));

        var once = await host.Get<JourneySimulator>().RunAsync(Account, "welcome-series", new() { Events = [new() { After = "P40D", EventType = "user_signed_up" }] }, default);
        Assert.Equal("completed", once.Outcome);
        Assert.Equal("not entered: already entered on 5 January 2026, and this journey takes a contact once", once.Timeline[^1].Text);
    }

    [Fact]
    public async Task A_journey_that_no_event_starts_is_started_by_hand_with_the_input()
    {
        await using var host = await JourneyHost.CreateAsync(DatabaseKind.Sqlite);
        await SaveAsync(host, Of(null, ("line", "Elsa.WriteLine", [("text", "Handlebars", "Hello {{input.name}}, version {{journey.version}}")]), Wait("P1D")));
        var result = await RunAsync(host, new() { Input = new Dictionary<string, object?> { ["name"] = "Ada" }, Start = new DateTimeOffset(2030, 2, 27, 0, 0, 0, TimeSpan.Zero) });
        Assert.Equal("Hello Ada, version 1", result.Timeline.Single(moment => moment.ActivityId == "line").Reason);
        Assert.Equal("2030-02-28", result.EndsAt.ToString("yyyy-MM-dd"));
    }

    [Fact]
    public async Task The_version_asked_for_is_simulated_and_the_draft_if_none_is()
    {
        await using var host = await JourneyHost.CreateAsync(DatabaseKind.Sqlite);
        await host.PublishAsync("j", Of(null, Trigger("go"), Line("one")));
        await SaveAsync(host, Of(null, Trigger("go"), Line("two")));
        Assert.Equal("two", (await RunAsync(host, new())).Timeline.Single(moment => moment.ActivityId == "line").Reason);
        Assert.Equal("one", (await RunAsync(host, new() { Version = 1 })).Timeline.Single(moment => moment.ActivityId == "line").Reason);
        await Assert.ThrowsAsync<NotFoundException>(() => RunAsync(host, new() { Version = 3 }));
        await SaveAsync(host, Of(null, Trigger("go"), Mail("nowhere")));
        Assert.Equal("unknown_template", Assert.Single((await Assert.ThrowsAsync<UnsoundJourneyException>(() => RunAsync(host, new()))).Findings).Code);
    }

    [Fact]
    public async Task A_contact_who_waits_for_what_does_not_come_ends_the_simulation_and_so_does_time()
    {
        await using var host = await JourneyHost.CreateAsync(DatabaseKind.Sqlite);
        await SaveAsync(host, Of(null, Trigger("go"), ("wait", "MailFlow.EventReceived", [("eventType", "Literal", "never")])));
        var waiting = await RunAsync(host, new());
        Assert.Equal(("Running", "Suspended", "waiting", "waiting"), (waiting.Status, waiting.SubStatus, waiting.Outcome, waiting.Stopped));

        await SaveAsync(host, Of(null, Trigger("go"), Wait("P500D"), Line("late")));
        var early = await RunAsync(host, new());
        Assert.Equal(("until", TimeSpan.FromDays(400), TimeSpan.FromDays(500)), (early.Stopped, early.EndsAt - early.StartsAt, early.DueAt - early.StartsAt));
        var late = await RunAsync(host, new() { Until = "P501D" });
        Assert.Equal(("finished", TimeSpan.FromDays(500)), (late.Stopped, late.EndsAt - late.StartsAt));
    }

    [Fact]
    public async Task A_journey_that_goes_round_for_years_is_stopped_after_ten_thousand_steps()
    {
        await using var host = await JourneyHost.CreateAsync(DatabaseKind.Sqlite, services => services.AddSingleton(SimulationLimits.Default with { Budget = TimeSpan.FromMinutes(10) }));
        await SaveAsync(host, Loop("PT1H"));
        var result = await RunAsync(host, new() { Until = "P1825D" });
        Assert.Equal("steps", result.Stopped);
        Assert.InRange(result.Steps, 10_000, 10_010);
        Assert.Equal((2_001, "the rest is left out: a timeline has at most 2,000 lines"), (result.Timeline.Count, result.Timeline[^1].Text));
    }

    [Fact]
    public async Task One_that_takes_too_long_says_how_far_it_came_and_what_to_change()
    {
        await using var host = await JourneyHost.CreateAsync(DatabaseKind.Sqlite, services => services.AddSingleton(new SimulationLimits(1, TimeSpan.FromMilliseconds(1), TimeSpan.Zero)));
        await SaveAsync(host, Loop("PT1H"));
        Assert.Contains("the simulation had come to 5 January 2026 when its", (await FieldAsync(host, "until", new())).Problem, StringComparison.Ordinal);
        await FieldAsync(host, "contacts", new() { Contacts = 2 });
    }

    [Fact]
    public async Task No_more_run_at_once_than_the_server_allows()
    {
        await using var host = await JourneyHost.CreateAsync(DatabaseKind.Sqlite, services => services.AddSingleton(new SimulationLimits(0, TimeSpan.FromSeconds(20), TimeSpan.Zero)));
        await SaveAsync(host, Of(null, Trigger("go"), Line("one")));
        await Assert.ThrowsAsync<SimulatorBusyException>(() => RunAsync(host, new()));
    }

    [Fact]
    public async Task Of_many_contacts_each_activity_says_how_many_passed_and_an_event_comes_to_its_share()
    {
        await using var host = await JourneyHost.WithSamplesAsync(DatabaseKind.Sqlite);
        var waits = ("open", "MailFlow.WaitForEvent", new (string, string, object)[] { ("eventType", "Literal", "email_opened"), ("timeout", "Literal", "P3D") });
        await SaveAsync(host, Of(null, Trigger("go"), Mail("welcome"), waits, Line("opened")), "Done", "Received");
        var request = new SimulationRequest { Contacts = 200, Events = [new() { After = "P1D", Opened = "welcome", Share = 0.25 }] };
        var result = await RunAsync(host, request);
        var passed = result.Stats.Activities.ToDictionary(activity => activity.ActivityId, activity => activity.Passed);
        Assert.Equal((200, 200, 200), (result.Contacts, passed["trigger"], passed["open"]));
        Assert.InRange(passed["line"], 35, 65);
        Assert.Contains(result.Timeline, moment => moment.ActivityId == "line"); // always to the first
        Assert.Equal(passed["line"], (await RunAsync(host, request)).Stats.Activities.Single(activity => activity.ActivityId == "line").Passed);
    }

    [Fact]
    public async Task A_mail_that_was_not_sent_is_not_opened()
    {
        await using var host = await JourneyHost.WithSamplesAsync(DatabaseKind.Sqlite);
        var wait = ("open", "MailFlow.WaitForEvent", new (string, string, object)[] { ("eventType", "Literal", "email_opened"), ("timeout", "Literal", "P3D") });
        await SaveAsync(host, Of(null, Trigger("go"), Mail("welcome"), wait));
        var never = await RunAsync(host, new() { Events = [new() { After = "P1D", Opened = "welcom" }, new() { After = "P2D", Clicked = "welcome-tips" }] });
        Assert.Contains(never.Timeline, moment => moment.Text == "the mail “welcom” is not opened: no such mail has been sent");
        Assert.Contains(never.Timeline, moment => moment.Text == "no link in the mail “welcome-tips” is clicked: no such mail has been sent");
        Assert.Equal("TimedOut", never.Timeline.Single(moment => moment is { ActivityId: "open", Event: "Completed" }).Outcome);
        var opened = await RunAsync(host, new() { Events = [new() { After = "P1D", Opened = "welcome" }] });
        Assert.Contains(opened.Timeline, moment => moment.Text == "the mail “welcome” is opened");
        Assert.Equal("Received", opened.Timeline.Single(moment => moment is { ActivityId: "open", Event: "Completed" }).Outcome);
    }

    [Fact]
    public async Task Whom_refused_marketing_is_not_mailed_in_a_simulation_either()
    {
        await using var host = await JourneyHost.WithSamplesAsync(DatabaseKind.Sqlite);
        await SaveAsync(host, Of(null, Trigger("go"), Mail("welcome")));
        var result = await RunAsync(host, new() { Contact = new Dictionary<string, object?> { ["consents"] = new Dictionary<string, object?> { ["marketing"] = false } } });
        Assert.Empty(result.Mails);
        Assert.Contains(result.Timeline, moment => moment.Reason == "not sent: the contact has refused marketing mail");
        Assert.Single((await RunAsync(host, new())).Mails);
    }

    [Fact]
    public async Task An_event_that_intake_would_refuse_is_refused()
    {
        await using var host = await JourneyHost.CreateAsync(DatabaseKind.Sqlite);
        await SaveAsync(host, Of(null, Trigger("go"), Line("one")));
        foreach (var type in new[] { "", " ", "two words", new string('x', 101) }) await FieldAsync(host, "events[0].event_type", new() { Events = [new() { EventType = type }] });
        Assert.Equal("completed", (await RunAsync(host, new() { Events = [new() { EventType = "email_bounced", After = "PT1H" }] })).Outcome); // MailFlow raises it itself
    }

    [Fact]
    public async Task An_activity_of_ones_own_runs_in_a_simulation_as_well()
    {
        await using var host = await JourneyHost.CreateAsync(DatabaseKind.Sqlite, services => services.AddActivity<Shout>());
        await SaveAsync(host, Of(null, Trigger("go"), ("shout", "Test.Shout", [("words", "Literal", "hello")])));
        Assert.Equal("“shout”: HELLO", (await RunAsync(host, new())).Timeline.Single(moment => moment.ActivityId == "shout").Text);
    }

    public static TheoryData<string, string> BadRequests => new()
    {
        { "start", """{"start": "1970-01-01T00:00:00Z"}""" },
        { "until", """{"until": "soon"}""" },
        { "until", """{"until": "P2000D"}""" },
        { "contacts", """{"contacts": 0}""" },
        { "contacts", """{"contacts": 1001}""" },
        { "user_id", """{"user_id": ""}""" },
        { "contact.email", """{"contact": {"email": "nowhere"}}""" },
        { "input.contact.time_zone", """{"input": {"contact": {"time_zone": "Mars"}}}""" },
        { "events[0].after", """{"events": [{"after": "later", "event_type": "x"}]}""" },
        { "events[1]", """{"events": [{"event_type": "x"}, {"after": "P1D"}]}""" },
        { "events[0]", """{"events": [{"event_type": "x", "opened": "y"}]}""" },
        { "events[0].share", """{"events": [{"event_type": "x", "share": 0}]}""" },
        { "events[0].payload", """{"events": [{"opened": "x", "payload": {}}]}""" },
        { "events[0].payload.contact", """{"events": [{"event_type": "x", "payload": {"contact": 1}}]}""" },
        { "events[0].contact.tags", """{"events": [{"contact": {"tags": 1}}]}""" },
    };

    [Theory, MemberData(nameof(BadRequests))]
    public void What_cannot_be_taken_is_refused_by_the_fields_name(string field, string json) =>
        Assert.Equal(field, Assert.Throws<InvalidInputException>(() => Script.Read(Read(json), new DateTimeOffset(2026, 1, 5, 9, 0, 0, TimeSpan.Zero))).Field);

    private static SimulationRequest Read(string json)
    {
        var map = JsonData.ParseMap(json);
        static ScriptedEvent Event(IReadOnlyDictionary<string, object?> e) => new()
        {
            After = e.GetValueOrDefault("after") as string,
            EventType = e.GetValueOrDefault("event_type") as string,
            Opened = e.GetValueOrDefault("opened") as string,
            Payload = e.GetValueOrDefault("payload") as IReadOnlyDictionary<string, object?>,
            Contact = e.GetValueOrDefault("contact") as IReadOnlyDictionary<string, object?>,
            Share = e.GetValueOrDefault("share") is long share ? share : null,
        };
        return new SimulationRequest
        {
            Start = map.GetValueOrDefault("start") is string start && TimestampText.TryParse(start, out var at) ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null,
            Until = map.GetValueOrDefault("until") as string,
            Contacts = map.GetValueOrDefault("contacts") is long contacts ? (int)contacts : null,
            UserId = map.GetValueOrDefault("user_id") as string,
            Contact = map.GetValueOrDefault("contact") as IReadOnlyDictionary<string, object?>,
            Input = map.GetValueOrDefault("input") as IReadOnlyDictionary<string, object?>,
            Events = (map.GetValueOrDefault("events") as IReadOnlyList<object?>)?.Select(e => Event((IReadOnlyDictionary<string, object?>)e!)).ToList(),
        };
    }

    private static Task<SimulationResult> RunAsync(JourneyHost host, SimulationRequest request) => host.Get<JourneySimulator>().RunAsync(Account, "j", request, default);

    private static async Task<InvalidInputException> FieldAsync(JourneyHost host, string field, SimulationRequest request)
    {
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => RunAsync(host, request));
        Assert.Equal(field, error.Field);
        return error;
    }

    /// <summary>Saves a draft; the connections after the first leave by these ports where "Done" is not one.</summary>
    private static async Task SaveAsync(JourneyHost host, string json, params string[] ports)
    {
        var definition = JsonNode.Parse(json)!;
        for (var i = 0; i < ports.Length; i++) definition["root"]!["connections"]![i + 1]!["source"]!["port"] = ports[i];
        await host.Journeys.SaveDraftAsync(Account, "j", definition.ToJsonString(), default);
    }

    private static string Loop(string wait)
    {
        var definition = JsonNode.Parse(Of(null, Trigger("go"), Wait(wait), Line("round")))!;
        definition["root"]!["connections"]!.AsArray().Add(JsonSerializer.SerializeToNode(new { source = new { activity = "line", port = "Done" }, target = new { activity = "wait", port = "In" } }));
        return definition.ToJsonString();
    }

    private static async Task<string> RowsAsync(JourneyHost host)
    {
        var counts = new List<string>();
        foreach (var table in new[] { "contact", "consent", "event", "event_key", "inbox", "instance", "history", "entry", "job", "message", "sandbox_email", "definition_version", "journey_count", "node_epoch" })
            counts.Add($"{table} {await host.Database.ReadAsync(session => session.ScalarAsync<long>($"SELECT count(*) FROM {table}", default), default)}");
        return string.Join(", ", counts);
    }

    [Activity("Test.Shout", Category = "Test", Description = "Shouts.")]
    internal sealed class Shout : Activity<Shout.Input>
    {
        public sealed record Input(string Words);

        protected override StepResult Run(Input input, Step step) => StepResult.Complete(text: input.Words.ToUpperInvariant());
    }
}
