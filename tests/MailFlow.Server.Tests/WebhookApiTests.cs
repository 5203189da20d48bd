using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using MailFlow.Delivery;
using MailFlow.Testing;
using Microsoft.AspNetCore.Mvc.Testing;
using static MailFlow.Server.Tests.HttpExtensions;

namespace MailFlow.Server.Tests;

/// <summary>Where providers report, what recipients' programs fetch, and what is told of both.</summary>
public sealed class WebhookApiTests
{
    private const string Key = "a key that calls are signed with";

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_provider_reports_without_a_key_of_ours_and_the_message_tells_it(DatabaseKind kind)
    {
        await using var server = await StartAsync(kind);
        var connection = await ConnectAsync(server, 1);
        await server.Admin.PutAsJsonAsync("/api/v1/sender", new { name = "Shop", email = "hello@shop.example", postal_address = "1 High Street, London" });
        await server.Admin.PutAsJsonAsync("/api/v1/contacts/u1", new { email = "ada@example.org" });
        await server.Admin.PostAsync("/api/v1/events", Json("""{"event_id":"e1","event_type":"user_signed_up","user_id":"u1"}"""));
        var mail = (await server.EventuallyAsync("/api/v1/messages?user_id=u1&state=accepted", page => page.GetProperty("items").GetArrayLength() == 1)).GetProperty("items")[0];
        var id = mail.GetProperty("id").GetGuid();

        var answer = await PostAsync(server, connection, ReportingProvider.Write(
            new StubReport("a", FeedbackKind.Delivered, TimeProvider.System.GetUtcNow(), id), new StubReport("b", FeedbackKind.Bounced, TimeProvider.System.GetUtcNow(), id, Bounce: BounceKind.MessageSoft, Reason: "<img src=x onerror=alert(1)>")));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);

        var told = await server.EventuallyAsync($"/api/v1/messages/{id}", message => message.GetProperty("reports").GetArrayLength() == 2 && message.GetProperty("message").GetProperty("feedback").ValueKind == System.Text.Json.JsonValueKind.Object);
        Assert.Equal("message_soft", told.GetProperty("message").GetProperty("feedback").GetProperty("bounce").GetString());
        var answered = await server.Admin.GetAsync($"/api/v1/messages/{id}");
        Assert.Contains("onerror", await answered.Content.ReadAsStringAsync()); // kept as it came: no browser takes this for a page, and the console shows it as text
        Assert.Equal(("application/json", "nosniff"), (answered.Content.Headers.ContentType?.MediaType, answered.Headers.GetValues("X-Content-Type-Options").Single()));
        var guarantees = await (await server.Admin.GetAsync("/api/v1/delivery/guarantees")).JsonAsync();
        Assert.Equal((1, 1, 0), (guarantees.GetProperty("planned").GetInt32(), guarantees.GetProperty("states").GetProperty("accepted").GetInt32(), guarantees.GetProperty("duplicates_seen").GetInt32()));
        await (await server.Admin.GetAsync("/api/v1/delivery/guarantees?since=yesterday")).ProblemAsync(400);
    }

    [Fact]
    public async Task A_bad_call_is_refused_without_a_word_about_why()
    {
        await using var server = await StartAsync(workers: false);
        var connection = await ConnectAsync(server, 1);
        var good = ReportingProvider.Write(new StubReport("a", FeedbackKind.Delivered, TimeProvider.System.GetUtcNow(), Guid.CreateVersion7(TimeProvider.System.GetUtcNow())));

        var forged = await (await PostAsync(server, connection, good, "no signature")).ProblemAsync(401);
        var tampered = await (await PostAsync(server, connection, [.. good, (byte)' '], ReportingProvider.Sign(good, Key))).ProblemAsync(401);
        Assert.Equal(forged.GetProperty("detail").GetString(), tampered.GetProperty("detail").GetString());
        await (await PostAsync(server, Guid.CreateVersion7(TimeProvider.System.GetUtcNow()), good)).ProblemAsync(404);
        await (await server.ClientWith(null).PostAsync("/api/v1/webhooks/reporting/1", new ByteArrayContent(good))).ProblemAsync(404);
        await (await server.ClientWith(null).PostAsync($"/api/v1/webhooks/sendmail/{connection}", new ByteArrayContent(good))).ProblemAsync(404);
        await (await PostAsync(server, connection, new byte[Webhooks.MaxBytes + 1])).ProblemAsync(413);
        Assert.Equal(0, await server.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM webhook_call", default), default));
    }

    [Fact]
    public async Task A_call_for_a_connection_that_there_is_not_is_answered_before_it_is_read_and_a_flood_of_them_is_not_looked_up()
    {
        await using var server = await StartAsync(workers: false);
        var connection = await ConnectAsync(server, 1);
        var good = ReportingProvider.Write(new StubReport("a", FeedbackKind.Delivered, TimeProvider.System.GetUtcNow(), Guid.CreateVersion7(TimeProvider.System.GetUtcNow())));
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(server, connection, good)).StatusCode);

        await (await PostAsync(server, Guid.CreateVersion7(TimeProvider.System.GetUtcNow()), new byte[Webhooks.MaxBytes + 1])).ProblemAsync(404); // who reads it says 413

        var flood = new List<HttpStatusCode>();
        for (var i = 0; i < 5000 && !flood.Contains(HttpStatusCode.ServiceUnavailable); i++) flood.Add((await PostAsync(server, Guid.CreateVersion7(TimeProvider.System.GetUtcNow()), good)).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, flood[^1]);
        Assert.All(flood.SkipLast(1), status => Assert.Equal(HttpStatusCode.NotFound, status));
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(server, connection, good)).StatusCode);
    }

    [Fact]
    public async Task Calls_that_cannot_be_read_are_listed_and_put_back()
    {
        await using var server = await StartAsync();
        var connection = await ConnectAsync(server, 1);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(server, connection, Encoding.UTF8.GetBytes(new string('[', 50_000)))).StatusCode);

        var failed = (await server.EventuallyAsync("/api/v1/webhooks/failed", page => page.GetProperty("items").GetArrayLength() == 1)).GetProperty("items")[0];
        Assert.Equal((50_000, "main"), (failed.GetProperty("bytes").GetInt32(), failed.GetProperty("connection").GetString()));
        var other = await AccountIsolationTests.SecondAccountAsync(server);
        Assert.Empty((await (await other.GetAsync("/api/v1/webhooks/failed")).JsonAsync()).GetProperty("items").EnumerateArray());
        await (await other.PostAsync($"/api/v1/webhooks/failed/{failed.GetProperty("id")}/replay", null)).ProblemAsync(404);
        Assert.Equal(HttpStatusCode.Accepted, (await server.Admin.PostAsync($"/api/v1/webhooks/failed/{failed.GetProperty("id")}/replay", null)).StatusCode);
        await server.EventuallyAsync("/api/v1/webhooks/failed", page => page.GetProperty("items").GetArrayLength() == 1); // as unreadable as before
    }

    [Fact]
    public async Task Tracked_links_lead_where_the_mail_led_and_nowhere_else()
    {
        await using var server = await StartAsync(workers: false);
        var tracking = await server.Admin.PutAsync("/api/v1/tracking", Json("""{"enabled":true}"""));
        Assert.Equal("""{"enabled":true,"needs_consent":false}""", await tracking.Content.ReadAsStringAsync());
        var client = server.CreateClient(new WebApplicationFactoryClientOptions { AllowAutoRedirect = false });

        foreach (var path in new[] { "/t/c/AAAA", "/t/c/AAAA?url=https://evil.example", "/t/c/https:%2F%2Fevil.example", "/t/o/AAAA", "/t/c/" + new string('A', 5_000) })
        {
            var answer = await client.GetAsync(path);
            Assert.Equal((HttpStatusCode.NotFound, null), (answer.StatusCode, answer.Headers.Location));
        }
        var head = await client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/t/c/AAAA"));
        Assert.Equal(HttpStatusCode.NotFound, head.StatusCode);
    }

    [Theory]
    [InlineData("email_opened")]
    [InlineData("email_unsubscribed")]
    public async Task Nobody_else_sends_what_mailflow_raises_itself(string type)
    {
        await using var server = await StartAsync(workers: false);
        var problem = await (await server.Admin.PostAsync("/api/v1/events", Json($$"""{"event_id":"e","event_type":"{{type}}","user_id":"u"}"""))).ProblemAsync(400);
        Assert.Contains("raised by MailFlow itself", problem.GetProperty("errors").GetProperty("event_type")[0].GetString());
        Assert.Equal(HttpStatusCode.Accepted, (await server.Admin.PostAsync("/api/v1/events", Json("""{"event_id":"e","event_type":"email_verified","user_id":"u"}"""))).StatusCode);
    }

    private static Task<ServerUnderTest> StartAsync(DatabaseKind kind = DatabaseKind.Sqlite, bool workers = true) => ServerUnderTest.StartAsync(
        kind, samples: workers, workers: workers, configure: services => services.AddSingleton<IProviderType>(new ReportingProvider()));

    private static async Task<Guid> ConnectAsync(ServerUnderTest server, int account) => (await server.Services.GetRequiredService<Connections>().PutAsync(
        account, "main", new ConnectionDraft("reporting", Settings: new Dictionary<string, string?> { ["key"] = Key }), default)).Id;

    private static Task<HttpResponseMessage> PostAsync(ServerUnderTest server, Guid connection, byte[] body, string? signature = null)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        var request = new HttpRequestMessage(HttpMethod.Post, $"/api/v1/webhooks/reporting/{connection}") { Content = content };
        request.Headers.Add(ReportingProvider.Header, signature ?? ReportingProvider.Sign(body, Key));
        return server.ClientWith(null).SendAsync(request);
    }
}
