using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailFlow.Chaos.Esp;
using MailFlow.Chaos.Seam;
using MailFlow.Delivery;

namespace MailFlow.Chaos;

/// <summary>What contacts travel in a run: three marketing mails with a wait between each two, by one connection to the stub.</summary>
internal static class Journey
{
    public const string EventType = "chaos_started";
    private const string Id = "chaos", Connection = "esp", SigningKey = "what the stub signs with";

    /// <summary>Gives where reports are sent, from the server's address on, and what they are signed with.</summary>
    public static async Task<(string Webhook, string? SigningKey)> PublishAsync(HttpClient server, EspProcess esp, ReplayPolicy mode, TimeSpan wait, double perSecond)
    {
        var (type, settings) = mode == ReplayPolicy.Neither
            ? ("sendgrid", new JsonObject { ["api_key"] = "SG.chaos", ["webhook_public_key"] = await esp.PublicKeyAsync() })
            : (StubType.Kind, new JsonObject { [StubType.SigningKey] = SigningKey });
        var connection = await OkAsync(server.PutAsJsonAsync($"/api/v1/connections/{Connection}", new JsonObject { ["type"] = type, ["name"] = "Chaos", ["settings"] = settings, ["per_second"] = perSecond }));
        foreach (var (template, subject) in Checker.Mails)
            await OkAsync(server.PutAsJsonAsync($"/api/v1/templates/{template}", new JsonObject { ["subject"] = subject, ["html"] = "<p>Hello {{contact.first_name}}</p>", ["stream"] = "marketing" }));
        await OkAsync(server.PutAsJsonAsync($"/api/v1/journeys/{Id}", Definition(wait)));
        await OkAsync(server.PostAsync($"/api/v1/journeys/{Id}/publish", null));
        return (new Uri(connection!["webhook_url"]!.GetValue<string>()).AbsolutePath, mode == ReplayPolicy.Neither ? null : SigningKey);
    }

    /// <summary>Holds it still. Throws <see cref="HttpRequestException"/> where that was not confirmed.</summary>
    public static async Task PauseAsync(HttpClient server, CancellationToken ct) => (await server.PostAsync($"/api/v1/journeys/{Id}/pause", null, ct)).EnsureSuccessStatusCode();

    /// <summary>Lets it go on. Throws <see cref="HttpRequestException"/> where that was not confirmed.</summary>
    public static async Task ResumeAsync(HttpClient server, CancellationToken ct) => (await server.PostAsync($"/api/v1/journeys/{Id}/resume", null, ct)).EnsureSuccessStatusCode();

    public static async Task<JourneyNumbers> NumbersAsync(HttpClient server)
    {
        var stats = (await server.GetFromJsonAsync<JsonNode>($"/api/v1/journeys/{Id}/stats"))!;
        return new(Of("entered"), Of("waiting"), Of("completed"), Of("exited"), Of("faulted"));

        long Of(string name) => stats[name]!.GetValue<long>();
    }

    /// <summary>The event by which a contact begins; sent again, it is the same.</summary>
    public static JsonObject Event(string user) => new()
    {
        ["event_id"] = $"e-{user}",
        ["event_type"] = EventType,
        ["user_id"] = user,
        ["payload"] = new JsonObject { ["contact"] = new JsonObject { ["email"] = $"{user}@example.org", ["first_name"] = "Ada" } },
    };

    private static JsonObject Definition(TimeSpan wait)
    {
        JsonObject[] activities =
        [
            new() { ["id"] = "started", ["type"] = "MailFlow.EventReceived", ["eventType"] = EventType, ["customProperties"] = new JsonObject { ["canStartWorkflow"] = true } },
            new() { ["id"] = "one", ["type"] = "MailFlow.SendEmail", ["template"] = "one" },
            new() { ["id"] = "wait-1", ["type"] = "MailFlow.Wait", ["duration"] = $"PT{wait.TotalSeconds:0}S" },
            new() { ["id"] = "two", ["type"] = "MailFlow.SendEmail", ["template"] = "two" },
            new() { ["id"] = "wait-2", ["type"] = "MailFlow.Wait", ["duration"] = $"PT{wait.TotalSeconds:0}S" },
            new() { ["id"] = "three", ["type"] = "MailFlow.SendEmail", ["template"] = "three" },
        ];
        return new JsonObject
        {
            ["name"] = "Chaos",
            ["customProperties"] = new JsonObject { ["mailflow"] = new JsonObject { ["stream"] = "marketing" } },
            ["root"] = new JsonObject
            {
                ["id"] = "flow",
                ["type"] = "Elsa.Flowchart",
                ["connections"] = new JsonArray([.. activities.Zip(activities.Skip(1), (from, to) => new JsonObject { ["source"] = End(from, "Done"), ["target"] = End(to, "In") })]),
                ["activities"] = new JsonArray([.. activities]),
            },
        };

        static JsonObject End(JsonObject activity, string port) => new() { ["activity"] = activity["id"]!.GetValue<string>(), ["port"] = port };
    }

    private static async Task<JsonNode?> OkAsync(Task<HttpResponseMessage> call)
    {
        using var answer = await call;
        var words = await answer.Content.ReadAsStringAsync();
        return answer.IsSuccessStatusCode ? (words.Length > 0 ? JsonNode.Parse(words) : null) : throw new InvalidOperationException($"{answer.RequestMessage!.RequestUri}: {(int)answer.StatusCode} {words}");
    }
}
