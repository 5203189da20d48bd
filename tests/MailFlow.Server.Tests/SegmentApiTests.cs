using System.Net.Http.Json;
using System.Text.Json;
using MailFlow.Testing;

namespace MailFlow.Server.Tests;

/// <summary>What the rule builder asks.</summary>
public sealed class SegmentApiTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_preview_counts_shows_some_and_says_what_is_wrong_with_a_half_written_rule(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        for (var i = 0; i < 12; i++) await server.Admin.PutAsJsonAsync($"/api/v1/contacts/u{i:00}", new { attributes = new { seats = i } });

        var good = await PreviewAsync(server.Admin, "contact.seats >= 1");
        var half = await PreviewAsync(server.Admin, "contact.seats >=");
        var blind = await PreviewAsync(await server.ClientWithScopesAsync("segments:read"), "contact.seats >= 1");

        Assert.Equal((11, 10, JsonValueKind.Null), (good.GetProperty("count").GetInt32(), good.GetProperty("sample").GetArrayLength(), good.GetProperty("error").ValueKind));
        Assert.Equal("u01", good.GetProperty("sample")[0].GetProperty("user_id").GetString());
        Assert.Contains("column", half.GetProperty("error").GetString());
        Assert.Equal((11, 0), (blind.GetProperty("count").GetInt32(), blind.GetProperty("sample").GetArrayLength()));
        await (await server.Admin.PostAsJsonAsync("/api/v1/segments/preview", new { rule = "" })).ProblemAsync(400);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Who_saves_over_a_segment_that_was_changed_meanwhile_is_told_so(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        var read = (await (await server.Admin.PutAsJsonAsync("/api/v1/segments/tabs", new { rule = "true" })).JsonAsync()).GetProperty("updated_at").GetString();
        (await server.Admin.PutAsJsonAsync("/api/v1/segments/tabs", new { rule = "contact.n == 1", if_updated_at = read })).EnsureSuccessStatusCode();

        var problem = await (await server.Admin.PutAsJsonAsync("/api/v1/segments/tabs", new { rule = "contact.n == 2", if_updated_at = read })).ProblemAsync(409);

        Assert.Contains("changed since you opened it", problem.GetProperty("detail").GetString());
        Assert.Equal("contact.n == 1", (await (await server.Admin.GetAsync("/api/v1/segments/tabs")).JsonAsync()).GetProperty("rule").GetString());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_explanation_shows_each_condition_with_what_it_compared(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        await server.Admin.PutAsJsonAsync("/api/v1/contacts/u1", new { attributes = new { plan = "pro", seats = 3 }, tags = new[] { "vip" } });
        await server.Admin.PutAsJsonAsync("/api/v1/segments/good", new
        {
            rule = "contact.plan == \"pro\" && (contact.seats > 5 || \"vip\" in contact.tags) && !contact.email.endsWith(\"@example.org\") && count_events(\"order\", duration(\"720h\")) == 0",
        });

        var answer = await (await server.Admin.GetAsync("/api/v1/segments/good/explain?user_id=u1")).JsonAsync();

        Assert.True(answer.GetProperty("in").GetBoolean());
        Assert.Equal(
            [
                """contact.plan == "pro" -> "pro" True""",
                """contact.seats > 5 -> 3 False""",
                "\"vip\" in contact.tags -> [\"vip\"] True",
                """!contact.email.endsWith("@example.org") -> null True""",
                """count_events("order", duration("720h")) == 0 -> 0 True""",
            ],
            answer.GetProperty("parts").EnumerateArray().Select(part => $"{part.GetProperty("text").GetString()} -> {part.GetProperty("value").GetRawText()} {part.GetProperty("holds").GetBoolean()}"));
        await (await server.Admin.GetAsync("/api/v1/segments/good/explain?user_id=nobody")).ProblemAsync(404);
        await (await server.Admin.GetAsync("/api/v1/segments/none/explain?user_id=u1")).ProblemAsync(404);
        await (await server.Admin.GetAsync("/api/v1/segments/good/explain")).ProblemAsync(400);
        var other = await AccountIsolationTests.SecondAccountAsync(server);
        await (await other.GetAsync("/api/v1/segments/good/explain?user_id=u1")).ProblemAsync(404);
    }

    private static async Task<JsonElement> PreviewAsync(HttpClient client, string rule) => await (await client.PostAsJsonAsync("/api/v1/segments/preview", new { rule })).JsonAsync();
}
