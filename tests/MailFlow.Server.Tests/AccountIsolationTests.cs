using System.Net;
using System.Net.Http.Json;
using MailFlow.Server.Access;
using MailFlow.Testing;
using static MailFlow.Server.Tests.HttpExtensions;

namespace MailFlow.Server.Tests;

/// <summary>Two accounts on one server.</summary>
public sealed class AccountIsolationTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Accounts_never_see_each_others_rows(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, samples: true);
        var mine = server.Admin;
        var other = await SecondAccountAsync(server);
        await mine.PutAsJsonAsync("/api/v1/contacts/u1", new { email = "ada@example.org" });
        await mine.PutAsJsonAsync("/api/v1/segments/all", new { rule = "contact.email != \"\"" });
        await mine.PostAsJsonAsync("/api/v1/suppressions", new { email = "bob@example.org" });
        await mine.PutAsJsonAsync("/api/v1/purposes/news", new { name = "News" });
        await mine.PostAsJsonAsync("/api/v1/privacy/requests", new { kind = "export", user_id = "u1" });
        await mine.PostAsync("/api/v1/events", Json("""{"event_id":"e1","event_type":"user_signed_up","user_id":"u1"}"""));
        var mail = (await server.EventuallyAsync("/api/v1/messages?user_id=u1&state=accepted", page => page.GetProperty("items").GetArrayLength() == 1)).GetProperty("items")[0];

        foreach (var list in new[] { "contacts", "segments", "suppressions", "templates", "journeys", "messages", "sandbox/messages", "purposes", "privacy/requests", "messages?user_id=u1", "messages?journey=welcome-series" })
            Assert.Empty((await (await other.GetAsync($"/api/v1/{list}")).JsonAsync()).GetProperty("items").EnumerateArray());
        Assert.Single((await (await other.GetAsync("/api/v1/api-keys")).JsonAsync()).GetProperty("items").EnumerateArray());
        foreach (var one in new[]
        {
            "contacts/u1", "contacts/u1/trace", "segments/all", "segments/all/count", "segments/all/contacts", "suppressions/bob@example.org", "templates/welcome",
            "journeys/welcome-series", "journeys/welcome-series/stats", $"messages/{mail.GetProperty("id").GetString()}", $"messages/{mail.GetProperty("id").GetString()}/basis", "purposes/news", "contacts/u1/export", $"instances/{mail.GetProperty("instance_id").GetString()}",
        })
            await (await other.GetAsync($"/api/v1/{one}")).ProblemAsync(404);
        foreach (var act in new[]
        {
            "journeys/welcome-series/publish", "journeys/welcome-series/pause", "journeys/welcome-series/resume", "contacts/u1/erase", $"instances/{mail.GetProperty("instance_id").GetString()}/cancel",
        })
            await (await other.PostAsync($"/api/v1/{act}", null)).ProblemAsync(404);
        foreach (var gone in new[] { "segments/all", "purposes/news", "suppressions/bob@example.org", "journeys/welcome-series", $"api-keys/{await FirstKeyAsync(mine)}" })
            await (await other.DeleteAsync($"/api/v1/{gone}")).ProblemAsync(404);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_same_ids_in_two_accounts_are_two_things(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);
        var other = await SecondAccountAsync(server);
        const string Event = """{"event_id":"e1","event_type":"t","user_id":"u1"}""";

        foreach (var client in new[] { server.Admin, other })
        {
            Assert.Equal(1, (await (await client.PostAsync("/api/v1/events", Json(Event))).JsonAsync()).GetProperty("accepted").GetInt32());
            var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/suppressions") { Content = Json("""{"email":"ada@example.org"}"""), Headers = { { "Idempotency-Key", "k1" } } };
            var answer = await client.SendAsync(request);
            Assert.Equal((HttpStatusCode.Created, false), (answer.StatusCode, answer.Headers.Contains("Idempotent-Replayed")));
        }
    }

    internal static async Task<HttpClient> SecondAccountAsync(ServerUnderTest server)
    {
        await server.Database.WriteAsync(session => session.ExecuteAsync("INSERT INTO account (id, name, created_at) VALUES (2, 'Other', 0)", default), default);
        var (_, secret) = await server.Services.GetRequiredService<ApiKeys>().CreateAsync(2, "Administrator", [Scopes.Admin], default);
        return server.ClientWith(secret);
    }

    private static async Task<string?> FirstKeyAsync(HttpClient client) =>
        (await (await client.GetAsync("/api/v1/api-keys")).JsonAsync()).GetProperty("items")[0].GetProperty("id").GetString();
}
