using System.Net;
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

    [Fact]
    public async Task A_new_api_key_is_never_kept_to_be_given_again()
    {
        await using var server = await ServerUnderTest.StartAsync();
        const string Key = """{"name":"a","scopes":["messages:read"]}""";

        await PostAsync(server.Admin, "k1", Key, "/api/v1/api-keys");

        Assert.Equal(0, await server.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM idempotency_key", default), default));
    }

    private static Task<HttpResponseMessage> PostAsync(HttpClient client, string key, string json, string path = "/api/v1/suppressions") =>
        client.SendAsync(new HttpRequestMessage(HttpMethod.Post, path) { Content = Json(json), Headers = { { "Idempotency-Key", key } } });
}
