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
    public async Task Accounts_never_see_or_change_how_each_others_mail_leaves(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        var mine = server.Admin;
        var other = await SecondAccountAsync(server);
        string[] read = ["connections", "connections/main", "domains/shop.test", "sending", "sending/policy", "sending/mailbox-limits", "tracking", "sender", "account", "delivery/guarantees?since=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z"];
        await mine.PutAsJsonAsync("/api/v1/connections/main", new { type = "sendgrid", name = "Mine", settings = new { api_key = "k" }, per_second = 7 });
        await mine.PutAsJsonAsync("/api/v1/sender", new { name = "Mine", email = "hello@shop.test", postal_address = "1 High Street" });
        await mine.PutAsJsonAsync("/api/v1/domains/shop.test", new { return_path = "bounce.shop.test", per_second = 9 });
        await mine.PutAsJsonAsync("/api/v1/sending/policy", new { quiet = new { from = "21:00", to = "08:00" } });
        await mine.PutAsJsonAsync("/api/v1/sending/mailbox-limits", new { limits = new[] { new { mailbox = "gmail", per_second = 11 } } });
        await mine.PutAsJsonAsync("/api/v1/sending/warm-ups/shop.test", new { first_volume = 13, target_volume = 1300 });
        await mine.PutAsJsonAsync("/api/v1/tracking", new { enabled = true, needs_consent = true });
        await mine.PutAsJsonAsync("/api/v1/account", new { name = "Mine" });
        await server.Database.WriteAsync(session => session.ExecuteAsync(
            "INSERT INTO sending_stop (account_id, subject, stream, reason, at) VALUES (1, 'domain:shop.test', 1, 'mine to mend', 0), (1, 'connection:main', 1, 'mine to mend', 0)", default), default);
        var before = await ReadAllAsync(mine);
        Assert.All(["Mine", "bounce.shop.test", "21:00", "gmail", "mine to mend", "\"first_volume\":13", "\"needs_consent\":true"], text => Assert.Contains(text, before));

        // None of it is there for the other.
        var seen = await ReadAllAsync(other);
        Assert.All(["Mine", "bounce.shop.test", "21:00", "gmail", "mine to mend", "first_volume\":13", "\"needs_consent\":true", "sendgrid"], text => Assert.DoesNotContain(text, seen));
        foreach (var one in new[] { "connections/main", "domains/shop.test" }) await (await other.GetAsync($"/api/v1/{one}")).ProblemAsync(404);
        foreach (var list in new[] { "connections", "domains", "sending/mailbox-limits", "webhooks/failed" })
            Assert.Empty((await (await other.GetAsync($"/api/v1/{list}")).JsonAsync()).GetProperty("items").EnumerateArray());

        // Nor does anything that the other does reach it.
        foreach (var gone in new[] { "connections/main", "domains/shop.test", "sending/warm-ups/shop.test" }) await (await other.DeleteAsync($"/api/v1/{gone}")).ProblemAsync(404);
        await (await other.PostAsync("/api/v1/domains/shop.test/check", null)).ProblemAsync(404);
        foreach (var subject in new[] { "domain:shop.test", "connection:main" }) await (await other.PostAsJsonAsync("/api/v1/sending/resume", new { subject })).ProblemAsync(404);
        await other.PutAsJsonAsync("/api/v1/connections/main", new { type = "sandbox", name = "Theirs" });
        await other.PutAsJsonAsync("/api/v1/domains/shop.test", new { return_path = "theirs.shop.test" });
        await other.PutAsJsonAsync("/api/v1/sending/policy", new { quiet = new { from = "01:00", to = "02:00" } });
        await other.PutAsJsonAsync("/api/v1/sending/mailbox-limits", new { limits = Array.Empty<object>() });
        await other.PutAsJsonAsync("/api/v1/sending/warm-ups/shop.test", new { first_volume = 1, target_volume = 2 });
        await other.PutAsJsonAsync("/api/v1/tracking", new { enabled = false, needs_consent = false });
        await other.PutAsJsonAsync("/api/v1/sender", new { name = "Theirs", email = "hello@theirs.test" });
        await other.PutAsJsonAsync("/api/v1/account", new { name = "Theirs", region = "us" });
        Assert.Equal(before, await ReadAllAsync(mine));
        Assert.DoesNotContain("Theirs", await (await mine.GetAsync("/api/v1/audit?limit=200")).Content.ReadAsStringAsync());
        Assert.DoesNotContain("Mine", await (await other.GetAsync("/api/v1/audit?limit=200")).Content.ReadAsStringAsync());

        async Task<string> ReadAllAsync(HttpClient client) => string.Join('\n', await Task.WhenAll(read.Select(async path => await (await client.GetAsync($"/api/v1/{path}")).Content.ReadAsStringAsync())));
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
