using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using MailFlow.Testing;
using static MailFlow.Server.Tests.HttpExtensions;

namespace MailFlow.Server.Tests;

/// <summary>Connections and sending: their API.</summary>
public sealed class ConnectionsApiTests
{
    private const string Secret = "SG.a-very-secret-key", SendGrid = $$"""{"type": "sendgrid", "name": "Main", "settings": {"api_key": "{{Secret}}"}, "per_second": 20, "per_day": 1000, "region": "us"}""";

    // Seen red with the values of the settings in the audit record in place of their names.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_connection_is_made_changed_and_removed_and_its_secret_is_never_told(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        var told = new List<string>();

        var made = await AskAsync(HttpMethod.Put, "/connections/main", SendGrid);
        var id = made.GetProperty("connection").GetProperty("id").GetString();
        Assert.EndsWith($"/api/v1/webhooks/sendgrid/{id}", made.GetProperty("webhook_url").GetString());
        Assert.Equal(["api_key"], made.GetProperty("connection").GetProperty("secrets").EnumerateArray().Select(name => name.GetString()));

        var changed = (await AskAsync(HttpMethod.Put, "/connections/main", """{"name": "Second", "settings": {"region": "eu"}, "marketing_weight": 30, "per_second": 0}""")).GetProperty("connection");
        Assert.Equal((id, "Second", "eu", 30, 100), (changed.GetProperty("id").GetString(), changed.GetProperty("name").GetString(), changed.GetProperty("settings").GetProperty("region").GetString(),
            changed.GetProperty("marketing_weight").GetInt32(), changed.GetProperty("transactional_weight").GetInt32()));
        Assert.Equal((JsonValueKind.Null, 1000, "eu"), (changed.GetProperty("per_second").ValueKind, changed.GetProperty("per_day").GetInt32(), changed.GetProperty("region").GetString()));
        Assert.Equal("api_key", Assert.Single(changed.GetProperty("secrets").EnumerateArray()).GetString()); // left out, and kept
        Assert.Equal(changed.GetRawText(), (await AskAsync(HttpMethod.Get, "/connections/main")).GetProperty("connection").GetRawText());
        Assert.Equal(changed.GetRawText(), Assert.Single(Items(await AskAsync(HttpMethod.Get, "/connections"))).GetProperty("connection").GetRawText());

        Assert.Equal(HttpStatusCode.NoContent, (await server.Admin.DeleteAsync("/api/v1/connections/main")).StatusCode);
        await (await server.Admin.GetAsync("/api/v1/connections/main")).ProblemAsync(404);
        await (await server.Admin.DeleteAsync("/api/v1/connections/main")).ProblemAsync(404);
        Assert.Empty(Items(await AskAsync(HttpMethod.Get, "/connections")));

        var audit = Items(await AskAsync(HttpMethod.Get, "/audit"));
        Assert.Equal(["connection.put", "connection.put", "connection.delete"], audit.Select(entry => entry.GetProperty("action").GetString()).Reverse());
        Assert.Equal("api_key", audit[^1].GetProperty("detail").GetProperty("settings").GetString()); // what was set is told, by name
        Assert.DoesNotContain(Secret, string.Concat(told));

        async Task<JsonElement> AskAsync(HttpMethod method, string path, string? body = null)
        {
            var answer = await server.Admin.SendAsync(new HttpRequestMessage(method, $"/api/v1{path}") { Content = body is null ? null : Json(body) });
            told.Add(await answer.Content.ReadAsStringAsync());
            Assert.True(answer.IsSuccessStatusCode, told[^1]);
            return await answer.JsonAsync();
        }
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Accounts_never_see_each_others_connections_stops_warm_ups_policies_and_limits(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        var other = await AccountIsolationTests.SecondAccountAsync(server);
        await PutAsync(server.Admin, "connections/main", SendGrid);
        await PutAsync(server.Admin, "sender", """{"name": "Shop", "email": "hello@shop.test"}""");
        await PutAsync(server.Admin, "sending/warm-ups/shop.test", """{"first_volume": 50, "target_volume": 1000}""");
        await PutAsync(server.Admin, "sending/policy", """{"quiet": {"from": "21:00", "to": "08:00"}, "cap": null}""");
        await PutAsync(server.Admin, "sending/mailbox-limits", """{"limits": [{"mailbox": "gmail", "per_second": 5}]}""");
        await StopAsync(server, "connection:main");

        Assert.Empty(Items(await GetAsync(other, "connections")));
        foreach (var (method, path) in new[] { (HttpMethod.Get, "connections/main"), (HttpMethod.Delete, "connections/main"), (HttpMethod.Delete, "sending/warm-ups/shop.test") })
            await (await other.SendAsync(new HttpRequestMessage(method, $"/api/v1/{path}"))).ProblemAsync(404);
        await (await other.PostAsJsonAsync("/api/v1/sending/resume", new { subject = "connection:main" })).ProblemAsync(404);
        var state = await GetAsync(other, "sending");
        Assert.Equal("sandbox", Assert.Single(state.GetProperty("routes").EnumerateArray()).GetProperty("key").GetString());
        Assert.Equal((0, JsonValueKind.Null), (state.GetProperty("stops").GetArrayLength(), state.GetProperty("domain").ValueKind));
        Assert.Equal(JsonValueKind.Null, (await GetAsync(other, "sending/policy")).GetProperty("quiet").ValueKind);
        Assert.Empty(Items(await GetAsync(other, "sending/mailbox-limits")));

        await PutAsync(other, "connections/main", """{"type": "sandbox"}""");
        await PutAsync(other, "sending/mailbox-limits", """{"limits": []}""");
        await PutAsync(other, "sending/policy", """{"quiet": null, "cap": null}""");
        Assert.Equal("sendgrid", (await GetAsync(server.Admin, "connections/main")).GetProperty("connection").GetProperty("type").GetString());
        Assert.Single(Items(await GetAsync(server.Admin, "sending/mailbox-limits")));
        Assert.Equal("21:00", (await GetAsync(server.Admin, "sending/policy")).GetProperty("quiet").GetProperty("from").GetString());
        Assert.Single((await GetAsync(server.Admin, "sending")).GetProperty("stops").EnumerateArray());
    }

    [Fact]
    public async Task What_cannot_be_used_is_refused_by_its_field()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        await PutAsync(server.Admin, "connections/main", SendGrid);
        foreach (var (path, body, field) in new[]
        {
            ("connections/new", """{}""", "type"),
            ("connections/new", """{"type": "pigeon"}""", "type"),
            ("connections/main", """{"type": "mailgun"}""", "type"),
            ("connections/Main!", """{"type": "sandbox"}""", "key"),
            ("connections/smtp", """{"type": "smtp", "settings": {"host": "mail.example.org"}}""", "key"),
            ("connections/new", """{"type": "sendgrid"}""", "settings.api_key"),
            ("connections/main", """{"settings": {"api_key": ""}}""", "settings.api_key"),
            ("connections/main", """{"settings": {"region": "mars"}}""", "settings.region"),
            ("connections/main", """{"settings": {"colour": "red"}}""", "settings.colour"),
            ("connections/main", """{"settings": {"webhook_public_key": "no key"}}""", "settings.webhook_public_key"),
            ("connections/new", """{"type": "ses", "settings": {"region": "here", "access_key_id": "AKIA", "secret_access_key": "s"}}""", "settings.region"),
            ("connections/new", """{"type": "smtp", "settings": {"host": "mail.example.org", "port": "many"}}""", "settings.port"),
            ("connections/main", """{"name": " "}""", "name"),
            ("connections/main", """{"marketing_weight": 101}""", "marketing_weight"),
            ("connections/main", """{"transactional_weight": -1}""", "transactional_weight"),
            ("connections/main", """{"per_second": -1}""", "per_second"),
            ("connections/main", """{"per_day": -1}""", "per_day"),
            ("connections/main", """{"region": "EU!"}""", "region"),
            ("sending/policy", """{"quiet": {"from": "21:00", "to": "21:00"}}""", "quiet"),
            ("sending/policy", """{"quiet": {"from": "late"}}""", "quiet"),
            ("sending/policy", """{"cap": {"period": "P7D"}}""", "cap.messages"),
            ("sending/policy", """{"cap": {"messages": 0, "period": "P7D"}}""", "cap.messages"),
            ("sending/policy", """{"cap": {"messages": 3, "period": "week"}}""", "cap.period"),
            ("sending/policy", """{"cap": {"messages": 3, "period": "PT1S"}}""", "cap.period"),
            ("sending/mailbox-limits", """{}""", "limits"),
            ("sending/mailbox-limits", """{"limits": [{"mailbox": "gmail", "per_second": 1}, {"mailbox": "not a domain", "per_second": 1}]}""", "limits[1].mailbox"),
            ("sending/mailbox-limits", """{"limits": [{"mailbox": "gmail", "per_second": 0}]}""", "limits[0].per_second"),
            ("sending/mailbox-limits", """{"limits": [{"mailbox": "gmail", "per_second": 1}, {"mailbox": "gmail", "per_second": 2}]}""", "limits"),
            ("sending/warm-ups/shop.test", """{"target_volume": 10}""", "first_volume"),
            ("sending/warm-ups/shop.test", """{"first_volume": 0, "target_volume": 10}""", "first_volume"),
            ("sending/warm-ups/shop.test", """{"first_volume": 50}""", "target_volume"),
            ("sending/warm-ups/shop.test", """{"first_volume": 50, "target_volume": 10}""", "target_volume"),
            ("sending/warm-ups/shop.test", """{"first_volume": 50, "target_volume": 100, "days": 1}""", "days"),
            ("sending/warm-ups/nowhere", """{"first_volume": 50, "target_volume": 100}""", "domain"),
        })
        {
            var problem = await (await server.Admin.PutAsync($"/api/v1/{path}", Json(body))).ProblemAsync(400);
            Assert.True(problem.GetProperty("errors").TryGetProperty(field, out _), $"{path} {body}: {problem.GetRawText()}");
        }
        Assert.Single(Items(await GetAsync(server.Admin, "audit"))); // what is refused leaves no trace
        Assert.Equal("Main", (await GetAsync(server.Admin, "connections/main")).GetProperty("connection").GetProperty("name").GetString());
    }

    // Each address by each role is EndpointAccessTests' matter; these are keys.
    [Fact]
    public async Task A_key_that_reads_messages_sees_how_mail_leaves_and_changes_nothing()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        await PutAsync(server.Admin, "connections/main", SendGrid);
        await StopAsync(server, "connection:main");
        var reader = await server.ClientWithScopesAsync("messages:read");

        foreach (var path in new[] { "sending", "sending/policy", "sending/mailbox-limits" }) await GetAsync(reader, path);
        foreach (var path in new[] { "connections", "connections/main", "provider-types" }) await (await reader.GetAsync($"/api/v1/{path}")).ProblemAsync(403);
        foreach (var path in new[] { "connections/main", "sending/policy", "sending/mailbox-limits", "sending/warm-ups/shop.test" })
            await (await reader.PutAsync($"/api/v1/{path}", Json("{}"))).ProblemAsync(403);
        await (await reader.DeleteAsync("/api/v1/connections/main")).ProblemAsync(403);
        await (await reader.DeleteAsync("/api/v1/sending/warm-ups/shop.test")).ProblemAsync(403);
        await (await reader.PostAsJsonAsync("/api/v1/sending/resume", new { subject = "connection:main" })).ProblemAsync(403);
        await (await (await server.ClientWithScopesAsync("contacts:read")).GetAsync("/api/v1/sending")).ProblemAsync(403);
    }

    [Fact]
    public async Task Each_kind_of_provider_says_what_it_is_set_up_with()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        var kinds = Items(await GetAsync(server.Admin, "provider-types")).ToDictionary(kind => kind.GetProperty("name").GetString()!);

        Assert.Equal(["mailgun", "postmark", "sandbox", "sendgrid", "ses", "smtp"], kinds.Keys);
        Assert.Equal(["sandbox"], kinds.Where(kind => !kind.Value.GetProperty("reports_by_webhook").GetBoolean()).Select(kind => kind.Key));
        var key = kinds["sendgrid"].GetProperty("settings").EnumerateArray().Single(setting => setting.GetProperty("name").GetString() == "api_key");
        Assert.Equal((true, true), (key.GetProperty("required").GetBoolean(), key.GetProperty("secret").GetBoolean()));
        Assert.All(kinds.Values.SelectMany(kind => kind.GetProperty("settings").EnumerateArray()), setting => Assert.False(string.IsNullOrWhiteSpace(setting.GetProperty("hint").GetString()), setting.GetRawText()));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_state_of_sending_follows_the_connections(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        var own = await GetAsync(server.Admin, "sending");
        Assert.Equal(("sandbox", "sandbox"), RouteOf(own));
        Assert.Equal((JsonValueKind.Null, 0, 0), (own.GetProperty("domain").ValueKind, own.GetProperty("notes").GetArrayLength(), own.GetProperty("waiting").GetProperty("marketing").GetInt32()));

        await PutAsync(server.Admin, "sender", """{"name": "Shop", "email": "hello@shop.test"}""");
        await PutAsync(server.Admin, "connections/main", SendGrid);
        var real = await GetAsync(server.Admin, "sending");
        Assert.Equal(("main", "sendgrid"), RouteOf(real));
        Assert.Equal(("shop.test", "good", JsonValueKind.Null), (real.GetProperty("domain").GetProperty("name").GetString(), real.GetProperty("domain").GetProperty("standing").GetString(), real.GetProperty("domain").GetProperty("warm_up").ValueKind));

        await PutAsync(server.Admin, "connections/main", """{"enabled": false}""");
        var off = await GetAsync(server.Admin, "sending");
        Assert.Equal((0, 2), (off.GetProperty("routes").GetArrayLength(), off.GetProperty("notes").GetArrayLength()));
        Assert.All(off.GetProperty("notes").EnumerateArray(), note => Assert.StartsWith("No connection takes", note.GetString()));

        static (string?, string?) RouteOf(JsonElement state) => Assert.Single(state.GetProperty("routes").EnumerateArray()) is var route ? (route.GetProperty("key").GetString(), route.GetProperty("type").GetString()) : default;
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_was_stopped_is_told_with_its_reason_and_resumed_once(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        await PutAsync(server.Admin, "connections/main", SendGrid);
        await StopAsync(server, "connection:main");

        var state = await GetAsync(server.Admin, "sending");
        var stop = Assert.Single(state.GetProperty("stops").EnumerateArray());
        Assert.Equal(("connection:main", "marketing", "The key is refused."), (stop.GetProperty("subject").GetString(), stop.GetProperty("stream").GetString(), stop.GetProperty("reason").GetString()));
        Assert.Contains(state.GetProperty("notes").EnumerateArray(), note => note.GetString()!.EndsWith("The key is refused.", StringComparison.Ordinal));

        var problem = await (await server.Admin.PostAsJsonAsync("/api/v1/sending/resume", new { })).ProblemAsync(400);
        Assert.True(problem.GetProperty("errors").TryGetProperty("subject", out _), problem.GetRawText());
        await (await server.Admin.PostAsJsonAsync("/api/v1/sending/resume", new { subject = "connection:other" })).ProblemAsync(404);
        Assert.Equal(HttpStatusCode.NoContent, (await server.Admin.PostAsJsonAsync("/api/v1/sending/resume", new { subject = "connection:main" })).StatusCode);
        await (await server.Admin.PostAsJsonAsync("/api/v1/sending/resume", new { subject = "connection:main" })).ProblemAsync(404);
        Assert.Empty((await GetAsync(server.Admin, "sending")).GetProperty("stops").EnumerateArray());
        var resumed = Assert.Single(Items(await GetAsync(server.Admin, "audit?action=sending.resume")));
        Assert.Equal("connection:main", resumed.GetProperty("subject").GetString());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_warm_up_is_begun_told_with_its_schedule_and_ended(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        await PutAsync(server.Admin, "sender", """{"name": "Shop", "email": "hello@Shop.test"}""");
        await PutAsync(server.Admin, "connections/main", SendGrid);
        await PutAsync(server.Admin, "sending/warm-ups/shop.test", """{"first_volume": 50, "target_volume": 5000, "days": 14}""");

        var warmUp = (await GetAsync(server.Admin, "sending")).GetProperty("domain").GetProperty("warm_up");
        var schedule = warmUp.GetProperty("schedule").EnumerateArray().Select(volume => volume.GetInt32()).ToList();
        Assert.Equal((1, 50, 50, 14), (warmUp.GetProperty("day").GetInt32(), warmUp.GetProperty("volume").GetInt32(), warmUp.GetProperty("left").GetInt32(), schedule.Count));
        Assert.Equal((50, 5000), (schedule[0], schedule[^1]));
        Assert.Equal(JsonValueKind.Null, warmUp.GetProperty("backlog_done").ValueKind); // nothing waits

        Assert.Equal(HttpStatusCode.NoContent, (await server.Admin.DeleteAsync("/api/v1/sending/warm-ups/shop.test")).StatusCode);
        await (await server.Admin.DeleteAsync("/api/v1/sending/warm-ups/shop.test")).ProblemAsync(404);
        Assert.Equal(JsonValueKind.Null, (await GetAsync(server.Admin, "sending")).GetProperty("domain").GetProperty("warm_up").ValueKind);
        Assert.Equal(["warm_up.put", "warm_up.delete"], Items(await GetAsync(server.Admin, "audit")).Select(entry => entry.GetProperty("action").GetString()).Where(action => action!.StartsWith("warm_up", StringComparison.Ordinal)).Reverse());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Policy_and_limits_are_set_as_a_whole_and_read_as_they_were_set(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        const string Policy = """{"quiet":{"from":"21:00","to":"08:00"},"cap":{"messages":3,"period":"P7D"}}""";
        await PutAsync(server.Admin, "sending/policy", Policy);
        Assert.Equal(Policy, (await GetAsync(server.Admin, "sending/policy")).GetRawText());
        await PutAsync(server.Admin, "sending/policy", """{"quiet": {"from": "9:30", "to": "10:00"}}""");
        Assert.Equal("""{"quiet":{"from":"09:30","to":"10:00"},"cap":null}""", (await GetAsync(server.Admin, "sending/policy")).GetRawText());

        await PutAsync(server.Admin, "sending/mailbox-limits", """{"limits": [{"mailbox": "gmail", "per_second": 20}, {"mailbox": "Example.ORG", "per_second": 0.5}, {"mailbox": "*", "per_second": 5}]}""");
        Assert.Equal(["* 5", "example.org 0.5", "gmail 20"], Items(await GetAsync(server.Admin, "sending/mailbox-limits")).Select(limit => $"{limit.GetProperty("mailbox").GetString()} {limit.GetProperty("per_second").GetRawText()}"));
        await PutAsync(server.Admin, "sending/mailbox-limits", """{"limits": []}""");
        Assert.Empty(Items(await GetAsync(server.Admin, "sending/mailbox-limits")));
    }

    private static List<JsonElement> Items(JsonElement page) => [.. page.GetProperty("items").EnumerateArray()];

    private static async Task<JsonElement> GetAsync(HttpClient client, string path)
    {
        var answer = await client.GetAsync($"/api/v1/{path}");
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return await answer.JsonAsync();
    }

    private static async Task PutAsync(HttpClient client, string path, string body)
    {
        var answer = await client.PutAsync($"/api/v1/{path}", Json(body));
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>What the sender writes when a provider refuses the account itself.</summary>
    private static async Task StopAsync(ServerUnderTest server, string subject) => await server.Database.WriteAsync(async session => await session.ExecuteAsync(
        "INSERT INTO sending_stop (account_id, subject, stream, reason, at) VALUES (1, @subject, @stream, 'The key is refused.', @at)", default,
        ("subject", subject), ("stream", (int)Engine.Definitions.MessageStream.Marketing), ("at", await session.NowAsync(default))), default);
}
