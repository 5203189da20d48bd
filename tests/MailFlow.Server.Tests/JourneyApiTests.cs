using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailFlow.Testing;
using static MailFlow.Server.Tests.HttpExtensions;

namespace MailFlow.Server.Tests;

/// <summary>Journeys, their instances and their mail over HTTP, with the server's own workers at work.</summary>
public sealed class JourneyApiTests
{
    /// <summary>An event, a mail, a line, the end; with members and designer data that only others understand.</summary>
    internal const string Greeting = """
        {
          "definitionId": "greeting", "name": "Greeting", "version": 1, "unknownToUs": {"a": [1, 2.50, null]},
          "customProperties": {"mailflow": {"stream": "marketing"}, "theirs": "kept"},
          "root": {
            "id": "flow", "type": "Elsa.Flowchart", "version": 1, "metadata": {"designer": {"x": 1}},
            "activities": [
              {"id": "start", "type": "MailFlow.EventReceived", "version": 1, "eventType": {"typeName": "String", "expression": {"type": "Literal", "value": "joined"}}, "extra": true},
              {"id": "mail", "type": "MailFlow.SendEmail", "version": 1, "template": {"typeName": "String", "expression": {"type": "Literal", "value": "hello"}}},
              {"id": "line", "type": "Elsa.WriteLine", "version": 1, "text": {"typeName": "String", "expression": {"type": "Literal", "value": "greeted"}}}
            ],
            "connections": [
              {"source": {"activity": "start", "port": "Done"}, "target": {"activity": "mail", "port": "In"}},
              {"source": {"activity": "mail", "port": "Done"}, "target": {"activity": "line", "port": "In"}}
            ]
          }
        }
        """;

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_event_becomes_a_mail_once_and_its_link_unsubscribes(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);
        await PublishGreetingAsync(server);
        const string Event = """{"event_id":"e1","event_type":"joined","user_id":"u1","payload":{"contact":{"email":"ada@example.org","first_name":"Ada"}}}""";
        await server.Admin.PostAsync("/api/v1/events", Json(Event));
        await server.Admin.PostAsync("/api/v1/events", Json(Event));

        var captured = (await server.EventuallyAsync("/api/v1/sandbox/messages?to=ada@example.org", page => page.GetProperty("items").GetArrayLength() == 1)).GetProperty("items")[0];
        Assert.Equal(("Hello Ada", "hello", "u1", "greeting"), (captured.GetProperty("subject").GetString(), captured.GetProperty("template").GetString(), captured.GetProperty("user_id").GetString(), captured.GetProperty("journey").GetString()));
        var stats = await server.EventuallyAsync("/api/v1/journeys/greeting/stats", stats => stats.GetProperty("completed").GetInt64() == 1);
        Assert.Equal((1, 0), (stats.GetProperty("entered").GetInt64(), stats.GetProperty("waiting").GetInt64()));
        await server.EventuallyAsync("/api/v1/messages?user_id=u1&journey=greeting&state=accepted", page => page.GetProperty("items").GetArrayLength() == 1);

        var link = new Uri(captured.GetProperty("headers").GetProperty("List-Unsubscribe").GetString()!.Trim('<', '>', ' ').Split('>')[0]).PathAndQuery;
        var recipient = server.ClientWith(key: null);
        var page = await recipient.GetAsync(link);
        Assert.Equal((HttpStatusCode.OK, "text/html"), (page.StatusCode, page.Content.Headers.ContentType?.MediaType));
        Assert.Contains("<form method=\"post\">", await page.Content.ReadAsStringAsync());
        await (await server.Admin.GetAsync("/api/v1/suppressions/ada@example.org")).ProblemAsync(404); // a scanner's GET does nothing
        Assert.Equal(HttpStatusCode.OK, (await recipient.PostAsync(link, new FormUrlEncodedContent([new("List-Unsubscribe", "One-Click")]))).StatusCode);

        Assert.Equal(HttpStatusCode.OK, (await server.Admin.GetAsync("/api/v1/suppressions/ada@example.org")).StatusCode);
        await server.Admin.PostAsync("/api/v1/events", Json(Event.Replace("e1", "e2")));
        var trace = await server.EventuallyAsync("/api/v1/contacts/u1/trace", trace => trace.ToString().Contains("not sent"));
        Assert.Contains("suppressed for marketing after unsubscribing", trace.ToString());
        Assert.Equal(1, (await (await server.Admin.GetAsync("/api/v1/sandbox/messages")).JsonAsync()).GetProperty("items").GetArrayLength());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_event_as_deep_as_a_request_may_be_becomes_a_mail_like_any_other(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);
        await PublishGreetingAsync(server);
        var deep = """{"event_id":"e1","event_type":"joined","user_id":"u1","payload":{"contact":{"email":"ada@example.org"}},"metadata":{"x":"""
            + new string('[', 62) + new string(']', 62) + "}}";

        Assert.Equal(HttpStatusCode.Accepted, (await server.Admin.PostAsync("/api/v1/events", Json(deep))).StatusCode);
        await (await server.Admin.PostAsync("/api/v1/events", Json(deep.Replace("[]", "[[]]")))).ProblemAsync(400);

        await server.EventuallyAsync("/api/v1/sandbox/messages?to=ada@example.org", page => page.GetProperty("items").GetArrayLength() == 1);
        Assert.Equal(HttpStatusCode.OK, (await server.Admin.GetAsync("/api/v1/contacts/u1/events")).StatusCode);
    }

    [Fact]
    public async Task A_body_that_may_be_left_out_may_be_empty_under_any_content_type()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await PublishGreetingAsync(server);

        Assert.Equal(HttpStatusCode.OK, (await server.Admin.PostAsync("/api/v1/journeys/greeting/publish", Json(""))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await server.Admin.PostAsync("/api/v1/journeys/greeting/publish", null)).StatusCode);
        await (await server.Admin.PostAsync("/api/v1/journeys/greeting/publish", new StringContent("x"))).ProblemAsync(415);
    }

    [Theory]
    [InlineData("/unsubscribe/nonsense")]
    [InlineData("/unsubscribe/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public async Task A_link_we_did_not_sign_does_nothing(string link)
    {
        await using var server = await ServerUnderTest.StartAsync();
        var recipient = server.ClientWith(key: null);

        Assert.Equal(HttpStatusCode.NotFound, (await recipient.GetAsync(link)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await recipient.PostAsync(link, null)).StatusCode);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_journey_comes_back_as_it_was_put(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);
        await PublishGreetingAsync(server);

        var given = Stripped(await server.Admin.GetStringAsync("/api/v1/journeys/greeting"));

        Assert.True(JsonNode.DeepEquals(Stripped(Greeting), given), given.ToJsonString());
        Assert.Contains("2.50", given.ToJsonString());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_instance_started_by_hand_tells_its_journal(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);
        await PublishGreetingAsync(server);
        await server.Admin.PutAsJsonAsync("/api/v1/contacts/u1", new { email = "ada@example.org" });

        var started = await server.Admin.PostAsJsonAsync("/api/v1/journeys/greeting/instances", new { user_id = "u1", input = new { coupon = "X" } });
        var id = (await started.JsonAsync()).GetProperty("id").GetString();
        var instance = await server.EventuallyAsync($"/api/v1/instances/{id}", instance => instance.GetProperty("status").GetString() == "Finished");

        Assert.Equal(HttpStatusCode.Created, started.StatusCode);
        Assert.Equal($"/api/v1/instances/{id}", started.Headers.Location?.ToString());
        Assert.Equal("Finished", instance.GetProperty("sub_status").GetString());
        Assert.Contains(instance.GetProperty("journal").EnumerateArray(), entry =>
            entry.GetProperty("activity_type").GetString() == "Elsa.WriteLine" && entry.GetProperty("text").GetString() == "greeted");
        await (await server.Admin.PostAsync($"/api/v1/instances/{id}/retry", null)).ProblemAsync(409);
        await (await server.Admin.PostAsync($"/api/v1/instances/{id}/cancel", null)).ProblemAsync(409);
        await (await server.Admin.PostAsJsonAsync("/api/v1/journeys/greeting/instances", new { input = new { } })).ProblemAsync(400);
        await (await server.Admin.PostAsJsonAsync("/api/v1/journeys/nowhere/instances", new { user_id = "u1" })).ProblemAsync(404);
        await (await server.Admin.GetAsync($"/api/v1/instances/{Guid.Empty}")).ProblemAsync(404);
    }

    public static TheoryData<string, string> UnpublishableJourneys => new()
    {
        { Greeting.Replace("Elsa.WriteLine", "Elsa.DoMagic"), "Elsa.DoMagic" },
        { Greeting.Replace("""{"type": "Literal", "value": "greeted"}""", """{"type": "JavaScript", "value": "1 + 1"}"""), "JavaScript" },
        { Greeting.Replace("""{"type": "Literal", "value": "greeted"}""", """{"type": "CSharp", "value": "1 + 1"}"""), "C" },
        { Greeting.Replace("\"hello\"", "\"no-such-template\""), "no-such-template" },
    };

    [Theory, MemberData(nameof(UnpublishableJourneys))]
    public async Task A_journey_that_cannot_run_is_kept_as_a_draft_and_refused_at_publish_by_name(string json, string told)
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.Admin.PutAsJsonAsync("/api/v1/templates/hello", new { subject = "Hello", html = "<p>Hi</p>" });
        Assert.Equal(HttpStatusCode.OK, (await server.Admin.PutAsync("/api/v1/journeys/greeting", Json(json))).StatusCode);

        var problem = await (await server.Admin.PostAsync("/api/v1/journeys/greeting/publish", null)).ProblemAsync(422);

        var findings = problem.GetProperty("findings").EnumerateArray().Where(finding => finding.GetProperty("severity").GetString() == "error").ToList();
        Assert.Contains(findings, finding => finding.GetProperty("activity_id").GetString() is "mail" or "line" && finding.GetProperty("message").GetString()!.Contains(told));
        await (await server.Admin.PostAsJsonAsync("/api/v1/journeys/greeting/instances", new { user_id = "u1" })).ProblemAsync(409);
    }

    [Fact]
    public async Task What_is_no_definition_is_refused_and_leaves_no_journey()
    {
        await using var server = await ServerUnderTest.StartAsync();

        foreach (var json in new[] { "[]", "7", "{\"name\": ", "{\"name\":\"a\\u0000\",\"root\":{}}" })
            await (await server.Admin.PutAsync("/api/v1/journeys/x", Json(json))).ProblemAsync(400);
        await (await server.Admin.PutAsync("/api/v1/journeys/no%20spaces", Json(Greeting))).ProblemAsync(400);
        await (await server.Admin.GetAsync("/api/v1/journeys/x")).ProblemAsync(404);
        foreach (var action in new[] { "publish", "unpublish", "pause", "resume" })
            await (await server.Admin.PostAsync($"/api/v1/journeys/x/{action}", null)).ProblemAsync(404);
        await (await server.Admin.GetAsync("/api/v1/journeys/x/stats")).ProblemAsync(404);
    }

    [Fact]
    public async Task A_paused_journey_says_so_until_it_is_resumed()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await PublishGreetingAsync(server);

        Assert.Equal(HttpStatusCode.NoContent, (await server.Admin.PostAsync("/api/v1/journeys/greeting/pause", null)).StatusCode);
        Assert.True(await IsPausedAsync());
        Assert.Equal(HttpStatusCode.NoContent, (await server.Admin.PostAsync("/api/v1/journeys/greeting/resume", null)).StatusCode);
        Assert.False(await IsPausedAsync());

        async Task<bool> IsPausedAsync() =>
            (await (await server.Admin.GetAsync("/api/v1/journeys")).JsonAsync()).GetProperty("items")[0].GetProperty("is_paused").GetBoolean();
    }

    [Fact]
    public async Task Templates_and_segments_come_back_as_put_and_bad_ones_are_refused_by_their_field()
    {
        await using var server = await ServerUnderTest.StartAsync();

        Assert.Equal(HttpStatusCode.OK, (await server.Admin.PutAsJsonAsync("/api/v1/templates/t1", new { subject = "S", html = "<p>H</p>", stream = "transactional" })).StatusCode);
        var template = await (await server.Admin.GetAsync("/api/v1/templates/t1")).JsonAsync();
        Assert.Equal(("S", "<p>H</p>", "transactional", 1), (template.GetProperty("subject").GetString(), template.GetProperty("html").GetString(), template.GetProperty("stream").GetString(), template.GetProperty("version").GetInt32()));
        Assert.True((await (await server.Admin.PutAsJsonAsync("/api/v1/templates/t1", new { html = "<p>H</p>" })).ProblemAsync(400)).GetProperty("errors").TryGetProperty("subject", out _));
        Assert.True((await (await server.Admin.PutAsJsonAsync("/api/v1/templates/t1", new { subject = "S", html = "{{#if}" })).ProblemAsync(400)).GetProperty("errors").TryGetProperty("html", out _));
        Assert.True((await (await server.Admin.PutAsJsonAsync("/api/v1/templates/t1", new { subject = "S", html = "x", stream = "loud" })).ProblemAsync(400)).GetProperty("errors").TryGetProperty("stream", out _));

        Assert.Equal(HttpStatusCode.OK, (await server.Admin.PutAsJsonAsync("/api/v1/segments/us", new { name = "US", rule = "contact.country == \"US\"" })).StatusCode);
        await server.Admin.PutAsJsonAsync("/api/v1/contacts/u1", new { attributes = new { country = "US" } });
        await server.Admin.PutAsJsonAsync("/api/v1/contacts/u2", new { attributes = new { country = "DE" } });
        Assert.Equal(1, (await (await server.Admin.GetAsync("/api/v1/segments/us/count")).JsonAsync()).GetProperty("count").GetInt64());
        Assert.Equal(["u1"], await ContactApiTests.AllAsync(server.Admin, "segments/us/contacts", "user_id", 10));
        Assert.True((await (await server.Admin.PutAsJsonAsync("/api/v1/segments/us", new { rule = "contact.country ==" })).ProblemAsync(400)).GetProperty("errors").TryGetProperty("rule", out _));
        Assert.True((await (await server.Admin.PutAsJsonAsync("/api/v1/segments/us", new { name = "US" })).ProblemAsync(400)).GetProperty("errors").TryGetProperty("rule", out _));
        Assert.Equal(HttpStatusCode.NoContent, (await server.Admin.DeleteAsync("/api/v1/segments/us")).StatusCode);
        await (await server.Admin.GetAsync("/api/v1/segments/us")).ProblemAsync(404);
    }

    [Fact]
    public async Task The_published_description_names_every_operation_with_its_scope()
    {
        await using var server = await ServerUnderTest.StartAsync();

        var document = await (await server.Admin.GetAsync("/openapi/v1.json")).JsonAsync();

        foreach (var path in document.GetProperty("paths").EnumerateObject().Where(path => path.Name.StartsWith("/api/", StringComparison.Ordinal)))
            foreach (var operation in path.Value.EnumerateObject())
            {
                Assert.True(operation.Value.TryGetProperty("summary", out _), $"{operation.Name} {path.Name} has no summary");
                Assert.Contains(path.Name.StartsWith("/api/v1/session", StringComparison.Ordinal) ? "Needs " : path.Name == "/api/v1/webhooks/{provider}/{connection}" ? "Needs no key" : "Needs the scope", operation.Value.GetProperty("description").GetString());
            }
        Assert.True(document.GetProperty("components").GetProperty("schemas").GetProperty("ContactInput").GetProperty("properties").TryGetProperty("time_zone", out _));
    }

    internal static async Task PublishGreetingAsync(ServerUnderTest server)
    {
        await server.Admin.PutAsJsonAsync("/api/v1/templates/hello", new { subject = "Hello {{contact.first_name}}", html = "<p>Welcome, {{contact.first_name}}!</p>" });
        await server.Admin.PutAsync("/api/v1/journeys/greeting", Json(Greeting));
        var published = await server.Admin.PostAsync("/api/v1/journeys/greeting/publish", null);
        Assert.True(published.IsSuccessStatusCode, await published.Content.ReadAsStringAsync());
    }

    /// <summary>Without what the server stamps on it.</summary>
    private static JsonObject Stripped(string json)
    {
        var definition = JsonNode.Parse(json)!.AsObject();
        foreach (var stamp in new[] { "id", "version", "createdAt", "isLatest", "isPublished" }) definition.Remove(stamp);
        foreach (var activity in definition["root"]!["activities"]!.AsArray().Append(definition["root"])) activity!.AsObject().Remove("nodeId");
        return definition;
    }
}
