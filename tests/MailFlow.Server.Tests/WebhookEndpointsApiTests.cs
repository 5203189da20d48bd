using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using MailFlow.Engine.Facts;
using MailFlow.Journeys.Facts;
using MailFlow.Testing;

namespace MailFlow.Server.Tests;

/// <summary>Outgoing webhooks: their API.</summary>
public sealed class WebhookEndpointsApiTests
{
    private const string Path = "/api/v1/webhook-endpoints";

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_endpoint_is_made_changed_and_removed_and_its_secret_is_told_once(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);

        var answer = await server.Admin.PostAsJsonAsync(Path, new { url = "https://shop.example/hooks", types = new[] { "message.bounced", "journey.instance.started" } });
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        var made = await answer.JsonAsync();
        var (endpoint, secret) = (made.GetProperty("endpoint"), made.GetProperty("secret").GetString()!);
        Assert.Equal(("shop.example", true, 4, JsonValueKind.Null), (endpoint.GetProperty("name").GetString(), endpoint.GetProperty("enabled").GetBoolean(), endpoint.GetProperty("concurrency").GetInt32(), endpoint.GetProperty("per_second").ValueKind));
        Assert.Equal(["journey.instance.started", "message.bounced"], endpoint.GetProperty("types").EnumerateArray().Select(type => type.GetString()));
        Assert.Equal($"{Path}/{endpoint.GetProperty("id").GetString()}", answer.Headers.Location!.ToString());
        Assert.Equal(32, Convert.FromBase64String(secret["whsec_".Length..]).Length);

        var one = answer.Headers.Location.ToString();
        var changed = await (await server.Admin.PutAsJsonAsync(one, new { name = "Shop", per_second = 10.5, types = new[] { "message.bounced", "*" } })).JsonAsync();
        Assert.Equal(("Shop", "https://shop.example/hooks", 10.5, "*"), (changed.GetProperty("name").GetString(), changed.GetProperty("url").GetString(), changed.GetProperty("per_second").GetDouble(), changed.GetProperty("types")[0].GetString()));
        Assert.Equal(changed.GetRawText(), (await (await server.Admin.GetAsync(one)).JsonAsync()).GetRawText());
        var rotated = await (await server.Admin.PostAsJsonAsync($"{one}/rotate-secret", new { overlap_hours = 2 })).JsonAsync();
        Assert.NotEqual(secret, rotated.GetProperty("secret").GetString());
        Assert.Equal(JsonValueKind.String, rotated.GetProperty("endpoint").GetProperty("previous_secret_until").ValueKind);

        var told = await server.Admin.GetStringAsync(Path) + await server.Admin.GetStringAsync("/api/v1/audit") + await server.Admin.GetStringAsync(one);
        Assert.DoesNotContain("whsec_", told);
        Assert.DoesNotContain(secret["whsec_".Length..], told);
        var stored = await server.Database.ReadAsync(session => session.QueryAsync("SELECT secret || coalesce(previous_secret, '') FROM webhook_endpoint", row => row.Text(0), default), default);
        Assert.DoesNotContain(secret["whsec_".Length..], Assert.Single(stored));
        Assert.Equal(
            ["webhook_endpoint.create", "webhook_endpoint.change", "webhook_endpoint.rotate_secret"],
            (await (await server.Admin.GetAsync("/api/v1/audit")).JsonAsync()).GetProperty("items").EnumerateArray().Select(entry => entry.GetProperty("action").GetString()).Reverse());

        Assert.Equal(HttpStatusCode.NoContent, (await server.Admin.DeleteAsync(one)).StatusCode);
        await (await server.Admin.GetAsync(one)).ProblemAsync(404);
        await (await server.Admin.DeleteAsync(one)).ProblemAsync(404);
        Assert.Equal(0, await server.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM fact_interest", default), default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Accounts_never_see_each_others_endpoints_deliveries_or_facts(DatabaseKind kind)
    {
        await using var receiver = new TinyHttpServer(_ => TinyHttpServer.Ok());
        await using var server = await ServerUnderTest.StartAsync(kind, samples: true, allowedTargets: "127.0.0.1");
        var other = await AccountIsolationTests.SecondAccountAsync(server);
        var (mine, theirs) = (await MakeAsync(server.Admin, receiver.Url("/mine").ToString()), await MakeAsync(other, receiver.Url("/theirs").ToString()));
        await server.Admin.PostAsync("/api/v1/events", HttpExtensions.Json("""{"event_id":"e1","event_type":"user_signed_up","user_id":"u1"}"""));
        var log = await server.EventuallyAsync($"{Path}/{mine}/deliveries?state=delivered", page => page.GetProperty("items").GetArrayLength() > 0);
        var delivery = log.GetProperty("items")[0].GetProperty("id").GetString();

        Assert.Equal(theirs, Assert.Single((await (await other.GetAsync(Path)).JsonAsync()).GetProperty("items").EnumerateArray()).GetProperty("id").GetString());
        Assert.Empty((await (await other.GetAsync($"{Path}/{theirs}/deliveries")).JsonAsync()).GetProperty("items").EnumerateArray());
        foreach (var look in new[] { mine, $"{mine}/deliveries", $"{mine}/deliveries/{delivery}", $"{theirs}/deliveries/{delivery}" }) await (await other.GetAsync($"{Path}/{look}")).ProblemAsync(404);
        foreach (var act in new[] { $"{mine}/test", $"{mine}/rotate-secret", $"{mine}/deliveries/{delivery}/replay", $"{theirs}/deliveries/{delivery}/replay" }) await (await other.PostAsync($"{Path}/{act}", null)).ProblemAsync(404);
        await (await other.PostAsJsonAsync($"{Path}/{mine}/replay", new { from = "2000-01-01T00:00:00Z" })).ProblemAsync(404);
        await (await other.PutAsJsonAsync($"{Path}/{mine}", new { enabled = false })).ProblemAsync(404);
        await (await other.DeleteAsync($"{Path}/{mine}")).ProblemAsync(404);
        // What they replay of their own holds nothing of ours.
        Assert.Equal(0, (await (await other.PostAsJsonAsync($"{Path}/{theirs}/replay", new { from = "2000-01-01T00:00:00Z", all = true })).JsonAsync()).GetProperty("queued").GetInt32());
        Assert.DoesNotContain(receiver.Requests, request => request.Head.StartsWith("POST /theirs", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_cannot_be_used_is_refused_by_its_field()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        var id = await MakeAsync(server.Admin, "https://shop.example/hooks");
        foreach (var (path, body, field) in new[]
        {
            ("", """{}""", "url"),
            ("", """{"url": "ftp://shop.example"}""", "url"),
            ("", """{"url": "https://ada:secret@shop.example"}""", "url"),
            ("", """{"url": "https://shop.example", "types": []}""", "types"),
            ("", """{"url": "https://shop.example", "types": ["message.eaten"]}""", "types"),
            ("", """{"url": "https://shop.example", "types": ["webhook.test"]}""", "types"),
            ("", """{"url": "https://shop.example", "name": " "}""", "name"),
            ("", """{"url": "https://shop.example", "concurrency": 21}""", "concurrency"),
            ("", """{"url": "https://shop.example", "per_second": -1}""", "per_second"),
            ($"/{id}/rotate-secret", """{"overlap_hours": 169}""", "overlap_hours"),
            ($"/{id}/replay", """{}""", "from"),
            ($"/{id}/replay", """{"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}""", "from"),
        })
        {
            var problem = await (await server.Admin.PostAsync(Path + path, HttpExtensions.Json(body))).ProblemAsync(400);
            Assert.True(problem.GetProperty("errors").TryGetProperty(field, out _), $"{path} {body}: {problem}");
        }
        Assert.True((await (await server.Admin.GetAsync($"{Path}/{id}/deliveries?state=eaten")).ProblemAsync(400)).GetProperty("errors").TryGetProperty("state", out _));
        Assert.True((await (await server.Admin.GetAsync($"{Path}/{id}/deliveries?cursor=eaten")).ProblemAsync(400)).GetProperty("errors").TryGetProperty("cursor", out _));

        for (var i = 1; i < WebhookEndpoints.Most; i++) await MakeAsync(server.Admin, "https://shop.example/hooks");
        await (await server.Admin.PostAsJsonAsync(Path, new { url = "https://shop.example" })).ProblemAsync(409);
    }

    [Fact]
    public async Task A_test_tells_at_once_what_the_receiver_said_and_why_an_address_may_not_be_called()
    {
        await using var receiver = new TinyHttpServer(path => path == "/there" ? TinyHttpServer.Ok("welcome") : "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        await using var server = await ServerUnderTest.StartAsync(workers: false, allowedTargets: "127.0.0.1");
        Assert.Equal((200, "welcome"), await TestAsync(receiver.Url("/there").ToString()));
        Assert.Equal((404, ""), await TestAsync(receiver.Url("/gone").ToString()));
        Assert.Contains("\"type\":\"webhook.test\"", receiver.Requests.First().Body);
        await using var guarded = await ServerUnderTest.StartAsync(workers: false);
        var (status, answer) = await TestAsync(receiver.Url("/there").ToString(), guarded);
        Assert.Equal(0, status);
        Assert.StartsWith("127.0.0.1 may not be called: ", answer);
        Assert.Equal(2, receiver.Requests.Count);

        async Task<(int Status, string Answer)> TestAsync(string url, ServerUnderTest? at = null)
        {
            var client = (at ?? server).Admin;
            var told = await (await client.PostAsync($"{Path}/{await MakeAsync(client, url)}/test", null)).JsonAsync();
            return (told.GetProperty("status") is { ValueKind: JsonValueKind.Number } status ? status.GetInt32() : 0, told.GetProperty("answer").GetString()!);
        }
    }

    [Fact]
    public async Task Keys_read_and_write_webhooks_by_scopes_of_their_own()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        var (reads, writes) = (await server.ClientWithScopesAsync("webhooks:read"), await server.ClientWithScopesAsync("webhooks:write"));
        var id = await MakeAsync(writes, "https://shop.example/hooks");
        Assert.Equal(id, (await (await reads.GetAsync($"{Path}/{id}")).JsonAsync()).GetProperty("id").GetString());
        await (await reads.PutAsJsonAsync($"{Path}/{id}", new { name = "Mine" })).ProblemAsync(403);
        await (await writes.GetAsync($"{Path}/{id}")).ProblemAsync(403);
        await (await (await server.ClientWithScopesAsync("messages:read")).GetAsync(Path)).ProblemAsync(403);
    }

    [Fact]
    public async Task Every_type_of_fact_is_listed_with_an_example_and_stands_in_the_manual()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        var types = (await (await server.Admin.GetAsync("/api/v1/fact-types")).JsonAsync()).GetProperty("items").EnumerateArray().ToList();
        var manual = await File.ReadAllTextAsync(System.IO.Path.Combine(Root(), "docs", "webhooks.md"));
        Assert.Equal(server.Services.GetServices<FactType>().Count(), types.Count);
        foreach (var type in types)
        {
            Assert.Equal("ada", type.GetProperty("example").GetProperty("user_id").GetString());
            Assert.True(type.GetProperty("example").EnumerateObject().Count() > 2, type.GetRawText());
            Assert.Contains($"`{type.GetProperty("name").GetString()}`", manual);
        }
    }

    private static string Root([System.Runtime.CompilerServices.CallerFilePath] string file = "") => System.IO.Path.GetFullPath(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(file)!, "..", ".."));

    private static async Task<string> MakeAsync(HttpClient client, string url) =>
        (await (await client.PostAsJsonAsync(Path, new { url })).JsonAsync()).GetProperty("endpoint").GetProperty("id").GetString()!;
}
