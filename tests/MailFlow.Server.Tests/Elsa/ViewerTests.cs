using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using MailFlow.Testing;
using static MailFlow.Server.Tests.HttpExtensions;

namespace MailFlow.Server.Tests.Elsa;

/// <summary>Instances as Studio's list and viewer see them.</summary>
public sealed class ViewerTests
{
    private const string Waiting = """
        {"name":"Waiting","variables":[{"id":"v1","name":"code","typeName":"String","value":"X"}],"root":{"id":"flow","type":"Elsa.Flowchart","activities":[
          {"id":"start","type":"MailFlow.EventReceived","eventType":"joined"},
          {"id":"line","type":"Elsa.WriteLine","text":"hello"},
          {"id":"wait","type":"MailFlow.WaitForEvent","eventType":"ordered","timeout":"P3D"},
          {"id":"boom","type":"Elsa.Fault","message":"went wrong"}],
        "connections":[{"source":"start","target":"line"},{"source":"line","target":"wait"},{"source":"wait","sourcePort":"Received","target":"boom"}]}}
        """;

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_trip_shows_where_it_is_what_happened_and_what_went_wrong(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);
        var id = await StartAsync(server);

        var whole = await (await server.Admin.GetAsync($"/elsa/api/workflow-instances/{id}")).JsonAsync();
        Assert.Equal(("Running", "Suspended", "u1"), (whole.GetProperty("status").GetString(), whole.GetProperty("subStatus").GetString(), whole.GetProperty("correlationId").GetString()));
        var bookmark = Assert.Single(whole.GetProperty("workflowState").GetProperty("bookmarks").EnumerateArray());
        Assert.Equal(("Workflow1:flow:wait", "ordered"), (bookmark.GetProperty("activityNodeId").GetString(), bookmark.GetProperty("payload").GetProperty("eventType").GetString()));
        Assert.Equal("Running", (await (await server.Admin.GetAsync($"/elsa/api/workflow-instances/{id}/execution-state")).JsonAsync()).GetProperty("status").GetString());

        var report = await (await server.Admin.PostAsJsonAsync("/elsa/api/activity-executions/report", new { workflowInstanceId = id, activityNodeIds = new[] { "Workflow1:flow:start", "Workflow1:flow:line", "Workflow1:flow:wait", "Workflow1:flow:boom" } })).JsonAsync();
        Assert.Equal(
            [("start", 1, 1, false), ("line", 1, 1, false), ("wait", 1, 0, true)],
            report.GetProperty("stats").EnumerateArray().Select(stat => (stat.GetProperty("activityId").GetString()!, stat.GetProperty("startedCount").GetInt32(), stat.GetProperty("completedCount").GetInt32(), stat.GetProperty("isBlocked").GetBoolean())));

        var journal = await (await server.Admin.PostAsJsonAsync($"/elsa/api/workflow-instances/{id}/journal?skip=0&take=110", new { filter = (object?)null })).JsonAsync();
        Assert.Equal(
            ["flow Started", "start Started", "start Completed", "line Started", "line Completed", "wait Started", "wait Suspended"],
            journal.GetProperty("items").EnumerateArray().Select(line => $"{line.GetProperty("activityId").GetString()} {line.GetProperty("eventName").GetString()}"));
        var filtered = await (await server.Admin.PostAsJsonAsync($"/elsa/api/workflow-instances/{id}/journal", new { filter = new { activityIds = new[] { "line" }, eventNames = new[] { "Completed" } } })).JsonAsync();
        Assert.Equal("hello", Assert.Single(filtered.GetProperty("items").EnumerateArray()).GetProperty("message").GetString());
        var variable = Assert.Single((await (await server.Admin.GetAsync($"/elsa/api/workflow-instances/{id}/variables")).JsonAsync()).GetProperty("items").EnumerateArray());
        Assert.Equal(("v1", "code", "X"), (variable.GetProperty("id").GetString(), variable.GetProperty("name").GetString(), variable.GetProperty("value").GetString()));

        var record = Assert.Single((await (await server.Admin.GetAsync($"/elsa/api/activity-executions/list?WorkflowInstanceId={id}&ActivityNodeId=Workflow1:flow:wait")).JsonAsync()).GetProperty("items").EnumerateArray());
        Assert.Equal(("Running", true, "ordered"), (record.GetProperty("status").GetString(), record.GetProperty("hasBookmarks").GetBoolean(), record.GetProperty("activityState").GetProperty("Waits for").GetString()));
        Assert.Equal("wait", (await (await server.Admin.GetAsync($"/elsa/api/activity-executions/by-id?id={Uri.EscapeDataString(record.GetProperty("id").GetString()!)}")).JsonAsync()).GetProperty("activityId").GetString());
        Assert.Equal(3, (await (await server.Admin.GetAsync($"/elsa/api/activity-execution-summaries/list?WorkflowInstanceId={id}")).JsonAsync()).GetProperty("count").GetInt32());

        await server.Admin.PostAsync("/api/v1/events", Json("""{"event_id":"e2","event_type":"ordered","user_id":"u1"}"""));
        var faulted = await server.EventuallyAsync($"/elsa/api/workflow-instances/{id}", instance => instance.GetProperty("subStatus").GetString() == "Faulted");
        var incident = Assert.Single(faulted.GetProperty("workflowState").GetProperty("incidents").EnumerateArray());
        Assert.Equal(("boom", "went wrong"), (incident.GetProperty("activityId").GetString(), incident.GetProperty("message").GetString()));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Trips_are_found_by_contact_journey_and_state(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);
        var id = await StartAsync(server);
        await server.Admin.PostAsync("/api/v1/events", Json("""[{"event_id":"a1","event_type":"joined","user_id":"u%2"},{"event_id":"a2","event_type":"joined","user_id":"u3"}]"""));
        await server.EventuallyAsync("/api/v1/journeys/waiting/stats", stats => stats.GetProperty("entered").GetInt64() == 3);

        Assert.Equal((2, 3), await FindAsync("""{"page":0,"pageSize":2,"searchTerm":"","definitionIds":[],"isSystem":false,"statuses":[],"subStatuses":[],"orderBy":null,"orderDirection":"Descending","timestampFilters":[]}"""));
        Assert.Equal((1, 3), await FindAsync("""{"page":1,"pageSize":2,"orderBy":"LastExecuted"}"""));
        Assert.Equal((1, 1), await FindAsync("""{"searchTerm":"u%"}"""));
        Assert.Equal((1, 1), await FindAsync($$"""{"searchTerm":"{{id}}"}"""));
        Assert.Equal((1, 1), await FindAsync("""{"correlationId":"u3"}"""));
        Assert.Equal((3, 3), await FindAsync("""{"definitionIds":["waiting","other"],"version":1,"status":"Running","subStatuses":["Suspended"]}"""));
        Assert.Equal((0, 0), await FindAsync("""{"definitionId":"other"}"""));
        Assert.Equal((0, 0), await FindAsync("""{"status":"Finished"}"""));
        Assert.Equal((0, 0), await FindAsync("""{"hasIncidents":true}"""));

        Assert.Equal(HttpStatusCode.NoContent, (await server.Admin.PostAsync($"/elsa/api/cancel/workflow-instances/{id}", null)).StatusCode);
        await server.EventuallyAsync($"/elsa/api/workflow-instances/{id}", instance => instance.GetProperty("subStatus").GetString() == "Cancelled");
        Assert.Equal(HttpStatusCode.OK, (await server.Admin.PostAsJsonAsync("/elsa/api/bulk-actions/cancel/workflow-instances", new { ids = new[] { id } })).StatusCode);
        Assert.Contains("Trips are kept", Assert.Single(await StudioPage.MessagesAsync(await server.Admin.DeleteAsync($"/elsa/api/workflow-instances/{id}"))));

        async Task<(int Items, int Total)> FindAsync(string filter)
        {
            var page = await (await server.Admin.PostAsync("/elsa/api/workflow-instances", Json(filter))).JsonAsync();
            return (page.GetProperty("items").GetArrayLength(), page.GetProperty("totalCount").GetInt32());
        }
    }

    [Fact]
    public async Task Another_account_sees_none_of_it()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var id = await StartAsync(server);
        await server.Database.WriteAsync(session => session.ExecuteAsync("INSERT INTO account (id, name, created_at) VALUES (2, 'Other', 0)", default), default);
        var (_, secret) = await server.Services.GetRequiredService<Access.ApiKeys>().CreateAsync(2, "other", ["admin"], default);
        var other = server.ClientWith(secret);

        Assert.Equal(0, (await (await other.GetAsync("/elsa/api/workflow-definitions?versionOptions=AllVersions")).JsonAsync()).GetProperty("totalCount").GetInt32());
        Assert.Equal(0, (await (await other.PostAsync("/elsa/api/workflow-instances", Json("{}"))).JsonAsync()).GetProperty("totalCount").GetInt32());
        var version = (await (await server.Admin.GetAsync("/elsa/api/workflow-definitions/by-definition-id/waiting")).JsonAsync()).GetProperty("id").GetString();
        foreach (var path in new[]
        {
            "workflow-definitions/by-definition-id/waiting", $"workflow-definitions/by-id/{version}", "workflow-definitions/waiting/export", $"workflow-definitions/subgraph/{version}",
            $"workflow-instances/{id}", $"workflow-instances/{id}/journal", $"workflow-instances/{id}/variables", $"workflow-instances/{id}/execution-state",
            $"activity-executions/list?WorkflowInstanceId={id}", $"activity-executions/by-id?id={id}_start_0",
        })
            await (await other.GetAsync($"/elsa/api/{path}")).ProblemAsync(404);
        foreach (var path in new[] { "workflow-definitions/waiting/publish", "workflow-definitions/waiting/retract", $"cancel/workflow-instances/{id}" })
            await (await other.PostAsync($"/elsa/api/{path}", null)).ProblemAsync(400);
        Assert.DoesNotContain("waiting", await other.GetStringAsync("/elsa/api/descriptors/activities"));
    }

    [Fact]
    public async Task Who_looks_at_a_trip_is_told_when_it_moves()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var id = await StartAsync(server);
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var socket = await ConnectAsync(server, server.AdminKey, patience.Token);
        await SendAsync(socket, $$"""{"type":1,"invocationId":"1","target":"ObserveInstanceAsync","arguments":["{{id}}"]}""", patience.Token);
        await UntilAsync(socket, message => message.Contains("\"isBlocked\":true") && message.Contains("ActivityExecutionLogUpdatedAsync"), patience.Token);

        await server.Admin.PostAsync("/api/v1/events", Json("""{"event_id":"e2","event_type":"ordered","user_id":"u1"}"""));

        var told = JsonDocument.Parse(await UntilAsync(socket, message => message.Contains("\"isFaulted\":true"), patience.Token)).RootElement;
        Assert.Equal("ActivityExecutionLogUpdatedAsync", told.GetProperty("target").GetString());
        Assert.Contains(told.GetProperty("arguments")[0].GetProperty("stats").EnumerateArray(), stat => stat.GetProperty("activityId").GetString() == "boom" && stat.GetProperty("isFaulted").GetBoolean());
    }

    [Fact]
    public async Task The_hub_is_closed_without_a_key()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);

        await (await server.ClientWith(key: null).PostAsync("/elsa/hubs/workflow-instance/negotiate?negotiateVersion=1", null)).ProblemAsync(401);
        await Assert.ThrowsAnyAsync<Exception>(() => ConnectAsync(server, "mf_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", default));
    }

    private static async Task<WebSocket> ConnectAsync(ServerUnderTest server, string key, CancellationToken ct)
    {
        var socket = await server.Server.CreateWebSocketClient().ConnectAsync(new Uri(server.Server.BaseAddress, $"/elsa/hubs/workflow-instance?access_token={key}"), ct);
        await SendAsync(socket, """{"protocol":"json","version":1}""", ct);
        return socket;
    }

    private static Task SendAsync(WebSocket socket, string json, CancellationToken ct) => socket.SendAsync(Encoding.UTF8.GetBytes(json + "\u001e"), WebSocketMessageType.Text, true, ct);

    /// <summary>The next message that is wanted; those before it are passed over.</summary>
    private static async Task<string> UntilAsync(WebSocket socket, Func<string, bool> wanted, CancellationToken ct)
    {
        var buffer = new byte[64 * 1024];
        var received = new StringBuilder();
        while (true)
        {
            var read = await socket.ReceiveAsync(buffer, ct);
            received.Append(Encoding.UTF8.GetString(buffer, 0, read.Count));
            var messages = received.ToString().Split('\u001e');
            // The last one is not whole yet, or empty.
            if (messages.SkipLast(1).FirstOrDefault(wanted) is { } found) return found;
            received.Clear().Append(messages[^1]);
        }
    }

    /// <summary>A trip that waits.</summary>
    private static async Task<string> StartAsync(ServerUnderTest server)
    {
        await server.Admin.PutAsync("/api/v1/journeys/waiting", Json(Waiting));
        Assert.Equal(HttpStatusCode.OK, (await server.Admin.PostAsync("/api/v1/journeys/waiting/publish", null)).StatusCode);
        await server.Admin.PostAsync("/api/v1/events", Json("""{"event_id":"e1","event_type":"joined","user_id":"u1"}"""));
        await server.EventuallyAsync("/api/v1/journeys/waiting/stats", stats => stats.GetProperty("entered").GetInt64() == 1);
        var page = await (await server.Admin.PostAsync("/elsa/api/workflow-instances", Json("{}"))).JsonAsync();
        return page.GetProperty("items")[0].GetProperty("id").GetString()!;
    }
}
