using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailFlow.Testing;

namespace MailFlow.Chaos.Tests;

/// <summary>The real server, killed with SIGKILL in the middle of its work, three times.</summary>
public sealed class KilledServerTests
{
    private const int Contacts = 5_000, MailsEach = 3;

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Every_contact_gets_each_mail_once_though_the_server_is_killed_three_times(DatabaseKind kind)
    {
        await using var test = await TestDatabase.CreateAsync(kind, TimeProvider.System);
        var folder = Directory.CreateTempSubdirectory("mailflow-chaos-").FullName;
        try
        {
            var server = await ServerProcess.StartAsync(folder, test.ConnectionString);
            await PublishAsync(server);
            foreach (var group in Enumerable.Range(0, Contacts).Chunk(500)) await SignUpAsync(server, group);

            // Each time it has got a bit further: entering, between the mails, at the last.
            foreach (var mails in new[] { 500, Contacts, (2 * Contacts) + 500 })
            {
                await UntilAsync(server, mails);
                server.Kill();
                await server.DisposeAsync();
                server = await ServerProcess.StartAsync(folder, test.ConnectionString);
            }
            // The sender of the events cannot know which were taken in: it sends them all again.
            foreach (var group in Enumerable.Range(0, Contacts).Chunk(500)) await SignUpAsync(server, group);
            await UntilAsync(server, Contacts * MailsEach);
            await UntilAllAreDoneAsync(server);

            var captured = await server.ListAsync("/api/v1/sandbox/messages");
            var each = captured.GroupBy(mail => (mail["user_id"]!.GetValue<string>(), mail["template"]!.GetValue<string>())).ToList();
            Assert.Equal(Contacts * MailsEach, each.Count);
            Assert.All(each, mails => Assert.Single(mails));
            await server.DisposeAsync();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task PublishAsync(ServerProcess server)
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
              {"source":{"activity":"wait-2","port":"Done"},"target":{"activity":"three","port":"In"}}]}}
            """)));
        await OkAsync(server.Client.PostAsync("/api/v1/journeys/three-mails/publish", null));
    }

    private static Task SignUpAsync(ServerProcess server, int[] users)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var events = new JsonArray([.. users.Select(user => JsonNode.Parse($$"""
            {"event_id":"e-{{user}}","event_type":"chaos_started","user_id":"u-{{user}}","timestamp":{{now}},"payload":
              {"contact":{"email":"u{{user}}@example.org","first_name":"Ada"} }
            }
            """))]);
        return OkAsync(server.Client.PostAsJsonAsync("/api/v1/events", events));
    }

    private static async Task UntilAsync(ServerProcess server, int mails)
    {
        for (var patience = 0; (await server.ListAsync("/api/v1/sandbox/messages")).Count < mails; patience++)
        {
            Assert.True(patience < 240, $"{mails} mails did not come");
            await Task.Delay(TimeSpan.FromMilliseconds(250), TimeProvider.System);
        }
    }

    private static async Task UntilAllAreDoneAsync(ServerProcess server)
    {
        for (var patience = 0; ; patience++)
        {
            var stats = (await server.Client.GetFromJsonAsync<JsonNode>("/api/v1/journeys/three-mails/stats"))!;
            if (stats["completed"]!.GetValue<long>() == Contacts && stats["waiting"]!.GetValue<long>() == 0) return;
            Assert.True(patience < 240, stats.ToJsonString());
            await Task.Delay(TimeSpan.FromMilliseconds(250), TimeProvider.System);
        }
    }

    private static async Task OkAsync(Task<HttpResponseMessage> call)
    {
        var answer = await call;
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }
}
