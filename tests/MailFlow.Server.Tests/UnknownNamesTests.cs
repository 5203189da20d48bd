using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using static MailFlow.Server.Tests.HttpExtensions;

namespace MailFlow.Server.Tests;

/// <summary>A slip of the pen in a name is told, and nothing is done: passed over, it would take away what was there, or show everything.</summary>
public sealed class UnknownNamesTests
{
    // Seen red: 200 or 201 for each, with what was meant left out or taken away.
    [Fact]
    public async Task A_member_that_a_request_does_not_have_is_refused_by_name()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        foreach (var (method, path, body, member, told) in new[]
        {
            ("PUT", "sending/policy", """{"quiet_hours":{"from":"21:00","to":"08:00"}}""", "quiet_hours", "there are quiet, cap"),
            ("PUT", "sending/policy", """{"quiet":{"form":"21:00","to":"08:00"}}""", "quiet.form", "did you mean 'from'?"),
            ("PUT", "tracking", """{"enable":true}""", "enable", "did you mean 'enabled'?"),
            ("PUT", "sender", """{"name":"Shop","email":"a@shop.test","postal":"x"}""", "postal", "did you mean 'postal_address'?"),
            ("POST", "webhook-endpoints", """{"url":"https://shop.test/","type":["message_sent"]}""", "type", "did you mean 'types'?"),
            ("POST", "suppressions", """{"email":"a@shop.test","expires":"2030-01-01T00:00:00Z"}""", "expires", "did you mean 'expires_at'?"),
            ("PUT", "connections/main", """{"type":"sandbox","weight":4}""", "weight", "there are type"),
            ("PUT", "connections/main", """{"type":"sandbox","connection":{"weight":4}}""", "connection", "there are type"),
            ("PUT", "domains/shop.test", """{"dkim_keys":"generate"}""", "dkim_keys", "did you mean 'dkim_key'?"),
            ("PUT", "purposes/news", """{"name":"News","descripton":"x"}""", "descripton", "did you mean 'description'?"),
            ("PUT", "segments/all", """{"rule":"true","nmae":"All"}""", "nmae", "did you mean 'name'?"),
        })
        {
            var problem = await (await server.Admin.SendAsync(new(new HttpMethod(method), $"/api/v1/{path}") { Content = Json(body) })).ProblemAsync(400);
            Assert.Contains(told, problem.GetProperty("errors").GetProperty(member)[0].GetString());
        }
    }

    /// <summary>Who reads, changes and sends back sends what only the server sets, too.</summary>
    [Fact]
    public async Task What_was_read_can_be_sent_back()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        await PutAsync("sending/policy", """{"quiet":{"from":"21:00","to":"08:00"},"cap":{"messages":3,"period":"P7D"}}""");
        await PutAsync("tracking", """{"enabled":true}""");
        await PutAsync("sender", """{"name":"Shop","email":"a@shop.test"}""");
        await PutAsync("connections/main", """{"type":"sandbox"}""");
        await PutAsync("domains/shop.test", """{"dkim_key":"generate"}""");
        await PutAsync("purposes/news", """{"name":"News"}""");
        await PutAsync("segments/all", """{"rule":"true"}""");
        await PutAsync("templates/hello", """{"subject":"Hello","html":"<p>Hello</p>"}""");
        await PutAsync("contacts/ada", """{"email":"ada@shop.test"}""");
        await PutAsync("account", """{"name":"Shop"}""");
        var user = await PostAsync("users", """{"email":"ada@shop.test","role":"viewer","password":"a long enough password"}""");
        var endpoint = (await PostAsync("webhook-endpoints", """{"url":"https://shop.test/"}""")).GetProperty("endpoint");

        foreach (var path in new[] { "sending/policy", "tracking", "sender", "connections/main", "domains/shop.test", "purposes/news", "segments/all", "templates/hello", "account", $"webhook-endpoints/{endpoint.GetProperty("id").GetString()}" })
        {
            var read = await (await server.Admin.GetAsync($"/api/v1/{path}")).JsonAsync();
            await PutAsync(path, path == "connections/main" ? read.GetProperty("connection").GetRawText() : read.GetRawText());
        }
        await PutAsync($"users/{user.GetProperty("id").GetString()}", user.GetRawText());

        async Task PutAsync(string path, string body)
        {
            var answer = await server.Admin.PutAsync($"/api/v1/{path}", Json(body));
            Assert.True(answer.IsSuccessStatusCode, $"{path}: {await answer.Content.ReadAsStringAsync()}");
        }

        async Task<JsonElement> PostAsync(string path, string body)
        {
            var answer = await server.Admin.PostAsync($"/api/v1/{path}", Json(body));
            Assert.True(answer.IsSuccessStatusCode, $"{path}: {await answer.Content.ReadAsStringAsync()}");
            return await answer.JsonAsync();
        }
    }

    // Seen red: everybody was listed, and the import was no dry run.
    [Fact]
    public async Task A_query_parameter_that_an_address_does_not_take_is_refused_by_name()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        foreach (var (method, path, parameter, told) in new[]
        {
            ("GET", "contacts?emial=ada@example.org", "emial", "did you mean 'email'?"),
            ("GET", "messages?user=ada", "user", "did you mean 'user_id'?"),
            ("GET", "messages?id=ada", "id", "there are "),
            ("GET", "messages/1?limit=5", "limit", "takes no parameters"),
            ("GET", "journeys/x/instances?activity=a", "activity", "did you mean 'activity_id'?"),
            ("POST", "suppressions/import?dryrun=true", "dryrun", "did you mean 'dry_run'?"),
            ("POST", "suppressions/import?dry_run=1", "dry_run", "'1' is not of the right form: it must be true or false"),
        })
        {
            var content = method == "GET" ? null : new StringContent("email\nada@example.org\n", System.Text.Encoding.UTF8, "text/csv");
            var problem = await (await server.Admin.SendAsync(new(new HttpMethod(method), $"/api/v1/{path}") { Content = content })).ProblemAsync(400);
            Assert.Contains(told, problem.GetProperty("errors").GetProperty(parameter)[0].GetString());
        }
        Assert.Equal(HttpStatusCode.NotFound, (await server.Admin.GetAsync("/api/v1/suppressions/ada@example.org")).StatusCode);
    }

    /// <summary>A provider's call has what the provider puts there.</summary>
    [Fact]
    public async Task Every_parameter_that_the_description_names_is_taken_and_a_providers_call_may_have_any()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        var paths = JsonNode.Parse(await server.Admin.GetStringAsync("/openapi/v1.json"))!["paths"]!.AsObject();
        var told = 0;
        foreach (var (path, methods) in paths)
        {
            if (methods!["get"]?["parameters"] is not JsonArray parameters) continue;
            foreach (var name in parameters.Where(each => (string?)each!["in"] == "query").Select(each => (string)each!["name"]!))
            {
                told++;
                var answer = await server.Admin.GetAsync($"{path.Replace("{", "").Replace("}", "")}?{name}=1");
                Assert.DoesNotContain("is not known", await answer.Content.ReadAsStringAsync());
            }
        }
        Assert.True(told > 30, $"{told}");

        Assert.DoesNotContain("is not known", await (await server.Admin.PostAsync($"/api/v1/webhooks/sendgrid/{Guid.Empty}?tag=x", Json("[]"))).Content.ReadAsStringAsync());
    }
}
