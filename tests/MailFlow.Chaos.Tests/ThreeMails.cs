using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailFlow.Testing;

namespace MailFlow.Chaos.Tests;

/// <summary>A journey of three mails with waits between them, and contacts sent through it.</summary>
internal static class ThreeMails
{
    public const int MailsEach = 3;

    public static async Task PublishAsync(ServerProcess server)
    {
        foreach (var key in new[] { "one", "two", "three" })
            await OkAsync(server.Client.PutAsJsonAsync($"/api/v1/templates/{key}", JsonNode.Parse($$$"""{"subject":"Mail {{{key}}}","html":"<p>Hello {{contact.first_name}}</p>","stream":"transactional"}""")));
        await OkAsync(server.Client.PutAsJsonAsync("/api/v1/journeys/three-mails", JsonNode.Parse("""
            {"name":"Three mails","customProperties":{"mailflow":{"stream":"transactional"}},"root":{"id":"flow","type":"Elsa.Flowchart","activities":[
              {"id":"started","type":"MailFlow.EventReceived","eventType":"chaos_started","customProperties":{"canStartWorkflow":true}},
              {"id":"one","type":"MailFlow.SendEmail","template":"one"},
              {"id":"wait-1","type":"MailFlow.Wait","duration":"PT2S"},
              {"id":"two","type":"MailFlow.SendEmail","template":"two"},
              {"id":"wait-2","type":"MailFlow.Wait","duration":"PT2S"},
              {"id":"three","type":"MailFlow.SendEmail","template":"three"}],
             "connections":[
              {"source":{"activity":"started","port":"Done"},"target":{"activity":"one","port":"In"}},
              {"source":{"activity":"one","port":"Done"},"target":{"activity":"wait-1","port":"In"}},
              {"source":{"activity":"wait-1","port":"Done"},"target":{"activity":"two","port":"In"}},
              {"source":{"activity":"two","port":"Done"},"target":{"activity":"wait-2","port":"In"}},
              {"source":{"activity":"wait-2","port":"Done"},"target":{"activity":"three","port":"In"}}]}
            }
            """)));
        await OkAsync(server.Client.PostAsync("/api/v1/journeys/three-mails/publish", null));
    }

    /// <summary>Has these contacts begin. Sent again, it is the same event.</summary>
    public static async Task SignUpAsync(ServerProcess server, IEnumerable<int> users)
    {
        foreach (var group in users.Chunk(500)) await OkAsync(server.Client.PostAsJsonAsync("/api/v1/events", Events(group)));
    }

    public static JsonArray Events(IEnumerable<int> users)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        return new JsonArray([.. users.Select(user => JsonNode.Parse($$"""
            {"event_id":"e-{{user}}","event_type":"chaos_started","user_id":"u-{{user}}","timestamp":{{now}},"payload":
              {"contact":{"email":"u{{user}}@example.org","first_name":"Ada"} }
            }
            """))]);
    }

    /// <summary>Waits until so many mails were captured.</summary>
    public static async Task UntilAsync(ServerProcess server, int mails, int seconds = 120)
    {
        var found = 0;
        for (var patience = 0; (found = (await server.ListAsync("/api/v1/sandbox/messages")).Count) < mails; patience++)
        {
            Assert.True(patience < 4 * seconds, $"of {mails} mails {found} came within {seconds} s");
            await Task.Delay(TimeSpan.FromMilliseconds(250), TimeProvider.System);
        }
    }

    /// <summary>Waits until so many contacts have come to the journey's end and none is inside.</summary>
    public static async Task UntilAllAreDoneAsync(ServerProcess server, int contacts)
    {
        for (var patience = 0; ; patience++)
        {
            var stats = (await server.Client.GetFromJsonAsync<JsonNode>("/api/v1/journeys/three-mails/stats"))!;
            if (stats["completed"]!.GetValue<long>() == contacts && stats["waiting"]!.GetValue<long>() == 0) return;
            Assert.True(patience < 480, stats.ToJsonString());
            await Task.Delay(TimeSpan.FromMilliseconds(250), TimeProvider.System);
        }
    }

    /// <summary>Each contact has each of the mails, once.</summary>
    public static async Task EachHasEachMailOnceAsync(ServerProcess server, int contacts)
    {
        var captured = await server.ListAsync("/api/v1/sandbox/messages");
        var each = captured.GroupBy(mail => (mail["user_id"]!.GetValue<string>(), mail["template"]!.GetValue<string>())).ToList();
        Assert.Equal(contacts * MailsEach, each.Count);
        Assert.All(each, mails => Assert.Single(mails));
    }

    public static async Task OkAsync(Task<HttpResponseMessage> call)
    {
        var answer = await call;
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }
}
