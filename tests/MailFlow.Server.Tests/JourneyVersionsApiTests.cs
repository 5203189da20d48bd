using System.Net;
using System.Net.Http.Json;
using MailFlow.Testing;
using static MailFlow.Server.Tests.HttpExtensions;

namespace MailFlow.Server.Tests;

/// <summary>Versions, lists, copies and samples over HTTP.</summary>
public sealed class JourneyVersionsApiTests
{
    private const string Welcome = "/api/v1/journeys/welcome-series";

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_draft_is_compared_with_what_is_published(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, samples: true, workers: false);
        var longer = (await server.Admin.GetStringAsync(Welcome)).Replace("\"P3D\"", "\"P7D\"", StringComparison.Ordinal);
        await server.Admin.PutAsync(Welcome, Json(longer));

        var versions = (await GetAsync(server, $"{Welcome}/versions")).GetProperty("items").EnumerateArray().Select(version => (version.GetProperty("version").GetInt32(), version.GetProperty("state").GetString()));
        Assert.Equal([(2, "draft"), (1, "published")], versions);
        Assert.Equal(["draft", "published"], await ContactApiTests.AllAsync(server.Admin, "journeys/welcome-series/versions", "state", 1));
        var change = (await GetAsync(server, $"{Welcome}/diff")).GetProperty("changes")[0];
        Assert.Equal(("changed", "wait-for-open", "timeout", "3 days", "7 days"), (change.GetProperty("kind").GetString(), change.GetProperty("activity_id").GetString(),
            change.GetProperty("input").GetString(), change.GetProperty("before").GetString(), change.GetProperty("after").GetString()));
        Assert.Equal("Timeout of “Opened within three days?” is now 7 days (was 3 days).", change.GetProperty("text").GetString());
        Assert.Equal(0, (await GetAsync(server, $"{Welcome}/diff?from=2&to=2")).GetProperty("changes").GetArrayLength());
        var preview = await GetAsync(server, $"{Welcome}/publish-preview");
        Assert.Equal((1, 2, 1, 0), (preview.GetProperty("from").GetInt32(), preview.GetProperty("to").GetInt32(), preview.GetProperty("changes").GetArrayLength(), preview.GetProperty("total_waiting").GetInt32()));
        Assert.Contains("\"P3D\"", await server.Admin.GetStringAsync($"{Welcome}/versions/1"), StringComparison.Ordinal);
        var refused = await (await server.Admin.PostAsync($"{Welcome}/publish", Json("""{"waiting": "vanish"}"""))).ProblemAsync(400);
        Assert.True(refused.GetProperty("errors").TryGetProperty("waiting", out _));
        Assert.Equal(HttpStatusCode.OK, (await server.Admin.PostAsync($"{Welcome}/publish", Json("""{"waiting": "stay"}"""))).StatusCode);
        Assert.Equal("retired", (await GetAsync(server, $"{Welcome}/versions")).GetProperty("items")[1].GetProperty("state").GetString());
        foreach (var path in new[] { "versions/3", "diff?from=9", "diff?to=9" }) await (await server.Admin.GetAsync($"{Welcome}/{path}")).ProblemAsync(404);
        foreach (var path in new[] { "versions", "diff", "publish-preview", "instances" }) await (await server.Admin.GetAsync($"/api/v1/journeys/nowhere/{path}")).ProblemAsync(404);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Journeys_are_listed_with_numbers_and_their_trips_with_places(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, samples: true);
        await server.Admin.PostAsync("/api/v1/events", Json("""{"event_id":"e1","event_type":"user_signed_up","user_id":"ada","payload":{"contact":{"email":"ada@example.org"}}}"""));
        var trips = await server.EventuallyAsync($"{Welcome}/instances?state=waiting&activity_id=wait-a-day", page => page.GetProperty("items").GetArrayLength() == 1);
        var trip = trips.GetProperty("items")[0];
        Assert.Equal(("ada", "Wait a day", "Suspended"), (trip.GetProperty("user_id").GetString(), trip.GetProperty("activity_name").GetString(), trip.GetProperty("sub_status").GetString()));
        var item = (await GetAsync(server, "/api/v1/journeys?search=WELCOME&state=published")).GetProperty("items").EnumerateArray().Single();
        var stats = item.GetProperty("stats");
        Assert.Equal(("welcome-series", "published", 1, 1, 1), (item.GetProperty("definition_id").GetString(), item.GetProperty("state").GetString(),
            stats.GetProperty("waiting").GetInt32(), stats.GetProperty("entered_7d").GetInt32(), stats.GetProperty("emails_7d").GetInt32()));
        foreach (var query in new[] { "?state=asleep", "/welcome-series/instances?state=asleep", "/welcome-series/instances?limit=0" })
            await (await server.Admin.GetAsync($"/api/v1/journeys{query}")).ProblemAsync(400);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_publish_moves_those_who_wait_or_lets_them_go_and_one_is_moved_by_itself(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, samples: true);
        await server.Admin.PostAsync("/api/v1/events", Json("""[{"event_id":"e1","event_type":"user_signed_up","user_id":"ada"},{"event_id":"e2","event_type":"user_signed_up","user_id":"bob"}]"""));
        var waiting = await server.EventuallyAsync($"{Welcome}/instances?state=waiting&activity_id=wait-a-day", page => page.GetProperty("items").GetArrayLength() == 2);
        var bob = waiting.GetProperty("items").EnumerateArray().Single(item => item.GetProperty("user_id").GetString() == "bob").GetProperty("id").GetString();
        var first = await server.Admin.GetStringAsync(Welcome);
        async Task PublishAsync(string timeout, string body)
        {
            await server.Admin.PutAsync(Welcome, Json(first.Replace("\"P3D\"", $"\"{timeout}\"", StringComparison.Ordinal)));
            Assert.Equal(HttpStatusCode.OK, (await server.Admin.PostAsync($"{Welcome}/publish", Json(body))).StatusCode);
        }

        await PublishAsync("P4D", """{"waiting": "move"}""");
        await server.EventuallyAsync($"{Welcome}/versions", page => page.GetProperty("items") is var versions && versions[0].GetProperty("waiting").GetInt64() == 2 && versions[1].GetProperty("waiting").GetInt64() == 0);
        await PublishAsync("P5D", """{"waiting": "stay"}""");
        Assert.Equal(HttpStatusCode.Accepted, (await server.Admin.PostAsync($"/api/v1/instances/{bob}/move", Json("""{"version": 3, "activity_id": "wait-two-days"}"""))).StatusCode);
        await server.EventuallyAsync($"{Welcome}/instances?activity_id=wait-two-days", page => page.GetProperty("items") is { } items && items.GetArrayLength() == 1 && items[0].GetProperty("version").GetInt32() == 3);
        await PublishAsync("P6D", """{"waiting": "exit"}""");
        await server.EventuallyAsync($"{Welcome}/stats", stats => stats.GetProperty("exited").GetInt64() == 2 && stats.GetProperty("waiting").GetInt64() == 0);

        await (await server.Admin.PostAsync($"/api/v1/instances/{bob}/move", Json("""{"version": 4}"""))).ProblemAsync(409);
        await (await server.Admin.PostAsync("/api/v1/instances/nobody/move", null)).ProblemAsync(404);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_sample_and_a_journey_are_copied_under_ids_of_their_own(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false); // an account without the samples
        var samples = (await GetAsync(server, "/api/v1/samples")).GetProperty("items").EnumerateArray().ToList();
        Assert.Equal(["abandoned-cart", "double-opt-in", "order-receipt", "re-engagement", "trial-ending", "welcome-series", "win-back"], samples.Select(sample => sample.GetProperty("id").GetString()));
        Assert.Equal("Greets new sign-ups at once, sends tips a day later, and goes on by whether these were opened.", samples[5].GetProperty("description").GetString());

        Assert.Equal("win-back", await CopyAsync(server, "/api/v1/samples/win-back/copy", null));
        Assert.Equal(HttpStatusCode.OK, (await server.Admin.PostAsync("/api/v1/journeys/win-back/publish", null)).StatusCode); // what it needs has come with it
        Assert.DoesNotContain("welcome-tips", await server.Admin.GetStringAsync("/api/v1/templates"), StringComparison.Ordinal);
        Assert.Equal("win-back-2", await CopyAsync(server, "/api/v1/samples/win-back/copy", null));
        Assert.Equal("mine", await CopyAsync(server, "/api/v1/samples/win-back/copy", """{"definition_id": "mine", "name": "My own"}"""));
        Assert.Equal(["Copy of Win back", "Copy of Win back", "My own"], (await GetAsync(server, "/api/v1/journeys")).GetProperty("items").EnumerateArray().Select(item => item.GetProperty("name").GetString()).Order());

        Assert.Equal("mine-copy", await CopyAsync(server, "/api/v1/journeys/mine/duplicate", null));
        Assert.Equal("mine-copy-2", await CopyAsync(server, "/api/v1/journeys/mine/duplicate", null));
        Assert.Contains("\"name\":\"Copy of My own\"", await server.Admin.GetStringAsync("/api/v1/journeys/mine-copy"), StringComparison.Ordinal);
        Assert.Equal(0, (await GetAsync(server, "/api/v1/journeys/mine-copy/diff?from=1&to=1")).GetProperty("changes").GetArrayLength());
        await (await server.Admin.PostAsync("/api/v1/journeys/mine/duplicate", Json("""{"definition_id": "win-back"}"""))).ProblemAsync(409);
        await (await server.Admin.PostAsync("/api/v1/journeys/mine/duplicate", Json("""{"definition_id": "../x"}"""))).ProblemAsync(400);
        await (await server.Admin.PostAsync("/api/v1/journeys/mine/duplicate", Json("""{"name": " "}"""))).ProblemAsync(400);
        foreach (var path in new[] { "/api/v1/samples/nowhere/copy", "/api/v1/journeys/nowhere/duplicate" }) await (await server.Admin.PostAsync(path, null)).ProblemAsync(404);
    }

    private static async Task<System.Text.Json.JsonElement> GetAsync(ServerUnderTest server, string path) => await (await server.Admin.GetAsync(path)).JsonAsync();

    private static async Task<string?> CopyAsync(ServerUnderTest server, string path, string? body)
    {
        var answer = await server.Admin.PostAsync(path, body is null ? null : Json(body));
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        var id = (await answer.Content.ReadFromJsonAsync<System.Text.Json.JsonElement>()).GetProperty("definition_id").GetString();
        Assert.Equal($"/api/v1/journeys/{id}", answer.Headers.Location?.ToString());
        return id;
    }
}
