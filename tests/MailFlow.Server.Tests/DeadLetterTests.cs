using System.Net;
using System.Text.Json;
using MailFlow.Data;
using MailFlow.Engine.Storage;
using MailFlow.Server.Hosting;
using MailFlow.Testing;

namespace MailFlow.Server.Tests;

/// <summary>What was accepted and could not be worked on: it is seen, told and put back.</summary>
public sealed class DeadLetterTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_dead_letter_is_listed_told_in_the_trace_and_replayed(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);
        var other = await AccountIsolationTests.SecondAccountAsync(server);
        await server.Database.WriteAsync(session => Inbox.PostAsync(session,
            [new InboxItem(FirstStart.AccountId, StableHash.Shard(FirstStart.AccountId, "u1"), InboxKind.Event, StableHash.Key("e1"), "u1", "not json")], default), default);

        var letter = await OnlyAsync(server);
        Assert.Equal(("u1", "an event"), (letter.GetProperty("user_id").GetString(), letter.GetProperty("what").GetString()));
        var told = (await (await server.Admin.GetAsync("/api/v1/contacts/u1/trace")).JsonAsync()).GetProperty("items")[0];
        Assert.Equal("LaidAside", told.GetProperty("event").GetString());
        Assert.Contains(letter.GetProperty("reason").GetString()!, told.GetProperty("reason").GetString());

        // Another account's, and one that is not there.
        var id = letter.GetProperty("id").GetString();
        Assert.Empty((await (await other.GetAsync("/api/v1/dead-letters")).JsonAsync()).GetProperty("items").EnumerateArray());
        await (await other.PostAsync($"/api/v1/dead-letters/{id}/replay", null)).ProblemAsync(404);
        await (await server.Admin.PostAsync("/api/v1/dead-letters/none/replay", null)).ProblemAsync(404);
        await (await server.Admin.GetAsync("/api/v1/dead-letters?cursor=x")).ProblemAsync(400);

        const string Mended = """{"event_id":"e1","event_type":"go","timestamp":1,"payload":{}}""";
        await server.Database.WriteAsync(session => session.ExecuteAsync("UPDATE dead_letter SET body = @body", default, ("body", Mended)), default);
        Assert.Equal(HttpStatusCode.Accepted, (await server.Admin.PostAsync($"/api/v1/dead-letters/{id}/replay", null)).StatusCode);
        await (await server.Admin.PostAsync($"/api/v1/dead-letters/{id}/replay", null)).ProblemAsync(404);

        await server.EventuallyAsync("/api/v1/contacts/u1/events", page => page.GetProperty("items").GetArrayLength() == 1);
        Assert.Empty((await (await server.Admin.GetAsync("/api/v1/dead-letters")).JsonAsync()).GetProperty("items").EnumerateArray());
        var entry = (await (await server.Admin.GetAsync("/api/v1/audit?action=dead_letter.replay")).JsonAsync()).GetProperty("items")[0];
        Assert.Equal((id, "the event “go” (e1)"), (entry.GetProperty("subject").GetString(), entry.GetProperty("detail").GetProperty("what").GetString()));
    }

    private static async Task<JsonElement> OnlyAsync(ServerUnderTest server) =>
        (await server.EventuallyAsync("/api/v1/dead-letters", page => page.GetProperty("items").GetArrayLength() == 1)).GetProperty("items")[0];
}
