using System.Net;
using MailFlow.Testing;
using static MailFlow.Server.Tests.HttpExtensions;

namespace MailFlow.Server.Tests;

/// <summary>Simulations over HTTP, in the server as it is put together in earnest.</summary>
public sealed class SimulationApiTests
{
    private const string Path = "/api/v1/journeys/welcome-series/simulate";

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_sample_is_simulated_with_scripted_opens_and_nobody_is_mailed(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, samples: true);
        var answer = await server.Admin.PostAsync(Path, Json("""
            {"contact": {"email": "ada@example.org", "first_name": "Ada"}, "start": "2026-01-05T09:00:00Z", "contacts": 5, "events": [{"after": "P2D", "opened": "welcome-tips"}]}
            """));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var result = await answer.JsonAsync();
        Assert.Equal(("Finished", "Finished", "completed", "finished"),
            (result.GetProperty("status").GetString(), result.GetProperty("sub_status").GetString(), result.GetProperty("outcome").GetString(), result.GetProperty("stopped").GetString()));
        Assert.Equal(["welcome", "welcome-tips", "welcome-next-step"], result.GetProperty("mails").EnumerateArray().Select(mail => mail.GetProperty("template").GetString()));
        Assert.Equal("2026-01-09T09:00:00.000Z", result.GetProperty("ends_at").GetString()); // opened on day 2, and two days' wait
        var opened = result.GetProperty("timeline").EnumerateArray().Single(moment => moment.GetProperty("activity_id").GetString() == "wait-for-open" && moment.GetProperty("event").GetString() == "Completed");
        Assert.Equal(("Received", "MailFlow.WaitForEvent"), (opened.GetProperty("outcome").GetString(), opened.GetProperty("activity_type").GetString()));
        Assert.Equal(5, result.GetProperty("stats").GetProperty("activities")[0].GetProperty("passed").GetInt64());

        Assert.Equal(0, (await (await server.Admin.GetAsync("/api/v1/sandbox/messages")).JsonAsync()).GetProperty("items").GetArrayLength());
        Assert.Equal(0, (await (await server.Admin.GetAsync("/api/v1/contacts")).JsonAsync()).GetProperty("items").GetArrayLength());
        Assert.Equal(HttpStatusCode.OK, (await server.Admin.PostAsync(Path, null)).StatusCode); // all of it may be left out
    }

    [Fact]
    public async Task What_is_wrong_is_answered_by_field_and_finding_and_a_contact_needs_a_scope_of_its_own()
    {
        await using var server = await ServerUnderTest.StartAsync(samples: true, workers: false);
        var problem = await (await server.Admin.PostAsync(Path, Json("""{"events": [{"after": "soon", "event_type": "x"}]}"""))).ProblemAsync(400);
        Assert.True(problem.GetProperty("errors").TryGetProperty("events[0].after", out _));
        foreach (var (body, field, hint) in new[]
        {
            ("""{"event": []}""", "event", "did you mean 'events'?"),
            ("""{"nothing_like_it": 1}""", "nothing_like_it", "version, user_id, contact"),
            ("""{"events": [{"opend": "welcome"}]}""", "events[0].opend", "did you mean 'opened'?"),
            ("""{"events": [{"event_type": "x"}, {"event_type": "y", "Payload": {}}]}""", "events[1].Payload", "did you mean 'payload'?"),
            ("""{"events": [{"event_type": "not a type"}]}""", "events[0].event_type", "letters, digits"),
        })
        {
            var unknown = await (await server.Admin.PostAsync(Path, Json(body))).ProblemAsync(400);
            Assert.Contains(hint, unknown.GetProperty("errors").GetProperty(field)[0].GetString());
        }
        await (await server.Admin.PostAsync(Path, Json("""{"user_id": "nobody"}"""))).ProblemAsync(404);
        await (await server.Admin.PostAsync("/api/v1/journeys/nowhere/simulate", null)).ProblemAsync(404);

        var broken = (await server.Admin.GetStringAsync("/api/v1/journeys/welcome-series")).Replace("\"welcome-tips\"", "\"gone\"", StringComparison.Ordinal);
        await server.Admin.PutAsync("/api/v1/journeys/welcome-series", Json(broken));
        var unsound = await (await server.Admin.PostAsync(Path, null)).ProblemAsync(422);
        Assert.Equal("unknown_template", unsound.GetProperty("findings")[0].GetProperty("code").GetString());
        Assert.Equal(HttpStatusCode.OK, (await server.Admin.PostAsync(Path, Json("""{"version": 1}"""))).StatusCode);

        await (await (await server.ClientWithScopesAsync("contacts:read")).PostAsync(Path, null)).ProblemAsync(403);
        var reader = await server.ClientWithScopesAsync("journeys:read");
        Assert.Equal(HttpStatusCode.OK, (await reader.PostAsync(Path, Json("""{"version": 1}"""))).StatusCode);
        await (await reader.PostAsync(Path, Json("""{"version": 1, "user_id": "nobody"}"""))).ProblemAsync(403); // whether there is such a contact included
    }
}
