using System.Net;
using System.Text.Json;
using MailFlow.Engine.Storage;
using MailFlow.Testing;
using static MailFlow.Server.Tests.HttpExtensions;

namespace MailFlow.Server.Tests;

/// <summary><c>POST /api/v1/events</c>.</summary>
public sealed class EventIntakeTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_event_is_accepted_once_and_a_duplicate_ever_after(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);
        const string Event = """{"event_id":"e1","event_type":"user_signed_up","user_id":"u1","payload":{"contact":{"email":"ada@example.org"}}}""";

        var first = await server.Admin.PostAsync("/api/v1/events", Json(Event));
        var again = await server.Admin.PostAsync("/api/v1/events", Json(Event));

        Assert.Equal(HttpStatusCode.Accepted, first.StatusCode);
        Assert.Equal("""{"accepted":1,"duplicates":0,"rejected":[]}""", await first.Content.ReadAsStringAsync());
        Assert.Equal("""{"accepted":0,"duplicates":1,"rejected":[]}""", await again.Content.ReadAsStringAsync());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Of_an_array_the_good_are_taken_and_the_bad_are_named_with_their_place_and_reason(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);
        var answer = await server.Admin.PostAsync("/api/v1/events", Json("""
            [
              {"event_id":"a","event_type":"t","user_id":"u1"},
              {"event_id":"b","event_type":"t"},
              {"event_id":"a","event_type":"t","user_id":"u1"},
              7,
              {"event_id":"c","event_type":"t","user_id":"u\u0000"},
              {"event_id":"d","event_type":"t","user_id":"u2","payload":{"contact":{"time_zone":"Mars/Olympus"}}},
              {"event_id":"e","event_type":"t","user_id":"u2","timestamp":1000},
              {"event_id":"f","event_type":"t","user_id":"ü🎉","timestamp":null,"metadata":{"a":1}}
            ]
            """));

        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        var intake = await answer.JsonAsync();
        Assert.Equal(2, intake.GetProperty("accepted").GetInt32());
        Assert.Equal(1, intake.GetProperty("duplicates").GetInt32());
        Assert.Equal(
            [(1, "b", "user_id: is missing"), (3, null, "event: must be a JSON object"), (4, "c", "user_id: holds a NUL character or half of a surrogate pair"),
             (5, "d", "payload.contact.time_zone: 'Mars/Olympus' is not an IANA time zone, such as Europe/Berlin"), (6, "e", "timestamp: is too old: events are taken for 30 days")],
            intake.GetProperty("rejected").EnumerateArray().Select(item =>
                (item.GetProperty("index").GetInt32(), item.GetProperty("event_id").GetString(), item.GetProperty("reason").GetString()!)));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task How_old_an_event_is_goes_by_the_databases_clock_though_this_nodes_is_set_wrong(DatabaseKind kind)
    {
        var time = new FakeTime();
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false, time: time);
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        Assert.Equal(HttpStatusCode.Accepted, (await SendAsync("first")).StatusCode);

        time.Step(TimeSpan.FromDays(-2));

        Assert.Equal(HttpStatusCode.Accepted, (await SendAsync("second")).StatusCode);

        Task<HttpResponseMessage> SendAsync(string id) => server.Admin.PostAsync("/api/v1/events", Json($$"""{"event_id":"{{id}}","event_type":"t","user_id":"u","timestamp":{{now}}}"""));
    }

    [Fact]
    public async Task Of_a_timestamp_in_seconds_it_is_said_that_milliseconds_are_meant()
    {
        var time = new FakeTime();
        await using var server = await ServerUnderTest.StartAsync(time: time);

        var problem = await (await server.Admin.PostAsync("/api/v1/events", Json($$"""{"event_id":"e","event_type":"t","user_id":"u","timestamp":{{time.GetUtcNow().ToUnixTimeSeconds()}}}"""))).ProblemAsync(400);

        Assert.EndsWith("it looks like seconds, and milliseconds are meant", problem.GetProperty("errors").GetProperty("timestamp")[0].GetString(), StringComparison.Ordinal);
    }

    public static TheoryData<string, string, int> BadEvents => new()
    {
        { """{"event_type":"t","user_id":"u"}""", "event_id", 400 },
        { """{"event_id":"","event_type":"t","user_id":"u"}""", "event_id", 400 },
        { """{"event_id":7,"event_type":"t","user_id":"u"}""", "event_id", 400 },
        { $$"""{"event_id":"{{new string('x', 201)}}","event_type":"t","user_id":"u"}""", "event_id", 400 },
        { """{"event_id":"e","event_type":"no spaces","user_id":"u"}""", "event_type", 400 },
        { """{"event_id":"e","user_id":"u"}""", "event_type", 400 },
        { """{"event_id":"e","event_type":"t"}""", "user_id", 400 },
        { """{"event_id":"e","event_type":"t","user_id":null}""", "user_id", 400 },
        { """{"event_id":"e","event_type":"t","user_id":"\ud83d"}""", "user_id", 400 },
        { """{"event_id":"e","event_type":"t","user_id":"u","timestamp":"yesterday"}""", "timestamp", 400 },
        { """{"event_id":"e","event_type":"t","user_id":"u","timestamp":99999999999999999999}""", "timestamp", 400 },
        { """{"event_id":"e","event_type":"t","user_id":"u","timestamp":"9999-12-31T00:00:00Z"}""", "timestamp", 400 },
        { """{"event_id":"e","event_type":"t","user_id":"u","payload":[]}""", "payload", 400 },
        { """{"event_id":"e","event_type":"t","user_id":"u","payload":{"n":[1e999]}}""", "payload", 400 },
        { """{"event_id":"e","event_type":"t","user_id":"u","payload":{"a":{"b\u0000":1}}}""", "payload.a", 400 },
        { """{"event_id":"e","event_type":"t","user_id":"u","payload":{"contact":7}}""", "payload.contact", 400 },
        { """{"event_id":"e","event_type":"t","user_id":"u","payload":{"contact":{"email":"not one"}}}""", "payload.contact.email", 400 },
        { """{"event_id":"e","event_type":"t","user_id":"u","payload":{"contact":{"time_zone":"Mars/Olympus"}}}""", "payload.contact.time_zone", 400 },
        { """{"event_id":"e","event_type":"t","user_id":"u","payload":{"contact":{"consents":{"news":"yes"}}}}""", "payload.contact.consents.news", 400 },
        { """{"event_id":"e","event_type":"t","user_id":"u","metadata":"x"}""", "metadata", 400 },
        { """{"event_id":"e","event_type":"t","user_id":"u","payload":{"x":"LONG"}}""".Replace("LONG", new string('x', 300_000)), "event", 413 },
        { "\"text\"", "event", 400 },
    };

    [Theory, MemberData(nameof(BadEvents))]
    public async Task An_invalid_event_alone_is_refused_by_the_name_of_its_field(string json, string field, int status)
    {
        await using var server = await ServerUnderTest.StartAsync();

        var problem = await (await server.Admin.PostAsync("/api/v1/events", Json(json))).ProblemAsync(status);

        Assert.Equal(field, problem.GetProperty("errors").EnumerateObject().Single().Name);
        Assert.Equal(0, await CountAsync(server));
    }

    /// <summary>Seen red with what is unknown left unread.</summary>
    [Theory]
    [InlineData("""{"event_id":"e","eventtype":"t","user_id":"u"}""", "eventtype", "did you mean 'event_type'?")]
    [InlineData("""{"eventId":"e","event_type":"t","user_id":"u"}""", "eventId", "did you mean 'event_id'?")]
    [InlineData("""{"event_id":"e","event_type":"t","UserID":"u"}""", "UserID", "did you mean 'user_id'?")]
    [InlineData("""{"event_id":"e","event_type":"t","user_id":"u","timestmap":1}""", "timestmap", "did you mean 'timestamp'?")]
    [InlineData("""{"event_id":"e","event_type":"t","user_id":"u","payloads":{}}""", "payloads", "did you mean 'payload'?")]
    [InlineData("""{"event_id":"e","event_type":"t","user_id":"u","meta":{}}""", "meta", "did you mean 'metadata'?")]
    [InlineData("""{"event_id":"e","event_type":"t","user_id":"u","total":40}""", "total", "what you send beside it goes into 'payload'")]
    [InlineData("""{"event_id":"e","event_type":"t","user_id":"u","":40}""", "", "what you send beside it goes into 'payload'")]
    public async Task A_member_that_an_event_has_not_is_refused_by_name_with_the_nearest_that_it_has(string json, string member, string hint)
    {
        await using var server = await ServerUnderTest.StartAsync();

        var problem = await (await server.Admin.PostAsync("/api/v1/events", Json(json))).ProblemAsync(400);
        var listed = await (await server.Admin.PostAsync("/api/v1/events", Json($$"""[{"event_id":"good","event_type":"t","user_id":"u"},{{json}}]"""))).JsonAsync();

        var error = problem.GetProperty("errors").EnumerateObject().Single();
        Assert.Equal(member, error.Name);
        Assert.Contains(hint, error.Value[0].GetString());
        Assert.Equal(1, listed.GetProperty("accepted").GetInt32());
        Assert.Equal($"{member}: {error.Value[0].GetString()}", Assert.Single(listed.GetProperty("rejected").EnumerateArray()).GetProperty("reason").GetString());
    }

    [Fact]
    public async Task A_payload_and_metadata_hold_what_they_like()
    {
        await using var server = await ServerUnderTest.StartAsync();

        var answer = await server.Admin.PostAsync("/api/v1/events", Json(
            """{"event_id":"e","event_type":"t","user_id":"u","payload":{"eventtype":1,"contact":{"usr_id":2}},"metadata":{"eventId":3}}"""));

        Assert.Equal("""{"accepted":1,"duplicates":0,"rejected":[]}""", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task More_events_than_a_request_may_hold_are_refused_as_a_whole()
    {
        await using var server = await ServerUnderTest.StartAsync();

        await (await server.Admin.PostAsync("/api/v1/events", Json(Many(1001)))).ProblemAsync(400);
        Assert.Equal(0, await CountAsync(server));

        var taken = await server.Admin.PostAsync("/api/v1/events", Json(Many(1000)));
        Assert.Equal(1000, (await taken.JsonAsync()).GetProperty("accepted").GetInt32());
        Assert.Equal("""{"accepted":0,"duplicates":0,"rejected":[]}""", await (await server.Admin.PostAsync("/api/v1/events", Json("[]"))).Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task With_too_many_waiting_events_are_put_off_with_a_time_to_come_again()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        await server.Database.WriteAsync(session => session.ExecuteAsync("""
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < @most)
            INSERT INTO inbox (account_id, shard, kind, key, accepted_at, body) SELECT 1, 0, 1, x'00', 0, '{}' FROM n
            """, default, ("most", EventIntake.MostWaiting)), default);

        var answer = await server.Admin.PostAsync("/api/v1/events", Json("""{"event_id":"e","event_type":"t","user_id":"u"}"""));

        await answer.ProblemAsync(429);
        Assert.True(answer.Headers.RetryAfter?.Delta > TimeSpan.Zero);
        Assert.Equal(0, await CountAsync(server));
    }

    private static string Many(int count) => JsonSerializer.Serialize(Enumerable.Range(0, count).Select(i => new { event_id = $"e{i}", event_type = "t", user_id = $"u{i % 10}" }));

    private static Task<long> CountAsync(ServerUnderTest server) =>
        server.Database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM event_key", default), default);
}
