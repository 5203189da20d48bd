using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using static MailFlow.Server.Tests.HttpExtensions;

namespace MailFlow.Server.Tests;

/// <summary>What cannot be taken is answered as a problem that says what to do about it, and leaves nothing behind.</summary>
public sealed class BadRequestTests
{
    [Theory]
    [InlineData("""{"event_id": "e", """, "line 1, position")]
    [InlineData("{\n  \"event_id\": oops}", "line 2, position")]
    [InlineData("", "empty")]
    [InlineData("null", "object")]
    public async Task Malformed_json_is_answered_with_its_place(string json, string told)
    {
        await using var server = await ServerUnderTest.StartAsync();
        foreach (var path in new[] { "/api/v1/events", "/api/v1/api-keys" })
        {
            var problem = await (await server.Admin.PostAsync(path, Json(json))).ProblemAsync(400);
            Assert.Contains(told, problem.GetProperty("detail").GetString());
        }
    }

    [Fact]
    public async Task What_is_not_utf8_is_refused()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var content = new ByteArrayContent([.. "{\"event_id\":\""u8, 0xff, .. "\"}"u8]) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };

        await (await server.Admin.PostAsync("/api/v1/events", content)).ProblemAsync(400);
    }

    [Fact]
    public async Task What_does_not_call_itself_json_is_answered_415()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var problem = await (await server.Admin.PostAsync("/api/v1/events", new StringContent("{}", Encoding.UTF8, "application/x-www-form-urlencoded"))).ProblemAsync(415);
        Assert.Contains("Content-Type: application/json", problem.GetProperty("detail").GetString());
        await (await server.Admin.PutAsync("/api/v1/contacts/u1", new StringContent("{}", Encoding.UTF8, "text/plain"))).ProblemAsync(415);
    }

    // Seen red: "Send JSON".
    [Fact]
    public async Task An_import_that_does_not_call_itself_csv_is_told_to()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        foreach (var path in new[] { "contacts", "suppressions" })
        {
            var problem = await (await server.Admin.PostAsync($"/api/v1/{path}/import", new StringContent("email", Encoding.UTF8, "text/plain"))).ProblemAsync(415);
            Assert.Contains("Content-Type: text/csv", problem.GetProperty("detail").GetString());
        }
        Assert.DoesNotContain("*/*", await server.Admin.GetStringAsync("/openapi/v1.json"));
    }

    // Seen red: "must be of the type that /openapi/v1.json gives", and "0 is not above 0" of what was not there.
    [Fact]
    public async Task A_choice_is_told_with_its_values_and_what_is_not_there_as_missing()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        foreach (var (path, body, field, told) in new[]
        {
            ("domains/shop.test", """{"dkim_key":"yes"}""", "dkim_key", "must be keep, generate or remove"),
            ("templates/hello", """{"subject":"x","html":"x","stream":"promo"}""", "stream", "must be marketing or transactional"),
            ("templates/hello", """{"subject":"x","html":"x","stream":7}""", "stream", "must be marketing or transactional"),
            ("sending/mailbox-limits", """{"limits":[{"mailbox":"gmail"}]}""", "limits[0].per_second", "is missing"),
            ("sending/mailbox-limits", """{"limits":[{"per_second":2}]}""", "limits[0].mailbox", "is missing"),
            ("sending/mailbox-limits", """{"limits":[{"mailbox":"gmail","persecond":20}]}""", "limits[0].persecond", "did you mean 'per_second'?"),
        })
        {
            var problem = await (await server.Admin.PutAsync($"/api/v1/{path}", Json(body))).ProblemAsync(400);
            Assert.Contains(told, problem.GetProperty("errors").GetProperty(field)[0].GetString());
        }
    }

    // Seen red: the key was said to be unknown or revoked.
    [Fact]
    public async Task A_key_that_is_sent_without_bearer_is_told_how_to_be_sent()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        foreach (var (header, told) in new[] { (server.AdminKey, "Authorization: Bearer mf_"), ($"Basic {server.AdminKey}", "Authorization: Bearer mf_"), ($"Bearer {server.AdminKey}x", "unknown or has been revoked") })
        {
            using var client = server.ClientWith(null);
            client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", header);
            Assert.Contains(told, (await (await client.GetAsync("/api/v1/contacts")).ProblemAsync(401)).GetProperty("detail").GetString());
        }
    }

    [Fact]
    public async Task A_request_beyond_eight_megabytes_is_answered_413()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await (await server.Admin.PostAsync("/api/v1/events", Json($$"""{"event_id":"{{new string('x', 10_000_000)}}"}"""))).ProblemAsync(413);
    }

    [Theory]
    [InlineData("""{"name":7,"scopes":["admin"]}""", "name", "must be text")]
    [InlineData("""{"name":"a\u0000","scopes":["admin"]}""", "name", "NUL")]
    [InlineData("""{"name":"a\uDC00","scopes":["admin"]}""", "name", "surrogate")]
    [InlineData("""{"scopes":["admin"]}""", "name", "1 to 100")]
    [InlineData("""{"name":"a","scopes":[]}""", "scopes", "at least one")]
    [InlineData("""{"name":"a","scopes":["everything"]}""", "scopes", "'everything' is none of")]
    [InlineData("""{"name":"a","scopes":"admin"}""", "scopes", "must be a list")]
    public async Task A_field_that_cannot_be_taken_is_named(string json, string field, string told)
    {
        await using var server = await ServerUnderTest.StartAsync();

        var problem = await (await server.Admin.PostAsync("/api/v1/api-keys", Json(json))).ProblemAsync(400);

        Assert.Contains(told, problem.GetProperty("errors").GetProperty(field)[0].GetString());
        Assert.Single((await (await server.Admin.GetAsync("/api/v1/api-keys")).JsonAsync()).GetProperty("items").EnumerateArray());
    }

    [Theory]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=1001", "limit")]
    [InlineData("limit=many", "limit")]
    [InlineData("cursor=nonsense!", "cursor")]
    [InlineData("cursor=bm9uc2Vuc2U", "cursor")]
    public async Task A_page_that_cannot_be_given_is_refused_by_the_name_of_the_parameter(string query, string parameter)
    {
        await using var server = await ServerUnderTest.StartAsync();
        foreach (var list in new[] { "api-keys", "contacts", "suppressions" })
        {
            if (list == "suppressions" && query == "cursor=bm9uc2Vuc2U") continue; // any text is a place in a list by address
            var problem = await (await server.Admin.GetAsync($"/api/v1/{list}?{query}")).ProblemAsync(400);
            Assert.True(problem.GetProperty("errors").TryGetProperty(parameter, out _), $"{list}: {problem}");
        }
    }

    [Fact]
    public async Task An_address_with_nothing_behind_it_and_a_method_it_does_not_take_are_problems_too()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await (await server.Admin.GetAsync("/api/v1/nowhere")).ProblemAsync(404);
        await (await server.Admin.GetAsync("/api/v1/contacts/nobody")).ProblemAsync(404);
        await (await server.Admin.DeleteAsync("/api/v1/suppressions/nobody@example.org")).ProblemAsync(404);
        await (await server.Admin.DeleteAsync("/api/v1/events")).ProblemAsync(405);
        await (await server.Admin.GetAsync("/api/v1/contacts?email=%00")).ProblemAsync(400);
    }

    [Fact]
    public async Task A_fault_of_ours_is_answered_500_without_its_details()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.Admin.GetAsync("/api/v1/contacts");
        await server.Database.WriteAsync(session => session.ExecuteAsync("ALTER TABLE contact RENAME TO gone", default), default);

        var problem = await (await server.Admin.GetAsync("/api/v1/contacts")).ProblemAsync(500);

        Assert.DoesNotContain("contact", problem.ToString(), StringComparison.OrdinalIgnoreCase);
        Assert.True(problem.TryGetProperty("trace_id", out _));
    }

    [Fact]
    public async Task A_contact_with_an_unknown_time_zone_is_refused_and_not_half_made()
    {
        await using var server = await ServerUnderTest.StartAsync();

        var problem = await (await server.Admin.PutAsJsonAsync("/api/v1/contacts/u1", new { email = "ada@example.org", time_zone = "Mars/Olympus" })).ProblemAsync(400);

        Assert.Contains("Mars/Olympus", problem.GetProperty("errors").GetProperty("time_zone")[0].GetString());
        Assert.Equal(HttpStatusCode.NotFound, (await server.Admin.GetAsync("/api/v1/contacts/u1")).StatusCode);
    }

    [Fact]
    public async Task Every_answer_tells_browsers_to_run_frame_and_keep_nothing()
    {
        await using var server = await ServerUnderTest.StartAsync();
        foreach (var path in new[] { "/health/live", "/api/v1/contacts", "/api/v1/nowhere", "/api/v1/contacts?limit=0" })
        {
            var headers = (await server.Admin.GetAsync(path)).Headers;
            Assert.Equal("nosniff", headers.GetValues("X-Content-Type-Options").Single());
            Assert.Contains("default-src 'none'", headers.GetValues("Content-Security-Policy").Single());
            Assert.True(headers.CacheControl!.NoStore);
        }
    }
}
