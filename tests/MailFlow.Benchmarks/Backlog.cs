using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailFlow.Testing;

namespace MailFlow.Benchmarks;

/// <summary>More than servers can do at once: contacts that enter a journey of three activities, each decided upon, and leave it.</summary>
internal static class Backlog
{
    /// <summary>The activities a contact passes.</summary>
    public const int Transitions = 4;

    public static async Task PublishAsync(ServerProcess server)
    {
        (await server.Client.PutAsJsonAsync("/api/v1/journeys/backlog", JsonNode.Parse("""
            {"name":"Backlog","root":{"id":"flow","type":"Elsa.Flowchart","activities":[
              {"id":"started","type":"MailFlow.EventReceived","eventType":"started","customProperties":{"canStartWorkflow":true}},
              {"id":"one","type":"MailFlow.Condition","condition":{"typeName":"String","expression":{"type":"CEL","value":"contact.country == 'DE'"} }},
              {"id":"two","type":"MailFlow.CheckSuppression"},
              {"id":"three","type":"MailFlow.Goal","name":"reached"}],
             "connections":[
              {"source":{"activity":"started","port":"Done"},"target":{"activity":"one","port":"In"}},
              {"source":{"activity":"one","port":"False"},"target":{"activity":"two","port":"In"}},
              {"source":{"activity":"two","port":"Clear"},"target":{"activity":"three","port":"In"}}]}}
            """))).EnsureSuccessStatusCode();
        (await server.Client.PostAsync("/api/v1/journeys/backlog/publish", null)).EnsureSuccessStatusCode();
    }

    /// <summary>Has this many contacts enter, a thousand a call.</summary>
    public static Task PostAsync(ServerProcess server, int contacts) =>
        Parallel.ForEachAsync(Enumerable.Range(0, contacts).Chunk(1_000), new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (group, ct) => await PostAsync(server, group, ct));

    /// <summary>Waits until they are through, ten minutes at most, and checks that each came in and went out once.</summary>
    public static async Task CompletedAsync(ServerProcess server, int contacts)
    {
        var watch = Stopwatch.StartNew();
        JsonNode stats;
        while ((stats = await StatsAsync(server))["completed"]!.GetValue<long>() < contacts && watch.Elapsed < TimeSpan.FromMinutes(10)) await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System);
        Report.Check("entered", contacts, stats["entered"]!.GetValue<long>());
        Report.Check("completed", contacts, stats["completed"]!.GetValue<long>());
    }

    /// <summary>How many of them have come in.</summary>
    public static async Task<long> EnteredAsync(ServerProcess server) => (await StatsAsync(server))["entered"]!.GetValue<long>();

    private static async Task<JsonNode> StatsAsync(ServerProcess server) => (await server.Client.GetFromJsonAsync<JsonNode>("/api/v1/journeys/backlog/stats"))!;

    private static async Task PostAsync(ServerProcess server, int[] users, CancellationToken ct)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var events = new JsonArray([.. users.Select(user => (JsonNode)new JsonObject
        {
            ["event_id"] = $"e-{user}", ["event_type"] = "started", ["user_id"] = $"u-{user}", ["timestamp"] = now, ["payload"] = new JsonObject(),
        })]);
        (await server.Client.PostAsJsonAsync("/api/v1/events", events, ct)).EnsureSuccessStatusCode();
    }
}
