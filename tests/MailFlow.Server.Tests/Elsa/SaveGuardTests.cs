using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailFlow.Server.Access;
using MailFlow.Testing;
using static MailFlow.Server.Tests.HttpExtensions;

namespace MailFlow.Server.Tests.Elsa;

/// <summary>The ways in which a save from Studio could lose work, each refused or made good, and each said.</summary>
public sealed class SaveGuardTests
{
    private const string Journey = """
        {
          "name": "Greeting", "unknownToStudio": {"a": [1, 2.50, null]}, "customProperties": {"mailflow": {"entry": "once"}},
          "root": {
            "id": "flow", "type": "Elsa.Flowchart", "version": 1,
            "activities": [
              {"id": "start", "type": "MailFlow.EventReceived", "version": 1, "eventType": {"typeName": "String", "expression": {"type": "Literal", "value": "joined"}}},
              {"id": "magic", "type": "Acme.Magic", "version": 3, "spell": {"typeName": "Spell", "expression": {"type": "Incantation", "value": "hex"}}, "metadata": {"displayText": "Magic", "designer": {"position": {"x": 300, "y": 80}}}},
              {"id": "line", "type": "Elsa.WriteLine", "version": 1, "text": {"typeName": "String", "expression": {"type": "Literal", "value": "hello"}}}
            ],
            "connections": [
              {"source": {"activity": "start", "port": "Done"}, "target": {"activity": "magic", "port": "In"}, "note": "theirs"},
              {"source": {"activity": "magic", "port": "Cast"}, "target": {"activity": "line", "port": "In"}}
            ]
          }
        }
        """;

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Saved_untouched_it_comes_back_to_the_letter(DatabaseKind kind)
    {
        await using var server = await StartAsync(kind);
        var before = await server.Admin.GetStringAsync("/api/v1/journeys/greeting");

        var page = await StudioPage.OpenAsync(server.Admin, "greeting");
        Assert.Equal(HttpStatusCode.OK, (await page.SaveAsync()).StatusCode);

        Assert.Equal(before, await server.Admin.GetStringAsync("/api/v1/journeys/greeting"));
    }

    [Fact]
    public async Task An_unknown_activity_is_a_placeholder_with_its_ports_and_loses_nothing_when_it_is_moved()
    {
        await using var server = await StartAsync();
        var page = await StudioPage.OpenAsync(server.Admin, "greeting");
        var placeholder = page.Activity("magic");

        Assert.Equal("Elsa.NotFoundActivity", placeholder["type"]!.GetValue<string>());
        Assert.Contains("Cast", placeholder["ports"]!["expression"]!["value"]!.GetValue<string>());
        Assert.Contains("Acme.Magic", placeholder["missingType"]!["expression"]!["value"]!.GetValue<string>());
        placeholder["metadata"]!["designer"]!["position"]!["x"] = 777;
        Assert.Equal(HttpStatusCode.OK, (await page.SaveAsync()).StatusCode);

        var saved = await JourneyAsync(server, "greeting");
        var magic = saved["root"]!["activities"]![1]!;
        Assert.Equal(("Acme.Magic", 3, "hex", 777), (magic["type"]!.GetValue<string>(), magic["version"]!.GetValue<int>(), magic["spell"]!["expression"]!["value"]!.GetValue<string>(), magic["metadata"]!["designer"]!["position"]!["x"]!.GetValue<int>()));
        Assert.Null(magic["originalActivityJson"]);
        Assert.Equal("theirs", saved["root"]!["connections"]![0]!["note"]!.GetValue<string>());
        Assert.Equal("2.50", saved["unknownToStudio"]!["a"]![1]!.ToJsonString());
    }

    [Fact]
    public async Task What_Studio_drops_or_shuffles_is_as_it_was_after_a_change_of_something_else()
    {
        await using var server = await StartAsync();
        var before = await JourneyAsync(server, "greeting");
        var page = await StudioPage.OpenAsync(server.Admin, "greeting");
        page.Definition["customProperties"]!["VariableTestValues"] = new JsonObject(); // Studio adds it when its variables are looked at
        page.Activity("line")["text"]!["expression"]!["value"] = "changed";

        Assert.Equal(HttpStatusCode.OK, (await page.SaveAsync()).StatusCode);

        before["root"]!["activities"]![2]!["text"]!["expression"]!["value"] = "changed";
        Assert.Equal(before.ToJsonString(), (await JourneyAsync(server, "greeting")).ToJsonString());
    }

    [Fact]
    public async Task An_activity_of_another_version_is_shown_as_what_it_is_and_saved_with_its_own()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        await server.Admin.PutAsync("/api/v1/journeys/seven", Json(Journey.Replace("Acme.Magic", "Elsa.WriteLine")));
        var page = await StudioPage.OpenAsync(server.Admin, "seven");

        Assert.Equal(("Elsa.WriteLine", 1), (page.Activity("magic")["type"]!.GetValue<string>(), page.Activity("magic")["version"]!.GetValue<int>()));
        page.Activity("magic")["text"] = new JsonObject { ["typeName"] = null, ["expression"] = new JsonObject { ["type"] = "Literal", ["value"] = "abracadabra" } };
        Assert.Equal(HttpStatusCode.OK, (await page.SaveAsync()).StatusCode);

        var magic = (await JourneyAsync(server, "seven"))["root"]!["activities"]![1]!;
        Assert.Equal((3, "abracadabra", "hex"), (magic["version"]!.GetValue<int>(), magic["text"]!["expression"]!["value"]!.GetValue<string>(), magic["spell"]!["expression"]!["value"]!.GetValue<string>()));
    }

    [Fact]
    public async Task A_rule_begins_in_the_language_that_runs_here_and_is_stored_once_it_is_written_and_can_be_emptied()
    {
        await using var server = await StartAsync();
        var before = await server.Admin.GetStringAsync("/api/v1/journeys/greeting");
        var page = await StudioPage.OpenAsync(server.Admin, "greeting");
        var filter = page.Activity("start")["filter"]!["expression"]!;
        Assert.Equal(("CEL", ""), (filter["type"]!.GetValue<string>(), filter["value"]!.GetValue<string>()));
        Assert.Equal(HttpStatusCode.OK, (await page.SaveAsync()).StatusCode);
        Assert.Equal(before, await server.Admin.GetStringAsync("/api/v1/journeys/greeting"));

        foreach (var rule in new[] { "event.total > 50", "" })
        {
            page.Activity("start")["filter"]!["expression"]!["value"] = rule;
            Assert.Equal(HttpStatusCode.OK, (await page.SaveAsync()).StatusCode);
            Assert.Equal(rule, (await JourneyAsync(server, "greeting"))["root"]!["activities"]![0]!["filter"]!["expression"]!["value"]!.GetValue<string>());
        }
        var findings = (await (await server.Admin.PostAsync("/api/v1/journeys/greeting/publish", null)).Content.ReadAsStringAsync());
        Assert.DoesNotContain("filter", findings, StringComparison.OrdinalIgnoreCase); // an empty rule is none
    }

    [Fact]
    public async Task A_save_that_empties_a_journey_is_refused_with_a_message()
    {
        await using var server = await StartAsync();
        var page = await StudioPage.OpenAsync(server.Admin, "greeting");
        page.Activities.Clear();
        ((JsonArray)page.Root["connections"]!).Clear();

        var messages = await StudioPage.MessagesAsync(await page.SaveAsync());

        Assert.Contains("would remove all 3 activities", Assert.Single(messages));
        Assert.Equal(3, ((JsonArray)(await JourneyAsync(server, "greeting"))["root"]!["activities"]!).Count);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_save_over_what_somebody_else_saved_is_refused_and_says_who(DatabaseKind kind)
    {
        await using var server = await StartAsync(kind);
        var mine = await StudioPage.OpenAsync(server.Admin, "greeting");
        var theirs = await StudioPage.OpenAsync(await server.SignedInAsync(Role.Editor), "greeting");
        theirs.Activity("line")["text"]!["expression"]!["value"] = "theirs";
        Assert.Equal(HttpStatusCode.OK, (await theirs.SaveAsync()).StatusCode);
        mine.Activity("line")["text"]!["expression"]!["value"] = "mine";

        var message = Assert.Single(await StudioPage.MessagesAsync(await mine.SaveAsync()));

        Assert.Contains("has been changed since you opened it (by editor@example.org", message);
        Assert.Equal("theirs", (await JourneyAsync(server, "greeting"))["root"]!["activities"]![2]!["text"]!["expression"]!["value"]!.GetValue<string>());
        var reopened = await StudioPage.OpenAsync(server.Admin, "greeting");
        reopened.Activity("line")["text"]!["expression"]!["value"] = "mine";
        Assert.Equal(HttpStatusCode.OK, (await reopened.SaveAsync()).StatusCode);
    }

    [Fact]
    public async Task An_editor_that_saves_again_before_the_first_answer_is_no_conflict_with_itself()
    {
        await using var server = await StartAsync();
        var page = await StudioPage.OpenAsync(server.Admin, "greeting");
        var asLoaded = (JsonObject)page.Definition.DeepClone();
        page.Activity("line")["text"]!["expression"]!["value"] = "one";
        Assert.Equal(HttpStatusCode.OK, (await page.SaveAsync()).StatusCode);

        var early = StudioPage.Model(asLoaded);
        early["root"]!["activities"]![2]!["text"]!["expression"]!["value"] = "two";
        var answer = await server.Admin.PostAsJsonAsync("/elsa/api/workflow-definitions", new JsonObject { ["model"] = early, ["publish"] = false });

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("two", (await JourneyAsync(server, "greeting"))["root"]!["activities"]![2]!["text"]!["expression"]!["value"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_save_of_a_journey_that_was_deleted_meanwhile_is_refused()
    {
        await using var server = await StartAsync();
        var page = await StudioPage.OpenAsync(server.Admin, "greeting");
        Assert.Equal(HttpStatusCode.NoContent, (await server.Admin.DeleteAsync("/api/v1/journeys/greeting")).StatusCode);

        Assert.Contains("has been deleted", Assert.Single(await StudioPage.MessagesAsync(await page.SaveAsync())));
        Assert.Equal(HttpStatusCode.NotFound, (await server.Admin.GetAsync("/api/v1/journeys/greeting")).StatusCode);
    }

    [Fact]
    public async Task An_expired_session_is_said_and_not_swallowed()
    {
        await using var server = await StartAsync();
        var browser = await server.SignedInAsync(Role.Publisher);
        var page = await StudioPage.OpenAsync(browser, "greeting");
        Assert.Equal(HttpStatusCode.NoContent, (await browser.DeleteAsync("/api/v1/session")).StatusCode);

        Assert.Contains("Your session has ended", Assert.Single(await StudioPage.MessagesAsync(await page.SaveAsync())));
    }

    [Fact]
    public async Task What_stops_a_publish_is_said_by_the_activitys_name_and_the_draft_is_kept()
    {
        await using var server = await StartAsync();
        var page = await StudioPage.OpenAsync(server.Admin, "greeting");
        page.Activity("line")["text"]!["expression"]!["value"] = "changed";

        var messages = await StudioPage.MessagesAsync(await page.SaveAsync(publish: true));

        Assert.Contains("not published", messages[0]);
        Assert.Contains(messages, message => message.Contains("“Magic”") && message.Contains("Acme.Magic"));
        Assert.Equal("changed", (await JourneyAsync(server, "greeting"))["root"]!["activities"]![2]!["text"]!["expression"]!["value"]!.GetValue<string>());
        page.Activity("line")["text"]!["expression"]!["value"] = "changed again";
        Assert.Equal(HttpStatusCode.OK, (await page.SaveAsync()).StatusCode);
    }

    [Fact]
    public async Task A_viewer_gets_no_link_to_publish_and_is_refused_by_the_server_and_an_editor_may_save_but_not_publish()
    {
        await using var server = await StartAsync();
        var viewer = await server.SignedInAsync(Role.Viewer);
        var page = await StudioPage.OpenAsync(viewer, "greeting");

        Assert.DoesNotContain(Links(page.Definition), rel => rel == "publish");
        var list = (JsonObject)JsonNode.Parse(await viewer.GetStringAsync("/elsa/api/workflow-definitions?versionOptions=Latest"))!;
        Assert.DoesNotContain(Links(list), rel => rel == "bulk-publish");
        Assert.Contains("'journeys:write'", Assert.Single(await StudioPage.MessagesAsync(await page.SaveAsync())));
        Assert.Contains("'journeys:publish'", Assert.Single(await StudioPage.MessagesAsync(await viewer.PostAsync("/elsa/api/workflow-definitions/greeting/retract", null))));

        var editing = await StudioPage.OpenAsync(await server.SignedInAsync(Role.Editor), "greeting");
        Assert.Contains("publish", Links(editing.Definition));
        editing.Activity("line")["text"]!["expression"]!["value"] = "by the editor";
        Assert.Contains("ask someone who may", Assert.Single(await StudioPage.MessagesAsync(await editing.SaveAsync(publish: true))));
        Assert.Equal("by the editor", (await JourneyAsync(server, "greeting"))["root"]!["activities"]![2]!["text"]!["expression"]!["value"]!.GetValue<string>());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Every_save_is_a_revision_that_can_be_had_back(DatabaseKind kind)
    {
        await using var server = await StartAsync(kind);
        var original = await server.Admin.GetStringAsync("/api/v1/journeys/greeting");
        var page = await StudioPage.OpenAsync(await server.SignedInAsync(Role.Editor), "greeting");
        foreach (var text in new[] { "one", "two" })
        {
            page.Activity("line")["text"]!["expression"]!["value"] = text;
            Assert.Equal(HttpStatusCode.OK, (await page.SaveAsync()).StatusCode);
        }

        var revisions = (await (await server.Admin.GetAsync("/api/v1/journeys/greeting/revisions")).JsonAsync()).GetProperty("items").EnumerateArray().ToList();
        Assert.Equal([3, 2, 1], revisions.Select(revision => revision.GetProperty("number").GetInt32()));
        Assert.Equal(("Elsa Studio", "editor@example.org", 3), (revisions[0].GetProperty("source").GetString(), revisions[0].GetProperty("author").GetString(), revisions[0].GetProperty("activities").GetInt32()));

        var restored = await server.Admin.PostAsync("/api/v1/journeys/greeting/revisions/1/restore", null);
        Assert.Equal(HttpStatusCode.OK, restored.StatusCode);
        Assert.Equal(original, await server.Admin.GetStringAsync("/api/v1/journeys/greeting"));
        Assert.Equal(4, (await (await server.Admin.GetAsync("/api/v1/journeys/greeting/revisions?limit=1")).JsonAsync()).GetProperty("items")[0].GetProperty("number").GetInt32());
        await (await server.Admin.PostAsync("/api/v1/journeys/greeting/revisions/99/restore", null)).ProblemAsync(404);
        await (await server.Admin.GetAsync("/api/v1/journeys/nowhere/revisions")).ProblemAsync(404);
    }

    [Fact]
    public async Task Only_the_last_hundred_revisions_are_kept_and_of_each_version_the_last()
    {
        await using var server = await StartAsync();
        var journey = Journey.Replace("Acme.Magic", "Elsa.WriteLine").Replace("\"version\": 3", "\"version\": 1").Replace("Cast", "Done").Replace("spell", "text").Replace("Incantation", "Literal");
        for (var save = 0; save < 110; save++)
        {
            Assert.Equal(HttpStatusCode.OK, (await server.Admin.PutAsync("/api/v1/journeys/long", Json(journey.Replace("hello", $"hello {save}")))).StatusCode);
            if (save == 2) Assert.Equal(HttpStatusCode.OK, (await server.Admin.PostAsync("/api/v1/journeys/long/publish", null)).StatusCode);
        }

        var kept = (await (await server.Admin.GetAsync("/api/v1/journeys/long/revisions?limit=1000")).JsonAsync()).GetProperty("items").EnumerateArray().ToList();

        Assert.Equal([.. Enumerable.Range(11, 100).Reverse(), 3], kept.Select(revision => revision.GetProperty("number").GetInt32()));
        Assert.NotNull(kept[^1].GetProperty("published_at").GetString());
    }

    [Fact]
    public async Task A_new_journey_gets_an_id_of_its_name_and_a_dropped_activity_runs_with_its_defaults()
    {
        await using var server = await ServerUnderTest.StartAsync();
        const string New = """{"model": {"definitionId": null, "name": "Ärger & Co.", "description": null, "toolVersion": "3.8.0.0", "variables": null, "inputs": null, "outputs": null, "outcomes": null, "customProperties": null, "isReadonly": false, "options": null, "root": {"id": "f6c1eba408affc69", "type": "Elsa.Flowchart", "version": 1, "name": "Flowchart1"}, "links": null, "createdAt": "0001-01-01T00:00:00+00:00", "version": 1, "isLatest": true, "isPublished": false, "id": null}, "publish": null}""";
        var first = await (await server.Admin.PostAsync("/elsa/api/workflow-definitions", Json(New))).JsonAsync();
        var second = await (await server.Admin.PostAsync("/elsa/api/workflow-definitions", Json(New))).JsonAsync();
        Assert.Equal(("arger-co", "arger-co-2"), (first.GetProperty("workflowDefinition").GetProperty("definitionId").GetString(), second.GetProperty("workflowDefinition").GetProperty("definitionId").GetString()));

        var page = await StudioPage.OpenAsync(server.Admin, "arger-co");
        foreach (var dropped in new[]
        {
            """{"id": "a", "name": "EventReceived1", "type": "MailFlow.EventReceived", "version": 1, "metadata": {"designer": {"position": {"x": 0, "y": 0}}}, "eventType": {"typeName": null, "expression": {"type": "Literal", "value": "joined"}, "memoryReference": null}}""",
            """{"id": "b", "name": "CheckSuppression1", "type": "MailFlow.CheckSuppression", "version": 1, "metadata": {"designer": {"position": {"x": 300, "y": 0}}}}""",
            """{"id": "c", "name": "FlowJoin1", "type": "Elsa.FlowJoin", "version": 1, "metadata": {"designer": {"position": {"x": 600, "y": 0}}}}""",
        })
            page.Activities.Add(JsonNode.Parse(dropped));
        ((JsonArray)page.Root["connections"]!).Add(JsonNode.Parse("""{"source": {"activity": "a", "port": "Done"}, "target": {"activity": "b", "port": "In"}, "vertices": []}"""));
        ((JsonArray)page.Root["connections"]!).Add(JsonNode.Parse("""{"source": {"activity": "b", "port": "Clear"}, "target": {"activity": "c", "port": "In"}, "vertices": []}"""));
        var published = await page.SaveAsync(publish: true);
        Assert.True(published.IsSuccessStatusCode, await published.Content.ReadAsStringAsync());

        await server.Admin.PostAsync("/api/v1/events", Json("""{"event_id":"e1","event_type":"joined","user_id":"u1"}"""));
        var stats = await server.EventuallyAsync("/api/v1/journeys/arger-co/stats", stats => stats.GetProperty("completed").GetInt64() == 1);
        Assert.Equal(1, stats.GetProperty("entered").GetInt64());
    }

    private static async Task<ServerUnderTest> StartAsync(DatabaseKind kind = DatabaseKind.Sqlite)
    {
        var server = await ServerUnderTest.StartAsync(kind, workers: false);
        Assert.Equal(HttpStatusCode.OK, (await server.Admin.PutAsync("/api/v1/journeys/greeting", Json(Journey))).StatusCode);
        return server;
    }

    private static async Task<JsonNode> JourneyAsync(ServerUnderTest server, string id) => JsonNode.Parse(await server.Admin.GetStringAsync($"/api/v1/journeys/{id}"))!;

    private static IEnumerable<string> Links(JsonObject json) => ((JsonArray)json["links"]!).Select(link => link!["rel"]!.GetValue<string>());
}
