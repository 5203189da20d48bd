using MailFlow.Data;
using MailFlow.Journeys.Facts;
using MailFlow.Journeys.Webhooks;
using MailFlow.Testing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Journeys.Tests.Facts;

/// <summary>A host with a journey that ends at once, and a receiver that keeps what it is sent.</summary>
internal sealed class WebhookWorld : IAsyncDisposable
{
    public const string Started = "journey.instance.started", Completed = "journey.instance.completed";

    private WebhookWorld(JourneyHost host) => Host = host;

    public JourneyHost Host { get; }

    /// <summary>What the receiver answers, by path; 200 where nothing is said.</summary>
    public Dictionary<string, string?> Answers { get; } = [];

    public TinyHttpServer Receiver { get; private set; } = null!;

    public WebhookEndpoints Endpoints => Host.Get<WebhookEndpoints>();

    public WebhookLog Log => Host.Get<WebhookLog>();

    /// <param name="realTime">Whether the clock starts now: the foreign verifier goes by the system's.</param>
    /// <param name="faults">Where the process dies.</param>
    /// <param name="allowed">Whether this machine may be called.</param>
    public static async Task<WebhookWorld> CreateAsync(DatabaseKind kind, bool realTime = false, IFaultPoints? faults = null, bool allowed = true)
    {
        var webhooks = new WebhookOptions { Http = new GuardedHttpOptions { AllowedTargets = allowed ? ["127.0.0.1"] : [] } };
        var host = await JourneyHost.CreateAsync(kind, services => services.AddSingleton(faults ?? FaultPoints.None), webhooks, realTime ? new FakeTime(TimeProvider.System.GetUtcNow()) : null);
        var world = new WebhookWorld(host);
        world.Receiver = new TinyHttpServer(path => world.Answers.TryGetValue(path, out var answer) ? answer : TinyHttpServer.Ok("thanks"));
        await host.PublishAsync("hello", Flow.Of(null, Flow.Trigger("signed_up"), Flow.Line("hello")));
        return world;
    }

    public Task<EndpointSecret> EndpointAsync(string path = "/hook", int account = JourneyHost.Account, params string[] types) => Endpoints.CreateAsync(
        account, new WebhookEndpointDraft(Url: Receiver.Url(path).ToString(), Types: types is [] ? null : types), default);

    /// <summary>A contact travels the journey: two facts.</summary>
    public Task TravelAsync(string user = "ada") => Host.EventAsync("signed_up", user, new { });

    /// <summary>Delivers all that is due now; gives how many calls came of it.</summary>
    public async Task<int> DeliverAsync()
    {
        var before = Receiver.Requests.Count;
        while (await Host.Get<WebhookDeliverer>().RunOnceAsync(default) > 0) { }
        return Receiver.Requests.Count - before;
    }

    /// <summary>Waits for what the deliverer does in the background.</summary>
    public static async Task UntilAsync(Func<bool> wanted)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!wanted())
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    /// <summary>Until a statement waits for another's lock on PostgreSQL, or what it is part of has ended.</summary>
    public async Task BlockedAsync(string statement, Task partOf)
    {
        for (var waiting = 0L; waiting == 0 && !partOf.IsCompleted;)
            waiting = await Host.Database.ReadAsync(session => session.ScalarAsync<long>(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE @statement || '%'", default, ("statement", statement)), default);
    }

    /// <summary>What a killed process leaves: the first visit to this point ends it.</summary>
    public sealed class DiesAt(string point) : IFaultPoints
    {
        private int _visits;

        public void Reach(string name)
        {
            if (name == point && Interlocked.Increment(ref _visits) == 1) throw new InvalidOperationException($"died at {name}");
        }
    }

    public async Task<WebhookEndpoint> FindAsync(EndpointSecret made) => (await Endpoints.FindAsync(JourneyHost.Account, made.Endpoint.Id, default))!;

    public Task<List<string>> AuditAsync() => Host.Database.ReadAsync(session => session.QueryAsync(
        "SELECT actor, action, subject, detail FROM audit ORDER BY seq", row => $"{row.Text(0)}: {row.Text(1)} {row.Text(2)} {JsonData.ParseMap(row.Text(3)).GetValueOrDefault("reason")}".TrimEnd(), default), default);

    public async Task<IReadOnlyList<WebhookDelivery>> DeliveriesAsync(EndpointSecret made) =>
        [.. (await Log.ListAsync(JourneyHost.Account, made.Endpoint.Id, null, null, null, 1000, default)).Items.OrderBy(delivery => delivery.Type == Completed).ThenBy(delivery => delivery.Id)];

    public static string Status(int status, string headers = "") => $"HTTP/1.1 {status} Said\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n";

    public static string Header((string Head, string Body) request, string name) => request.Head.Split('\n').Single(line => line.StartsWith(name + ": ", StringComparison.OrdinalIgnoreCase))[(name.Length + 2)..];

    /// <summary>Throws unless a receiver with this secret would take the request.</summary>
    public static void Verify((string Head, string Body) request, string secret) => new StandardWebhooks.StandardWebhook(secret).Verify(
        request.Body, new HeaderDictionary(((string[])["webhook-id", "webhook-timestamp", "webhook-signature"]).ToDictionary(name => name, name => new Microsoft.Extensions.Primitives.StringValues(Header(request, name)))));

    public async ValueTask DisposeAsync()
    {
        await Receiver.DisposeAsync();
        await Host.DisposeAsync();
    }
}
