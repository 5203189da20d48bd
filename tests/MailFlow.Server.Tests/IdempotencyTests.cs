using System.Net;
using MailFlow.Engine.Storage;
using MailFlow.Testing;
using static MailFlow.Server.Tests.HttpExtensions;

namespace MailFlow.Server.Tests;

/// <summary>The header <c>Idempotency-Key</c>.</summary>
public sealed class IdempotencyTests
{
    private const string Ada = """{"email":"ada@example.org","reason":"complaint"}""";

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_same_request_again_is_given_the_first_answer(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);

        var first = await PostAsync(server.Admin, "k1", Ada);
        await server.Admin.DeleteAsync("/api/v1/suppressions/ada@example.org");
        var again = await PostAsync(server.Admin, "k1", Ada);

        Assert.Equal(HttpStatusCode.Created, first.StatusCode);
        Assert.Equal(HttpStatusCode.Created, again.StatusCode);
        Assert.Equal(await first.Content.ReadAsStringAsync(), await again.Content.ReadAsStringAsync());
        Assert.Equal("true", again.Headers.GetValues("Idempotent-Replayed").Single());
        await (await server.Admin.GetAsync("/api/v1/suppressions/ada@example.org")).ProblemAsync(404);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Another_request_under_the_same_key_is_refused(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);
        await PostAsync(server.Admin, "k1", Ada);

        await (await PostAsync(server.Admin, "k1", """{"email":"bob@example.org"}""")).ProblemAsync(422);
        await (await server.Admin.GetAsync("/api/v1/suppressions/bob@example.org")).ProblemAsync(404);
    }

    [Fact]
    public async Task A_request_that_was_refused_may_be_mended_under_another_key_and_keeps_its_answer_under_its_own()
    {
        await using var server = await ServerUnderTest.StartAsync();

        await (await PostAsync(server.Admin, "k1", """{"email":"nonsense"}""")).ProblemAsync(400);
        await (await PostAsync(server.Admin, "k1", """{"email":"nonsense"}""")).ProblemAsync(400);
        Assert.Equal(HttpStatusCode.Created, (await PostAsync(server.Admin, "k2", Ada)).StatusCode);
    }

    [Fact]
    public async Task Requests_with_one_key_at_the_same_time_are_done_once()
    {
        await using var server = await ServerUnderTest.StartAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => PostAsync(server.Admin, "k1", Ada)));

        Assert.All(answers, answer => Assert.True(answer.StatusCode is HttpStatusCode.Created or HttpStatusCode.Conflict, answer.StatusCode.ToString()));
        Assert.Contains(answers, answer => answer.StatusCode == HttpStatusCode.Created && !answer.Headers.Contains("Idempotent-Replayed"));
    }

    /// <summary>Seen red: who may read templates but no contacts was given what somebody else had been shown, and anybody who reads could fill the database with answers.</summary>
    [Fact]
    public async Task What_only_looks_is_done_anew_for_whoever_asks()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        await server.Admin.PutAsync("/api/v1/contacts/u1", Json("""{"email":"ada@example.org","first_name":"Ada"}"""));
        await server.Admin.PutAsync("/api/v1/templates/hello", Json("""{"subject":"Hello {{contact.first_name}}","html":"<p>h</p>"}"""));
        var reader = await server.ClientWithScopesAsync("templates:read");
        static Task<HttpResponseMessage> PreviewAsync(HttpClient client) => client.SendAsync(
            new(HttpMethod.Post, "/api/v1/templates/hello/preview") { Content = Json("""{"user_id":"u1"}"""), Headers = { { "Idempotency-Key", "k1" } } });

        Assert.Equal(HttpStatusCode.OK, (await PreviewAsync(server.Admin)).StatusCode);
        await (await PreviewAsync(reader)).ProblemAsync(403);
        Assert.False((await PreviewAsync(server.Admin)).Headers.Contains("Idempotent-Replayed"));
    }

    /// <summary>Seen red with the answer kept for the account alone.</summary>
    [Fact]
    public async Task An_answer_is_given_again_only_to_whoever_may_do_the_same()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        var writers = new[] { await server.ClientWithScopesAsync("contacts:write", "events:write"), await server.ClientWithScopesAsync("events:write", "contacts:write"), await server.ClientWithScopesAsync("contacts:write") };

        Assert.Equal(HttpStatusCode.Created, (await PostAsync(writers[0], "k1", Ada)).StatusCode);
        Assert.True((await PostAsync(writers[1], "k1", Ada)).Headers.Contains("Idempotent-Replayed"));
        await (await PostAsync(writers[2], "k1", Ada)).ProblemAsync(422);
    }

    [Fact]
    public async Task A_new_api_key_is_never_kept_to_be_given_again()
    {
        await using var server = await ServerUnderTest.StartAsync();
        const string Key = """{"name":"a","scopes":["messages:read"]}""";

        await PostAsync(server.Admin, "k1", Key, "/api/v1/api-keys");

        Assert.Equal(0, await server.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM idempotency_key", default), default));
    }

    // Seen red: an answer stayed until the next request with a key.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_answer_is_given_for_a_day_and_goes_after_it_though_nobody_asks_again(DatabaseKind kind)
    {
        var time = new FakeTime();
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false, time: time);
        var retention = new Retention(server.Database, server.Services.GetServices<RetentionRule>());
        await PostAsync(server.Admin, "k1", Ada);
        await PostAsync(server.Admin, "k3", Ada);
        time.Advance(TimeSpan.FromHours(23));
        await retention.RunOnceAsync(default);
        Assert.True((await PostAsync(server.Admin, "k1", Ada)).Headers.Contains("Idempotent-Replayed"));
        await PostAsync(server.Admin, "k2", Ada);

        time.Advance(TimeSpan.FromHours(1.5));
        // Before the retention has come by, too.
        Assert.False((await PostAsync(server.Admin, "k3", Ada)).Headers.Contains("Idempotent-Replayed"));
        await retention.RunOnceAsync(default);

        Assert.Equal(["k2", "k3"], await server.Database.ReadAsync(session => session.QueryAsync("SELECT key FROM idempotency_key ORDER BY key", row => row.Text(0), default), default));
    }

    private static Task<HttpResponseMessage> PostAsync(HttpClient client, string key, string json, string path = "/api/v1/suppressions") =>
        client.SendAsync(new HttpRequestMessage(HttpMethod.Post, path) { Content = Json(json), Headers = { { "Idempotency-Key", key } } });
}
